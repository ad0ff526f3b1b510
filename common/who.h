/* SPDX-License-Identifier: MIT */
/* Who asks, and what he may. Pure; any thread. What he may do with one job is in rights.h. */
#ifndef AR_WHO_H
#define AR_WHO_H

#include "buf.h"

enum { WHO_NAME_MAX = 255, WHO_OWNERS_MAX = 100 };

struct who {
    struct str name; /* for the audit trail: "token:ci", "user:<id>", "operator:root", … */
    bool everything; /* every owner's jobs; else only `owner`'s */
    bool changes;    /* may change; else may only read */
    bool projects;   /* his owners are OpenStack's projects: his virtual machines are for them */
    size_t owners;   /* sorted, no doubles */
    const struct str *owner;
};

/* Does he see this owner's jobs? */
bool who_sees(const struct who *w, struct str owner_id);

/* What must be his before he is served. Where nothing is said it is the most. */
enum who_need {
    WHO_ADMIN,     /* everything, and every change */
    WHO_CHANGES,   /* changes to what he sees */
    WHO_READS_ALL, /* a look at everything */
    WHO_READS,     /* a look at what he sees */
    WHO_OPEN,      /* nothing: nobody asks who he is */
    WHO_NEEDS
};

/* "admin", "change", "read-all", "read", "open". */
const char *who_need_word(enum who_need need);

/* 0, or -1 and ERR_FORBIDDEN with a sentence. */
int who_may(const struct who *w, enum who_need need, struct err *e) AR_MUST_CHECK;

/* Appends what tells apart those who see different jobs: nothing for who sees everything, else his
 * owners as a JSON array. */
void who_write_sight(const struct who *w, struct buf *b);

/* A copy with all its text, in one piece of memory (free()); NULL without memory. */
struct who *who_copy(const struct who *w) AR_MUST_CHECK;

#endif
