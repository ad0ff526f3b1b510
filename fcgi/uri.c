/* SPDX-License-Identifier: MIT */
/* Percent-encoding. */
#include "uri.h"

#include "utf8.h"

/* The value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte that the escape at p stands for, or -1. */
static int escape_value(const char *p, const char *end)
{
    int high, low;

    if (end - p < 3)
        return -1;
    high = hex_value(p[1]);
    low = hex_value(p[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static bool is_utf8(struct str text)
{
    const char *p = text.p, *end = text.p + text.n;

    while (p < end) {
        size_t n = utf8_length(p, end);

        if (n == 0)
            return false;
        p += n;
    }
    return true;
}

int uri_decode(char *p, size_t n, bool plus, const char *what, struct str *text, struct err *e)
{
    const char *in = p, *end = p + n;
    char *out = p;

    while (in < end) {
        int c = *in == '+' && plus ? ' ' : (unsigned char)*in;

        if (c == '%') {
            c = escape_value(in, end);
            if (c < 0)
                return err_set(e, ERR_BAD_REQUEST, "%s has a broken percent-encoding", what);
            in += 2;
        }
        if (c == '\0')
            return err_set(e, ERR_BAD_REQUEST, "%s has a NUL character", what);
        *out++ = (char)c;
        in++;
    }
    *text = (struct str){p, (size_t)(out - p)};
    if (!is_utf8(*text))
        return err_set(e, ERR_BAD_REQUEST, "%s is not valid UTF-8", what);
    return 0;
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void uri_encode(struct str text, struct buf *b)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t i;

    for (i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (is_unreserved(text.p[i]))
            buf_char(b, text.p[i]);
        else
            buf_add(b, (char[]){'%', digits[c >> 4], digits[c & 15]}, 3);
    }
}
