/* SPDX-License-Identifier: MIT */
/* Who asks, and what he may. Pure; any thread. */
#ifndef AR_WHO_H
#define AR_WHO_H

#include "base.h"

enum { WHO_NAME_MAX = 255 };

struct who {
    struct str name; /* for the audit trail: "token:ci", "user:<id>", "operator:root", … */
    bool everything; /* every owner's jobs; else only `owner`'s */
    bool changes;    /* may change; else may only read */
    size_t owners;   /* sorted, no doubles */
    const struct str *owner;
};

/* Everything, and every change. */
bool who_is_admin(const struct who *w);
/* Does he see this owner's jobs? */
bool who_sees(const struct who *w, struct str owner_id);

#endif
