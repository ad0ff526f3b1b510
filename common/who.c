/* SPDX-License-Identifier: MIT */
/* Who asks, and what he may. */
#include "who.h"

#include <stdlib.h>
#include <string.h>

#include "json_out.h"

static const struct {
    const char *word;
    bool everything, changes;
    const char *refusal;
} needs[] = {
    [WHO_ADMIN] = {"admin", true, true, "only an administrator may do this"},
    [WHO_CHANGES] = {"change", false, true, "you may read, not change"},
    [WHO_READS_ALL] = {"read-all", true, false,
                       "only who may see the jobs of every owner may see this"},
    [WHO_READS] = {"read", false, false, ""},
    [WHO_OPEN] = {"open", false, false, ""},
};
_Static_assert(ARRAY_LEN(needs) == WHO_NEEDS, "every need is described");

bool who_sees(const struct who *w, struct str owner_id)
{
    size_t i;

    for (i = 0; i < w->owners && !w->everything; i++) {
        if (str_eq(w->owner[i], owner_id))
            return true;
    }
    return w->everything;
}

const char *who_need_word(enum who_need need)
{
    return needs[need].word;
}

int who_may(const struct who *w, enum who_need need, struct err *e)
{
    if ((needs[need].everything && !w->everything) || (needs[need].changes && !w->changes))
        return err_set(e, ERR_FORBIDDEN, "%s", needs[need].refusal);
    return 0;
}

void who_write_sight(const struct who *w, struct buf *b)
{
    struct json_out o = JSON_OUT(b);
    size_t i;

    if (w->everything)
        return;
    json_open(&o, '[');
    for (i = 0; i < w->owners; i++)
        json_put_str(&o, w->owner[i]);
    json_close(&o, ']');
}

static char *copy_text(char *to, struct str from, struct str *copy)
{
    *copy = (struct str){to, from.n};
    if (from.n > 0)
        memcpy(to, from.p, from.n);
    return to + from.n;
}

struct who *who_copy(const struct who *w)
{
    size_t i, bytes = sizeof *w + w->owners * sizeof *w->owner + w->name.n;
    struct who *copy;
    struct str *owner;
    char *text;

    for (i = 0; i < w->owners; i++)
        bytes += w->owner[i].n;
    copy = malloc(bytes);
    if (!copy)
        return NULL;
    owner = (struct str *)(copy + 1);
    text = (char *)(owner + w->owners);
    *copy = *w;
    text = copy_text(text, w->name, &copy->name);
    for (i = 0; i < w->owners; i++)
        text = copy_text(text, w->owner[i], &owner[i]);
    copy->owner = owner;
    return copy;
}
