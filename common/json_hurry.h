/* SPDX-License-Identifier: MIT */
/* The inner loop of json_stream: hurrying over JSON that nobody wants, and string by string over
 * any. Only json_stream.c has use for it. Pure; any thread. */
#ifndef AR_JSON_HURRY_H
#define AR_JSON_HURRY_H

#include "base.h"

enum { JSON_HURRY_DEPTH_MAX = 64 };

/* Where a reader stands in the grammar, between two tokens. */
enum json_place {
    AT_NAME,        /* a member's name must come */
    AT_FIRST_NAME,  /* …, or the end of the object */
    AT_VALUE,       /* a value must come */
    AT_FIRST_VALUE, /* …, or the end of the array */
    AT_NEXT,        /* a comma must come, or the end of what the last value is in */
    JSON_PLACES
};

struct json_hurry {
    const char *p, *end;
    enum json_place place;
    unsigned depth;
    uint64_t objects; /* bit 0: the innermost is an object; bit 1: the one round it, … */
};

/* Goes on as long as all is plain: no blanks, numbers, words, or escapes of \u; only ASCII; whole
 * tokens; not back to the depth `least`, nor deeper than JSON_HURRY_DEPTH_MAX. Whatever else comes,
 * mistakes too, is where it stops. */
void json_hurry(struct json_hurry *h, unsigned least);

/* The first byte that is a quote, a backslash, a control character or not ASCII; or end. */
const char *json_plain_end(const char *p, const char *end);

#endif
