/* SPDX-License-Identifier: MIT */
/* Priorities: whatever moves, the order of all others stays, and the place is the one that was
 * asked for. */
#include "rig_sql.h"

#include "num.h"
#include "prop.h"

enum { JOBS = 12, STEPS = 1500, HALVINGS = 400 };

static const char queue[] = "queues: {q: {capacity: none}}\n";

struct seen {
    size_t n;
    struct {
        char id[8];
        int64_t priority;
    } job[JOBS + 1];
};

static void look(struct rig *r, struct seen *s)
{
    struct store_filter f = {.type = STR_LIT("q")};
    struct job j;
    struct err e;

    s->n = 0;
    OK(store_list_begin(r->s, &f, &e), &e);
    while (store_list_next(r->s, &j, &e) == 1) {
        (void)snprintf(s->job[s->n].id, 8, "%.*s", (int)j.request_id.n, j.request_id.p);
        assert_in_range(j.priority + NUM_SAFE_MAX, 0, 2 * NUM_SAFE_MAX);
        s->job[s->n++].priority = j.priority;
    }
    store_list_end(r->s);
}

static void add_jobs(struct rig *r, size_t n)
{
    char id[32];
    size_t i;

    for (i = 0; i < n; i++) {
        (void)snprintf(id, sizeof id, "j%zu", i);
        rig_add(r, "q", id, "{}");
    }
}

/* The same list with the job at `from` put so that it stands at `to`. */
static void expect(struct seen *s, size_t from, size_t to)
{
    char id[8];
    size_t i;

    memcpy(id, s->job[from].id, 8);
    for (i = from; i < to; i++)
        memcpy(s->job[i].id, s->job[i + 1].id, 8);
    for (i = from; i > to; i--)
        memcpy(s->job[i].id, s->job[i - 1].id, 8);
    memcpy(s->job[to].id, id, 8);
}

static void same_order(const struct seen *want, const struct seen *got)
{
    size_t i;

    assert_int_equal(want->n, got->n);
    for (i = 0; i < got->n; i++)
        assert_string_equal(want->job[i].id, got->job[i].id);
}

/* A request for one of the ways to say where a job goes; returns where it must then stand. */
static size_t some_move(struct prop *p, const struct seen *s, size_t from, char *json, size_t size)
{
    size_t other = prop_below(p, s->n - 1), to;

    other += other >= from;
    switch (prop_below(p, 4)) {
    case 0:
        (void)snprintf(json, size, "{\"move\":\"front\"}");
        return 0;
    case 1:
        (void)snprintf(json, size, "{\"move\":\"back\"}");
        return s->n - 1;
    case 2:
        (void)snprintf(json, size, "{\"move\":{\"before\":\"%s\"}}", s->job[other].id);
        to = other;
        return from < other ? to - 1 : to;
    default:
        (void)snprintf(json, size, "{\"move\":{\"after\":\"%s\"}}", s->job[other].id);
        to = other + 1;
        return from < other ? to - 1 : to;
    }
}

static void random_moves_keep_everybody_elses_order(void **state)
{
    struct prop p = prop_begin("random_moves_keep_everybody_elses_order", 7);
    struct seen before, after;
    char json[64];
    struct err e;
    struct rig r;
    int i;

    (void)state;
    rig_make(&r, queue);
    add_jobs(&r, JOBS);
    /* Start crowded, and at the ends of the numbers: no room anywhere. */
    look(&r, &before);
    for (i = 0; i < JOBS; i++) {
        (void)snprintf(json, sizeof json, "{\"priority\":%lld}",
                       (long long)(i < 4   ? -NUM_SAFE_MAX + i
                                   : i < 8 ? i
                                           : NUM_SAFE_MAX - JOBS + 1 + i));
        OK(rig_change(&r, "q", before.job[i].id, json, &e), &e);
    }
    for (i = 0; i < STEPS; i++) {
        size_t from, to;

        look(&r, &before);
        from = prop_below(&p, before.n);
        to = some_move(&p, &before, from, json, sizeof json);
        OK(rig_change(&r, "q", before.job[from].id, json, &e), &e);
        expect(&before, from, to);
        look(&r, &after);
        same_order(&before, &after);
    }
    rig_free(&r);
}

/* What the seed tells clients to do: read two neighbours, send their mean, for ever. */
static void means_of_neighbours_stay_between_them(void **state)
{
    struct prop p = prop_begin("means_of_neighbours_stay_between_them", 11);
    struct seen before, after;
    char json[64];
    struct err e;
    struct rig r;
    int i;

    (void)state;
    rig_make(&r, queue);
    add_jobs(&r, 5);
    for (i = 0; i < HALVINGS; i++) {
        size_t from, left;
        int64_t a, b;

        look(&r, &before);
        from = prop_one_in(&p, 2) ? before.n - 1 : 0;
        left = from == 0 ? 1 + prop_below(&p, before.n - 2) : prop_below(&p, before.n - 2);
        a = before.job[left].priority;
        b = before.job[left + 1].priority;
        (void)snprintf(json, sizeof json, "{\"priority\":%lld%s}", (long long)(a + (b - a) / 2),
                       (b - a) % 2 ? ".5" : ".0");
        OK(rig_change(&r, "q", before.job[from].id, json, &e), &e);
        expect(&before, from, from == 0 ? left : left + 1);
        look(&r, &after);
        same_order(&before, &after);
    }
    rig_free(&r);
}

static void new_jobs_come_last_whatever_the_clock_does(void **state)
{
    struct rig r;
    struct seen s;
    struct err e;
    int64_t last;

    (void)state;
    rig_make(&r, queue);
    rig_add(&r, "q", "a", "{}");
    rig_add(&r, "q", "b", "{}");
    look(&r, &s);
    last = s.job[1].priority;
    r.now -= 3600 * NS_PER_S;
    rig_add(&r, "q", "c", "{}");
    look(&r, &s);
    assert_string_equal(s.job[2].id, "c");
    assert_true(s.job[2].priority > last + 1); /* with room for another */
    /* A job sent to the back is the server's choice too: the next new one comes behind it. */
    OK(rig_change(&r, "q", "a", "{\"move\":\"back\"}", &e), &e);
    rig_add(&r, "q", "d", "{}");
    look(&r, &s);
    assert_string_equal(s.job[2].id, "a");
    assert_string_equal(s.job[3].id, "d");
    rig_free(&r);
}

/* Three jobs, two of which stand at the end of the numbers: j2, j0, j1. */
static void make_tail(struct rig *r)
{
    struct err e;

    rig_make(r, queue);
    add_jobs(r, 3);
    OK(rig_change(r, "q", "j0", "{\"priority\":9007199254740991}", &e), &e);
    OK(rig_change(r, "q", "j1", "{\"move\":\"back\"}", &e), &e);
}

/* Else each of them would have to move all that came since. */
static void new_jobs_stand_before_what_was_moved_behind_the_largest_number(void **state)
{
    static const char *const order[] = {"j2", "new", "newer", "j0", "j1"};
    struct rig r;
    struct seen before, s;
    size_t i;

    (void)state;
    make_tail(&r);
    look(&r, &before);
    rig_add(&r, "q", "new", "{}");
    rig_add(&r, "q", "newer", "{}");
    look(&r, &s);
    for (i = 0; i < ARRAY_LEN(order); i++)
        assert_string_equal(s.job[i].id, order[i]);
    assert_int_equal(s.job[3].priority, before.job[1].priority);
    assert_int_equal(s.job[4].priority, before.job[2].priority);
    assert_true(s.job[2].priority - before.job[0].priority < NS_PER_S); /* the clock's */
    rig_free(&r);
}

/* As earlier versions left it, which remembered any move to the back. */
static void a_new_job_finds_room_behind_the_largest_number(void **state)
{
    struct rig r;
    struct seen s;

    (void)state;
    make_tail(&r);
    rig_sql(&r, "UPDATE queues SET last_priority = 9007199254740991");
    rig_add(&r, "q", "new", "{}");
    look(&r, &s);
    assert_string_equal(s.job[0].id, "j2");
    assert_string_equal(s.job[1].id, "j0");
    assert_string_equal(s.job[2].id, "j1");
    assert_string_equal(s.job[3].id, "new");
    rig_free(&r);
}

static void a_job_beside_itself_or_nobody_is_refused(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queue);
    add_jobs(&r, 2);
    assert_int_equal(rig_change(&r, "q", "j0", "{\"move\":{\"before\":\"j0\"}}", &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.pointer, "/move/before");
    assert_int_equal(rig_change(&r, "q", "j0", "{\"move\":{\"after\":\"nobody\"}}", &e), -1);
    assert_string_equal(e.pointer, "/move/after");
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_moves_keep_everybody_elses_order),
        cmocka_unit_test(means_of_neighbours_stay_between_them),
        cmocka_unit_test(new_jobs_come_last_whatever_the_clock_does),
        cmocka_unit_test(new_jobs_stand_before_what_was_moved_behind_the_largest_number),
        cmocka_unit_test(a_new_job_finds_room_behind_the_largest_number),
        cmocka_unit_test(a_job_beside_itself_or_nobody_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
