/* SPDX-License-Identifier: MIT */
/* The store as the dispatcher sees it: groups and their heads, reasons, admissions and what they
 * hold, and what comes of their callbacks. */
#include "rig.h"
#include "store_delivery.h"

#define ONE "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"
#define TWO "{\"project\":\"p\",\"instances\":[{\"VCPU\":2}]}"

static const char queues[] = "queues:\n"
                             "  vm:\n"
                             "    capacity: static\n"
                             "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}}}}\n";

struct groups {
    size_t n;
    struct {
        int64_t id, head;
        char reason[32];
    } group[8];
};

static bool take_group(void *ctx, const struct store_group *g)
{
    struct groups *all = ctx;

    assert_true(all->n < 8);
    all->group[all->n].id = g->id;
    all->group[all->n].head = g->head_id;
    (void)snprintf(all->group[all->n++].reason, 32, "%.*s", (int)g->reason.n, g->reason.p);
    return true;
}

static struct groups look(struct rig *r)
{
    struct groups g = {0};
    struct err e;

    OK(store_groups(r->s, 0, take_group, &g, &e), &e);
    return g;
}

static bool take_two(void *ctx, const struct store_group *g)
{
    return take_group(ctx, g) && ((struct groups *)ctx)->n < 2;
}

/* From one in the middle on, and then those before it; who has had enough gets no more. */
static void groups_are_read_in_a_ring(void **state)
{
    static const char *const data[] = {"{\"instances\":[{\"VCPU\":1}]}",
                                       "{\"instances\":[{\"VCPU\":2}]}",
                                       "{\"instances\":[{\"VCPU\":3}]}"};
    struct groups all, g = {0}, two = {0};
    struct rig r;
    struct err e;
    size_t i;

    (void)state;
    rig_make(&r, "queues: {t: {capacity: none}}\n");
    for (i = 0; i < ARRAY_LEN(data); i++)
        (void)rig_add(&r, "t", (const char[]){(char)('a' + (char)i), '\0'}, data[i]);
    all = look(&r);
    assert_int_equal(all.n, 3);
    OK(store_groups(r.s, all.group[1].id, take_group, &g, &e), &e);
    assert_int_equal(g.n, 3);
    for (i = 0; i < 3; i++)
        assert_int_equal(g.group[i].id, all.group[(i + 1) % 3].id);
    OK(store_groups(r.s, all.group[1].id, take_two, &two, &e), &e);
    assert_int_equal(two.n, 2);
    rig_free(&r);
}

/* Admits a job with one hold of one VCPU on n1, and returns what store_admit says. */
static int admit(struct rig *r, int64_t group, int64_t id, int64_t hold_until)
{
    const struct store_hold hold = {STR_LIT("n1"), STR_LIT("VCPU"), 1};
    struct store_admission a = {id,         group, STR_LIT("vm"), STR_LIT("{\"n1\":1}"), r->now,
                                hold_until, 1,     &hold};
    struct err e;
    int rc;

    rig_begin(r);
    rc = store_admit(r->s, &a, r->now, &e);
    rig_commit(r);
    return rc;
}

static void add_up(void *ctx, struct str host, struct str resource, int64_t amount)
{
    assert_true(str_is(host, "n1"));
    assert_true(str_is(resource, "VCPU"));
    *(int64_t *)ctx += amount;
}

static int64_t held(struct rig *r)
{
    int64_t sum = 0;
    struct err e;

    OK(store_holds(r->s, STR_LIT("vm"), r->now, add_up, &sum, &e), &e);
    return sum;
}

static bool nobody_is_busy(void *ctx, int64_t id)
{
    (void)ctx;
    (void)id;
    return false;
}

/* The one callback that is due at `now`. */
static bool due(struct rig *r, int64_t now, struct store_due *d)
{
    struct store_lane lane = {STR_LIT("http://c.example"), STR_LIT("o")};
    struct store_place at = STORE_PLACE_FIRST;
    struct err e;

    if (store_lane_next(r->s, &lane, nobody_is_busy, NULL, &at, &e) != 1 || at.next_try > now)
        return false;
    assert_int_equal(store_due(r->s, at.id, d, &e), 1);
    return true;
}

static int tried(struct rig *r, int64_t id, int64_t admissions, enum store_outcome outcome,
                 int64_t next)
{
    struct store_try t = {.id = id,
                          .admissions = admissions,
                          .outcome = outcome,
                          .next_try = next,
                          .reason = STR_LIT("CallbackFailed"),
                          .message = STR_LIT("it answered 500")};
    struct store_tried out;
    struct err e;

    rig_begin(r);
    OK(store_tried(r->s, &t, r->now, &out, &e), &e);
    rig_commit(r);
    return out.written;
}

static enum job_status status_of(struct rig *r, const char *id)
{
    struct job j;
    struct err e;

    OK(store_show(r->s, STR_LIT("vm"), str_of(id), &j, &e), &e);
    return j.status;
}

static void jobs_of_one_shape_are_one_group_with_the_smallest_as_head(void **state)
{
    struct store_waiting w;
    struct groups g;
    struct rig r;
    struct err e;
    int64_t a, b, c;

    (void)state;
    rig_make(&r, queues);
    a = rig_add(&r, "vm", "a", ONE);
    b = rig_add(&r, "vm", "b", ONE);
    rig_add(&r, "vm", "x", TWO);
    c = rig_add(&r, "vm", "c",
                "{\"project\":\"p\",\"note\":1,\"instances\":[{\"count\":1,\"VCPU\":1}]}");
    g = look(&r);
    assert_int_equal(g.n, 2);
    assert_int_equal(g.group[0].head, a);
    OK(rig_change(&r, "vm", "c", "{\"move\":\"front\"}", &e), &e);
    g = look(&r);
    assert_int_equal(g.group[0].head, c);
    assert_int_equal(store_group_next(r.s, g.group[0].id, (struct page_place){-5, 0}, &w, &e), 1);
    assert_int_equal(w.id, c);
    assert_int_equal(
        store_group_next(r.s, g.group[0].id, (struct page_place){w.priority, w.id}, &w, &e), 1);
    assert_int_equal(w.id, a);
    assert_int_equal(
        store_group_next(r.s, g.group[0].id, (struct page_place){w.priority, w.id}, &w, &e), 1);
    assert_int_equal(w.id, b);
    assert_int_equal(
        store_group_next(r.s, g.group[0].id, (struct page_place){w.priority, w.id}, &w, &e), 0);
    /* Held and ended jobs are in no group. */
    OK(rig_change(&r, "vm", "x", "{\"status\":\"held\"}", &e), &e);
    assert_int_equal(look(&r).n, 1);
    rig_free(&r);
}

static void the_first_job_past_the_guard_is_found_behind_younger_ones(void **state)
{
    struct store_waiting w;
    struct groups g;
    struct rig r;
    struct err e;
    int64_t old, oldest, young;

    (void)state;
    rig_make(&r, queues);
    old = rig_add(&r, "vm", "old", ONE);
    oldest = r.now;
    r.now += 10 * NS_PER_S;
    young = rig_add(&r, "vm", "young", ONE);
    OK(rig_change(&r, "vm", "young", "{\"move\":\"front\"}", &e), &e);
    g = look(&r);
    assert_int_equal(g.group[0].head, young);
    assert_int_equal(
        store_group_guarded(r.s, g.group[0].id, (struct page_place){-1, 0}, oldest, &w, &e), 1);
    assert_int_equal(w.id, old);
    assert_int_equal(
        store_group_guarded(r.s, g.group[0].id, (struct page_place){-1, 0}, oldest - 1, &w, &e), 0);
    assert_int_equal(store_oldest_waiting(r.s, &oldest, &e), 1);
    assert_int_equal(oldest, w.queued_at);
    rig_free(&r);
}

static void an_admission_holds_until_the_job_ends(void **state)
{
    static const char *const ends[] = {"finished", "failed", "queued"};
    struct store_match any = {0};
    struct groups g;
    struct rig r;
    struct err e;
    int64_t id;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    for (i = 0; i < ARRAY_LEN(ends) + 1; i++) {
        char change[40];

        id = rig_add(&r, "vm", "a", ONE);
        g = look(&r);
        assert_int_equal(admit(&r, g.group[0].id + 1, id, r.now + 9),
                         0); /* not the group that the plan saw */
        assert_int_equal(held(&r), 0);
        assert_int_equal(admit(&r, g.group[0].id, id, r.now + 9), 1);
        assert_int_equal(admit(&r, g.group[0].id, id, r.now + 9), 0); /* never twice */
        assert_int_equal(held(&r), 1);
        assert_int_equal(status_of(&r, "a"), JOB_ADMITTED);
        assert_int_equal(look(&r).n, 0);
        assert_int_equal(tried(&r, id, 1, STORE_ACCEPTED, 0), 1);
        assert_int_equal(status_of(&r, "a"), JOB_RUNNING);
        assert_int_equal(held(&r), 1);
        OK(rig_change(&r, "vm", "a", "{\"status\":\"running\"}", &e),
           &e); /* the confirmation of a ledger's job frees nothing */
        assert_int_equal(held(&r), 1);
        if (i < ARRAY_LEN(ends)) {
            (void)snprintf(change, sizeof change, "{\"status\":\"%s\"}", ends[i]);
            OK(rig_change(&r, "vm", "a", change, &e), &e);
            assert_int_equal(held(&r), 0);
        }
        rig_begin(&r);
        OK(store_delete(r.s, STR_LIT("vm"), STR_LIT("a"), &any, r.now, &e), &e);
        rig_commit(&r);
        assert_int_equal(held(&r), 0);
    }
    rig_free(&r);
}

static void tries_are_counted_and_end_in_running_or_failed(void **state)
{
    struct groups g;
    struct rig r;
    struct err e;
    struct store_due d;
    int64_t a;

    (void)state;
    rig_make(&r, queues);
    a = rig_add(&r, "vm", "a", ONE);
    g = look(&r);
    assert_false(due(&r, INT64_MAX, &d));
    assert_int_equal(admit(&r, g.group[0].id, a, r.now + 900), 1);
    assert_true(due(&r, r.now, &d));
    assert_int_equal(d.attempts, 0);
    assert_int_equal(d.admissions, 1);
    assert_int_equal(d.hold_until, r.now + 900);
    assert_int_equal(tried(&r, a, 1, STORE_TRY_AGAIN, r.now + 50), 1);
    assert_false(due(&r, r.now + 49, &d));
    assert_true(due(&r, r.now + 50, &d));
    assert_int_equal(d.attempts, 1);
    /* A try of an earlier admission comes late: nothing happens. */
    OK(rig_change(&r, "vm", "a", "{\"status\":\"queued\"}", &e), &e);
    assert_int_equal(tried(&r, a, 1, STORE_ACCEPTED, 0), 0);
    g = look(&r);
    assert_int_equal(admit(&r, g.group[0].id, a, r.now + 900), 1);
    assert_int_equal(tried(&r, a, 1, STORE_ACCEPTED, 0), 0);
    assert_int_equal(status_of(&r, "a"), JOB_ADMITTED);
    assert_int_equal(tried(&r, a, 2, STORE_GIVE_UP, 0), 1);
    assert_int_equal(status_of(&r, "a"), JOB_FAILED);
    assert_int_equal(held(&r), 0);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"queued\"}", &e), &e);
    assert_int_equal(look(&r).n, 1);
    rig_free(&r);
}

static bool count_job(void *ctx, const struct job *j)
{
    (void)j;
    ++*(int *)ctx;
    return true;
}

static void a_job_that_an_operator_set_running_is_placed_once(void **state)
{
    const struct store_hold hold = {STR_LIT("n1"), STR_LIT("VCPU"), 1};
    struct store_admission a = {0, 0, STR_LIT("vm"), STR_LIT("{\"n1\":1}"), 0, 0, 1, &hold};
    struct rig r;
    struct err e;
    int n = 0;

    (void)state;
    rig_make(&r, queues);
    a.id = rig_add(&r, "vm", "a", ONE);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"running\"}", &e), &e);
    OK(store_unplaced(r.s, count_job, &n, &e), &e);
    assert_int_equal(n, 1);
    rig_begin(&r);
    assert_int_equal(store_place(r.s, &a, r.now, &e), 1);
    assert_int_equal(store_place(r.s, &a, r.now, &e), 0);
    rig_commit(&r);
    assert_int_equal(held(&r), 1);
    n = 0;
    OK(store_unplaced(r.s, count_job, &n, &e), &e);
    assert_int_equal(n, 0);
    rig_free(&r);
}

static void a_reason_is_written_once_and_shows_on_every_job(void **state)
{
    struct groups g;
    struct rig r;
    struct err e;
    struct job j;
    int64_t seq, v, w;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "a", ONE);
    rig_add(&r, "vm", "b", ONE);
    g = look(&r);
    rig_begin(&r);
    OK(store_group_reason(r.s, g.group[0].id, STR_LIT("BlockedByOlder"), STR_LIT("m"), r.now, &e),
       &e);
    rig_commit(&r);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("b"), &j, &e), &e);
    assert_true(str_is(j.reason, "BlockedByOlder"));
    assert_true(str_is(j.message, "m"));
    assert_int_equal(j.version, 1);
    seq = j.reason_seq;
    OK(store_queue_version(r.s, STR_LIT("vm"), &v, &e), &e);
    rig_begin(&r);
    OK(store_group_reason(r.s, g.group[0].id, STR_LIT("BlockedByOlder"), STR_LIT("m"), r.now, &e),
       &e);
    rig_commit(&r);
    OK(store_queue_version(r.s, STR_LIT("vm"), &w, &e), &e);
    assert_int_equal(v, w);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("b"), &j, &e), &e);
    assert_int_equal(j.reason_seq, seq);
    rig_free(&r);
}

static void the_first_job_of_a_group_that_was_empty_is_not_told_an_old_reason(void **state)
{
    struct rig r;
    struct err e;
    struct job j;
    struct groups g;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "a", ONE);
    g = look(&r);
    rig_begin(&r);
    OK(store_group_reason(r.s, g.group[0].id, STR_LIT("NeverFits"), STR_LIT("old"), r.now, &e), &e);
    rig_commit(&r);
    rig_add(&r, "vm", "b", ONE); /* a still waits: what it was told holds for b too */
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("b"), &j, &e), &e);
    assert_true(str_is(j.reason, "NeverFits"));
    OK(rig_change(&r, "vm", "a", "{\"status\":\"cancelled\"}", &e), &e);
    OK(rig_change(&r, "vm", "b", "{\"status\":\"cancelled\"}", &e), &e);
    rig_add(&r, "vm", "c", ONE);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("c"), &j, &e), &e);
    assert_true(str_is(j.reason, "WaitingForCapacity"));
    rig_free(&r);
}

static void empty_groups_are_forgotten_when_there_are_many(void **state)
{
    struct groups g;
    struct rig r;
    struct err e;
    char data[96], id[16];
    int i;

    (void)state;
    rig_make(&r, queues);
    for (i = 0; i < 520; i++) {
        (void)snprintf(data, sizeof data, "{\"project\":\"p%d\",\"instances\":[{\"VCPU\":1}]}", i);
        (void)snprintf(id, sizeof id, "%d", i);
        rig_add(&r, "vm", id, data);
        if (i < 519)
            OK(rig_change(&r, "vm", id, "{\"status\":\"held\"}", &e), &e);
    }
    assert_int_equal(look(&r).n, 1);
    assert_true(store_forget_due(r.s));
    rig_begin(&r);
    OK(store_forget(r.s, &e), &e);
    rig_commit(&r);
    g = look(&r);
    assert_int_equal(g.n, 1);
    assert_false(store_forget_due(r.s));
    /* A job of a forgotten group finds a group again. */
    OK(rig_change(&r, "vm", "3", "{\"status\":\"queued\"}", &e), &e);
    assert_int_equal(look(&r).n, 2);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_read_in_a_ring),
        cmocka_unit_test(jobs_of_one_shape_are_one_group_with_the_smallest_as_head),
        cmocka_unit_test(the_first_job_past_the_guard_is_found_behind_younger_ones),
        cmocka_unit_test(an_admission_holds_until_the_job_ends),
        cmocka_unit_test(tries_are_counted_and_end_in_running_or_failed),
        cmocka_unit_test(a_job_that_an_operator_set_running_is_placed_once),
        cmocka_unit_test(a_reason_is_written_once_and_shows_on_every_job),
        cmocka_unit_test(the_first_job_of_a_group_that_was_empty_is_not_told_an_old_reason),
        cmocka_unit_test(empty_groups_are_forgotten_when_there_are_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
