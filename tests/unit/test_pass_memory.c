/* SPDX-License-Identifier: MIT */
/* A pass in which any one allocation fails. Found by review: a running job whose data there was no
 * memory to read was taken for one whose data cannot be read, and never counted. */
#include "pass_rig.h"
#include "torture.h"

#if TORTURE
static const char conf[] = "queues:\n"
                           "  '*': {capacity: static, pools: {p: {hosts: {n: {x: 10}}}}}\n";

/* One host of 10; a job that takes 10 was set running, another one waits for as many. */
static void make(struct rig *r)
{
    static const char data[] = "{\"instances\":[{\"x\":10}]}";
    struct err e;

    rig_make(r, conf);
    r->now = clock_now() - NS_PER_S;
    (void)rig_add(r, "a", "run", data);
    OK(rig_change(r, "a", "run", "{\"status\":\"running\"}", &e), &e);
    (void)rig_add(r, "a", "wait", data);
}

/* With all statements compiled, so that few allocations are left: a rehearsal writes nothing. */
static void rehearse(const struct pass_in *in)
{
    struct buf b = BUF_INIT(1 << 16);
    struct err e;

    OK(pass_show(in, &b, &e), &e);
    assert_non_null(strstr(b.data, "place 1 "));
    buf_free(&b);
}

/* Passes whose allocation number *good fails, each time the next one, until one goes through: it
 * may have changed what there is. False: none failed in that one. */
static bool passes_without(int64_t *good)
{
    struct source_reading *reading[QUEUES_MAX];
    struct readers *readers;
    struct pass_result result;
    struct rig r;
    struct err e;
    int rc;

    make(&r);
    readers = rig_readings(&r, reading);
    struct pass_in in = {.conf = r.conf, .store = r.s, .reading = reading};
    rehearse(&in);
    do {
        torture_arm_as(true, (*good)++);
        rc = pass_run(&in, &result, &e);
        torture.armed = false;
    } while (rc != 0);
    assert_int_equal(rig_status(&r, "a", "wait"), JOB_QUEUED);
    readers_close(readers);
    rig_free(&r);
    return torture_fired();
}

static void who_runs_is_counted_whatever_fails(void **state)
{
    int64_t good = 0;

    (void)state;
    while (passes_without(&good))
        continue;
    assert_true(good > 50);
}
#else
static void who_runs_is_counted_whatever_fails(void **state)
{
    (void)state; /* a sanitizer's allocator cannot be failed */
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_runs_is_counted_whatever_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
