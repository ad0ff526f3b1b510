/* SPDX-License-Identifier: MIT */
/*
 * JSON out: a writer that appends to a buffer and keeps nothing but whether a comma is due. Failure
 * shows in the buffer (buf.h). Text is escaped as little as RFC 8259 allows: quote, backslash, and
 * what is below U+0020 (\b \t \n \f \r, else \u00XX); text that is not valid UTF-8 comes out with
 * U+FFFD in place of the broken bytes, so that every answer is JSON.
 */
#ifndef AR_JSON_OUT_H
#define AR_JSON_OUT_H

#include <string.h>

#include "buf.h"

struct json_out {
    struct buf *b;
    bool comma; /* the next member or element needs one before it */
};

#define JSON_OUT(buffer) ((struct json_out){.b = (buffer)})

/* '{' or '[', and the one that closes it. Balance is the caller's business. */
void json_open(struct json_out *o, char bracket);
void json_close(struct json_out *o, char bracket);

/* A member's name, which needs no escaping (a name of ours); one value must follow. */
void json_key_as_is(struct json_out *o, struct str name);
/* The same; the length of a literal is known when it is compiled. */
static inline void json_key(struct json_out *o, const char *name)
{
    json_key_as_is(o, (struct str){name, strlen(name)});
}
/* The same for a name from outside, which is escaped. */
void json_key_str(struct json_out *o, struct str name);

/* Values: of an array, or after a key. The absent span is written as null. */
void json_put_str(struct json_out *o, struct str text);
/* What the buffer holds; the output has failed where it had. */
void json_put_buf(struct json_out *o, const struct buf *text);
void json_put_i64(struct json_out *o, int64_t v);
void json_put_bool(struct json_out *o, bool v);
void json_put_null(struct json_out *o);
/* A whole member, named as for json_key; an absent text is null. */
void json_pair_str(struct json_out *o, const char *name, struct str text);
void json_pair_i64(struct json_out *o, const char *name, int64_t v);
void json_pair_null(struct json_out *o, const char *name);
/* Text that is JSON already. */
void json_put_raw(struct json_out *o, struct str json);

/* Appends text with quotes, escaped, and no comma. */
void json_escape(struct buf *b, struct str text);

#endif
