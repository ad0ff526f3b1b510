/* SPDX-License-Identifier: MIT */
/*
 * The one error type. It is set where the fault is found, in words for the person who made the
 * request or runs the program, and wrapped with context on its way up. Its stable word and its HTTP
 * status stand in one table (err.c).
 *
 * Convention: a function that can fail returns 0, or -1 with *e filled; `struct err *e` is its last
 * parameter and is never NULL. *e is untouched on success.
 */
#ifndef AR_ERR_H
#define AR_ERR_H

#include "base.h"

enum err_code {
    ERR_NONE = 0,
    /* what the client sent */
    ERR_BAD_REQUEST,          /* 400 the request itself: query, path, headers */
    ERR_MALFORMED_JSON,       /* 400 the body is not one JSON text after RFC 8259 */
    ERR_BODY_INCOMPLETE,      /* 400 fewer bytes came than Content-Length says */
    ERR_UNKNOWN_PARAMETER,    /* 400 a query parameter that this route does not know */
    ERR_INVALID_CURSOR,       /* 400 `after` is not one of our cursors */
    ERR_UNAUTHORIZED,         /* 401 */
    ERR_FORBIDDEN,            /* 403 */
    ERR_NOT_FOUND,            /* 404 no such job, or no such route */
    ERR_METHOD_NOT_ALLOWED,   /* 405 */
    ERR_DUPLICATE_REQUEST_ID, /* 409 */
    ERR_DUPLICATE_CALLBACK,   /* 409 */
    ERR_INVALID_TRANSITION,   /* 409 the life of a job does not go that way */
    ERR_NOT_WAITING,          /* 409 what may change only while the job waits */
    ERR_NO_ROOM,              /* 409 no priority is left between two jobs */
    ERR_PRECONDITION_FAILED,  /* 412 If-Match */
    ERR_TOO_LARGE,            /* 413 */
    ERR_INVALID,              /* 422 well-formed, but a member is wrong; `pointer` says which */
    ERR_UNKNOWN_MEMBER,       /* 422 a member of the body that this route does not know */
    ERR_IDEMPOTENCY_MISMATCH, /* 422 the same Idempotency-Key with another body */
    ERR_TOO_MANY,             /* 429 */
    /* what happened here */
    ERR_INTERNAL,       /* 500 a bug, or memory ran out */
    ERR_UNAVAILABLE,    /* 503 busy, stopping, database locked or not to be opened */
    ERR_COMMIT_UNKNOWN, /* 503 COMMIT failed: it may or may not be on disk; this process must leave
                         */
    ERR_STORAGE_FULL,   /* 507 */
    ERR_CONFIG,         /* 500, never over HTTP: the configuration is wrong */
    ERR_CODES
};

/* A pointer to the longest name of a resource has room, with every byte escaped. */
enum { ERR_TEXT_MAX = 512, ERR_POINTER_MAX = 640 };

struct err {
    enum err_code code;
    char text[ERR_TEXT_MAX];       /* one sentence, no full stop needed; cut, never overrun */
    char pointer[ERR_POINTER_MAX]; /* JSON pointer (RFC 6901) to the member at fault, or ""; one
                                      that is too long is cut before a "/" and names what that is
                                      in */
};

/* Fills *e (pointer becomes ""). Returns -1, so that `return err_set(e, …);` reads well. Any
 * thread. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...) AR_PRINTF(3, 4);

/* The same with a JSON pointer to the member at fault; "" is the whole document. Returns -1. Any
 * thread. */
int err_at(struct err *e, enum err_code code, const char *pointer, const char *fmt, ...)
    AR_PRINTF(4, 5);

/* Fills *e from errno as it is at the call: "<what>: <system's words>". ENOSPC, EDQUOT and EFBIG
 * become ERR_STORAGE_FULL, everything else gets `code`. Returns -1. Any thread. */
int err_errno(struct err *e, enum err_code code, const char *fmt, ...) AR_PRINTF(3, 4);

/* Puts "<context>: " before the text of *e; code and pointer stay. Returns -1. Any thread. */
int err_wrap(struct err *e, const char *fmt, ...) AR_PRINTF(2, 3);

/* Puts more behind the text of *e, as far as there is room. Returns -1. Any thread. */
int err_append(struct err *e, const char *fmt, ...) AR_PRINTF(2, 3);

/* Puts a prefix before the JSON pointer of *e, as in err_under(e, "/%zu", i) for an element of an
 * array. Returns -1. */
int err_under(struct err *e, const char *fmt, ...) AR_PRINTF(2, 3);

/* The HTTP status of a code (ERR_NONE: 200), and its stable word ("duplicate_request_id"). Pure;
 * any thread. */
int err_status(enum err_code code);
const char *err_word(enum err_code code);

#endif
