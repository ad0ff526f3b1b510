/* SPDX-License-Identifier: MIT */
/* The set of JSON texts that must be taken and refused (set.txt). After cmocka.h. Unit tests run at
 * the top of the tree. */
#ifndef AR_JSON_SET_H
#define AR_JSON_SET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

enum { JSON_SET_LEAST = 700, JSON_SET_TEXT_MAX = 64 << 10 };

static inline int json_set_hex(char c)
{
    const char *digits = "0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

    if (!at)
        fail_msg("set.txt: %c is no digit of an escape", c);
    return at ? (int)(at - digits) : 0;
}

/* Appends what p up to end stands for. */
static inline void json_set_decode(const char *p, const char *end, struct buf *b)
{
    while (p < end) {
        if (*p != '%') {
            buf_char(b, *p++);
        } else if (p[1] == '(') {
            char *from;
            long n = strtol(p + 2, &from, 10);
            const char *to = memchr(from, ')', (size_t)(end - from));

            assert_true(n > 0 && *from == '*' && to);
            while (n-- > 0)
                json_set_decode(from + 1, to, b);
            p = to + 1;
        } else {
            assert_true(end - p >= 3);
            buf_char(b, (char)(json_set_hex(p[1]) * 16 + json_set_hex(p[2])));
            p += 3;
        }
    }
}

/* Reads the set: each case for `fn`, its text in memory of exactly its size. */
static inline void json_set(void (*fn)(void *ctx, const char *name, bool taken, struct str text),
                            void *ctx)
{
    FILE *f = fopen("tests/unit/json/set.txt", "r");
    struct buf b = BUF_INIT(JSON_SET_TEXT_MAX);
    char *line = NULL, *text;
    size_t room = 0, cases = 0, n;
    ssize_t got;

    assert_non_null(f);
    while ((got = getline(&line, &room, f)) > 0) {
        char *end = line + got - (line[got - 1] == '\n');

        if (end == line || *line == '#')
            continue;
        *end = '\0';
        n = strcspn(line, " ");
        text = line + n + strspn(line + n, " ");
        line[n] = '\0';
        buf_reset(&b);
        json_set_decode(text, end, &b);
        assert_false(b.failed);
        text = malloc(b.len ? b.len : 1);
        assert_non_null(text);
        if (b.len)
            memcpy(text, b.data, b.len);
        assert_true(strchr("yn", line[line[0] == 'i']));
        fn(ctx, line, line[line[0] == 'i'] == 'y', (struct str){text, b.len});
        free(text);
        cases++;
    }
    assert_int_equal(fclose(f), 0);
    free(line);
    buf_free(&b);
    assert_true(cases >= JSON_SET_LEAST);
}

#endif
