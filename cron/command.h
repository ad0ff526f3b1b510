/* SPDX-License-Identifier: MIT */
/* anteroom, the operator's command: its table of subcommands, each in a file of its own. */
#ifndef AR_COMMAND_H
#define AR_COMMAND_H

#include "conf.h"
#include "store.h"

enum { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2, COMMAND_CONFIG = 78 };

/* What a subcommand works with. */
struct command_env {
    const struct conf *conf;
    const char *name;    /* the subcommand's */
    struct store *store; /* open as the table says, as the operator */
    int argc;            /* what stands behind the name, from argv[1] on */
    char **argv;
};

struct command {
    const char *name; /* one word or two: "token add" */
    const char *arguments;
    const char *what; /* for --help */
    enum store_mode mode;
    /* Returns the exit status, having said what went wrong. */
    int (*run)(struct command_env *env);
};

/* The subcommand that argv begins with, and how many words its name has; NULL: there is none. */
const struct command *command_find(int argc, char *const *argv, int *words);

/* Prints the table, a line each. -1: it could not be printed. */
int command_list(void) AR_MUST_CHECK;

/* ---- for the subcommands ---- */

/* Says what is wrong on standard error; returns COMMAND_FAILED or COMMAND_USAGE. */
int command_failed(const struct err *e);
int command_misused(const struct command_env *env, const char *fmt, ...) AR_PRINTF(2, 3);

/* Prints the text. COMMAND_OK or COMMAND_FAILED. */
int command_print(struct buf *b);

int command_token_add(struct command_env *env);
int command_token_list(struct command_env *env);
int command_token_revoke(struct command_env *env);

#endif
