/* SPDX-License-Identifier: MIT */
/* Numbers that are counted: what is counted is what is read, whatever becomes of the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "stats_case.h"

static int64_t sum_of(const struct stats_histogram *h)
{
    int64_t n = 0;
    size_t i;

    for (i = 0; i < STATS_BUCKETS; i++)
        n += h->count[i];
    return n;
}

static void what_one_counts_another_reads(void **state)
{
    struct world *w = *state;
    struct stats *a = open_it(w->path), *b = open_it(w->same);
    const struct stats_last_pass pass = {
        .at = NOW, .ns = 5, .admitted = 6, .groups = 7, .reasons = 8};
    struct stats_histogram size, took;
    struct stats_queue q;
    struct stat st;

    assert_int_equal(stat(w->path, &st), 0);
    assert_int_equal(st.st_mode & 07117, 0);
    assert_true((int64_t)st.st_blocks * 512 >= st.st_size);
    stats_http(a, 3, 201, 90 * NS_PER_US);
    stats_http(a, 3, 404, 2 * NS_PER_S);
    stats_http(a, 4711, 404, 0);
    assert_int_equal(stats_read_status(b, 3, 201), 1);
    assert_int_equal(stats_read_status(b, 3, 404), 1);
    assert_int_equal(stats_read_status(b, 3, 200), 0);
    assert_int_equal(stats_read_status(b, STATS_NO_ROUTE, 404), 1);
    stats_read_http(b, 3, &took);
    assert_int_equal(took.count[0], 1);
    assert_int_equal(sum_of(&took), 2);
    assert_int_equal(took.sum, 2000090);
    stats_commit(a, STATS_DISPATCHER, 3, NS_PER_MS);
    stats_read_commits(b, STATS_DISPATCHER, &size, &took);
    assert_int_equal(size.count[2], 1); /* 3 is no more than 4 */
    assert_int_equal(size.sum, 3);
    assert_int_equal(took.count[3], 1); /* 1 ms is no more than 1 ms */
    stats_read_commits(b, STATS_SERVICE, &size, &took);
    assert_int_equal(sum_of(&size) + sum_of(&took), 0);
    stats_delivery(a, STATS_AGAIN, 200 * NS_PER_S);
    stats_read_deliveries(b, STATS_AGAIN, &took);
    assert_int_equal(took.count[STATS_BUCKETS - 1], 1);
    stats_pass(a, NOW, 7 * NS_PER_MS);
    assert_true(stats_read_passes(b, &took) == NOW + 7 * NS_PER_MS);
    assert_int_equal(took.sum, 7000);
    stats_created(a, VM, 5);
    stats_admitted(a, VM, 3600 * NS_PER_S, NOW);
    stats_queue_pass(a, VM, &pass);
    stats_queue(b, VM, NOW, &q);
    assert_int_equal(q.created, 5);
    assert_int_equal(q.admitted, 1);
    assert_int_equal(q.last_minute + q.last_hour + q.last_day, 3);
    assert_true(q.wait.sum == 3600000000LL);
    assert_memory_equal(&q.last, &pass, sizeof pass);
    assert_true(stats_since(b) > 0);
    stats_close(b);
    stats_close(a);
    a = open_it(w->path); /* the numbers outlive the programs */
    assert_int_equal(created(a, VM), 5);
    stats_close(a);
}

static void what_is_no_number_is_not_counted(void **state)
{
    struct world *w = *state;
    struct stats *s = open_it(w->path);
    struct stats_histogram took;

    stats_http(s, 1, 0, 1);
    stats_http(s, 1, 99, 1);
    stats_http(s, 1, 600, 1);
    stats_read_http(s, 1, &took);
    assert_int_equal(sum_of(&took), 0);
    stats_http(s, 1, 599, -5); /* a clock of another kind */
    stats_read_http(s, 1, &took);
    assert_int_equal(took.count[0], 1);
    assert_int_equal(took.sum, 0);
    assert_int_equal(stats_read_status(s, 1, 600), 0);
    stats_close(s);
}

static void without_any_everything_is_nothing(void **state)
{
    struct stats_last_pass pass = {.at = 1};
    struct stats_histogram h, g;
    struct stats_queue q;

    (void)state;
    stats_http(NULL, 1, 200, 1);
    stats_commit(NULL, STATS_SERVICE, 1, 1);
    stats_delivery(NULL, STATS_VOID, 1);
    stats_pass(NULL, 1, 1);
    stats_created(NULL, VM, 1);
    stats_reading(NULL, VM, true);
    stats_admitted(NULL, VM, 1, NOW);
    stats_queue_pass(NULL, VM, &pass);
    stats_queue(NULL, VM, NOW, &q);
    stats_read_http(NULL, 1, &h);
    stats_read_commits(NULL, STATS_SERVICE, &h, &g);
    stats_read_deliveries(NULL, STATS_VOID, &h);
    assert_int_equal(stats_read_passes(NULL, &h), 0);
    assert_int_equal(q.created + sum_of(&h) + sum_of(&g), 0);
    assert_int_equal(stats_read_status(NULL, 1, 200) + stats_since(NULL), 0);
    stats_close(NULL);
}

static void the_limits_rise(void **state)
{
    size_t scale, i;

    (void)state;
    for (scale = 0; scale < STATS_SCALES; scale++) {
        for (i = 1; i < STATS_BUCKETS - 1; i++)
            assert_true(stats_limits[scale][i] > stats_limits[scale][i - 1]);
    }
}

/* ---- admissions of a while ---- */

static void admitted_at(struct stats *s, int64_t now, int64_t minute, int64_t hour, int64_t day)
{
    struct stats_queue q;

    stats_queue(s, VM, now, &q);
    assert_int_equal(q.last_minute, minute);
    assert_int_equal(q.last_hour, hour);
    assert_int_equal(q.last_day, day);
}

static void admissions_grow_old(void **state)
{
    const int64_t minute = 60 * NS_PER_S, hour = 60 * minute;
    struct world *w = *state;
    struct stats *s = open_it(w->path);

    stats_admitted(s, VM, 0, NOW);
    stats_admitted(s, VM, 0, NOW);
    stats_admitted(s, VM, 0, NOW + minute / 2);
    admitted_at(s, NOW + minute / 2, 3, 3, 3);
    admitted_at(s, NOW + minute, 1, 3, 3);
    admitted_at(s, NOW + 2 * minute, 0, 3, 3);
    stats_admitted(s, VM, 0, NOW + 2 * hour);
    admitted_at(s, NOW + 2 * hour, 1, 1, 4);
    admitted_at(s, NOW + 23 * hour, 0, 0, 4);
    admitted_at(s, NOW + 25 * hour, 0, 0, 1);
    admitted_at(s, NOW + 50 * hour, 0, 0, 0);
    stats_close(s);
}

static void a_clock_that_goes_back_breaks_nothing(void **state)
{
    const int64_t day = 86400 * NS_PER_S;
    struct world *w = *state;
    struct stats *s = open_it(w->path);
    int i;

    for (i = 0; i < 100; i++)
        stats_admitted(s, VM, -5, NOW + i * 60 * NS_PER_S);
    admitted_at(s, NOW - 30 * day, 0, 0, 0); /* of later, all of it */
    stats_admitted(s, VM, 0, NOW - 30 * day);
    admitted_at(s, NOW - 30 * day, 1, 1, 1);
    stats_admitted(s, VM, 0, NOW + 30 * day);
    admitted_at(s, NOW + 30 * day, 1, 1, 1);
    stats_close(s);
}

/* ---- types ---- */

static void a_type_of_255_bytes_and_its_beginning_are_two(void **state)
{
    struct world *w = *state;
    struct stats *s = open_it(w->path);
    char text[JOB_NAME_MAX];

    memset(text, 'x', sizeof text);
    stats_created(s, (struct str){text, sizeof text}, 1);
    stats_created(s, (struct str){text, sizeof text - 1}, 2);
    stats_created(s, (struct str){text, 8}, 3);
    assert_int_equal(created(s, (struct str){text, sizeof text}), 1);
    assert_int_equal(created(s, (struct str){text, sizeof text - 1}), 2);
    assert_int_equal(created(s, (struct str){text, 8}), 3);
    assert_int_equal(created(s, (struct str){text, 7}), 0);
    stats_close(s);
}

static void types_beyond_the_limit_share(void **state)
{
    enum { MORE = 50 };
    struct world *w = *state;
    struct stats *s = open_it(w->path);
    int64_t own = 0;
    char text[32];
    int i;

    for (i = 0; i < STATS_QUEUES_MAX + MORE; i++) {
        (void)snprintf(text, sizeof text, "type-%d", i);
        stats_created(s, str_of(text), 1);
    }
    for (i = 0; i < STATS_QUEUES_MAX + MORE; i++) {
        (void)snprintf(text, sizeof text, "type-%d", i);
        assert_int_equal(created(s, str_of(text)), i < STATS_QUEUES_MAX);
        own += created(s, str_of(text));
    }
    assert_int_equal(own, STATS_QUEUES_MAX);
    assert_int_equal(created(s, STR_LIT("")), MORE);
    stats_close(s);
}

/* ---- the file ---- */

static void a_bad_file_is_made_anew(void **state)
{
    static const struct {
        off_t at;
        const char *bytes; /* NULL: cut off there */
    } bad[] = {{0, "x"}, {8, "\x07"}, {16, "\x07"}, {100, NULL}, {0, NULL}, {1 << 24, NULL}};
    struct world *w = *state;
    size_t i;

    for (i = 0; i < ARRAY_LEN(bad); i++) {
        struct stats *s = open_it(w->path), *t;

        stats_created(s, VM, 1);
        stats_close(s);
        spoil(w->path, bad[i].at, bad[i].bytes);
        s = open_it(w->path);
        assert_int_equal(created(s, VM), 0);
        stats_created(s, VM, 1);
        t = open_it(w->same); /* it is the file that others find */
        assert_int_equal(created(t, VM), 1);
        stats_close(t);
        stats_close(s);
    }
}

static void a_fifo_in_its_place_is_replaced(void **state)
{
    struct world *w = *state;
    struct stats *s;
    struct stat st;

    assert_int_equal(mkfifo(w->path, 0600), 0);
    s = open_it(w->path);
    assert_int_equal(stat(w->path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    stats_close(s);
}

static void what_a_dead_maker_left_is_no_obstacle(void **state)
{
    struct world *w = *state;
    struct stats *s;
    char name[128];
    int fd;

    (void)snprintf(name, sizeof name, "%s.new", w->path);
    fd = open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "half", 4), 4);
    assert_int_equal(close(fd), 0);
    s = open_it(w->path);
    stats_created(s, VM, 1);
    stats_close(s);
    s = open_it(w->same);
    assert_int_equal(created(s, VM), 1);
    stats_close(s);
}

static void who_only_reads_makes_nothing(void **state)
{
    struct world *w = *state;
    struct stats *s, *t;

    assert_null(stats_open(w->path, false));
    assert_int_equal(access(w->path, F_OK), -1);
    s = open_it(w->path);
    stats_created(s, VM, 1);
    t = stats_open(w->same, false);
    assert_int_equal(created(t, VM), 1);
    stats_close(t);
    stats_close(s);
    spoil(w->path, 8, "\x07");
    assert_null(stats_open(w->path, false));
}

static void without_a_file_memory_counts_for_the_process(void **state)
{
    struct world *w = *state;
    struct stats *a, *b;
    char path[128];

    (void)snprintf(path, sizeof path, "%s/nowhere/s.stats", w->dir);
    a = open_it(path);
    b = open_it(path);
    stats_created(a, VM, 2);
    assert_int_equal(created(b, VM), 2);
    stats_close(a);
    assert_int_equal(created(b, VM), 2);
    stats_close(b);
}

static void a_file_cut_short_while_it_is_mapped_ends_nobody(void **state)
{
    struct world *w = *state;
    struct stats *s = open_it(w->path), *t;

    stats_created(s, VM, 2);
    assert_int_equal(truncate(w->path, 0), 0);
    stats_http(s, 1, 200, 5);
    stats_created(s, VM, 3);
    assert_int_equal(created(s, VM), 3);
    assert_int_equal(stats_read_status(s, 1, 200), 1);
    t = stats_open(w->path, true);
    assert_ptr_equal(s, t);
    stats_close(t);
    stats_close(s);
    s = open_it(w->path);
    assert_int_equal(created(s, VM), 0);
    stats_close(s);
}

static void a_file_that_was_replaced_is_followed(void **state)
{
    struct world *w = *state;
    struct stats *s = open_it(w->path), *other;

    assert_int_equal(unlink(w->path), 0);
    stats_created(s, VM, 1);
    other = open_it(w->same); /* who is started next makes another one */
    stats_http(s, 1, 200, 5); /* looks, the first time and once a second */
    stats_created(s, VM, 2);
    assert_int_equal(created(other, VM), 2);
    stats_created(other, VM, 1000);
    assert_int_equal(created(s, VM), 1002);
    stats_close(other);
    stats_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(what_one_counts_another_reads),
        IN_A_WORLD(what_is_no_number_is_not_counted),
        cmocka_unit_test(without_any_everything_is_nothing),
        cmocka_unit_test(the_limits_rise),
        IN_A_WORLD(admissions_grow_old),
        IN_A_WORLD(a_clock_that_goes_back_breaks_nothing),
        IN_A_WORLD(a_type_of_255_bytes_and_its_beginning_are_two),
        IN_A_WORLD(types_beyond_the_limit_share),
        IN_A_WORLD(a_bad_file_is_made_anew),
        IN_A_WORLD(a_fifo_in_its_place_is_replaced),
        IN_A_WORLD(what_a_dead_maker_left_is_no_obstacle),
        IN_A_WORLD(who_only_reads_makes_nothing),
        IN_A_WORLD(without_a_file_memory_counts_for_the_process),
        IN_A_WORLD(a_file_cut_short_while_it_is_mapped_ends_nobody),
        IN_A_WORLD(a_file_that_was_replaced_is_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
