/* SPDX-License-Identifier: MIT */
/* For tests of a job's history: what can become of a job, and its events as text. */
#ifndef AR_HISTORY_CASE_H
#define AR_HISTORY_CASE_H

#include "rig.h"

#include <sqlite3.h>

#include "store_delivery.h"
#include "store_history.h"

#define ONE "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"

static const char queues[] = "queues:\n"
                             "  vm:\n"
                             "    capacity: static\n"
                             "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}}}}\n";

static const struct who alice = {
    .name = STR_LIT("token:alice"), .everything = true, .changes = true};
static const struct who bob = {.name = STR_LIT("token:bob"), .everything = true, .changes = true};

/* ---- telling ---- */

struct told {
    char text[8192];
    size_t len;
    int64_t calls, stop_at, first, last, last_at;
};

static inline void put(struct told *t, const char *name, struct str v)
{
    if (v.p)
        t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, "%s%.*s", name,
                                   (int)v.n, v.p);
}

/* "1 token:alice status queued>held 'why'" a line. */
static inline int take(void *ctx, const struct store_event *ev, struct err *e)
{
    struct told *t = ctx;

    if (t->calls++ == 0)
        t->first = ev->n;
    t->last = ev->n;
    t->last_at = ev->at;
    if (t->stop_at && t->calls == t->stop_at)
        return err_set(e, ERR_UNAVAILABLE, "enough");
    if (t->len > sizeof t->text - 256)
        return 0;
    t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, "%lld", (long long)ev->n);
    put(t, " ", ev->who);
    put(t, " ", ev->event);
    put(t, " ", ev->from_status);
    put(t, ">", ev->to_status);
    if (ev->has_priority)
        t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, " %lld>%lld",
                                   (long long)ev->from_priority, (long long)ev->to_priority);
    put(t, " '", ev->message);
    t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, "%s\n",
                               ev->message.p ? "'" : "");
    return 0;
}

static inline void tell(struct rig *r, const char *id, int64_t after, int64_t most, struct told *t)
{
    struct err e;
    struct job j;

    *t = (struct told){0};
    OK(store_show(r->s, STR_LIT("vm"), str_of(id), &j, &e), &e);
    OK(store_events(r->s, &j, after, most, take, t, &e), &e);
}

static inline void is_told(struct rig *r, const char *id, const char *want)
{
    struct told t;

    tell(r, id, 0, INT64_MAX, &t);
    assert_string_equal(t.text, want);
}

/* ---- changing ---- */

static inline void change(struct rig *r, const char *id, const char *json)
{
    struct err e;

    OK(rig_change(r, "vm", id, json, &e), &e);
}

static inline void remove_it(struct rig *r, const char *id)
{
    struct err e;

    rig_begin(r);
    OK(store_delete(r->s, STR_LIT("vm"), str_of(id), &(struct store_match){0}, ++r->now, &e), &e);
    rig_commit(r);
}

static inline bool take_group(void *ctx, const struct store_group *g)
{
    *(int64_t *)ctx = g->id;
    return false;
}

static inline void admit(struct rig *r, int64_t id)
{
    struct store_admission a = {.id = id,
                                .queue = STR_LIT("vm"),
                                .hosts = STR_LIT("{\"n1\":1}"),
                                .first_try = r->now + 5 * NS_PER_S,
                                .hold_until = r->now + 60 * NS_PER_S};
    struct err e;

    OK(store_groups(r->s, 0, take_group, &a.group, &e), &e);
    rig_begin(r);
    assert_int_equal(store_admit(r->s, &a, ++r->now, &e), 1);
    rig_commit(r);
}

static inline void tidy(struct rig *r, int64_t now)
{
    struct store_tidied t;
    struct err e;

    rig_begin(r);
    OK(store_tidy(r->s, now, &t, &e), &e);
    rig_commit(r);
}

static inline void sql(struct rig *r, const char *text)
{
    char *said = NULL;
    sqlite3 *db;

    assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %.60s", said, text);
    sqlite3_close(db);
}

static inline int64_t ask(struct rig *r, const char *text)
{
    sqlite3_stmt *st;
    sqlite3 *db;
    int64_t v;

    assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    sqlite3_close(db);
    return v;
}

#endif
