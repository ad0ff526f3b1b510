/* SPDX-License-Identifier: MIT */
/*
 * Threads that look names up. They start as they are needed, and belong to nobody: one that still
 * waits for a name server when the crew is closed ends by itself, or with the process.
 */
#ifndef AR_CREW_H
#define AR_CREW_H

#include "lookup.h"

enum { CREW_NAME_MAX = 256 };

struct crew_task {
    struct crew_task *next;
    char name[CREW_NAME_MAX];
    struct lookup_answer answer;
    void *owner; /* whoever hands it out, comes back with it */
};

struct crew_options {
    size_t threads; /* at the most */
    struct lookup_server server;
    void (*look_up)(const char *name, struct lookup_answer *a); /* NULL: lookup_name; for tests */
};

struct crew;

/* 0 and *c (crew_close), or -1: ERR_INTERNAL. */
int crew_open(const struct crew_options *o, struct crew **c, struct err *e) AR_MUST_CHECK;
/* Waits for nobody. What is under way is freed when it ends. */
void crew_close(struct crew *c);

/* Readable while there are tasks to take back. */
int crew_fd(const struct crew *c);

/* Hands a task out, from malloc; the crew's until it comes back. 0, or -1: there is no thread and
 * none can be started; the task is then the caller's still. One thread, as for all of these. */
int crew_give(struct crew *c, struct crew_task *t) AR_MUST_CHECK;

/* All that are done, oldest first, or NULL; the caller frees each. */
struct crew_task *crew_take(struct crew *c);

#endif
