/* SPDX-License-Identifier: MIT */
/* Words of strangers made fit for a line of ours. */
#include "plain.h"

#include "utf8.h"

/* C0, DEL, and C1, which begin with 0xc2. p[0..n): one character. */
static bool is_control(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];

    return c < ' ' || c == 0x7f || (n == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0);
}

bool plain_is(struct str text)
{
    const char *p = text.p, *end = p ? p + text.n : p;
    size_t length;

    for (; p < end; p += length) {
        length = utf8_length(p, end);
        if (length == 0 || is_control(p, length))
            return false;
    }
    return true;
}

size_t plain_text(struct str text, char *room, size_t size)
{
    const char *p = text.p, *end = p ? p + text.n : p;
    bool gap = false;
    size_t n = 0, length;

    for (; p < end; p += length ? length : 1) {
        length = utf8_length(p, end);
        if (length && (*p == ' ' || is_control(p, length))) {
            gap = n > 0;
            continue;
        }
        if (n + gap + (length ? length : 1) >= size)
            break;
        if (gap)
            room[n++] = ' ';
        gap = false;
        memcpy(room + n, length ? p : "?", length ? length : 1);
        n += length ? length : 1;
    }
    room[n] = '\0';
    return n;
}
