/* SPDX-License-Identifier: MIT */
/*
 * Requests to Placement and Nova, side by side, with a token and in a microversion that the service
 * knows. A 401 gets one new token and one new try (once between two calls of
 * openstack_api_begin); a 406 of Placement gets one new try in the newest version that it knows.
 * One thread at a time.
 */
#ifndef AR_OPENSTACK_API_H
#define AR_OPENSTACK_API_H

#include "json_in.h"
#include "keystone.h"

enum {
    OPENSTACK_PLACEMENT_BEST = 36,  /* 1.36 is what Nova itself speaks */
    OPENSTACK_PLACEMENT_LEAST = 29, /* nested providers */
    OPENSTACK_PLACEMENT_NOT_IN = 32 /* member_of=!in: */
};

/* Without its members of the lower half, the caller's to fill in. */
struct openstack_api {
    const struct cloud *cloud;
    struct keystone *keystone;
    struct httpc *http;
    int64_t placement; /* the minor version that is spoken */
    const struct until *until;
    bool renewed;
    const struct keystone_token *token;
};

/* A request, and its answer while the function that gets it runs. */
struct openstack_call {
    enum keystone_service service;
    const char *path;    /* "/allocation_candidates?…"; holds until the run ends */
    const char *version; /* "compute 2.41"; NULL: none, or of Placement the one that is spoken */
    int64_t needed;      /* Placement's minor version, at least */
    const char *needed_for;
    bool optional; /* a 401 is an answer like any other: it is not the token's fault */
    size_t tag;    /* the caller's */
    int status;    /* of a whole answer */
    struct buf body;
    char retry_after[HTTPC_ANSWER_HEADER_MAX]; /* "": none */
    enum { OPENSTACK_TO_ASK, OPENSTACK_ASKED, OPENSTACK_UNAUTHORIZED, OPENSTACK_DONE } state;
    int64_t spoke;
    struct buf url, token, spoken; /* what the request points to */
};

/* Gets every answer but those that are tried again: 0, or -1 and *e, which ends the run. */
typedef int openstack_done_fn(void *ctx, struct openstack_call *call, struct err *e);

/* The beginning of a reading: from now on `until`, and another token may be had. */
void openstack_api_begin(struct openstack_api *api, const struct until *until);

/* Asks all the calls. 0, or -1: a service that does not answer, refuses the token or is too old, or
 * what `done` found wrong. */
int openstack_api_run(struct openstack_api *api, struct openstack_call *call, size_t n,
                      openstack_done_fn *done, void *ctx, struct err *e) AR_MUST_CHECK;

/* Is it known where the service is? Once a run was made. */
bool openstack_api_reaches(const struct openstack_api *api,
                           enum keystone_service service) AR_MUST_CHECK;

/* Appends text as it may stand in a path or a query. */
void openstack_add_encoded(struct buf *b, struct str text);

/* *e: what an answer other than 200 says, in its own words. Returns -1. */
int openstack_api_refused(const struct openstack_api *api, const struct openstack_call *call,
                          struct err *e);

/* The body of an answer that must be 200 with JSON: 0 and *doc (json_in_free), or -1. */
int openstack_api_json(const struct openstack_api *api, const struct openstack_call *call,
                       struct json_doc **doc, struct err *e) AR_MUST_CHECK;

#endif
