/* SPDX-License-Identifier: MIT */
/*
 * Quantities: the digits are read exactly, however many there are, and only the result is rounded,
 * once and upwards.
 *
 * Kubernetes rounds up to 1n when it reads and up again when it asks for milli or whole units;
 * rounding up once gives the same.
 */
#include "quantity.h"

#include <assert.h>
#include <stdio.h>

#include "num.h"

/* A power of ten beyond this is no quantity that anybody means. */
enum { EXPONENT_MAX = 9999 };

typedef unsigned __int128 wide;

/* What stands behind the digits: powers of ten and of two. */
struct suffix {
    const char *word;
    int64_t ten;
    unsigned two;
};

static const struct suffix suffixes[] = {
    {"", 0, 0},    {"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},  {"k", 3, 0},   {"M", 6, 0},
    {"G", 9, 0},   {"T", 12, 0},  {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
    {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

/* The value is whole.fraction * 10^ten * 2^two. */
struct parts {
    bool minus;
    struct str whole, fraction; /* digits before and after the point */
    int64_t ten;
    unsigned two;
};

static struct str take_digits(struct str *text)
{
    struct str digits = {text->p, 0};

    while (text->n > 0 && *text->p >= '0' && *text->p <= '9') {
        digits.n++;
        text->p++;
        text->n--;
    }
    return digits;
}

static bool take_char(struct str *text, char c)
{
    if (text->n == 0 || *text->p != c)
        return false;
    text->p++;
    text->n--;
    return true;
}

/* "e3", "E-3", "e+3"; a lone "E" is exa, and stands in the table. */
static int take_exponent(struct str text, struct parts *q)
{
    if (!take_char(&text, 'e') && !take_char(&text, 'E'))
        return -1;
    if (take_char(&text, '+') && text.n > 0 && *text.p == '-')
        return -1;
    return num_i64(text, -EXPONENT_MAX, EXPONENT_MAX, &q->ten);
}

static int take_suffix(struct str text, struct parts *q)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (!str_is(text, suffixes[i].word))
            continue;
        q->ten = suffixes[i].ten;
        q->two = suffixes[i].two;
        return 0;
    }
    return take_exponent(text, q);
}

static int take_parts(struct str text, struct parts *q)
{
    *q = (struct parts){0};
    if (!text.p)
        return -1;
    q->minus = take_char(&text, '-');
    if (!q->minus)
        (void)take_char(&text, '+');
    q->whole = take_digits(&text);
    if (take_char(&text, '.'))
        q->fraction = take_digits(&text);
    if (q->whole.n + q->fraction.n == 0)
        return -1;
    return take_suffix(text, q);
}

/* The digit at a place counted from the first one written; 0 beyond both ends. */
static unsigned digit_at(const struct parts *q, int64_t i)
{
    int64_t whole = (int64_t)q->whole.n;

    if (i < 0 || i >= whole + (int64_t)q->fraction.n)
        return 0;
    return (unsigned)((i < whole ? q->whole.p[i] : q->fraction.p[i - whole]) - '0');
}

/* What stands before the place `point`. -1 when it is above INT64_MAX. */
static int whole_part(const struct parts *q, int64_t digits, int64_t point, wide *value)
{
    wide v = 0;
    int64_t i;

    for (i = 0; i < point && (i < digits || v > 0); i++) {
        v = v * 10 + digit_at(q, i);
        if (v > INT64_MAX)
            return -1;
    }
    *value = v;
    return 0;
}

/* What stands from the place `point` on, times the factor, rounded up. From the last digit to the
 * first: the floor of the carry is all that the next digit needs, and one remainder anywhere means
 * that the exact value is larger than the floor. */
static wide fraction_part(const struct parts *q, int64_t digits, int64_t point, wide factor)
{
    wide carry = 0;
    bool rest = false;
    int64_t i;

    for (i = digits - 1; i >= point && (i >= 0 || carry > 0); i--) {
        wide v = digit_at(q, i) * factor + carry;

        rest = rest || v % 10 != 0;
        carry = v / 10;
    }
    return carry + rest;
}

int quantity_read(struct str text, int64_t scale, int64_t *amount)
{
    struct parts q;
    wide factor, whole, sum;
    int64_t digits, point;
    bool large;

    if (take_parts(text, &q) != 0)
        return -1;
    factor = (wide)scale << q.two;
    digits = (int64_t)(q.whole.n + q.fraction.n);
    point = (int64_t)q.whole.n + q.ten;
    large = whole_part(&q, digits, point, &whole) != 0 || whole > INT64_MAX / factor;
    sum = large ? 0 : whole * factor + fraction_part(&q, digits, point, factor);
    large = large || sum > INT64_MAX;
    if (q.minus && (large || sum > 0))
        return -1;
    if (large)
        return 1;
    *amount = (int64_t)sum;
    return 0;
}

int quantity_parse(struct str text, int64_t scale, int64_t *amount)
{
    return quantity_read(text, scale, amount) == 0 ? 0 : -1;
}

int64_t quantity_scale(struct str resource)
{
    return str_is(resource, "cpu") ? 1000 : 1;
}

const char *quantity_write(char text[QUANTITY_TEXT_MAX], int64_t amount, int64_t scale)
{
    bool whole = amount % scale == 0;

    assert(scale == 1 || scale == 1000);
    (void)snprintf(text, QUANTITY_TEXT_MAX, "%lld%s", (long long)(whole ? amount / scale : amount),
                   whole ? "" : "m");
    return text;
}
