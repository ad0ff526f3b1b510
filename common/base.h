/* SPDX-License-Identifier: MIT */
/* What every file of Anteroom starts with: attributes, lengths, and the text span. */
#ifndef AR_BASE_H
#define AR_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "banned.h"

#define AR_MUST_CHECK   __attribute__((warn_unused_result))
#define AR_PRINTF(f, a) __attribute__((format(printf, f, a)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#ifndef ANTEROOM_VERSION
#error "the Makefile defines ANTEROOM_VERSION"
#endif

/* A span of text that somebody else owns; not NUL-terminated unless its owner says so.
 * p == NULL means "absent", which is not the same as empty. */
struct str {
    const char *p;
    size_t n;
};

/* The span of a string literal, also in static tables. */
#define STR_LIT(s) ((struct str){(s), sizeof(s) - 1})

/* The span of a NUL-terminated string; of NULL, the absent span. Pure; any thread. */
struct str str_of(const char *s);

/* Same bytes? Two absent spans are equal, an absent and an empty one are not. Pure; any thread. */
bool str_eq(struct str a, struct str b);

/* Is this span exactly the NUL-terminated string b? Pure; any thread. */
bool str_is(struct str a, const char *b);

/* Byte order, shorter first among equal beginnings: <0, 0, >0. Pure; any thread. */
int str_cmp(struct str a, struct str b);

#endif
