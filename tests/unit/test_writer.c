/* SPDX-License-Identifier: MIT */
/*
 * The writer, over a store that is played (writer_stage.h): what is committed together, what a
 * failure takes with it, and that nothing is answered as good that is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "writer_stage.h"

enum { OPS = 8, THREADS = 4, ROUNDS = 500, ROUNDS_MOST = 1000000 };

/* ---- changes ---- */

struct change {
    struct writer_op op;
    enum err_code code; /* what its work answers */
    bool writes;        /* also when it fails */
    sem_t *gate;        /* its work waits for it; NULL: does not */
    int applied;
    int back;
};

static int apply(struct writer_op *op, struct store *s, struct err *e)
{
    struct change *c = (struct change *)op;

    assert_ptr_equal(s, &stage);
    c->applied++;
    s->written += c->writes;
    if (c->gate)
        (void)sem_wait(c->gate);
    return c->code == ERR_NONE ? 0 : err_set(e, c->code, "refused");
}

static struct change change_of(enum err_code code)
{
    return (struct change){.op.apply = apply, .code = code, .writes = code == ERR_NONE};
}

/* One that fails when it has written something. */
static struct change late_failure(enum err_code code)
{
    return (struct change){.op.apply = apply, .code = code, .writes = true};
}

/* A list of changes for writer_apply. */
static void chain(struct change *c, size_t n)
{
    size_t i;

    for (i = 0; i + 1 < n; i++)
        c[i].op.next = &c[i + 1].op;
}

static void play_list(struct change *c, size_t n, struct store scene, const char *calls)
{
    stage = scene;
    chain(c, n);
    writer_apply(&stage, &c[0].op);
    assert_string_equal(stage.calls, calls);
}

static void expect(const struct change *c, enum err_code code)
{
    assert_int_equal(c->op.failed, code != ERR_NONE);
    if (code != ERR_NONE)
        assert_int_equal(c->op.err.code, code);
}

static void a_lone_change_needs_no_savepoint(void **state)
{
    struct change good = change_of(ERR_NONE), bad = change_of(ERR_NOT_FOUND);

    (void)state;
    play_list(&good, 1, (struct store){0}, "bc");
    expect(&good, ERR_NONE);
    play_list(&bad, 1, (struct store){0}, "br");
    expect(&bad, ERR_NOT_FOUND);
}

static void a_change_that_fails_takes_nothing_with_it(void **state)
{
    struct change c[] = {change_of(ERR_NONE), late_failure(ERR_DUPLICATE_CALLBACK),
                         change_of(ERR_NONE)};

    (void)state;
    play_list(c, 3, (struct store){0}, "brbpkpupkc");
    expect(&c[0], ERR_NONE);
    expect(&c[1], ERR_DUPLICATE_CALLBACK);
    expect(&c[2], ERR_NONE);
}

/* A lone one too: what it is to be refused for is found out by doing it again. */
static void what_was_put_off_and_fails_is_done_again_one_by_one(void **state)
{
    struct change c[] = {change_of(ERR_NONE), change_of(ERR_NOT_FOUND), change_of(ERR_NONE)};
    struct change lone = change_of(ERR_NONE);

    (void)state;
    play_list(c, 3, (struct store){.unsettled = 1}, "brbpkpupkc");
    expect(&c[0], ERR_NONE);
    expect(&c[1], ERR_NOT_FOUND);
    assert_int_equal(c[2].applied, 2);
    play_list(&lone, 1, (struct store){.unsettled = 1}, "brbpkc");
    expect(&lone, ERR_NONE);
    assert_int_equal(lone.applied, 2);
}

/* It may be refused for what a duplicate before it in the same array has taken. */
static void a_lone_one_is_not_refused_for_what_it_could_not_have_written(void **state)
{
    struct change full = late_failure(ERR_TOO_MANY);

    (void)state;
    play_list(&full, 1, (struct store){0}, "br");
    assert_int_equal(full.applied, 1);
    full = late_failure(ERR_TOO_MANY);
    play_list(&full, 1, (struct store){.unsettled = 1}, "brbpur");
    assert_int_equal(full.applied, 2);
}

static void one_that_fails_before_it_writes_costs_the_others_nothing(void **state)
{
    struct change c[] = {change_of(ERR_NONE), change_of(ERR_DUPLICATE_CALLBACK),
                         change_of(ERR_NONE)};

    (void)state;
    play_list(c, 3, (struct store){0}, "bc");
    expect(&c[0], ERR_NONE);
    expect(&c[1], ERR_DUPLICATE_CALLBACK);
    expect(&c[2], ERR_NONE);
    assert_int_equal(c[0].applied, 1);
}

static void nothing_good_is_no_commit(void **state)
{
    struct change c[] = {change_of(ERR_NOT_FOUND), change_of(ERR_NO_ROOM)};

    (void)state;
    play_list(c, 2, (struct store){0}, "br");
    expect(&c[0], ERR_NOT_FOUND);
    expect(&c[1], ERR_NO_ROOM);
}

static void without_the_lock_all_fail(void **state)
{
    struct change c[] = {change_of(ERR_NONE), change_of(ERR_NONE)};

    (void)state;
    play_list(c, 2, (struct store){.begin = ERR_UNAVAILABLE}, "b");
    expect(&c[0], ERR_UNAVAILABLE);
    expect(&c[1], ERR_UNAVAILABLE);
    assert_int_equal(c[0].applied, 0);
}

/* Found by review: whoever met a damaged page failed all that were committed with him. */
static void what_ends_the_transaction_fails_nobody_else(void **state)
{
    struct change c[] = {change_of(ERR_NONE), change_of(ERR_STORAGE_FULL), change_of(ERR_NONE)};
    struct change d[] = {change_of(ERR_NONE), late_failure(ERR_NOT_FOUND)};
    struct change u[] = {change_of(ERR_STORAGE_FULL), change_of(ERR_NONE), change_of(ERR_NONE)};

    (void)state;
    play_list(c, 3, (struct store){.undo = ERR_INTERNAL}, "brbpkpurbcbrbc");
    expect(&c[0], ERR_NONE);
    expect(&c[1], ERR_STORAGE_FULL);
    expect(&c[2], ERR_NONE);
    play_list(d, 2, (struct store){.undo = ERR_UNAVAILABLE}, "brbpkpurbcbr");
    expect(&d[0], ERR_NONE);
    expect(&d[1], ERR_NOT_FOUND);
    play_list(u, 3, (struct store){.undo = ERR_INTERNAL, .commit = ERR_COMMIT_UNKNOWN},
              "brbpurbrbc");
    expect(&u[0], ERR_STORAGE_FULL);
    expect(&u[1], ERR_COMMIT_UNKNOWN);
    expect(&u[2], ERR_COMMIT_UNKNOWN);
    assert_int_equal(u[2].applied, 0);
}

/* The one that was refused too: what it was refused for may not be on disk. */
static void a_commit_that_fails_fails_all(void **state)
{
    static const enum err_code codes[] = {ERR_COMMIT_UNKNOWN, ERR_STORAGE_FULL, ERR_UNAVAILABLE};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(codes); i++) {
        struct change c[] = {change_of(ERR_NONE), change_of(ERR_DUPLICATE_REQUEST_ID)};

        play_list(c, 2, (struct store){.commit = codes[i]}, "bc");
        expect(&c[0], codes[i]);
        expect(&c[1], codes[i]);
    }
}

/* ---- with the thread ---- */

struct desk {
    struct writer *w;
    sem_t back; /* posted once for each change that is handed back */
    sem_t broken;
};

static void take_back(void *ctx, struct writer_op *list)
{
    struct desk *d = ctx;

    while (list) {
        struct change *c = (struct change *)list;

        list = list->next; /* before the change may be submitted again */
        c->back++;
        (void)sem_post(&d->back);
    }
}

static void hear_broken(void *ctx)
{
    struct desk *d = ctx;

    (void)sem_post(&d->broken);
}

static void desk_open(struct desk *d, struct store scene)
{
    struct writer_options o = {.done = take_back, .broken = hear_broken, .ctx = d};
    struct err e;

    stage = scene;
    assert_int_equal(sem_init(&d->back, 0, 0), 0);
    assert_int_equal(sem_init(&d->broken, 0, 0), 0);
    assert_int_equal(writer_open(&o, &d->w, &e), 0);
}

static void desk_close(struct desk *d)
{
    writer_close(d->w);
    assert_int_equal(stage.opened, 0);
    (void)sem_destroy(&d->back);
    (void)sem_destroy(&d->broken);
}

/* Submits, and waits until its result is there. */
static void submit_wait(struct desk *d, struct change *c)
{
    if (writer_submit(d->w, &c->op) == WRITER_QUEUED)
        (void)sem_wait(&d->back);
}

static void what_comes_meanwhile_is_committed_together(void **state)
{
    struct change c[OPS];
    struct desk d;
    sem_t gate;
    size_t i;

    (void)state;
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    desk_open(&d, (struct store){0});
    for (i = 0; i < OPS; i++)
        c[i] = change_of(ERR_NONE);
    c[0].gate = &gate;
    for (i = 0; i < OPS; i++)
        assert_int_equal(writer_submit(d.w, &c[i].op), WRITER_QUEUED);
    (void)sem_post(&gate);
    for (i = 0; i < OPS; i++)
        (void)sem_wait(&d.back);
    desk_close(&d);
    assert_true(stage.commits <= 2);
    for (i = 0; i < OPS; i++) {
        expect(&c[i], ERR_NONE);
        assert_int_equal(c[i].applied, 1);
        assert_int_equal(c[i].back, 1);
    }
    (void)sem_destroy(&gate);
}

/* The thread gives a change back before it gives up the role, so that one who comes again at once
 * may find it taken: that one yields. */
static void one_by_one_they_are_committed_on_the_spot(void **state)
{
    struct change c = change_of(ERR_NONE);
    struct desk d;
    int i, spot = 0;

    (void)state;
    desk_open(&d, (struct store){0});
    for (i = 0; i < ROUNDS || (spot == 0 && i < ROUNDS_MOST); i++) {
        if (writer_submit(d.w, &c.op) == WRITER_DONE) {
            spot++;
        } else {
            (void)sem_wait(&d.back);
            (void)sched_yield();
        }
        expect(&c, ERR_NONE);
    }
    desk_close(&d);
    assert_int_equal(stage.commits, i);
    assert_true(spot > 0);
}

static void after_an_unknown_commit_nothing_is_committed(void **state)
{
    struct change first = change_of(ERR_NONE), second = change_of(ERR_NONE);
    struct desk d;

    (void)state;
    desk_open(&d, (struct store){.commit = ERR_COMMIT_UNKNOWN});
    assert_false(writer_is_broken(d.w));
    submit_wait(&d, &first);
    expect(&first, ERR_COMMIT_UNKNOWN);
    (void)sem_wait(&d.broken);
    assert_true(writer_is_broken(d.w));
    submit_wait(&d, &second);
    expect(&second, ERR_UNAVAILABLE);
    assert_int_equal(second.applied, 0);
    desk_close(&d);
    assert_int_equal(stage.commits, 1);
}

static void the_end_commits_what_was_submitted(void **state)
{
    struct change c[OPS];
    bool on_the_spot[OPS];
    struct desk d;
    size_t i;

    (void)state;
    desk_open(&d, (struct store){0});
    for (i = 0; i < OPS; i++) {
        c[i] = change_of(ERR_NONE);
        on_the_spot[i] = writer_submit(d.w, &c[i].op) == WRITER_DONE;
    }
    desk_close(&d);
    for (i = 0; i < OPS; i++) {
        expect(&c[i], ERR_NONE);
        assert_int_equal(c[i].back, !on_the_spot[i]);
    }
}

/* Many threads, some of whose changes fail: each gets its own result, once. */
struct client {
    struct desk *desk;
    pthread_t thread;
    int number;
    int wrong;
};

struct owned {
    struct change change;
    sem_t back;
};

static void take_owned(void *ctx, struct writer_op *list)
{
    (void)ctx;
    while (list) {
        struct owned *o = (struct owned *)list;

        list = list->next;
        o->change.back++;
        (void)sem_post(&o->back);
    }
}

static void *client_main(void *arg)
{
    struct client *c = arg;
    struct owned o = {.change = change_of(ERR_NONE)};
    int i;

    (void)sem_init(&o.back, 0, 0);
    for (i = 0; i < ROUNDS; i++) {
        o.change.code = (i + c->number) % 3 == 0 ? ERR_NOT_FOUND : ERR_NONE;
        o.change.applied = 0;
        if (writer_submit(c->desk->w, &o.change.op) == WRITER_QUEUED)
            (void)sem_wait(&o.back);
        c->wrong += o.change.applied < 1;
        c->wrong += o.change.op.failed != (o.change.code != ERR_NONE);
    }
    (void)sem_destroy(&o.back);
    return NULL;
}

static void every_thread_gets_its_own_results(void **state)
{
    struct writer_options options = {.done = take_owned, .broken = hear_broken};
    struct client c[THREADS] = {0};
    struct desk d;
    struct err e;
    int i;

    (void)state;
    stage = (struct store){0};
    assert_int_equal(writer_open(&options, &d.w, &e), 0);
    for (i = 0; i < THREADS; i++) {
        c[i].desk = &d;
        c[i].number = i;
        assert_int_equal(pthread_create(&c[i].thread, NULL, client_main, &c[i]), 0);
    }
    for (i = 0; i < THREADS; i++) {
        (void)pthread_join(c[i].thread, NULL);
        assert_int_equal(c[i].wrong, 0);
    }
    writer_close(d.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lone_change_needs_no_savepoint),
        cmocka_unit_test(a_change_that_fails_takes_nothing_with_it),
        cmocka_unit_test(what_was_put_off_and_fails_is_done_again_one_by_one),
        cmocka_unit_test(a_lone_one_is_not_refused_for_what_it_could_not_have_written),
        cmocka_unit_test(one_that_fails_before_it_writes_costs_the_others_nothing),
        cmocka_unit_test(nothing_good_is_no_commit),
        cmocka_unit_test(without_the_lock_all_fail),
        cmocka_unit_test(what_ends_the_transaction_fails_nobody_else),
        cmocka_unit_test(a_commit_that_fails_fails_all),
        cmocka_unit_test(what_comes_meanwhile_is_committed_together),
        cmocka_unit_test(one_by_one_they_are_committed_on_the_spot),
        cmocka_unit_test(after_an_unknown_commit_nothing_is_committed),
        cmocka_unit_test(the_end_commits_what_was_submitted),
        cmocka_unit_test(every_thread_gets_its_own_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
