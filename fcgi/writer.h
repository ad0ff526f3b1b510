/* SPDX-License-Identifier: MIT */
/*
 * The writer: commits the changes of many requests together. One thread of its own takes all that
 * is pending, applies it in one transaction and hands it back when it is on disk. While nothing is
 * pending, whoever brings a change commits it on the spot: a lone client does not wait for another
 * thread to wake.
 */
#ifndef AR_WRITER_H
#define AR_WRITER_H

#include "store.h"

enum { WRITER_BATCH_MAX = 512 };

/* A change. Embedded in what it belongs to; the writer's from writer_submit until it is handed
 * back. */
struct writer_op {
    struct writer_op *next; /* the writer's, and of the list that it hands back */
    /* Does the work in a write transaction. 0, or -1 and *e: what it wrote is then undone. On any
     * thread. May be called again from the start, when the transaction had to be given up. */
    int (*apply)(struct writer_op *op, struct store *s, struct err *e);
    bool failed; /* result: `err` says why; else the change is on disk */
    struct err err;
};

struct writer_options {
    const struct conf *conf;
    /* Takes back a list of changes whose fate is known. On the writer's thread; must not wait. */
    void (*done)(void *ctx, struct writer_op *list);
    /* Called once, on any thread, when a commit's fate is unknown: this process must end. All
     * changes fail from then on. */
    void (*broken)(void *ctx);
    void *ctx;
};

struct writer;

/* Opens the database for writing (makes and migrates it) and starts the thread. 0 and *w
 * (writer_close), or -1 and *e. */
int writer_open(const struct writer_options *o, struct writer **w, struct err *e) AR_MUST_CHECK;

/* What became of a submitted change: it will be handed back by `done`, or its result stands in it
 * already. */
enum writer_turn { WRITER_QUEUED, WRITER_DONE };
enum writer_turn writer_submit(struct writer *w, struct writer_op *op) AR_MUST_CHECK;

/* Can nothing be committed any more? Any thread. */
bool writer_is_broken(const struct writer *w);

/* Commits and hands back all that was submitted, ends the thread, closes the database. Nobody may
 * submit any more. */
void writer_close(struct writer *w);

/* For a program without a writer of its own (CGI): applies the list in one transaction. Every op
 * then has its result. */
void writer_apply(struct store *s, struct writer_op *list);

#endif
