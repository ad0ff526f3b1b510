/* SPDX-License-Identifier: MIT */
/* Why a job waits: positions and sums against a slow count over random queues; since when; and what
 * is not known. */
#include "rig.h"
#include "rig_sql.h"

#include "prop.h"
#include "store_queues.h"
#include "store_wait.h"

static const char queues[] =
    "queues:\n"
    "  vm:\n"
    "    capacity: static\n"
    "    pools:\n"
    "      p0: {projects: [a, b], hosts: {n0: {VCPU: 4}}}\n"
    "      p1: {projects: [b, c], hosts: {n1: {VCPU: 4}}}\n"
    "      p2: {hosts: {n2: {VCPU: 4}}}\n"
    "  kube: {capacity: kubernetes}\n"
    "  none: {capacity: none}\n"
    "  \"*\":\n"
    "    capacity: static\n"
    "    pools: {q0: {hosts: {m0: {slot: 4}}}, q1: {hosts: {m1: {slot: 4}}}}\n";

static struct store_wait ask(struct rig *r, const char *type, const char *id)
{
    struct store_wait w;
    struct err e;

    OK(store_wait(r->s, str_of(type), str_of(id), r->now, &w, &e), &e);
    return w;
}

static int64_t amount(const struct store_ahead *a, const char *resource)
{
    size_t i;

    for (i = 0; i < a->resources; i++) {
        if (str_is(a->resource[i].resource, resource))
            return a->resource[i].amount;
    }
    return 0;
}

/* ---- against a slow count ---- */

enum { JOBS = 60, ROUNDS = 12 };

/* What a job may be: its type's entry, its pools as bits, what it asks for. */
static const struct form {
    const char *type, *data;
    int entry;
    unsigned pools;
    int64_t vcpu, slot;
} forms[] = {
    {"vm", "{\"project\":\"a\",\"instances\":[{\"VCPU\":1}]}", 0, 1, 1, 0},
    {"vm", "{\"project\":\"a\",\"instances\":[{\"VCPU\":2,\"count\":3}]}", 0, 1, 6, 0},
    {"vm", "{\"project\":\"b\",\"instances\":[{\"VCPU\":1},{\"VCPU\":3}]}", 0, 3, 4, 0},
    {"vm", "{\"project\":\"c\",\"instances\":[{\"VCPU\":1}]}", 0, 2, 1, 0},
    {"vm", "{\"project\":\"z\",\"instances\":[{\"VCPU\":1}]}", 0, 4, 1, 0},
    {"vm", "{\"project\":\"b\",\"host_aggregate\":\"p1\",\"instances\":[{\"VCPU\":2}]}", 0, 2, 2,
     0},
    {"vm", "{\"project\":\"a\"}", 0, 0, 0, 0},
    {"x", "{\"resources\":{\"slot\":2}}", 1, 3, 0, 2},
    {"x", "{\"pool\":\"q0\",\"resources\":{\"slot\":1}}", 1, 1, 0, 1},
    {"y", "{\"pool\":\"q1\",\"resources\":{\"slot\":5}}", 1, 2, 0, 5},
    {"y", "{\"pool\":\"gone\",\"resources\":{\"slot\":5}}", 1, 0, 0, 5},
};

struct kept {
    const struct form *form;
    char name[16];
    int64_t id, priority;
    bool placed; /* queued and awake */
};

static void post(struct rig *r, struct prop *p, struct kept *k, size_t number)
{
    bool asleep = prop_one_in(p, 8), held = !asleep && prop_one_in(p, 8);
    char json[512];
    struct err e;
    struct job j;

    k->form = &forms[prop_below(p, ARRAY_LEN(forms))];
    k->priority = prop_between(p, -3, 3);
    k->placed = !asleep && !held;
    (void)snprintf(k->name, sizeof k->name, "j%zu", number);
    (void)snprintf(
        json, sizeof json,
        "{\"request_id\":\"%s\",\"owner_id\":\"o%zu\",\"callback\":\"http://c.example/%s\","
        "\"data\":%s,\"priority\":%lld%s}",
        k->name, prop_below(p, 3), k->name, k->form->data, (long long)k->priority,
        asleep ? ",\"not_before\":\"2200-01-01T00:00:00Z\"" : "");
    OK(rig_post(r, k->form->type, json, &j, &e), &e);
    k->id = j.id;
    if (held)
        OK(rig_change(r, k->form->type, k->name, "{\"status\":\"held\"}", &e), &e);
}

static bool before(const struct kept *a, const struct kept *b)
{
    return a->placed &&
           (a->priority < b->priority || (a->priority == b->priority && a->id < b->id));
}

struct slow {
    int64_t jobs, vcpu, slot;
};

static void add(struct slow *s, const struct kept *k)
{
    s->jobs++;
    s->vcpu += k->form->vcpu;
    s->slot += k->form->slot;
}

static void expect_ahead(const struct store_ahead *a, const struct slow *s)
{
    assert_int_equal(a->jobs, s->jobs);
    assert_int_equal(amount(a, "VCPU"), s->vcpu);
    assert_int_equal(amount(a, "slot"), s->slot);
}

static void compare(struct rig *r, const struct kept *all, const struct kept *k)
{
    struct store_wait w = ask(r, k->form->type, k->name);
    struct slow ahead = {0}, pool = {0};
    size_t i;

    for (i = 0; i < JOBS; i++) {
        if (!before(&all[i], k))
            continue;
        if (strcmp(all[i].form->type, k->form->type) == 0)
            add(&ahead, &all[i]);
        if (all[i].form->entry == k->form->entry && all[i].form->pools & k->form->pools)
            add(&pool, &all[i]);
    }
    assert_true(w.waits);
    assert_int_equal(w.position, k->placed ? ahead.jobs + 1 : 0);
    assert_int_equal(w.pool_position, k->placed && k->form->pools ? pool.jobs + 1 : 0);
    assert_int_equal(amount(&w.need, "VCPU"), k->form->vcpu);
    assert_int_equal(amount(&w.need, "slot"), k->form->slot);
    if (k->placed)
        expect_ahead(&w.ahead, &ahead);
    if (k->placed && k->form->pools)
        expect_ahead(&w.pool_ahead, &pool);
}

static void positions_are_those_of_a_slow_count(void **state)
{
    struct prop p = prop_begin("store_wait", 20180726);
    struct kept all[JOBS];
    struct rig r;
    size_t round, i;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        rig_make(&r, queues);
        for (i = 0; i < JOBS; i++)
            post(&r, &p, &all[i], i);
        for (i = 0; i < JOBS; i++)
            compare(&r, all, &all[i]);
        rig_free(&r);
    }
}

/* ---- one by one ---- */

#define VM(p, n)            "{\"project\":\"" p "\",\"instances\":[{\"VCPU\":" #n "}]}"
#define ASSERT_STR(s, text) assert_true(str_is(s, text))

static void the_pools_are_named_where_they_are_known(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "b", VM("b", 1));
    (void)rig_add(&r, "vm", "idle", "{\"project\":\"b\"}");
    (void)rig_add(&r, "none", "none", "{\"resources\":{\"slot\":1}}");
    (void)rig_add(&r, "kube", "unread",
                  "{\"namespace\":\"n\",\"pods\":[{\"requests\":{\"cpu\":1}}]}");
    (void)rig_add(&r, "y", "gone", "{\"pool\":\"gone\",\"resources\":{\"slot\":1}}");
    ASSERT_STR(ask(&r, "vm", "b").pools, "[\"p0\",\"p1\"]");
    assert_null(ask(&r, "vm", "idle").pools.p);
    assert_null(ask(&r, "none", "none").pools.p);
    assert_null(ask(&r, "kube", "unread").pools.p);
    assert_int_equal(ask(&r, "kube", "unread").position, 1);
    assert_int_equal(ask(&r, "kube", "unread").pool_position, 0);
    ASSERT_STR(ask(&r, "y", "gone").pools, "[]");
    rig_free(&r);
}

static void set_reason(struct rig *r, const char *reason, const char *message)
{
    struct err e;

    rig_begin(r);
    OK(store_group_reason(r->s, 1, str_of(reason), str_of(message), r->now, &e), &e);
    rig_commit(r);
}

static void a_reason_is_as_old_as_its_word(void **state)
{
    int64_t since;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "j", VM("a", 1));
    assert_int_equal(ask(&r, "vm", "j").reason_since, r.now);
    since = r.now += NS_PER_S;
    set_reason(&r, "BlockedByOlder", "job 1 holds the line");
    r.now += NS_PER_S;
    set_reason(&r, "BlockedByOlder", "job 2 holds the line");
    assert_int_equal(ask(&r, "vm", "j").reason_since, since);
    r.now += NS_PER_S;
    (void)rig_add(&r, "vm", "later", VM("a", 1));
    ASSERT_STR(ask(&r, "vm", "later").job.reason, "BlockedByOlder");
    assert_int_equal(ask(&r, "vm", "later").reason_since, r.now);
    set_reason(&r, "WaitingForCapacity", "full");
    assert_int_equal(ask(&r, "vm", "j").reason_since, r.now);
    rig_sql(&r, "UPDATE groups SET reason_at = 0");
    assert_int_equal(ask(&r, "vm", "j").reason_since, 0);
    rig_free(&r);
}

static void who_has_no_place_in_line_says_why(void **state)
{
    struct store_wait w;
    struct err e;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "first", VM("a", 1));
    (void)rig_add(&r, "vm", "held", VM("a", 3));
    OK(rig_change(&r, "vm", "held", "{\"status\":\"held\"}", &e), &e);
    w = ask(&r, "vm", "held");
    ASSERT_STR(w.job.reason, "Held");
    assert_int_equal(w.reason_since, r.now);
    assert_int_equal(w.position + w.pool_position + w.ahead.jobs, 0);
    assert_int_equal(amount(&w.need, "VCPU"), 3);
    OK(rig_change(&r, "vm", "held", "{\"status\":\"queued\"}", &e), &e);
    w = ask(&r, "vm", "held");
    ASSERT_STR(w.job.reason, "WaitingForCapacity");
    assert_int_equal(w.position, 2);
    OK(rig_change(&r, "vm", "held", "{\"not_before\":\"2200-01-01T00:00:00Z\"}", &e), &e);
    w = ask(&r, "vm", "held");
    ASSERT_STR(w.job.reason, "NotBefore");
    assert_int_equal(w.position + w.reason_since, 0);
    rig_free(&r);
}

static void a_paused_queue_says_so_at_once(void **state)
{
    struct store_wait w;
    struct err e;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "j", VM("a", 1));
    rig_begin(&r);
    assert_int_equal(store_pause(r.s, STR_LIT("vm"), true, &e), 1);
    rig_commit(&r);
    w = ask(&r, "vm", "j");
    ASSERT_STR(w.job.reason, "QueuePaused");
    assert_int_equal(w.position, 1);
    assert_int_equal(w.reason_since, 0);
    assert_false(w.estimated);
    rig_free(&r);
}

static void a_job_that_does_not_wait_has_only_its_status(void **state)
{
    struct store_wait w;
    struct err e;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "j", VM("a", 1));
    OK(rig_change(&r, "vm", "j", "{\"status\":\"cancelled\"}", &e), &e);
    w = ask(&r, "vm", "j");
    assert_false(w.waits);
    assert_int_equal(w.job.status, JOB_CANCELLED);
    assert_int_equal(w.need.jobs + w.position + w.looked_at, 0);
    assert_int_equal(store_wait(r.s, STR_LIT("vm"), STR_LIT("no"), r.now, &w, &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    rig_free(&r);
}

/* A shape of another version's, and data that is none any more. */
static void what_cannot_be_read_is_not_counted(void **state)
{
    struct store_wait w;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "x", "odd", "{\"resources\":{\"slot\":1}}");
    rig_sql(&r, "UPDATE groups SET shape = 'odd'; UPDATE jobs SET data = '{'");
    (void)rig_add(&r, "x", "j", "{\"resources\":{\"slot\":1}}");
    w = ask(&r, "x", "j");
    assert_int_equal(w.ahead.jobs, 1);
    assert_int_equal(w.ahead.resources, 0);
    assert_int_equal(w.pool_ahead.jobs, 0);
    assert_int_equal(ask(&r, "x", "odd").need.jobs, 0);
    rig_sql(&r, "UPDATE jobs SET data = '{\"resources\":3}' WHERE request_id = 'odd'");
    assert_int_equal(ask(&r, "x", "odd").need.jobs, 0);
    rig_free(&r);
}

static void a_queue_of_many_resources_lists_some_of_them(void **state)
{
    char name[16], data[64];
    struct store_wait w;
    struct rig r;
    int i;

    (void)state;
    rig_make(&r, queues);
    for (i = 0; i < STORE_WAIT_RESOURCES_MAX + 10; i++) {
        (void)snprintf(name, sizeof name, "j%d", i);
        (void)snprintf(data, sizeof data, "{\"resources\":{\"r%d\":9007199254740991}}", i % 70);
        (void)rig_add(&r, "x", name, data);
    }
    w = ask(&r, "x", name);
    assert_int_equal(w.ahead.jobs, STORE_WAIT_RESOURCES_MAX + 9);
    assert_int_equal(w.ahead.resources, STORE_WAIT_RESOURCES_MAX);
    assert_true(str_cmp(w.ahead.resource[0].resource, w.ahead.resource[1].resource) < 0);
    assert_int_equal(amount(&w.ahead, "r1"), 2 * NUM_SAFE_MAX);
    rig_free(&r);
}

static void the_last_look_is_that_of_the_pass(void **state)
{
    struct stats_last_pass last = {.at = 77};
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "j", VM("a", 1));
    assert_int_equal(ask(&r, "vm", "j").looked_at, 0);
    stats_queue_pass(store_stats(r.s), STR_LIT("vm"), &last);
    assert_int_equal(ask(&r, "vm", "j").looked_at, 77);
    rig_free(&r);
}

/* ---- as JSON ---- */

static void everything_has_its_member(void **state)
{
    struct buf b = BUF_INIT(4096);
    struct json_out o = JSON_OUT(&b);
    struct clock_zone zone = {0};
    struct store_wait w;
    struct err e;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "first", VM("a", 1));
    (void)rig_add(&r, "vm", "j", VM("a", 3));
    w = ask(&r, "vm", "j");
    w.job.queued_at = w.reason_since = 0;
    store_wait_write(&o, &w, &zone);
    buf_char(&b, '\n');
    OK(rig_change(&r, "vm", "j", "{\"status\":\"cancelled\"}", &e), &e);
    w = ask(&r, "vm", "j");
    o.comma = false;
    store_wait_write(&o, &w, &zone);
    assert_string_equal(
        buf_span(&b).p,
        "{\"Status\":\"queued\",\"Reason\":\"WaitingForCapacity\",\"Message\":\"no pass has "
        "looked at it yet\",\"Since\":null,\"ReasonSince\":null,\"LookedAt\":null,"
        "\"Position\":2,\"PoolPosition\":2,\"Pools\":[\"p0\"],"
        "\"Needs\":{\"Instances\":1,\"Resources\":{\"VCPU\":3}},"
        "\"Ahead\":{\"Jobs\":1,\"Resources\":{\"VCPU\":1}},"
        "\"PoolAhead\":{\"Jobs\":1,\"Resources\":{\"VCPU\":1}},"
        "\"EstimatedStart\":null,\"Estimate\":\"no pass has looked at it yet\"}\n"
        "{\"Status\":\"cancelled\",\"Reason\":null,\"Message\":null,\"Since\":null,"
        "\"ReasonSince\":null,\"LookedAt\":null,\"Position\":null,\"PoolPosition\":null,"
        "\"Pools\":null,\"Needs\":null,\"Ahead\":null,\"PoolAhead\":null,"
        "\"EstimatedStart\":null,\"Estimate\":\"it does not wait\"}");
    buf_free(&b);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_are_those_of_a_slow_count),
        cmocka_unit_test(the_pools_are_named_where_they_are_known),
        cmocka_unit_test(a_reason_is_as_old_as_its_word),
        cmocka_unit_test(who_has_no_place_in_line_says_why),
        cmocka_unit_test(a_paused_queue_says_so_at_once),
        cmocka_unit_test(a_job_that_does_not_wait_has_only_its_status),
        cmocka_unit_test(what_cannot_be_read_is_not_counted),
        cmocka_unit_test(a_queue_of_many_resources_lists_some_of_them),
        cmocka_unit_test(the_last_look_is_that_of_the_pass),
        cmocka_unit_test(everything_has_its_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
