/* SPDX-License-Identifier: MIT */
/* A pass in which any one allocation fails. Found by review: a running job whose data there was no
 * memory to read was taken for one whose data cannot be read, and never counted. */
#include "pass_rig.h"
#include "torture.h"

#if TORTURE
#define VM(pools)                                                                                  \
    "queues: {vm: {capacity: static, callback_base: 'http://127.0.0.1/', pools: " pools "}}\n"
static const char room_for_one[] = VM("{p: {hosts: {n: {VCPU: 10}}}}");
static const char room_for_two[] = VM("{p: {projects: [p], hosts: {n: {VCPU: 20}}}}");

/* A job that takes 10 was set running, another one waits for as many. */
static void make(struct rig *r, const char *conf)
{
    static const char data[] = "{\"project\":\"p\",\"instances\":[{\"VCPU\":10}]}";
    struct err e;

    rig_make(r, conf);
    r->now = clock_now() - NS_PER_S;
    (void)rig_add(r, "vm", "run", data);
    OK(rig_change(r, "vm", "run", "{\"status\":\"running\"}", &e), &e);
    (void)rig_add(r, "vm", "wait", data);
}

/* With all statements compiled, so that few allocations are left: a rehearsal writes nothing. */
static void rehearse(const struct pass_in *in, const char *shown)
{
    struct buf b = BUF_INIT(1 << 16);
    struct err e;

    OK(pass_show(in, &b, &e), &e);
    assert_non_null(strstr(b.data, shown));
    buf_free(&b);
}

/* Passes whose allocation number *good fails, each time the next one, until one goes through: it
 * may have changed what there is. False: none failed in that one. The quota may be NULL. */
static bool passes_without(const char *conf, struct source_quota *quota, int64_t *good)
{
    struct source_reading *reading[QUEUES_MAX];
    struct readers *readers;
    struct pass_result result;
    struct rig r;
    struct err e;
    int rc;

    make(&r, conf);
    readers = rig_readings(&r, reading);
    if (quota) {
        reading[0]->gate = SOURCE_QUOTAS_READ;
        reading[0]->quotas = 1;
        reading[0]->quota = quota;
    }
    struct pass_in in = {.conf = r.conf, .store = r.s, .reading = reading};
    if (quota) /* so that the job that runs has its host, and uses the quota */
        OK(pass_run(&in, &result, &e), &e);
    rehearse(&in, quota ? "QuotaExceeded" : "place 1 ");
    do {
        torture_arm_as(true, (*good)++);
        rc = pass_run(&in, &result, &e);
        torture.armed = false;
    } while (rc != 0);
    assert_int_equal(rig_status(&r, "vm", "wait"), JOB_QUEUED);
    readers_close(readers);
    rig_free(&r);
    return torture_fired();
}

static void who_runs_is_counted_whatever_fails(void **state)
{
    int64_t good = 0;

    (void)state;
    while (passes_without(room_for_one, NULL, &good))
        continue;
    assert_true(good > 50);
}

static void who_runs_uses_the_quota_whatever_fails(void **state)
{
    struct source_limit limit = {{"cores", 5}, {{"VCPU", 4}}, 10, 0};
    struct source_quota quota = {.project = {"p", 1}, .limits = 1, .limit = &limit};
    int64_t good = 0;

    (void)state;
    while (passes_without(room_for_two, &quota, &good))
        continue;
    assert_true(good > 50);
}
#else
static void who_runs_is_counted_whatever_fails(void **state)
{
    (void)state; /* a sanitizer's allocator cannot be failed */
}

static void who_runs_uses_the_quota_whatever_fails(void **state)
{
    (void)state;
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_runs_is_counted_whatever_fails),
        cmocka_unit_test(who_runs_uses_the_quota_whatever_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
