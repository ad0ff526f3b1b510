/* SPDX-License-Identifier: MIT */
/* Numbers from text. */
#include "num.h"

#include <string.h>

enum { DECIMAL_TEXT_MAX = 4096, EXPONENT_MAX = 9999 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

int num_i64(struct str text, int64_t low, int64_t high, int64_t *v)
{
    size_t i = 0;
    bool minus = text.n > 0 && text.p[0] == '-';
    int64_t sum = 0; /* kept negative: INT64_MIN has no positive twin */

    i = minus;
    if (i == text.n)
        return -1;
    for (; i < text.n; i++) {
        if (!is_digit(text.p[i]) || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, text.p[i] - '0', &sum))
            return -1;
    }
    if (!minus && __builtin_sub_overflow((int64_t)0, sum, &sum))
        return -1;
    if (sum < low || sum > high)
        return -1;
    *v = sum;
    return 0;
}

/* A decimal number taken apart: digits without the point, and where the point stands among them. */
struct decimal {
    bool minus;
    char digits[DECIMAL_TEXT_MAX];
    int64_t n, point;
};

/* An exponent beyond EXPONENT_MAX says no more than EXPONENT_MAX does: there are fewer digits. */
static int take_exponent(struct str text, size_t i, struct decimal *d)
{
    bool minus;
    int64_t e = 0;
    size_t start;

    i++;
    minus = i < text.n && text.p[i] == '-';
    if (i < text.n && (text.p[i] == '-' || text.p[i] == '+'))
        i++;
    for (start = i; i < text.n && is_digit(text.p[i]); i++) {
        if (e < EXPONENT_MAX)
            e = e * 10 + (text.p[i] - '0');
    }
    if (i == start || i < text.n)
        return -1;
    d->point += minus ? -e : e;
    return 0;
}

static size_t take_digits(struct str text, size_t i, struct decimal *d)
{
    while (i < text.n && is_digit(text.p[i]))
        d->digits[d->n++] = text.p[i++];
    return i;
}

static int take_decimal(struct str text, struct decimal *d)
{
    size_t i = 0, start;

    if (!text.p || text.n == 0 || text.n > DECIMAL_TEXT_MAX)
        return -1;
    d->n = 0;
    d->minus = text.p[0] == '-';
    start = i = d->minus;
    i = take_digits(text, i, d);
    if (i == start || (text.p[start] == '0' && i > start + 1))
        return -1;
    d->point = d->n;
    if (i < text.n && text.p[i] == '.') {
        start = ++i;
        i = take_digits(text, i, d);
        if (i == start)
            return -1;
    }
    if (i < text.n && (text.p[i] == 'e' || text.p[i] == 'E'))
        return take_exponent(text, i, d);
    return i == text.n ? 0 : -1;
}

int num_decimal(struct str text, int64_t low, int64_t high, int64_t *whole, bool *between)
{
    struct decimal d;
    int64_t v = 0, i; /* v is kept negative, as in num_i64 */
    bool fraction = false;

    if (take_decimal(text, &d) != 0)
        return -1;
    for (i = 0; i < d.n || i < d.point; i++) {
        int digit = i < d.n ? d.digits[i] - '0' : 0;

        if (i >= d.point)
            fraction = fraction || digit != 0;
        else if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, digit, &v))
            return -1;
    }
    if (d.minus ? __builtin_sub_overflow(v, fraction, &v) /* the floor of -1.5 is -2 */
                : __builtin_sub_overflow((int64_t)0, v, &v))
        return -1;
    if (v < low || v > high)
        return -1;
    *whole = v;
    *between = fraction;
    return 0;
}

struct unit {
    const char *name;
    int64_t factor;
};

/* A whole number, then one of the units; a unit of "" is what a bare number means. */
static int with_unit(struct str text, const struct unit *units, size_t count, int64_t max,
                     int64_t *v)
{
    size_t i, n = 0;
    int64_t amount;

    while (n < text.n && is_digit(text.p[n]))
        n++;
    if (num_i64((struct str){text.p, n}, 0, INT64_MAX, &amount) != 0)
        return -1;
    for (i = 0; i < count; i++) {
        if (!str_is((struct str){text.p + n, text.n - n}, units[i].name))
            continue;
        if (num_mul(amount, units[i].factor, &amount) != 0 || amount > max)
            return -1;
        *v = amount;
        return 0;
    }
    return -1;
}

int num_duration(struct str text, int64_t *ns)
{
    static const struct unit units[] = {
        {"", 1000000000},
        {"s", 1000000000},
        {"ms", 1000000},
        {"m", 60000000000},
        {"h", INT64_C(3600000000000)},
        {"d", INT64_C(86400000000000)},
    };

    return with_unit(text, units, ARRAY_LEN(units), INT64_MAX, ns);
}

int num_size(struct str text, int64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1},
        {"K", 1 << 10},
        {"M", 1 << 20},
        {"G", INT64_C(1) << 30},
    };

    return with_unit(text, units, ARRAY_LEN(units), NUM_SAFE_MAX, bytes);
}

int num_add(int64_t a, int64_t b, int64_t *v)
{
    int64_t sum;

    if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum))
        return -1;
    *v = sum;
    return 0;
}

int num_mul(int64_t a, int64_t b, int64_t *v)
{
    int64_t product;

    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product))
        return -1;
    *v = product;
    return 0;
}

int64_t num_plus(int64_t a, int64_t b)
{
    int64_t v;

    return num_add(a, b, &v) == 0 ? v : INT64_MAX;
}

int64_t num_times(int64_t a, int64_t b)
{
    int64_t v;

    return num_mul(a, b, &v) == 0 ? v : INT64_MAX;
}

size_t num_write(int64_t v, char room[NUM_DIGITS_MAX])
{
    char digits[NUM_DIGITS_MAX];
    char *end = digits + sizeof digits, *p = end;
    uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (v < 0)
        *--p = '-';
    memcpy(room, p, (size_t)(end - p));
    return (size_t)(end - p);
}
