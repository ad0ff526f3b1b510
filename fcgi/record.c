/* SPDX-License-Identifier: MIT */
/* How much of a FastCGI request has come. */
#include "record.h"

/* Of the FastCGI specification: a record has 8 bytes of header, its content, and padding. */
enum { HEADER = 8, VERSION_1 = 1, ABORT_REQUEST = 2, PARAMS = 4, STDIN = 5 };

/* A length of two bytes, the high one first. */
static size_t length_at(const unsigned char *p)
{
    return (size_t)p[0] << 8 | p[1];
}

enum record_state record_look(const char *p, size_t n)
{
    enum record_state state = RECORD_PART;
    const unsigned char *at = (const unsigned char *)p;
    size_t content, all;

    while (n >= HEADER && at[0] == VERSION_1) {
        content = length_at(at + 4);
        all = HEADER + content + at[6];
        if (n < all)
            return state;
        if (at[1] == ABORT_REQUEST || (at[1] == STDIN && content == 0))
            return RECORD_WHOLE;
        if (at[1] == PARAMS && content == 0)
            state = RECORD_HEAD;
        at += all;
        n -= all;
    }
    return n > 0 && at[0] != VERSION_1 ? RECORD_WHOLE : state;
}
