/* SPDX-License-Identifier: MIT */
/* Credentials from a program that a kubeconfig names (client.authentication.k8s.io v1 and v1beta1).
 * They are kept in memory until they expire. One thread at a time; blocks. */
#ifndef AR_KUBE_EXEC_H
#define AR_KUBE_EXEC_H

#include "kubeconfig.h"
#include "until.h"

/* {0} at first; kube_exec_free. */
struct kube_exec {
    struct arena *arena; /* of all that follows; NULL: there are no credentials */
    struct str of;       /* the program, its arguments and environment: whose they are */
    int64_t expires;     /* ns since 1970; INT64_MAX: not told */
    struct str token, cert, key;
};

/* Sees to it that *kept are good credentials: the ones there are, or new ones. 0, or -1:
 * ERR_UNAVAILABLE when the program fails or says what is no credential; no secret stands in it. */
int kube_exec_get(const struct kubeconfig_exec *x, const struct until *until,
                  struct kube_exec *kept, struct err *e) AR_MUST_CHECK;

/* Forgets them: they are not taken any more. */
void kube_exec_free(struct kube_exec *kept);

#endif
