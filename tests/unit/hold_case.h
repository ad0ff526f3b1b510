/* SPDX-License-Identifier: MIT */
/* For the tests of what jobs hold: one job of a source that sees its use itself, and from when on
 * its hold counts for no reading any more. */
#ifndef AR_HOLD_CASE_H
#define AR_HOLD_CASE_H

#include "rig_sql.h"
#include "store_delivery.h"

#define ONE    "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"
#define SETTLE (300 * NS_PER_S)
#define HOUR   (3600 * NS_PER_S)
#define KEPT   (60 * NS_PER_S + HOUR) /* max_age, and an hour */

static const char queues[] = "queues:\n"
                             "  vm: {capacity: openstack, settle: 300s}\n";

/* One VCPU on n1 for the job, in the rig's own time. */
static inline struct store_admission admission(struct rig *r, int64_t id)
{
    static const struct store_hold hold = {{"n1", 2}, {"VCPU", 4}, 1};

    return (struct store_admission){.id = id,
                                    .queue = STR_LIT("vm"),
                                    .hosts = STR_LIT("{\"n1\":1}"),
                                    .first_try = r->now,
                                    .hold_until = r->now + HOUR,
                                    .holds = 1,
                                    .hold = &hold};
}

static inline bool take_group(void *ctx, const struct store_group *g)
{
    *(int64_t *)ctx = g->id;
    return false;
}

static inline void admit(struct rig *r, int64_t id)
{
    struct store_admission a = admission(r, id);
    struct err e;

    OK(store_groups(r->s, 0, take_group, &a.group, &e), &e);
    rig_begin(r);
    assert_int_equal(store_admit(r->s, &a, ++r->now, &e), 1);
    rig_commit(r);
}

static inline void place(struct rig *r, int64_t id)
{
    struct store_admission a = admission(r, id);
    struct err e;

    rig_begin(r);
    assert_int_equal(store_place(r->s, &a, ++r->now, &e), 1);
    rig_commit(r);
}

static inline void set(struct rig *r, const char *status)
{
    char change[64];
    struct err e;

    (void)snprintf(change, sizeof change, "{\"status\":\"%s\"}", status);
    OK(rig_change(r, "vm", "a", change, &e), &e);
}

static inline void remove_it(struct rig *r)
{
    struct err e;

    rig_begin(r);
    OK(store_delete(r->s, STR_LIT("vm"), STR_LIT("a"), &(struct store_match){0}, ++r->now, &e), &e);
    rig_commit(r);
}

static inline void accept(struct rig *r, int64_t id, int64_t admissions)
{
    struct store_try t = {
        .id = id, .admissions = admissions, .outcome = STORE_ACCEPTED, .at = r->now};
    struct store_tried out;
    struct err e;

    rig_begin(r);
    OK(store_tried(r->s, &t, ++r->now, &out, &e), &e);
    assert_true(out.written);
    rig_commit(r);
}

static inline void tidy(struct rig *r, int64_t now)
{
    struct store_tidied t;
    struct err e;

    rig_begin(r);
    OK(store_tidy(r->s, now, &t, &e), &e);
    rig_commit(r);
    (void)rig_purge(r, now);
}

static inline void add_up(void *ctx, struct str host, struct str resource, int64_t amount)
{
    assert_true(str_is(host, "n1") && str_is(resource, "VCPU"));
    *(int64_t *)ctx += amount;
}

/* What is held as it counts for a reading of that moment. */
static inline int64_t held_at(struct rig *r, int64_t read_at)
{
    int64_t sum = 0;
    struct err e;

    OK(store_holds(r->s, STR_LIT("vm"), read_at, add_up, &sum, &e), &e);
    return sum;
}

/* It counts for readings that were begun before `end`, and for no others. */
#define ENDS(r, end)                                                                               \
    do {                                                                                           \
        assert_int_equal(held_at(r, (end)-1), 1);                                                  \
        assert_int_equal(held_at(r, end), 0);                                                      \
    } while (0)

/* The rig's clock is set, and a transaction has followed. */
static inline void set_clock(struct rig *r, int64_t by)
{
    char sql[256];

    r->now += by;
    (void)snprintf(sql, sizeof sql,
                   "UPDATE holds SET until = until + %lld;"
                   "UPDATE clock SET stepped_at = %lld, stepped = stepped + max(0, %lld)",
                   (long long)by, (long long)r->now, (long long)by);
    rig_sql(r, sql);
}

static inline int64_t begin(struct rig *r)
{
    rig_make(r, queues);
    return rig_add(r, "vm", "a", ONE);
}

static inline int64_t begin_running(struct rig *r)
{
    int64_t id = begin(r);

    admit(r, id);
    accept(r, id, 1);
    return id;
}

#endif
