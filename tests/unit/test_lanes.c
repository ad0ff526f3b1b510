/* SPDX-License-Identifier: MIT */
/* Whose turn it is: by example, and against a slow reference that looks at every lane each time. */
#include "lanes_case.h"
#include "prop.h"
#include "torture.h"

enum {
    SEED = 20261125,
    WORLDS = 400,
    STEPS = 600,
    HOSTS = 4,
    OWNERS = 3,
    PLACES = 2, /* receivers of a host */
    MANY = HOSTS * OWNERS * PLACES,
    JOBS_MAX = 6,
    TRIES_MAX = 64
};

static void lanes_take_turns(void **state)
{
    struct lanes *l = open_lanes(100, 100, 100);
    struct lane *a = put(l, "http://a", "o", 1), *b = put(l, "http://b", "o", 1);
    int i;

    (void)state;
    for (i = 0; i < 6; i++) {
        struct lane *next = lanes_next(l, 10);

        assert_ptr_equal(next, i % 2 ? b : a);
        lanes_started(l, next);
    }
    lanes_rest(l, lanes_next(l, 10), INT64_MAX);
    lanes_rest(l, lanes_next(l, 10), 20);
    assert_null(lanes_next(l, 19));
    assert_int_equal(lanes_when(l), 20);
    assert_ptr_equal(lanes_next(l, 20), b);
    lanes_rest(l, b, INT64_MAX);
    lanes_close(l);
}

static void a_full_host_stands_aside_and_nobody_else(void **state)
{
    struct lanes *l = open_lanes(100, 2, 100);
    struct lane *a = put(l, "http://a", "o", 1), *b;
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        assert_ptr_equal(lanes_next(l, 1), a);
        lanes_started(l, a);
    }
    assert_null(lanes_next(l, 1));
    b = put(l, "http://b", "o", 1);
    assert_ptr_equal(lanes_next(l, 1), b);
    lanes_rest(l, b, INT64_MAX);
    assert_null(lanes_next(l, 1));
    lanes_ended(l, a);
    assert_ptr_equal(lanes_next(l, 1), a);
    lanes_started(l, a);
    lanes_ended(l, a);
    lanes_ended(l, a);
    lanes_close(l);
}

static void a_pause_ends_with_one_try(void **state)
{
    struct lanes *l = open_lanes(100, 8, 100);
    struct lane *a = put(l, "http://a", "o", 1), *b = put(l, "http://a", "p", 1), *probe;

    (void)state;
    lanes_pause(l, a, 50);
    assert_null(lanes_next(l, 10));
    assert_int_equal(lanes_when(l), 50);
    probe = lanes_next(l, 50);
    assert_ptr_equal(probe, a);
    lanes_started(l, probe);
    assert_null(lanes_next(l, 60));
    lanes_pause(l, probe, 150); /* it failed */
    lanes_ended(l, probe);
    assert_null(lanes_next(l, 149));
    probe = lanes_next(l, 150);
    assert_ptr_equal(probe, b); /* the other owner's turn */
    lanes_started(l, probe);
    assert_null(lanes_next(l, 160));
    lanes_pause(l, probe, 0); /* it answered */
    lanes_ended(l, probe);
    assert_non_null(probe = lanes_next(l, 160));
    lanes_started(l, probe);
    assert_non_null(probe = lanes_next(l, 160));
    lanes_started(l, probe);
    lanes_close(l);
}

/* The pause had ended before the clock was set back, but nobody was called. */
static void a_clock_that_is_set_back_makes_nobody_wait_for_ever(void **state)
{
    struct lanes *l = open_lanes(1, 8, 100);
    struct lane *a = put(l, "http://a", "o", 1), *b = put(l, "http://b", "o", 1);

    (void)state;
    lanes_pause(l, a, 50);
    assert_ptr_equal(lanes_next(l, 10), b);
    lanes_started(l, b);
    assert_null(lanes_next(l, 60));
    lanes_ended(l, b);
    assert_ptr_equal(lanes_next(l, 20), b);
    lanes_rest(l, b, INT64_MAX);
    assert_null(lanes_next(l, 20));
    assert_int_equal(lanes_when(l), 50);
    assert_ptr_equal(lanes_next(l, 50), a);
    lanes_rest(l, a, INT64_MAX);
    lanes_close(l);
}

static void what_was_asked_for_goes_to_a_paused_host(void **state)
{
    struct lanes *l = open_lanes(100, 8, 100);
    struct lane *a = put(l, "http://a", "o", 1), *b = put(l, "http://a", "p", 1);

    (void)state;
    lanes_pause(l, a, 500);
    assert_null(lanes_next(l, 10));
    lanes_look(l, b, -10);
    assert_ptr_equal(lanes_next(l, 10), b);
    assert_true(b->urgent);
    lanes_started(l, b);
    assert_ptr_equal(lanes_next(l, 10), b);
    lanes_rest(l, b, 3); /* nothing more that was asked for */
    assert_null(lanes_next(l, 10));
    lanes_close(l);
}

static void who_was_not_seen_goes(void **state)
{
    struct lanes *l = open_lanes(1, 1, 1);
    struct lane *a = put(l, "http://a", "o", 1);

    (void)state;
    put(l, "http://b", "p", 1);
    assert_ptr_equal(lanes_next(l, 1), a);
    lanes_started(l, a);
    lanes_scan(l);
    lanes_sweep(l); /* b goes; a is being called */
    lanes_ended(l, a);
    assert_ptr_equal(lanes_next(l, 1), a);
    lanes_rest(l, a, INT64_MAX);
    assert_null(lanes_next(l, 1));
    lanes_scan(l);
    lanes_sweep(l);
    assert_int_equal(lanes_when(l), INT64_MAX);
    lanes_close(l);
}

static int try_lanes(void)
{
    struct lanes_limits limits = {4, 4, 4};
    struct lanes *l;
    struct err e;
    bool fresh;
    int i, rc = 0;

    if (lanes_open(&limits, &l, &e) != 0)
        return -1;
    for (i = 0; i < 8 && rc == 0; i++) {
        char name[16];

        (void)snprintf(name, sizeof name, "http://%d", i);
        rc = lanes_put(l, str_of(name), STR_LIT("o"), name, &fresh) ? 0 : -1;
    }
    lanes_close(l);
    return rc;
}

static void memory_that_runs_out_is_noticed_and_given_back(void **state)
{
#if TORTURE
    int64_t good;
    int rc = -1;

    for (good = 0; rc != 0; good++) {
        torture_arm(good);
        rc = try_lanes();
        assert_int_equal(torture_end(), 0);
    }
    assert_in_range(good, 50, 500);
#else
    assert_int_equal(try_lanes(), 0);
#endif
    (void)state;
}

/* ---- against the reference ---- */

struct job {
    int64_t due; /* below 0: asked for */
};

/* A lane of the world: what it really has to say, the soonest first. */
struct real {
    struct lane *lane;
    int host, owner;
    size_t jobs;
    struct job job[JOBS_MAX];
    int64_t passed_over; /* starts of others since it could have started and did not */
};

struct world {
    struct prop *r;
    struct lanes *l;
    struct lanes_limits limits;
    int64_t now;
    struct real real[MANY];
    int64_t paused[HOSTS];
    size_t tries;
    size_t at[TRIES_MAX]; /* the lane of each try under way */
};

static size_t count_tries(const struct world *w, int host, int owner)
{
    size_t i, n = 0;

    for (i = 0; i < w->tries; i++) {
        const struct real *r = &w->real[w->at[i]];

        n += (host < 0 || r->host == host) && (owner < 0 || r->owner == owner);
    }
    return n;
}

/* By the rules, word for word. */
static bool could_start(const struct world *w, const struct real *r)
{
    size_t on_host = count_tries(w, r->host, -1);

    if (r->jobs == 0 || r->job[0].due > w->now || w->tries >= w->limits.total ||
        on_host >= w->limits.per_host || count_tries(w, -1, r->owner) >= w->limits.per_owner)
        return false;
    if (w->paused[r->host] == 0 || r->job[0].due < 0)
        return true;
    return w->paused[r->host] <= w->now && on_host == 0;
}

static void add_job(struct world *w, struct real *r, int64_t due)
{
    size_t i;

    if (r->jobs == JOBS_MAX)
        return;
    for (i = r->jobs++; i > 0 && r->job[i - 1].due > due; i--)
        r->job[i] = r->job[i - 1];
    r->job[i].due = due;
    if (r->lane)
        lanes_look(w->l, r->lane, due);
}

/* A lane that could have gone all the time waits for each other lane at most twice. */
static void check_fair(struct world *w, const struct real *started)
{
    struct real *r;

    for (r = w->real; r < w->real + MANY; r++) {
        if (r == started || !could_start(w, r))
            r->passed_over = 0;
        else
            r->passed_over++;
        assert_true(r->passed_over <= 2 * MANY);
    }
}

static void start_all(struct world *w)
{
    struct lane *lane;
    size_t i;

    while ((lane = lanes_next(w->l, w->now))) {
        struct real *r = NULL;

        for (i = 0; i < MANY; i++)
            r = w->real[i].lane == lane ? &w->real[i] : r;
        assert_non_null(r);
        if (r->jobs == 0 || r->job[0].due > w->now || (lane->urgent && r->job[0].due >= 0)) {
            lanes_rest(w->l, lane, r->jobs ? r->job[0].due : INT64_MAX);
            continue;
        }
        assert_true(could_start(w, r)); /* no limit is exceeded */
        memmove(r->job, r->job + 1, --r->jobs * sizeof r->job[0]);
        w->at[w->tries++] = (size_t)(r - w->real);
        lanes_started(w->l, lane);
        check_fair(w, r);
    }
    for (i = 0; i < MANY; i++) { /* and nobody is forgotten */
        struct real *r = &w->real[i];
        int64_t now = w->now;

        if (!r->lane || r->jobs == 0)
            continue;
        assert_false(could_start(w, r));
        if (r->job[0].due > now) {
            w->now = r->job[0].due;
            assert_true(!could_start(w, r) || lanes_when(w->l) <= w->now);
            w->now = now;
        }
    }
}

static void end_one(struct world *w)
{
    size_t i = prop_below(w->r, w->tries);
    struct real *r = &w->real[w->at[i]];
    bool failed = prop_one_in(w->r, 3);

    w->at[i] = w->at[--w->tries];
    if (w->paused[r->host] || prop_one_in(w->r, 10)) {
        w->paused[r->host] = failed ? w->now + prop_between(w->r, 1, 20) : 0;
        lanes_pause(w->l, r->lane, w->paused[r->host]);
    }
    lanes_ended(w->l, r->lane);
    if (failed)
        add_job(w, r, w->now + prop_between(w->r, 0, 10));
}

static void put_real(struct world *w, struct real *r)
{
    char receiver[32], owner[8], origin[16];
    bool fresh;

    (void)snprintf(origin, sizeof origin, "http://h%d", r->host);
    (void)snprintf(receiver, sizeof receiver, "%s/%d", origin, (int)(r - w->real) % PLACES);
    (void)snprintf(owner, sizeof owner, "o%d", r->owner);
    r->lane = lanes_put(w->l, str_of(receiver), str_of(owner), origin, &fresh);
    assert_non_null(r->lane);
    lanes_pause(w->l, r->lane, w->paused[r->host]);
    lanes_look(w->l, r->lane, r->jobs ? r->job[0].due : INT64_MAX);
}

static void scan(struct world *w)
{
    size_t i, k;

    lanes_scan(w->l);
    for (i = 0; i < MANY; i++) {
        struct real *r = &w->real[i];
        bool busy = false;

        for (k = 0; k < w->tries; k++)
            busy = busy || w->at[k] == i;
        if (r->jobs)
            put_real(w, r);
        else if (!busy)
            r->lane = NULL;
    }
    lanes_sweep(w->l);
}

static void step(struct world *w)
{
    struct real *r = &w->real[prop_below(w->r, MANY)];

    switch (prop_below(w->r, 8)) {
    case 0:
        w->now += prop_between(w->r, 0, 5);
        break;
    case 1:
        scan(w);
        break;
    case 2:
    case 3:
    case 4:
        add_job(w, r, prop_one_in(w->r, 12) ? -w->now : w->now + prop_between(w->r, -3, 6));
        break;
    default:
        if (w->tries)
            end_one(w);
    }
    start_all(w);
}

static void every_turn_is_as_the_reference_has_it(void **state)
{
    struct prop r = prop_begin("lanes", SEED);
    int world, i;

    (void)state;
    for (world = 0; world < WORLDS; world++) {
        struct world w = {.r = &r, .now = 100};

        w.limits = (struct lanes_limits){1 + prop_below(&r, 12), 1 + prop_below(&r, 4),
                                         1 + prop_below(&r, 6)};
        w.l = open_lanes(w.limits.total, w.limits.per_host, w.limits.per_owner);
        for (i = 0; i < MANY; i++) {
            w.real[i].host = i / PLACES % HOSTS;
            w.real[i].owner = i / PLACES / HOSTS;
        }
        for (i = 0; i < STEPS; i++)
            step(&w);
        lanes_close(w.l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_take_turns),
        cmocka_unit_test(a_full_host_stands_aside_and_nobody_else),
        cmocka_unit_test(a_pause_ends_with_one_try),
        cmocka_unit_test(a_clock_that_is_set_back_makes_nobody_wait_for_ever),
        cmocka_unit_test(what_was_asked_for_goes_to_a_paused_host),
        cmocka_unit_test(who_was_not_seen_goes),
        cmocka_unit_test(memory_that_runs_out_is_noticed_and_given_back),
        cmocka_unit_test(every_turn_is_as_the_reference_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
