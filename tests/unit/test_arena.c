/* SPDX-License-Identifier: MIT */
/* Arena: what it hands out is zeroed, aligned, apart from everything else, and bounded. */
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "arena.h"
#include "prop.h"
#include "torture.h"

enum { PIECES = 2000 };

static struct arena *arena_of(size_t max)
{
    struct arena *a = arena_new(max);

    assert_non_null(a);
    return a;
}

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    struct prop r = prop_begin(__func__, 20);
    struct arena *a = arena_of(1 << 26);
    unsigned char *piece[PIECES];
    size_t size[PIECES], i, j;

    (void)state;
    for (i = 0; i < PIECES; i++) {
        size[i] = prop_below(&r, prop_one_in(&r, 50) ? 40000 : 200);
        piece[i] = arena_array(a, size[i], 1);
        assert_non_null(piece[i]);
        assert_int_equal((uintptr_t)piece[i] % _Alignof(max_align_t), 0);
        for (j = 0; j < size[i]; j++)
            assert_int_equal(piece[i][j], 0);
        memset(piece[i], (int)(i % 255) + 1, size[i]);
    }
    for (i = 0; i < PIECES; i++) {
        for (j = 0; j < size[i]; j++)
            assert_int_equal(piece[i][j], i % 255 + 1);
    }
    arena_free(a);
}

static void no_elements_are_no_failure(void **state)
{
    struct arena *a = arena_of(64);

    (void)state;
    assert_non_null(arena_array(a, 0, 8));
    assert_non_null(arena_array(a, 8, 0));
    arena_free(a);
}

static void a_copy_ends_with_nul(void **state)
{
    struct arena *a = arena_of(64);
    struct str copy = {0};

    (void)state;
    assert_int_equal(arena_copy(a, (struct str){"abcdef", 3}, &copy), 0);
    assert_int_equal(copy.n, 3);
    assert_string_equal(copy.p, "abc");
    assert_int_equal(arena_copy(a, (struct str){NULL, 0}, &copy), 0);
    assert_int_equal(copy.n, 0);
    assert_string_equal(copy.p, "");
    arena_free(a);
}

static void the_limit_holds(void **state)
{
    struct arena *a = arena_of(1000);
    struct str copy = {0};
    size_t got = 0;

    (void)state;
    assert_null(arena_array(a, 1001, 1));
    assert_null(arena_array(a, SIZE_MAX / 2, 3));
    assert_null(arena_array(a, SIZE_MAX, 1));
    assert_int_equal(arena_copy(a, (struct str){"no such text", SIZE_MAX}, &copy), -1);
    while (got < 2000 && arena_array(a, 10, 1))
        got += 10;
    assert_in_range(got, 500, 1000);
    assert_int_equal(arena_copy(a, STR_LIT("twenty bytes of text"), &copy), -1);
    assert_null(copy.p);
    arena_free(a);
}

static void a_refusal_is_remembered(void **state)
{
    struct arena *a = arena_of(100);

    (void)state;
    assert_non_null(arena_array(a, 10, 1));
    assert_false(arena_failed(a));
    assert_null(arena_array(a, 100, 1));
    assert_true(arena_failed(a));
    assert_non_null(arena_array(a, 10, 1));
    assert_true(arena_failed(a));
    arena_free(a);
}

static void nothing_is_freed_without_complaint(void **state)
{
    (void)state;
    arena_free(NULL);
}

#if TORTURE
static void memory_that_runs_out_is_reported(void **state)
{
    struct arena *a;

    (void)state;
    torture_arm(0);
    a = arena_new(10);
    torture_end();
    assert_null(a);
    torture_arm(1);
    a = arena_new(1 << 20);
    assert_non_null(a);
    assert_null(arena_array(a, 1, 1));
    arena_free(a);
    assert_int_equal(torture_end(), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(no_elements_are_no_failure),
        cmocka_unit_test(a_copy_ends_with_nul),
        cmocka_unit_test(the_limit_holds),
        cmocka_unit_test(a_refusal_is_remembered),
        cmocka_unit_test(nothing_is_freed_without_complaint),
#if TORTURE
        cmocka_unit_test(memory_that_runs_out_is_reported),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
