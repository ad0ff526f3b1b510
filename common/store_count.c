/* SPDX-License-Identifier: MIT */
/* What a transaction leads to is counted (stats.h) once it is committed, and only then: until that
 * it is kept in a list, which is cut where something is undone. */
#include <string.h>

#include "store_inner.h"

/* In the list its type's text follows. */
struct entry {
    enum store_counted what;
    size_t type_n;
    int64_t n; /* jobs created, or how long the one that is admitted waited */
};

static struct str type_at(const struct store *s, size_t at, struct entry *en)
{
    memcpy(en, s->counts.data + at, sizeof *en);
    return (struct str){s->counts.data + at + sizeof *en, en->type_n};
}

/* One more of the same, since the savepoint, is not another entry. */
static bool add_to_last(struct store *s, struct str type)
{
    struct entry en;

    if (s->counts_last < s->counts_point || s->counts_last >= s->counts.len)
        return false;
    if (!str_eq(type_at(s, s->counts_last, &en), type) || en.what != STORE_CREATED)
        return false;
    en.n++;
    memcpy(s->counts.data + s->counts_last, &en, sizeof en);
    return true;
}

void store_count(struct store *s, enum store_counted what, struct str type, int64_t waited)
{
    struct entry en = {what, type.n, what == STORE_CREATED ? 1 : waited};
    size_t at = s->counts.len;

    if (what == STORE_CREATED && add_to_last(s, type))
        return;
    buf_add(&s->counts, &en, sizeof en);
    buf_add(&s->counts, type.p, type.n);
    if (!s->counts.failed) /* else it has no name behind it */
        s->counts_last = at;
}

void store_count_point(struct store *s)
{
    s->counts_point = s->counts.len;
}

void store_count_undo(struct store *s)
{
    if (s->counts.len > s->counts_point)
        s->counts.len = s->counts_point;
}

void store_count_drop(struct store *s)
{
    buf_reset(&s->counts);
    s->counts_point = s->counts_last = 0;
}

void store_count_all(struct store *s)
{
    size_t at = 0, n = s->counts.failed ? 0 : s->counts.len;
    int64_t now = n > 0 ? clock_now() : 0;
    struct entry en;
    struct str type;

    while (at < n) {
        type = type_at(s, at, &en);
        at += sizeof en + en.type_n;
        if (en.what == STORE_ADMITTED)
            stats_admitted(s->stats, type, en.n, now);
        else
            stats_created(s->stats, type, en.n);
    }
    store_count_drop(s);
}
