/* SPDX-License-Identifier: MIT */
/*
 * A program of somebody else's, run to a deadline: it is handed its standard input, what it writes
 * is kept, and nothing of it is left when this returns. Blocks; any thread, also several at once.
 */
#ifndef AR_CHILD_H
#define AR_CHILD_H

#include "buf.h"
#include "until.h"

enum { CHILD_LINE_MAX = 256 };

struct child_options {
    const char *const *argv; /* [0]: the program's absolute path; ends with NULL */
    const char *const *env;  /* all of its environment, "NAME=value"; ends with NULL */
    struct str input;        /* of any size; a program need not read it; absent: empty */
};

/* How it ended. */
struct child_end {
    bool started;
    int status;                /* it left with; -1: it did not leave by itself */
    int signal;                /* that ended it, ours too; 0: none */
    int64_t ns;                /* that it ran */
    char line[CHILD_LINE_MAX]; /* the last line that it wrote to its standard error, plain_text; ""
                                */
};

/*
 * Runs it. Its standard output is appended to *out, whose limit is the most that it may write.
 * It inherits descriptors 0 to 2 and no other, no blocked or ignored signal, and leads a session of
 * its own. What it started is killed when it ends, and not waited for if it has left the session;
 * it and all of that is killed when `until` is over or it writes too much.
 *
 * 0: it left with status 0. -1: it did not, and *e says in words for the operator what happened:
 * "<program> ended with status 3: <last line of standard error>", "<program> was killed after 20
 * s",
 * "<program> cannot be run: <system's words>" (ERR_UNAVAILABLE; ERR_TOO_LARGE; ERR_INTERNAL).
 * *out and *end hold what there was either way. Descriptors 0 to 2 must be open (stdfd_fill).
 */
int child_run(const struct child_options *o, const struct until *until, struct buf *out,
              struct child_end *end, struct err *e) AR_MUST_CHECK;

#endif
