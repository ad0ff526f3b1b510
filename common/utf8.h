/* SPDX-License-Identifier: MIT */
/* UTF-8 after RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
 * Pure; any thread. */
#ifndef AR_UTF8_H
#define AR_UTF8_H

#include "base.h"

enum { UTF8_CHAR_MAX = 4 };

/* The length of the character that begins at p, 1 to 4 bytes; 0 when p == end or no valid one
 * begins there. */
size_t utf8_length(const char *p, const char *end);

/* Writes the character, which is no surrogate and at most U+10FFFF; returns its length in bytes. */
size_t utf8_encode(uint32_t code, char out[UTF8_CHAR_MAX]);

/* The longest beginning of at most `max` bytes that does not cut a character of valid
 * text in two. */
struct str utf8_cut(struct str text, size_t max);

#endif
