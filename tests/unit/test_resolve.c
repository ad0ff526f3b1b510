/* SPDX-License-Identifier: MIT */
/* Names looked up side by side: one lookup for one name, fairness between groups, deadlines, and a
 * close that waits for nobody. The lookups are this program's own: some end only when it says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "cron/resolve.h"
#include "prop.h"
#include "torture.h"

enum { HANGS = 60, QUESTIONS_MAX = 4096 };

static const int64_t FAR = INT64_MAX;

/* ---- the lookups ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool gate;                                /* guarded by lock, as is all that follows */
static size_t begun, under_way, most, most_of_a; /* "a…" is of the group a */
static size_t a_under_way;

/* The address that a name has here: four bytes of its text. */
static struct netguard_address address_of(const char *name)
{
    struct netguard_address a = {{[10] = 0xff, [11] = 0xff}};
    uint32_t sum = 2166136261U;

    for (; *name; name++)
        sum = (sum ^ (unsigned char)*name) * 16777619U;
    memcpy(a.byte + 12, &sum, sizeof sum);
    return a;
}

/* A name with "slow" in it waits for the gate, one with "none" is not found. */
static void look_up(const char *name, struct lookup_answer *a)
{
    bool of_a = name[0] == 'a';

    (void)pthread_mutex_lock(&lock);
    begun++;
    under_way++;
    a_under_way += of_a;
    most = under_way > most ? under_way : most;
    most_of_a = a_under_way > most_of_a ? a_under_way : most_of_a;
    (void)pthread_cond_broadcast(&changed);
    while (strstr(name, "slow") && !gate)
        (void)pthread_cond_wait(&changed, &lock);
    under_way--;
    a_under_way -= of_a;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
    *a = (struct lookup_answer){0};
    if (strstr(name, "none")) {
        (void)snprintf(a->error, sizeof a->error, "not found");
    } else {
        a->n = 1;
        a->address[0] = address_of(name);
    }
}

static void set_gate(bool open)
{
    (void)pthread_mutex_lock(&lock);
    gate = open;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

static void await(const size_t *count, size_t n)
{
    (void)pthread_mutex_lock(&lock);
    while (*count != n)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
}

static size_t read_count(const size_t *count)
{
    size_t n;

    (void)pthread_mutex_lock(&lock);
    n = *count;
    (void)pthread_mutex_unlock(&lock);
    return n;
}

/* ---- who asks ---- */

struct asker {
    struct resolver *r;
    size_t asked, answered;
    struct {
        char name[32];
        size_t answers;
        bool good;
        char error[LOOKUP_ERROR_MAX];
    } question[QUESTIONS_MAX];
};

static struct asker *asker_open(void)
{
    struct resolve_options o = {.look_up = look_up};
    struct asker *a = calloc(1, sizeof *a);
    struct err e;

    assert_non_null(a);
    (void)pthread_mutex_lock(&lock);
    assert_int_equal(under_way, 0);
    gate = false;
    begun = most = most_of_a = 0;
    (void)pthread_mutex_unlock(&lock);
    if (resolve_open(&o, &a->r, &e) != 0)
        fail_msg("%s", e.text);
    return a;
}

/* Every lookup that was handed to a thread has begun by now. */
static void asker_close(struct asker *a)
{
    resolve_close(a->r);
    set_gate(true);
    await(&under_way, 0);
    free(a);
}

/* Returns the question's number. */
static size_t ask(struct asker *a, const char *group, int64_t until, const char *name)
{
    struct resolve_question q = {
        .name = name, .group = str_of(group), .until = until, .tag = a->asked};
    struct err e;

    assert_true(a->asked < QUESTIONS_MAX);
    (void)snprintf(a->question[a->asked].name, sizeof a->question[0].name, "%s", name);
    if (resolve_start(a->r, &q, &e) != 0)
        fail_msg("%s", e.text);
    return a->asked++;
}

static void on_done(void *ctx, size_t tag, const struct lookup_answer *answer)
{
    struct asker *a = ctx;
    struct netguard_address want;

    assert_true(tag < a->asked);
    a->answered++;
    a->question[tag].answers++;
    a->question[tag].good = answer->n > 0;
    if (answer->n > 0) {
        want = address_of(a->question[tag].name);
        assert_int_equal(answer->n, 1);
        assert_memory_equal(answer->address[0].byte, want.byte, sizeof want.byte);
    }
    (void)snprintf(a->question[tag].error, sizeof a->question[tag].error, "%s", answer->error);
}

static void turn_once(struct asker *a)
{
    int64_t left = resolve_due(a->r) - clock_mono();
    struct pollfd p = {.fd = resolve_fd(a->r), .events = POLLIN};

    left = left < 0 ? 0 : left > NS_PER_S ? NS_PER_S : left;
    (void)poll(&p, 1, (int)(left / NS_PER_MS));
    resolve_turn(a->r, on_done, a);
}

static void turn_until(struct asker *a, size_t answered)
{
    int64_t most_ns = clock_mono() + HANGS * NS_PER_S;

    while (a->answered < answered) {
        assert_true(clock_mono() < most_ns);
        turn_once(a);
    }
    assert_int_equal(a->answered, answered);
}

/* ---- the tests ---- */

static void test_answers(void **state)
{
    struct asker *a = asker_open();
    size_t good = ask(a, "g", FAR, "good"), none = ask(a, "g", FAR, "none");

    (void)state;
    turn_until(a, 2);
    assert_true(a->question[good].good);
    assert_false(a->question[none].good);
    assert_string_equal(a->question[none].error, "not found");
    assert_int_equal(resolve_due(a->r), INT64_MAX);
    asker_close(a);
}

static void test_one_lookup_for_one_name(void **state)
{
    struct asker *a = asker_open();
    char group[16];
    size_t i;

    (void)state;
    for (i = 0; i < 500; i++) {
        (void)snprintf(group, sizeof group, "g%zu", i % 7);
        (void)ask(a, group, FAR, "slow");
    }
    set_gate(true);
    turn_until(a, 500);
    /* What was found is kept, whether it was an address or not. */
    (void)ask(a, "g", FAR, "slow");
    (void)ask(a, "g", FAR, "none");
    turn_until(a, 502);
    (void)ask(a, "h", FAR, "none");
    turn_until(a, 503);
    assert_int_equal(read_count(&begun), 2);
    asker_close(a);
}

static void test_a_thousand_dead_names_delay_nobody_else(void **state)
{
    struct asker *a = asker_open();
    size_t i, good;
    char name[32];

    (void)state;
    for (i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "a-slow-%zu", i);
        (void)ask(a, "a", FAR, name);
    }
    for (i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof name, "good-%zu", i);
        good = ask(a, "b", FAR, name);
        turn_until(a, i + 1);
        assert_true(a->question[good].good);
    }
    await(&a_under_way, RESOLVE_SHARE);
    set_gate(true);
    turn_until(a, 1050);
    assert_int_equal(read_count(&most_of_a), RESOLVE_SHARE);
    assert_int_equal(read_count(&begun), 1050);
    asker_close(a);
}

/* The same name, dead in another's line, is looked up in the turn of whoever asks next. */
static void test_a_name_in_a_long_line_is_asked_for_by_others(void **state)
{
    struct asker *a = asker_open();
    char name[32];
    size_t i;

    (void)state;
    for (i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "a-slow-%zu", i);
        (void)ask(a, "a", FAR, name);
    }
    (void)ask(a, "a", FAR, "good");
    (void)ask(a, "b", FAR, "good");
    turn_until(a, 2);
    await(&a_under_way, RESOLVE_SHARE);
    asker_close(a);
}

static void test_threads_have_a_limit(void **state)
{
    struct asker *a = asker_open();
    char name[32], group[16];
    size_t i;

    (void)state;
    for (i = 0; i < 200; i++) {
        (void)snprintf(group, sizeof group, "g%zu", i % 10);
        (void)snprintf(name, sizeof name, "slow-%zu", i);
        (void)ask(a, group, FAR, name);
    }
    await(&under_way, RESOLVE_THREADS);
    set_gate(true);
    turn_until(a, 200);
    assert_int_equal(read_count(&most), RESOLVE_THREADS);
    asker_close(a);
}

static void test_deadlines(void **state)
{
    struct asker *a = asker_open();
    size_t late = ask(a, "g", clock_mono() + 20 * NS_PER_MS, "slow");
    size_t over = ask(a, "g", clock_mono() - 1, "slow-2"), later = ask(a, "g", FAR, "slow");

    (void)state;
    turn_until(a, 2);
    assert_non_null(strstr(a->question[late].error, "in time"));
    assert_non_null(strstr(a->question[over].error, "in time"));
    set_gate(true);
    turn_until(a, 3);
    assert_true(a->question[later].good);
    await(&begun, 2);
    asker_close(a);
}

/* Lookups that nobody waits for any more still count: their group gets no more than its share. */
static void test_abandoned_lookups_count(void **state)
{
    struct asker *a = asker_open();
    char name[32];
    size_t i;

    (void)state;
    for (i = 0; i < 20; i++) {
        (void)snprintf(name, sizeof name, "a-slow-%zu", i);
        (void)ask(a, "a", clock_mono() + NS_PER_MS, name);
    }
    turn_until(a, 20);
    (void)ask(a, "a", FAR, "a-good");
    (void)ask(a, "b", FAR, "good");
    turn_until(a, 21);
    assert_int_equal(a->question[21].answers, 1);
    assert_true(read_count(&most_of_a) <= RESOLVE_SHARE);
    set_gate(true);
    turn_until(a, 22);
    await(&begun, RESOLVE_SHARE + 2);
    asker_close(a);
}

/* Nothing is waited for: were it, this would hang, since the gate is shut. */
static void test_close_waits_for_nobody(void **state)
{
    struct asker *a = asker_open();
    char name[32], group[16];
    size_t i;

    (void)state;
    for (i = 0; i < 100; i++) {
        (void)snprintf(group, sizeof group, "g%zu", i % 10);
        (void)snprintf(name, sizeof name, "slow-%zu", i);
        (void)ask(a, group, FAR, name);
    }
    await(&under_way, RESOLVE_THREADS);
    asker_close(a);
}

static void test_the_name_server_must_be_one(void **state)
{
    static const char *const good[] = {"127.0.0.1", "127.0.0.1:53", "::1",
                                       "[::1]",     "[::1]:5353",   "2001:db8::53"};
    static const char *const bad[] = {
        "",       "x",      "127.0.0.1:", "127.0.0.1:0",     "127.0.0.1:x",    "[::1",
        "[::1]:", "[::1]x", "[::1]53",    "127.0.0.1:65536", "example.com:53", ":53",
        "[]:53",  "[",      "1.2.3.4:5:6"};
    struct resolve_options o = {0};
    struct resolver *r;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(good); i++) {
        o.nameserver = str_of(good[i]);
        if (resolve_open(&o, &r, &e) != 0)
            fail_msg("%s", e.text);
        resolve_close(r);
    }
    for (i = 0; i < ARRAY_LEN(bad); i++) {
        o.nameserver = str_of(bad[i]);
        if (resolve_open(&o, &r, &e) == 0)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(e.code, ERR_CONFIG);
        assert_non_null(strstr(e.text, "callback.nameserver"));
    }
}

/* Questions, turns and the gate in any order: every question gets one answer, and the right one. */
static void test_any_order(void **state)
{
    struct prop p = prop_begin("resolve", 71);
    int round;

    (void)state;
    for (round = 0; round < 30; round++) {
        struct asker *a = asker_open();
        size_t steps = 300, i;
        char name[32], group[2] = "?";

        for (i = 0; i < steps; i++) {
            static const char *const kinds[] = {"slow", "none", "good", "a"};

            group[0] = (char)('a' + prop_below(&p, 6));
            (void)snprintf(name, sizeof name, "%s-%zu", kinds[prop_below(&p, ARRAY_LEN(kinds))],
                           prop_below(&p, 60));
            (void)ask(a, group, FAR, name);
            if (prop_one_in(&p, 4))
                resolve_turn(a->r, on_done, a);
            if (prop_one_in(&p, 20))
                set_gate(prop_one_in(&p, 2));
        }
        set_gate(true);
        turn_until(a, steps);
        for (i = 0; i < steps; i++) {
            assert_int_equal(a->question[i].answers, 1);
            assert_int_equal(a->question[i].good, strstr(a->question[i].name, "none") == NULL);
        }
        assert_true(read_count(&most) <= RESOLVE_THREADS);
        asker_close(a);
    }
}

#if TORTURE
/* Without room for a thread's stack a question is answered all the same. */
static void test_no_thread_can_be_started(void **state)
{
    struct asker *a = asker_open();
    struct rlimit before, none;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    none = before;
    none.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
    (void)ask(a, "g", FAR, "good");
    turn_until(a, 1);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_non_null(strstr(a->question[0].error, "no thread"));
    (void)ask(a, "g", FAR, "good");
    turn_until(a, 2);
    assert_true(a->question[1].good);
    asker_close(a);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#if TORTURE
        cmocka_unit_test(test_no_thread_can_be_started), /* first: no stack is kept for another */
#endif
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_one_lookup_for_one_name),
        cmocka_unit_test(test_a_thousand_dead_names_delay_nobody_else),
        cmocka_unit_test(test_a_name_in_a_long_line_is_asked_for_by_others),
        cmocka_unit_test(test_threads_have_a_limit),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_abandoned_lookups_count),
        cmocka_unit_test(test_close_waits_for_nobody),
        cmocka_unit_test(test_the_name_server_must_be_one),
        cmocka_unit_test(test_any_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
