/* SPDX-License-Identifier: MIT */
/* How much of a FastCGI request has come: of every beginning of some requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "record.h"

enum { BEGIN = 1, ABORT = 2, PARAMS = 4, STDIN = 5, GET_VALUES = 9 };

static void add(struct buf *b, int type, size_t content, int padding)
{
    char head[8] = {1, (char)type, 0, 1, (char)(content >> 8), (char)content, (char)padding, 0};
    size_t i;

    buf_add(b, head, sizeof head);
    for (i = 0; i < content + (size_t)padding; i++)
        buf_char(b, '\1'); /* would pass for the beginning of a record */
}

/* Every beginning shorter than `head` is a part, every one shorter than all has its head. */
static void goes_on(const struct buf *b, size_t head)
{
    size_t n;

    for (n = 0; n <= b->len; n++)
        assert_int_equal(record_look(b->data, n), n < head     ? RECORD_PART
                                                  : n < b->len ? RECORD_HEAD
                                                               : RECORD_WHOLE);
}

static void a_request_is_whole_once_its_last_record_is(void **state)
{
    struct buf b = BUF_INIT(1 << 20);
    size_t head;

    (void)state;
    add(&b, BEGIN, 8, 0);
    add(&b, PARAMS, 300, 4);
    add(&b, PARAMS, 1, 7);
    add(&b, PARAMS, 0, 0);
    head = b.len;
    add(&b, STDIN, 700, 0);
    add(&b, STDIN, 2, 255);
    add(&b, STDIN, 0, 8);
    goes_on(&b, head);
    buf_free(&b);
}

static void one_without_a_body_has_its_end_all_the_same(void **state)
{
    struct buf b = BUF_INIT(1 << 20);
    size_t head;

    (void)state;
    add(&b, GET_VALUES, 20, 0);
    add(&b, BEGIN, 8, 0);
    add(&b, PARAMS, 0, 3);
    head = b.len;
    add(&b, STDIN, 0, 0);
    goes_on(&b, head);
    buf_free(&b);
}

static void what_is_no_request_is_for_whoever_reads_it(void **state)
{
    struct buf b = BUF_INIT(1 << 20);

    (void)state;
    add(&b, BEGIN, 8, 0);
    assert_int_equal(record_look("GET / HTTP/1.1", 1), RECORD_WHOLE);
    assert_int_equal(record_look("GET / HTTP/1.1", 14), RECORD_WHOLE);
    buf_str(&b, "\2");
    assert_int_equal(record_look(b.data, b.len - 1), RECORD_PART);
    assert_int_equal(record_look(b.data, b.len), RECORD_WHOLE);
    buf_reset(&b);
    add(&b, BEGIN, 8, 0);
    add(&b, PARAMS, 40, 0);
    add(&b, ABORT, 0, 0);
    assert_int_equal(record_look(b.data, b.len - 1), RECORD_PART);
    assert_int_equal(record_look(b.data, b.len), RECORD_WHOLE);
    buf_free(&b);
}

static void a_record_may_be_as_long_as_its_length_can_say(void **state)
{
    struct buf b = BUF_INIT(1 << 20);
    size_t head;

    (void)state;
    add(&b, PARAMS, 0xffff, 255);
    add(&b, PARAMS, 0, 0);
    head = b.len;
    add(&b, STDIN, 0x8000, 0);
    add(&b, STDIN, 0, 0);
    assert_int_equal(record_look(b.data, head - 1), RECORD_PART);
    assert_int_equal(record_look(b.data, head), RECORD_HEAD);
    assert_int_equal(record_look(b.data, b.len - 1), RECORD_HEAD);
    assert_int_equal(record_look(b.data, b.len), RECORD_WHOLE);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_whole_once_its_last_record_is),
        cmocka_unit_test(one_without_a_body_has_its_end_all_the_same),
        cmocka_unit_test(what_is_no_request_is_for_whoever_reads_it),
        cmocka_unit_test(a_record_may_be_as_long_as_its_length_can_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
