/* SPDX-License-Identifier: MIT */
/* The strict JSON scanner under json_in: it decides what is JSON, but for names that come twice. */
#ifndef AR_JSON_SCAN_H
#define AR_JSON_SCAN_H

#include "err.h"

enum { JSON_NUMBER_MAX = 4096 };

/* The strings and member names (what stands between the quotes, escapes and all) and the numbers of
 * a text, in its order. The spans point into the text. */
struct json_scan {
    struct str *text;
    size_t texts;
};

/* Checks that `text` is one JSON text after RFC 8259, in valid UTF-8, without lone surrogates and
 * U+0000, no deeper than so many levels, no number longer than JSON_NUMBER_MAX bytes. 0 and *out
 * (json_scan_free), or -1 with ERR_MALFORMED_JSON, or ERR_INTERNAL without memory; *out needs no
 * freeing then. Any thread. */
int json_scan(struct str text, unsigned levels, struct json_scan *out, struct err *e) AR_MUST_CHECK;

/* How many levels there are to a text of which each element counts by itself where the whole is an
 * array, if `levels` is how many one may have. Pure; any thread. */
unsigned json_scan_levels(struct str text, unsigned levels);
void json_scan_free(struct json_scan *scan);

/* Replaces the escapes of a string that json_scan has noted by what they mean, in place; returns
 * the new length, which is never larger. Pure; any thread. */
size_t json_unescape(char *text, size_t n);

/* For json_stream.c, which reads the same language piece by piece: the length of the escape that
 * begins with the backslash at p; 0: it is longer than what stands before end; -1: JSON has no such
 * escape, or it is half a surrogate pair. U+0000 is an escape like any other here. Pure; any
 * thread.
 */
int json_escape_length(const char *p, const char *end);

/* Is the whole text one number after JSON's grammar? Pure; any thread. */
bool json_is_number(struct str text);

#endif
