/* SPDX-License-Identifier: MIT */
/* This machine's own addresses: loopback is always among them, and lists that are taken by several
 * threads hold until they are given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "ownaddr.h"

enum { THREADS = 4, ROUNDS = 2000 };

static bool has(const struct ownaddr_list *list, const char *text)
{
    struct netguard_address a;
    size_t i;

    if (netguard_address_parse(str_of(text), &a) != 0)
        return false;
    for (i = 0; i < list->n; i++) {
        if (memcmp(list->address[i].byte, a.byte, sizeof a.byte) == 0)
            return true;
    }
    return false;
}

static void test_loopback_is_ours(void **state)
{
    const struct ownaddr_list *list;
    struct ownaddr *o;
    struct err e;

    (void)state;
    assert_int_equal(ownaddr_open(&o, &e), 0);
    list = ownaddr_take(o);
    assert_true(has(list, "127.0.0.1"));
    assert_false(has(list, "192.0.2.1"));
    ownaddr_give(o, list);
    ownaddr_close(o);
    ownaddr_close(NULL);
}

static void *take_and_give(void *ctx)
{
    struct ownaddr *o = ctx;
    const struct ownaddr_list *list;
    bool good = true;
    int i;

    for (i = 0; i < ROUNDS; i++) {
        list = ownaddr_take(o);
        good = has(list, "127.0.0.1") && good;
        ownaddr_give(o, list);
    }
    return good ? o : NULL;
}

static void test_by_several_threads(void **state)
{
    pthread_t thread[THREADS];
    struct ownaddr *o;
    struct err e;
    void *result;
    int i;

    (void)state;
    assert_int_equal(ownaddr_open(&o, &e), 0);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, take_and_give, o), 0);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], &result), 0);
        assert_ptr_equal(result, o);
    }
    ownaddr_close(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback_is_ours),
        cmocka_unit_test(test_by_several_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
