/* SPDX-License-Identifier: MIT */
/* The slow and obvious reference for quantities: decimal digits written out, most significant
 * first. Nothing of common/quantity is used. */
#ifndef AR_QUANTITY_SLOW_H
#define AR_QUANTITY_SLOW_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base.h"

enum { SLOW_EXPONENT_MAX = 9999, SLOW_DIGITS_MAX = 20200 };

/* What is a quantity at all (POSIX extended). */
static const char slow_grammar[] = "^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)"
                                   "(n|u|m|k|M|G|T|P|E|[KMGTPE]i|[eE][+-]?[0-9]+)?$";

struct slow_digits {
    char d[SLOW_DIGITS_MAX]; /* values, not characters */
    size_t n;
};

static inline void slow_append(struct slow_digits *x, int digit)
{
    if (x->n == SLOW_DIGITS_MAX)
        abort();
    x->d[x->n++] = (char)digit;
}

static inline void slow_twice(struct slow_digits *x)
{
    int carry = 0;
    size_t i;

    for (i = x->n; i-- > 0;) {
        int v = x->d[i] * 2 + carry;

        x->d[i] = (char)(v % 10);
        carry = v / 10;
    }
    if (carry == 0)
        return;
    slow_append(x, 0);
    memmove(x->d + 1, x->d, x->n - 1);
    x->d[0] = (char)carry;
}

static inline void slow_add_one(struct slow_digits *x)
{
    size_t i = x->n;

    while (i > 0 && x->d[i - 1] == 9)
        x->d[--i] = 0;
    if (i > 0) {
        x->d[i - 1]++;
        return;
    }
    slow_append(x, 0);
    memmove(x->d + 1, x->d, x->n - 1);
    x->d[0] = 1;
}

/* Drops the last n digits, rounding up. */
static inline void slow_drop(struct slow_digits *x, int64_t n)
{
    bool rest = false;

    for (; n > 0; n--)
        rest = (x->n > 0 && x->d[--x->n] != 0) || rest;
    if (rest)
        slow_add_one(x);
}

/* -1 when it is above INT64_MAX, by comparing texts. */
static inline int slow_as_i64(const struct slow_digits *x, int64_t *v)
{
    char text[SLOW_DIGITS_MAX + 1], largest[24];
    size_t i, zeros = 0;

    while (zeros < x->n && x->d[zeros] == 0)
        zeros++;
    for (i = zeros; i < x->n; i++)
        text[i - zeros] = (char)('0' + x->d[i]);
    text[x->n - zeros] = '\0';
    (void)snprintf(largest, sizeof largest, "%" PRId64, INT64_MAX);
    if (strlen(text) > strlen(largest) ||
        (strlen(text) == strlen(largest) && strcmp(text, largest) > 0))
        return -1;
    *v = (int64_t)strtoull(text, NULL, 10);
    return 0;
}

struct slow_unit {
    const char *word;
    int64_t ten;
    int two;
};
static const struct slow_unit slow_units[] = {
    {"", 0, 0},    {"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},  {"k", 3, 0},   {"M", 6, 0},
    {"G", 9, 0},   {"T", 12, 0},  {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
    {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

/* What the text, which is a quantity, comes to. */
static inline int slow_quantity(const char *text, int64_t scale, int64_t *amount)
{
    struct slow_digits x = {.n = 0};
    bool minus = *text == '-', point = false;
    int64_t ten = scale == 1000 ? 3 : 0;
    size_t u = 0;

    text += strspn(text, "+-");
    for (; *text == '.' || (*text >= '0' && *text <= '9'); text++) {
        point = point || *text == '.';
        if (*text == '.')
            continue;
        slow_append(&x, *text - '0');
        ten -= point;
    }
    while (u < ARRAY_LEN(slow_units) && strcmp(slow_units[u].word, text) != 0)
        u++;
    if (u == ARRAY_LEN(slow_units)) {
        long long exponent = strtoll(text + 1, NULL, 10);

        if (exponent < -SLOW_EXPONENT_MAX || exponent > SLOW_EXPONENT_MAX)
            return -1;
        ten += exponent;
    } else {
        int i;

        ten += slow_units[u].ten;
        for (i = 0; i < slow_units[u].two; i++)
            slow_twice(&x);
    }
    for (; ten > 0; ten--)
        slow_append(&x, 0);
    slow_drop(&x, -ten);
    if (slow_as_i64(&x, amount) != 0)
        return -1;
    return minus && *amount > 0 ? -1 : 0;
}

#endif
