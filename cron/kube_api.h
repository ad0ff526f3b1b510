/* SPDX-License-Identifier: MIT */
/* Asking the API server: one GET after the other, with the credentials of the kubeconfig, to a
 * deadline. One thread at a time; blocks. */
#ifndef AR_KUBE_API_H
#define AR_KUBE_API_H

#include "httpc.h"
#include "kube_exec.h"

struct kube_api;

/* Reads the kubeconfig and, if it says so, gets credentials from a program; asks nobody yet. `kept`
 * are its credentials from reading to reading; it and `options` must live as long. 0 and *api
 * (kube_api_close), or -1 and *e. */
int kube_api_open(const struct kubeconfig_options *options, struct kube_exec *kept,
                  const struct until *until, struct kube_api **api, struct err *e) AR_MUST_CHECK;
void kube_api_close(struct kube_api *api);

/* "<host:port>, as <context>/<user>", for people. */
struct str kube_api_where(const struct kube_api *api);
struct str kube_api_as(const struct kube_api *api);

/* What one GET is for. */
struct kube_get {
    const char *path; /* and query, below the server's URL */
    const char *what; /* it is called in errors: "list nodes" */
    /* Gets the body of a good answer; -1 and *e ends it. A new try begins with nothing taken. */
    int (*take)(void *ctx, struct str piece, struct err *e);
    void *ctx;
};

/*
 * 0: the whole of a good answer was taken; else -1, and *status is that of the answer, 0 without
 * one, for a caller who knows what to do about it. *e tells the rest, with the server's own words.
 * A 401 is answered once by credentials read anew; 429 and 503 by a wait of as long as the server
 * asks, as the deadline allows.
 */
int kube_api_get(struct kube_api *api, const struct kube_get *get, int *status,
                 struct err *e) AR_MUST_CHECK;

#endif
