/* SPDX-License-Identifier: MIT */
/*
 * One HTTP exchange, whatever carries it: the request as it came, and the answer that is made for
 * it. An exchange is reset and used again, with its buffers; it belongs to one thread at a time.
 * All spans of a request hold until http_reset.
 */
#ifndef AR_HTTP_H
#define AR_HTTP_H

#include "clock.h"
#include "json_out.h"
#include "request_id.h"
#include "who.h"

enum {
    HTTP_TARGET_MAX = 16 * 1024,        /* bytes of path and query as they came */
    HTTP_BODY_MAX = 1024 * 1024,        /* bytes of a request's body */
    HTTP_ANSWER_MAX = 16 * 1024 * 1024, /* bytes of an answer that is not streamed */
    HTTP_HEAD_MAX = 8 * 1024,           /* bytes of an answer's head */
    HTTP_SEGMENTS_MAX = 8,
    HTTP_PARAMS_MAX = 16,
    HTTP_STREAM_AT = 120 * 1024, /* a streamed answer goes out in pieces of about this size */
    HTTP_FITS = 128 * 1024,      /* so much goes into a socket whose reader takes nothing */
    HTTP_KEEP_MAX = 256 * 1024   /* larger buffers are not kept for the next exchange */
};

enum http_method { HTTP_GET, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

/* What carries an exchange: FastCGI (fcgx.h), the environment and stdin of a CGI program (cgi.h),
 * or a test. */
struct http_carrier {
    /* A variable after RFC 3875 ("CONTENT_LENGTH", "HTTP_IF_MATCH"); NULL when it is not there.
     * Holds as long as the exchange. */
    const char *(*param)(void *link, const char *name);
    /* Up to n bytes of the body into room. How many came;
     * fewer than n only when no more will come. */
    size_t (*read)(void *link, char *room, size_t n);
    /* Sends all n bytes of the answer; head and body come one after the other. 0, or -1 when the
     * peer is gone. */
    int (*send)(void *link, const char *p, size_t n);
    /* Are so many answers waiting for slow readers that no long one is to be begun? NULL: never. */
    bool (*full)(void *link);
    /* The body's end shows without CONTENT_LENGTH. */
    bool framed;
};

struct http_param {
    struct str name, value; /* decoded */
};

/* What a handler has changed, for the log. */
struct http_did {
    const char *what; /* NULL: nothing, or nothing that is told */
    int64_t jobs;
    struct str request_id; /* of a single one; holds as long as the exchange */
};

struct http {
    /* The request. */
    const struct http_carrier *carrier;
    void *link;
    enum http_method method; /* HEAD is GET here */
    bool head_only;          /* it was HEAD: the answer's body is not sent */
    size_t segments; /* of the path, decoded; the empty ones round the outer slashes are left out */
    struct str segment[HTTP_SEGMENTS_MAX];
    size_t params; /* of the query; no name twice */
    struct http_param param[HTTP_PARAMS_MAX];
    struct str body;
    char id[REQUEST_ID_MAX + 1]; /* X-Request-Id */

    /* Who asks, once the door has let him in (auth.h); NULL where nobody asked. */
    const struct who *who;
    void *who_memory;

    /* What the handler keeps between its two halves (route.h); freed by `drop` at reset. */
    void *work;
    void (*drop)(void *work);

    /* It counts once it is committed. */
    struct http_did did;

    /* The answer. */
    int status;
    const char *media;   /* its Content-Type; NULL: JSON */
    int64_t retry_after; /* seconds, of 429 and 503; 0: the usual */
    struct buf head;     /* header lines of the handler's own */
    struct buf out;      /* the body, or what of it has not been sent yet */
    bool length_unknown; /* of HEAD: the body was not made, so no Content-Length */
    bool streaming;      /* the head and some of the body have been sent */
    bool cut;            /* the connection must end without an end of the answer */
    struct clock_zone zone;

    /* Room of the exchange itself. */
    struct buf text; /* path and query, decoded in place */
    struct buf in;   /* the request's body */
    struct buf top;  /* the answer's head as it is sent */
};

/* An exchange without memory; http_free frees what it then gets. Any thread. */
void http_init(struct http *x);
void http_free(struct http *x);

/* Forgets the exchange before, and takes its carrier. */
void http_begin(struct http *x, const struct http_carrier *carrier, void *link);
/* Frees what belongs to this exchange alone, and buffers that grew large.
 * http_begin does it too. */
void http_reset(struct http *x);

/* Reads method, path and query. 0, or -1 and ERR_BAD_REQUEST, ERR_NOT_FOUND (a path deeper than any
 * of ours). x->id is there in any case: REQUEST_ID, or where there is none UNIQUE_ID, if that is
 * fit to be one, else made. */
int http_read_head(struct http *x, struct err *e) AR_MUST_CHECK;

/* Reads the body. 0, or -1: ERR_TOO_LARGE, ERR_BODY_INCOMPLETE (fewer bytes than CONTENT_LENGTH),
 * ERR_BAD_REQUEST, ERR_INTERNAL. */
int http_read_body(struct http *x, struct err *e) AR_MUST_CHECK;

/* Says who asks; `memory` is freed with the exchange. */
void http_is(struct http *x, const struct who *who, void *memory);

/* A query parameter's value, or the absent span. */
struct str http_param(const struct http *x, const char *name);
/* A header by its CGI name ("HTTP_IF_MATCH"), or the absent span. */
struct str http_header(const struct http *x, const char *cgi_name);

/* Adds a header line to the answer. The value holds no line breaks: it is of ours or has been
 * encoded. */
void http_add_header(struct http *x, const char *name, struct str value);

/* Begins the envelope with this status: {"data": and the value is the caller's to write. Then
 * http_end closes it. */
struct json_out http_data(struct http *x, int status);
void http_end(struct http *x, struct json_out *o);

/* Forgets what was answered so far; nothing of it has been sent. */
void http_clear_answer(struct http *x);

/* Answers 200 with exactly {"data":{},"ok":true}. */
void http_done(struct http *x);

/* Answers with a status and no body (304). */
void http_empty(struct http *x, int status);

/* Answers with the error, in place of whatever was there. An answer that is being streamed is cut.
 * Logs what is 5xx. */
void http_fail(struct http *x, const struct err *e);

/* Of an answer that may be long: call between rows. Sends what has gathered when it is enough. 0,
 * or -1 and ERR_UNAVAILABLE when the peer is gone, or no long answer is to be begun. */
int http_stream(struct http *x, struct err *e) AR_MUST_CHECK;

/* Sends the answer, or the rest of it. An answer that did not fit becomes an error. 0, or -1: the
 * peer is gone, or the answer was cut; the connection must be given up. */
int http_send(struct http *x) AR_MUST_CHECK;

#endif
