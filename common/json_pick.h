/* SPDX-License-Identifier: MIT */
/*
 * What counts in a JSON text, as a table, picked out of it as it comes in pieces: each line names a
 * member, says what it must be and who takes it; all else is skipped. null counts as absent, as it
 * does in Kubernetes. One thread at a time.
 */
#ifndef AR_JSON_PICK_H
#define AR_JSON_PICK_H

#include "json_stream.h"

enum json_pick_kind {
    PICK_TEXT,    /* a string, for `take` */
    PICK_BOOL,    /* true or false: `take` gets the word */
    PICK_TEXTS,   /* an array of strings, each for `take` */
    PICK_OBJECT,  /* an object, in which the lines `inside` count */
    PICK_OBJECTS, /* an array of such objects */
    PICK_MAP,     /* an object whose every member is a string, for `take` with its name */
    PICK_AMOUNTS, /* the same; members may also be numbers, taken as they are written */
    PICK_KINDS
};

struct json_pick {
    struct str name;
    enum json_pick_kind kind;
    int which;                      /* the taker's: what this is */
    const struct json_pick *inside; /* up to a line without a name */
    void *ctx;  /* handed to the functions of this line and of those inside; NULL: as outside */
    bool *seen; /* becomes true when the member comes, be it null; NULL: nobody minds */
    /* 0, or -1 and *e. `name`: the member's; of PICK_TEXTS absent. Spans hold during the call. */
    int (*take)(void *ctx, int which, struct str name, struct str text, struct err *e);
    /* An object begins or ends; NULL: nobody minds. */
    int (*begin)(void *ctx, int which, struct err *e);
    int (*end)(void *ctx, int which, struct err *e);
};

struct json_picker;

/* For a text that must be an object, in which these lines count. The table must live as long. NULL
 * when memory runs out. json_picker_free. */
struct json_picker *json_picker_new(const struct json_pick *table, void *ctx) AR_MUST_CHECK;
void json_picker_free(struct json_picker *p);

/* As json_stream_feed and json_stream_finish. A value of the wrong kind is ERR_INVALID ("must be a
 * string, not a number"). Such an error, and what a function of the table says, gets a JSON
 * pointer.
 */
int json_picker_feed(struct json_picker *p, struct str piece, struct err *e) AR_MUST_CHECK;
int json_picker_finish(struct json_picker *p, struct err *e) AR_MUST_CHECK;

#endif
