/* SPDX-License-Identifier: MIT */
/*
 * Strict JSON that comes in pieces, read as it comes: nothing is kept but what a token that a piece
 * cuts in two needs. The language is json_scan's (RFC 8259, valid UTF-8, no lone surrogates) with
 * two differences: U+0000 may be written as an escape, as Kubernetes does, and a name that comes
 * twice is not noticed. What the reader does not want is checked in the same way, and costs little.
 * One thread at a time.
 */
#ifndef AR_JSON_STREAM_H
#define AR_JSON_STREAM_H

#include "err.h"
#include "json_in.h"

enum {
    JSON_STREAM_DEPTH_MAX = 64,
    JSON_STREAM_TEXT_MAX = 65536 /* bytes of a name or text that the reader gets; one that is not
                                    wanted may be of any length */
};

/* What a function of the reader returns, besides -1 with *e filled, which ends the reading. */
enum { JSON_STREAM_GO, JSON_STREAM_SKIP };

/* Who is told what comes. Spans hold during the call; texts are unescaped, numbers as written, and
 * the words are "true", "false", "null". */
struct json_stream_reader {
    /* A member's name comes. SKIP: not a word about its value. */
    int (*name)(void *ctx, struct str name, struct err *e);
    /* An object or an array begins. SKIP: not a word about what is in it, nor about its end. */
    int (*begin)(void *ctx, enum json_kind kind, struct err *e);
    /* … and ends. */
    int (*end)(void *ctx, struct err *e);
    /* Any other value. */
    int (*scalar)(void *ctx, enum json_kind kind, struct str text, struct err *e);
};

struct json_stream;

/* NULL when memory runs out. json_stream_free; `reader` must live as long. */
struct json_stream *json_stream_new(const struct json_stream_reader *reader,
                                    void *ctx) AR_MUST_CHECK;
void json_stream_free(struct json_stream *s);

/* Reads on. 0, or -1: ERR_MALFORMED_JSON with a sentence and the byte, the first being 1; what the
 * reader said; or ERR_INTERNAL without memory. After a failure nothing more is read. */
int json_stream_feed(struct json_stream *s, struct str piece, struct err *e) AR_MUST_CHECK;

/* That was all. 0, or -1: ERR_MALFORMED_JSON when it is no whole JSON text. */
int json_stream_finish(struct json_stream *s, struct err *e) AR_MUST_CHECK;

#endif
