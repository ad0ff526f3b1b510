/* SPDX-License-Identifier: MIT */
/* For the tests of delivery in the store: jobs of several owners and receivers that are admitted,
 * and tries with their outcomes. */
#ifndef AR_DELIVERY_CASE_H
#define AR_DELIVERY_CASE_H

#include "rig.h"

#include <sqlite3.h>

#include "store_delivery.h"

#define DELIVERY_HOLD (3600 * NS_PER_S)

static inline bool delivery_nobody(void *ctx, int64_t id)
{
    (void)ctx;
    (void)id;
    return false;
}

static inline bool delivery_take_group(void *ctx, const struct store_group *g)
{
    *(struct store_group *)ctx = *g;
    return false;
}

/* A job of that owner for that callback, of one VCPU. Returns its ID. */
static inline int64_t delivery_add(struct rig *r, const char *id, const char *owner,
                                   const char *callback)
{
    char json[512];
    struct job j;
    struct err e;

    (void)snprintf(json, sizeof json,
                   "{\"request_id\":\"%s\",\"owner_id\":\"%s\",\"callback\":\"%s\",\"data\":"
                   "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}}",
                   id, owner, callback);
    OK(rig_post(r, "vm", json, &j, &e), &e);
    return j.id;
}

/* Admits a job that waits, with its first try at `first`. */
static inline void delivery_admit(struct rig *r, int64_t id, int64_t first)
{
    static const struct store_hold hold = {{"n1", 2}, {"VCPU", 4}, 1};
    struct store_admission a = {.id = id,
                                .queue = STR_LIT("vm"),
                                .hosts = STR_LIT("{\"n1\":1}"),
                                .first_try = first,
                                .hold_until = r->now + DELIVERY_HOLD,
                                .holds = 1,
                                .hold = &hold};
    struct store_group g = {0};
    struct err e;

    for (;;) {
        OK(store_groups(r->s, 0, delivery_take_group, &g, &e), &e);
        assert_int_not_equal(g.id, 0);
        a.group = g.id;
        rig_begin(r);
        if (store_admit(r->s, &a, r->now, &e) == 1)
            break;
        rig_commit(r);
        fail_msg("job %lld is not in the first group", (long long)id);
    }
    rig_commit(r);
}

/* The try of a job in its first admission, as it ended now. */
static inline struct store_try delivery_try(struct rig *r, int64_t id, enum store_outcome outcome)
{
    return (struct store_try){.id = id,
                              .admissions = 1,
                              .outcome = outcome,
                              .next_try = r->now + 60 * NS_PER_S,
                              .reason = STR_LIT(JOB_REASON_CALLBACK),
                              .message = STR_LIT("try 1 of 3: no"),
                              .at = r->now - NS_PER_S,
                              .ns = NS_PER_S,
                              .url = STR_LIT("http://c.example/x"),
                              .origin = STR_LIT("http://c.example"),
                              .address = STR_LIT("192.0.2.7:80"),
                              .status = outcome == STORE_ACCEPTED ? 204 : 500};
}

static inline struct store_tried delivery_tried(struct rig *r, const struct store_try *t)
{
    struct store_tried out;
    struct err e;

    rig_begin(r);
    OK(store_tried(r->s, t, r->now, &out, &e), &e);
    rig_commit(r);
    return out;
}

/* The one text that a query gives, in r->text; "(none)" without a row, "(null)" for NULL. */
static inline const char *delivery_ask(struct rig *r, const char *sql)
{
    sqlite3_stmt *st;
    sqlite3 *db;
    const char *text;

    assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_step(st) == SQLITE_ROW) {
        text = (const char *)sqlite3_column_text(st, 0);
        (void)snprintf(r->text, sizeof r->text, "%s", text ? text : "(null)");
    } else {
        (void)snprintf(r->text, sizeof r->text, "(none)");
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return r->text;
}

/* Runs a statement behind the store's back. */
static inline void delivery_run(struct rig *r, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

#endif
