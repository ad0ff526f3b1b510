/* SPDX-License-Identifier: MIT */
/* Words of strangers, quoted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plain.h"
#include "prop.h"
#include "utf8.h"

enum { ROUNDS = 20000 };

static void expect(struct str text, size_t size, const char *want)
{
    char room[64];

    assert_true(size <= sizeof room);
    assert_int_equal(plain_text(text, room, size), strlen(want));
    assert_string_equal(room, want);
}

static void becomes_one_line(void **state)
{
    (void)state;
    expect(STR_LIT("plain"), 64, "plain");
    expect((struct str){0}, 64, "");
    expect(STR_LIT(" \t\r\n"), 64, "");
    expect(STR_LIT("\n two\t\r\n words \x7f"), 64, "two words");
    expect(STR_LIT("a\0b\x1b[31mc"), 64, "a b [31mc");
    expect(STR_LIT("a\xc2\x85"
                   "b"),
           64, "a b"); /* C1 */
    expect(STR_LIT("\xc3\xa4\xff\xc3"), 64, "\xc3\xa4??");
}

static void is_cut_between_characters(void **state)
{
    (void)state;
    expect(STR_LIT("abc"), 4, "abc");
    expect(STR_LIT("abcd"), 4, "abc");
    expect(STR_LIT("ab\xc3\xa4"), 4, "ab");
    expect(STR_LIT("ab c"), 4, "ab"); /* no blank at the end */
    expect(STR_LIT("a"), 1, "");
}

/* Fits, is UTF-8, holds no control character and no blank at an end or beside another. */
static void check_line(const char *line, size_t n, size_t size)
{
    size_t i, length;

    assert_true(n < size);
    assert_int_equal(line[n], '\0');
    assert_true(n == 0 || (line[0] != ' ' && line[n - 1] != ' '));
    for (i = 0; i < n; i += length) {
        length = utf8_length(line + i, line + n);
        assert_true(length > 0);
        assert_true((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
        assert_false(length == 2 && line[i] == (char)0xc2 && (unsigned char)line[i + 1] < 0xa0);
        assert_false(line[i] == ' ' && line[i + 1] == ' ');
    }
}

static void holds_of_any_bytes(void **state)
{
    static const char likely[] = " \n\x7f\xc2\x85\xc3\xa4z";
    struct prop p = prop_begin("plain", 20240607);
    char text[48], room[48];
    size_t round, i, n, size;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        n = prop_below(&p, sizeof text);
        size = 1 + prop_below(&p, sizeof room);
        for (i = 0; i < n; i++)
            text[i] = prop_one_in(&p, 2) ? (char)prop_bits(&p)
                                         : likely[prop_below(&p, sizeof likely - 1)];
        check_line(room, plain_text((struct str){text, n}, room, size), size);
    }
}

static void only_plain_text_is_plain(void **state)
{
    (void)state;
    assert_true(plain_is((struct str){0}));
    assert_true(plain_is(STR_LIT("")));
    assert_true(plain_is(STR_LIT("a b \xc3\xa9 \xc2\xa0 \xe6\xbc\xa2")));
    assert_false(plain_is(STR_LIT("a\nb")));
    assert_false(plain_is(STR_LIT("a\x7f")));
    assert_false(plain_is(STR_LIT("a\xc2\x9f")));
    assert_false(plain_is(STR_LIT("a\xff")));
    assert_false(plain_is(STR_LIT("a\xc3")));
    expect((struct str){0}, 10, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(becomes_one_line),
        cmocka_unit_test(is_cut_between_characters),
        cmocka_unit_test(holds_of_any_bytes),
        cmocka_unit_test(only_plain_text_is_plain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
