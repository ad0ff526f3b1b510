/* SPDX-License-Identifier: MIT */
/*
 * How the API server of a Kubernetes cluster is reached, and as whom: read as kubectl reads it,
 * from kubeconfig files or from what a pod has. Read anew for each reading: tokens and certificates
 * are replaced in their files. One thread at a time.
 */
#ifndef AR_KUBECONFIG_H
#define AR_KUBECONFIG_H

#include "arena.h"
#include "err.h"

struct kubeconfig_options {
    const char *path;    /* the file, "~/" being the home directory; NULL: those of KUBECONFIG, else
                            ~/.kube/config, else the pod's service account */
    const char *context; /* NULL: the current-context */
    const char *pod; /* the directory of the pod's token and ca.crt; NULL: where Kubernetes mounts
                        them */
};

struct kubeconfig_pair {
    struct str name, value;
};

/* A program that knows the credentials (client.authentication.k8s.io). */
struct kubeconfig_exec {
    struct str version; /* its API version; absent: there is no such program */
    struct str command; /* absolute, or a bare name that PATH finds */
    size_t args;
    struct str *arg;
    size_t envs;
    struct kubeconfig_pair *env;
    struct str hint; /* how to install it; absent: nothing is said */
};

/* All spans are NUL-terminated and live in the arena. */
struct kubeconfig {
    struct str server;    /* the URL, without a slash at its end */
    struct str as;        /* context and user, for people */
    bool unverified;      /* whoever answers is believed */
    struct str ca;        /* PEM; absent: the system's authorities */
    struct str cert, key; /* PEM; absent: none */
    struct str token;     /* absent: none */
    struct kubeconfig_exec exec;
};

/* 0 and *k, or -1: ERR_CONFIG, naming the file, or ERR_INTERNAL. No secret stands in an error. */
int kubeconfig_load(const struct kubeconfig_options *o, struct arena *arena, struct kubeconfig *k,
                    struct err *e) AR_MUST_CHECK;

/* May the text stand in an Authorization header: bytes of a token, and some? */
bool kubeconfig_is_token(struct str text);

#endif
