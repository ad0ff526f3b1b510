/* SPDX-License-Identifier: MIT */
/* What is seen of a text on a terminal: its width, and what is made visible of it. */
#include "seen.h"

#include <wchar.h>

#include "utf8.h"

/* Characters that nobody sees but that change how others are shown. */
static const struct {
    uint32_t first, last;
} unseen[] = {
    {0x0000, 0x001F}, /* C0 */
    {0x007F, 0x009F}, /* DEL, C1 */
    {0x061C, 0x061C}, /* the marks and turns of direction */
    {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069},
    {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F},
};

/* The code of the valid character of n bytes at p. */
static uint32_t code_of(const char *p, size_t n)
{
    static const uint8_t first[UTF8_CHAR_MAX + 1] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = (unsigned char)p[0] & first[n];
    size_t i;

    for (i = 1; i < n; i++)
        code = code << 6 | ((unsigned char)p[i] & 0x3F);
    return code;
}

static bool is_unseen(uint32_t code)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(unseen); i++) {
        if (code >= unseen[i].first && code <= unseen[i].last)
            return true;
    }
    return false;
}

static void put_escaped(struct buf *b, uint32_t code)
{
    if (code == '\n')
        buf_str(b, "\\n");
    else if (code == '\t')
        buf_str(b, "\\t");
    else if (code < 0x100)
        buf_printf(b, "\\x%02x", (unsigned)code);
    else
        buf_printf(b, "\\u%04x", (unsigned)code);
}

void seen_put(struct buf *b, struct str text)
{
    const char *p = text.p, *end = text.p + text.n;
    size_t n;

    for (; p < end; p += n) {
        n = utf8_length(p, end);
        if (n == 0) { /* a byte that is no UTF-8 */
            n = 1;
            put_escaped(b, (unsigned char)*p);
        } else if (is_unseen(code_of(p, n))) {
            put_escaped(b, code_of(p, n));
        } else {
            buf_add(b, p, n);
        }
    }
}

static size_t width_of(uint32_t code)
{
    int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);

    return width < 0 ? 1 : (size_t)width;
}

struct str seen_cut(struct str visible, size_t columns, size_t *width)
{
    const char *p = visible.p, *end = visible.p + visible.n;
    size_t n, more, sum = 0;

    for (; p < end; p += n) {
        n = utf8_length(p, end);
        more = n ? width_of(code_of(p, n)) : 1;
        if (more > columns - sum)
            break;
        n = n ? n : 1;
        sum += more;
    }
    *width = sum;
    return (struct str){visible.p, (size_t)(p - visible.p)};
}

size_t seen_width(struct str visible)
{
    size_t width;

    (void)seen_cut(visible, SIZE_MAX, &width);
    return width;
}
