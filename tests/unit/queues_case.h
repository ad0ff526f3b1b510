/* SPDX-License-Identifier: MIT */
/* For tests of queues as people see them: who looks, and whether what he sees is what a count of
 * the jobs gives. */
#ifndef AR_QUEUES_CASE_H
#define AR_QUEUES_CASE_H

#include "rig_sql.h"

#include "store_queues.h"

#define QUEUES_ONE "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"
#define HAS1       " WHERE type = ?1 AND deleted_at IS NULL"

static const char conf[] = "retention: {jobs: 1d}\n"
                           "callback: {requeue: 1}\n"
                           "owner: {queued: 12}\n"
                           "queues:\n"
                           "  vm:\n"
                           "    capacity: static\n"
                           "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}}}}\n"
                           "  seen: {capacity: exec, program: [/bin/true], run_limit: 3,"
                           " overtake: forever, fit: spread}\n"
                           "  strict: {capacity: none, overtake: 0}\n";

static const struct str owner_1[] = {STR_LIT("o1")};
static const struct str owner_12[] = {STR_LIT("o1"), STR_LIT("o2")};
static const struct who lookers[] = {
    {.name = STR_LIT("all"), .everything = true},
    {.name = STR_LIT("one"), .owners = 1, .owner = owner_1},
    {.name = STR_LIT("both"), .owners = 2, .owner = owner_12},
};

/* ---- a count of the jobs ---- */

/* By the numbers of lookers: whose jobs count. */
static const char *const whose[] = {"", " AND owner_id = 'o1'", " AND owner_id IN ('o1', 'o2')"};

static inline int64_t count(sqlite3 *db, const char *what, const char *type, const char *more)
{
    sqlite3_stmt *st;
    char text[256];
    int64_t v;

    (void)snprintf(text, sizeof text, "SELECT %s FROM jobs" HAS1 "%s", what, more);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(st, 1, type, -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return v;
}

/* ---- what is seen ---- */

struct seen {
    sqlite3 *db;
    bool *statuses; /* of which there was one; NULL: nobody asks */
    size_t looker, n, stop_at;
    char type[16][8]; /* in the order in which they came */
};

static inline int look_at(void *ctx, const struct store_queue *q, struct err *e)
{
    struct seen *s = ctx;
    char what[64], type[8];
    int status;

    (void)e;
    if (s->stop_at > 0 && s->n == s->stop_at)
        return 1;
    (void)snprintf(type, sizeof type, "%.*s", (int)q->type.n, q->type.p);
    for (status = 0; status < JOB_STATUSES; status++) {
        (void)snprintf(what, sizeof what, "total(status = '%s')",
                       job_status_word((enum job_status)status));
        assert_int_equal(q->jobs[status], count(s->db, what, type, whose[s->looker]));
        if (s->statuses && q->jobs[status] > 0)
            s->statuses[status] = true;
    }
    (void)snprintf(what, sizeof what, "min(CASE WHEN group_id IS NOT NULL THEN queued_at END)");
    assert_int_equal(q->oldest, count(s->db, what, type, whose[s->looker]));
    assert_int_equal(q->whole, s->looker == 0);
    assert_true(s->n < ARRAY_LEN(s->type));
    memcpy(s->type[s->n++], type, sizeof type);
    return 0;
}

static inline void look(struct rig *r, struct seen *s, const char *after)
{
    struct err e;

    s->n = 0;
    store_as(r->s, &lookers[s->looker]);
    OK(store_read_begin(r->s, &e), &e);
    OK(store_queues_after(r->s, str_of(after), r->now, look_at, s, &e), &e);
    store_read_end(r->s);
    store_as(r->s, NULL);
}

#endif
