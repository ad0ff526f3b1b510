/* SPDX-License-Identifier: MIT */
/* The readers: the round of a reading, what is refused meanwhile, sources that hang, and the end.
 * The sources are programs of the test's own. */
#include "rig.h"

#include <poll.h>
#include <sys/stat.h>

#include "cron/readers.h"

/* Queue 0 has a program whose text a test chooses, queue 1 hosts of the configuration, and "*"
 * comes last. */
struct scene {
    struct rig rig;
    char program[96];
    struct readers *readers;
};

static void write_program(struct scene *s, const char *text)
{
    FILE *f = fopen(s->program, "w");

    assert_non_null(f);
    (void)fprintf(f, "#!/bin/sh\n%s\n", text);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(s->program, 0700), 0);
}

static void begin(struct scene *s, const char *text, const char *timeout)
{
    char yaml[1024];
    struct err e;

    rig_make(&s->rig, "");
    (void)snprintf(s->program, sizeof s->program, "%s/program", s->rig.dir);
    write_program(s, text);
    (void)snprintf(yaml, sizeof yaml,
                   "database: %s\nqueues:\n  a: {capacity: exec, program: [%s], timeout: %s}\n"
                   "  b: {capacity: static, pools: {p: {hosts: {n: {x: 1}}}}}\n",
                   s->rig.path, s->program, timeout);
    store_close(s->rig.s);
    s->rig.s = NULL;
    conf_free(s->rig.conf);
    OK(conf_parse(str_of(yaml), "test", &s->rig.conf, &e), &e);
    OK(readers_open(s->rig.conf, &s->readers, &e), &e);
}

static void end(struct scene *s)
{
    readers_close(s->readers);
    rig_free(&s->rig);
}

/* Waits until the descriptor can be read; the test's own limit is that of the whole run. */
static void wait_for_one(struct scene *s)
{
    struct pollfd p = {.fd = readers_fd(s->readers), .events = POLLIN};

    assert_int_equal(poll(&p, 1, 60000), 1);
}

static bool is_quiet(const struct scene *s)
{
    struct pollfd p = {.fd = readers_fd(s->readers), .events = POLLIN};

    return poll(&p, 1, 0) == 0;
}

#define GOOD "echo '{\"hosts\":{\"h\":{\"total\":{\"x\":2}}}}'"

static void test_the_round_of_a_reading(void **state)
{
    struct source_reading *r;
    struct scene s;

    (void)state;
    begin(&s, GOOD, "20s");
    assert_false(readers_busy(s.readers, 0));
    assert_null(readers_take(s.readers, 0));
    readers_ask(s.readers, 0, (struct str){0});
    assert_true(readers_busy(s.readers, 0));
    wait_for_one(&s);
    assert_true(readers_came(s.readers, 0));
    readers_hush(s.readers);
    assert_true(is_quiet(&s));
    r = readers_take(s.readers, 0);
    assert_non_null(r);
    assert_int_equal(r->state, SOURCE_GOOD);
    assert_int_equal(r->hosts, 1);
    assert_true(r->ns > 0);
    assert_null(readers_take(s.readers, 0)); /* taken is taken */
    readers_ask(s.readers, 0, (struct str){0});
    assert_false(readers_busy(s.readers, 0)); /* not while somebody has it */
    readers_drop(s.readers, 0);
    readers_ask(s.readers, 0, (struct str){0});
    readers_wait(s.readers);
    assert_true(readers_came(s.readers, 0));
    end(&s);
}

static void test_who_asks_nobody_is_read_at_once(void **state)
{
    struct source_reading *r;
    struct scene s;

    (void)state;
    begin(&s, GOOD, "20s");
    readers_ask(s.readers, 1, (struct str){0});
    r = readers_take(s.readers, 1);
    assert_non_null(r);
    assert_int_equal(r->state, SOURCE_GOOD);
    assert_true(is_quiet(&s)); /* whoever asked knows */
    readers_ask(s.readers, 2, (struct str){0});
    assert_int_equal(readers_take(s.readers, 2)->state, SOURCE_NONE);
    end(&s);
}

static void test_questions_go_back_with_the_reading(void **state)
{
    struct source_question q = {.project = STR_LIT("p")};
    struct source_reading *r;
    struct scene s;

    (void)state;
    begin(&s, GOOD, "20s");
    readers_ask(s.readers, 0, (struct str){0});
    readers_wait(s.readers);
    r = readers_take(s.readers, 0);
    readers_more(s.readers, 0, &q, 1);
    readers_wait(s.readers);
    assert_ptr_equal(readers_take(s.readers, 0), r); /* a program has no more to say: the same */
    assert_int_equal(r->hosts, 1);
    readers_more(s.readers, 0, NULL, 0); /* no questions: it is over */
    assert_false(readers_busy(s.readers, 0));
    end(&s);
}

static void test_what_waits_is_handed_over(void **state)
{
    struct source_reading *r;
    struct scene s;

    (void)state;
    begin(&s, "exec cat", "20s");
    readers_ask(s.readers, 0, STR_LIT("{\"hosts\":{\"mine\":{\"total\":{\"x\":1}}}}"));
    readers_wait(s.readers);
    r = readers_take(s.readers, 0);
    assert_int_equal(r->state, SOURCE_GOOD);
    assert_true(str_is(r->host[0].name, "mine"));
    end(&s);
}

static void test_one_that_hangs_ends_at_its_limit_and_keeps_nobody_waiting(void **state)
{
    struct source_reading *r;
    struct scene s;

    (void)state;
    begin(&s, "exec sleep 600", "1s");
    readers_ask(s.readers, 0, (struct str){0});
    readers_ask(s.readers, 1, (struct str){0});
    assert_non_null(readers_take(s.readers, 1));
    readers_wait(s.readers);
    r = readers_take(s.readers, 0);
    assert_int_equal(r->state, SOURCE_FAILED);
    assert_non_null(strstr(r->error, "was killed after"));
    end(&s);
}

static void test_closing_ends_one_that_hangs(void **state)
{
    struct scene s;

    (void)state;
    begin(&s, "exec sleep 600", "10m");
    readers_ask(s.readers, 0, (struct str){0});
    assert_true(readers_busy(s.readers, 0));
    end(&s);
    readers_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_round_of_a_reading),
        cmocka_unit_test(test_who_asks_nobody_is_read_at_once),
        cmocka_unit_test(test_questions_go_back_with_the_reading),
        cmocka_unit_test(test_what_waits_is_handed_over),
        cmocka_unit_test(test_one_that_hangs_ends_at_its_limit_and_keeps_nobody_waiting),
        cmocka_unit_test(test_closing_ends_one_that_hangs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
