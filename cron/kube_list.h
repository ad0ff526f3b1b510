/* SPDX-License-Identifier: MIT */
/* A whole list, page by page. One thread at a time; blocks. */
#ifndef AR_KUBE_LIST_H
#define AR_KUBE_LIST_H

#include "json_pick.h"
#include "kube_api.h"

struct kube_list {
    const char *path;       /* "/api/v1/nodes" */
    const char *query;      /* beside limit and continue, encoded, with '&' before it; "" */
    const char *kind;       /* that the answer must be: "NodeList" */
    const char *what;       /* it is called in errors: "list nodes" */
    struct json_pick items; /* the line for the member `items` */
    /* Appends what the item under way is called, for errors: "pod web/front"; nothing when that is
     * not known (yet). Gets items.ctx. */
    void (*called)(const void *of, struct buf *b);
    void (*again)(void *ctx); /* what came is void: the list begins anew */
    void *ctx;
};

/* Reads all of it. 0, or -1 and *e; *status is that of the answer that was no good, 0: none. */
int kube_list_read(struct kube_api *api, const struct kube_list *list, int *status,
                   struct err *e) AR_MUST_CHECK;

#endif
