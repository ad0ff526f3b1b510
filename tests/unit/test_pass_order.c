/* SPDX-License-Identifier: MIT */
/* First come, first served, as configured, by real passes over a real queue: jobs are posted with
 * and without priorities, moved, held, resumed, called off and done at random, and after each pass
 * exactly those are admitted whom a slow reference admits. It takes what the queue shows of each
 * job (place, wait, demand), and goes through all of them one by one: no groups, no heads, no
 * memory. */
#include "pass_rig.h"
#include "prop.h"
#include "soak.h"
#include "store_check.h"

enum { JOBS = 40, POOLS = 2, HOST = 6, PASSES = 24 };

#define MINUTE (60 * NS_PER_S)

static const char *const pool_names[POOLS] = {"p", "q"};

struct policy {
    const char *text;
    int64_t overtake;
};
static const struct policy policies[] = {
    {"0", 0}, {"1h", 60 * MINUTE}, {"20m", 20 * MINUTE}, {"forever", INT64_MAX}};

struct one {
    char id[8];
    size_t pool;
    int amount;
    bool expected; /* to be admitted by the pass that comes */
    struct job row;
};

struct line {
    struct rig rig;
    struct prop *p;
    const struct policy *policy;
    size_t n;
    struct one job[JOBS];
};

/* ---- what happens between two passes ---- */

static void post(struct line *l)
{
    struct one *o = &l->job[l->n];
    char json[512], priority[64] = "";
    struct job j;
    struct err e;

    (void)snprintf(o->id, sizeof o->id, "j%zu", l->n);
    o->pool = prop_below(l->p, POOLS);
    o->amount = (int)prop_between(l->p, 1, prop_one_in(l->p, 8) ? HOST + 1 : HOST - 1);
    if (prop_one_in(l->p, 3)) {
        int64_t edge = prop_one_in(l->p, 3) ? NUM_SAFE_MAX - 1000 : 0;

        (void)snprintf(priority, sizeof priority, "\"priority\":%lld,",
                       (long long)(edge + prop_between(l->p, -50, 50)));
    }
    (void)snprintf(json, sizeof json,
                   "{\"request_id\":\"%s\",\"owner_id\":\"o%zu\",\"callback\":\"http://c/%s\",%s"
                   "\"data\":{\"pool\":\"%s\",\"instances\":[{\"x\":%d}]}}",
                   o->id, prop_below(l->p, 2), o->id, priority, pool_names[o->pool], o->amount);
    if (rig_post(&l->rig, "a", json, &j, &e) == 0)
        l->n++;
    else
        assert_int_equal(e.code, ERR_NO_ROOM); /* behind the largest number */
}

static void change(struct line *l)
{
    static const char *const changes[] = {
        "{\"move\":\"front\"}",          "{\"move\":\"back\"}",
        "{\"status\":\"held\"}",         "{\"status\":\"queued\"}",
        "{\"status\":\"running\"}",      "{\"status\":\"finished\"}",
        "{\"status\":\"cancelled\"}",    "{\"move\":{\"before\":\"%s\"}}",
        "{\"move\":{\"after\":\"%s\"}}",
    };
    const struct one *o = &l->job[prop_below(l->p, l->n)], *other = &l->job[prop_below(l->p, l->n)];
    const char *what = changes[prop_below(l->p, ARRAY_LEN(changes))], *mark = strchr(what, '%');
    char json[96];
    struct err e;

    (void)snprintf(json, sizeof json, "%.*s%s%s", (int)(mark ? mark - what : 96), what,
                   mark ? other->id : "", mark ? mark + 2 : "");
    if (rig_change(&l->rig, "a", o->id, json, &e) != 0)
        assert_true(e.code == ERR_INVALID_TRANSITION || e.code == ERR_NOT_WAITING ||
                    e.code == ERR_NO_ROOM || (e.code == ERR_INVALID && o == other));
}

static void live(struct line *l)
{
    size_t n = prop_below(l->p, 10);

    while (n-- > 0) {
        l->rig.now += prop_between(l->p, 0, MINUTE);
        if (l->n < JOBS && (l->n == 0 || prop_one_in(l->p, 2)))
            post(l);
        else
            change(l);
    }
}

/* ---- the reference ---- */

static void look(struct line *l)
{
    struct err e;

    for (size_t i = 0; i < l->n; i++)
        OK(store_show(l->rig.s, str_of("a"), str_of(l->job[i].id), &l->job[i].row, &e), &e);
}

static int in_order(const void *left, const void *right)
{
    const struct job *a = &(*(struct one *const *)left)->row,
                     *b = &(*(struct one *const *)right)->row;

    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

static void expect(struct line *l, int64_t now)
{
    int left[POOLS] = {HOST, HOST};
    bool held[POOLS] = {false};
    struct one *all[JOBS];

    for (size_t i = 0; i < l->n; i++) {
        struct one *o = all[i] = &l->job[i];

        o->expected = false;
        if (o->row.status == JOB_ADMITTED || o->row.status == JOB_RUNNING)
            left[o->pool] -= o->amount;
    }
    qsort(all, l->n, sizeof(struct one *), in_order);
    for (size_t i = 0; i < l->n; i++) {
        struct one *o = all[i];
        bool past =
            l->policy->overtake != INT64_MAX && now - o->row.queued_at >= l->policy->overtake;

        if (o->row.status != JOB_QUEUED || o->amount > HOST || held[o->pool])
            continue;
        o->expected = o->amount <= left[o->pool];
        if (o->expected)
            left[o->pool] -= o->amount;
        else
            held[o->pool] = past;
    }
}

/* ---- side by side ---- */

static void no_fault(void *ctx, const struct store_fault *f)
{
    (void)ctx;
    fail_msg("anteroom check: %s: %.*s", f->question, (int)f->text.n, f->text.p);
}

static void check(struct line *l)
{
    struct store_checker c = {.now = clock_now(), .fault = no_fault};
    struct store_checked done;
    struct err e;

    OK(store_check(l->rig.path, &c, &done, &e), &e);
    assert_false(done.skipped);
}

static void pass_and_compare(struct line *l)
{
    struct one before[JOBS];

    look(l);
    expect(l, clock_now());
    memcpy(before, l->job, sizeof before);
    (void)rig_pass(&l->rig);
    look(l);
    for (size_t i = 0; i < l->n; i++) {
        enum job_status should = before[i].expected ? JOB_ADMITTED : before[i].row.status;

        if (l->job[i].row.status != should)
            fail_msg("%s (%d of pool %s, priority %lld, overtake %s) is %s, and should be %s",
                     before[i].id, before[i].amount, pool_names[before[i].pool],
                     (long long)before[i].row.priority, l->policy->text,
                     job_status_word(l->job[i].row.status), job_status_word(should));
    }
}

static void run(struct prop *p, const struct policy *policy)
{
    struct line l = {.p = p, .policy = policy};
    char conf[256];

    (void)snprintf(conf, sizeof conf,
                   "queues: {a: {capacity: static, overtake: %s, pools: {p: {hosts: {n: {x: %d}}},"
                   " q: {hosts: {m: {x: %d}}}}}}\n",
                   policy->text, HOST, HOST);
    rig_make(&l.rig, conf);
    l.rig.now = clock_now() - 240 * MINUTE; /* it gets no further than to a few minutes ago */
    for (int i = 0; i < PASSES; i++) {
        live(&l);
        pass_and_compare(&l);
    }
    check(&l);
    rig_free(&l.rig);
}

static void test_passes_serve_in_the_order_of_the_reference(void **state)
{
    struct prop p = prop_begin(__func__, 20261130);
    struct soak s = soak_begin(24, 1000000);
    long long rounds = 0;

    (void)state;
    while (soak_more(&s))
        run(&p, &policies[rounds++ % (long long)ARRAY_LEN(policies)]);
    printf("%lld queues, %lld passes: served in the order of the reference\n", rounds,
           rounds * PASSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes_serve_in_the_order_of_the_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
