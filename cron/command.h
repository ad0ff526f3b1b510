/* SPDX-License-Identifier: MIT */
/* anteroom, the operator's command: its table of subcommands, each in a file of its own. */
#ifndef AR_COMMAND_H
#define AR_COMMAND_H

#include <getopt.h>

#include "conf.h"
#include "store.h"
#include "table.h"

enum {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1,
    COMMAND_USAGE = 2,
    COMMAND_NOT_FOUND = 3, /* what was named is not there */
    COMMAND_REFUSED = 4,   /* it is not valid, or the state that things are in does not allow it */
    COMMAND_CONFIG = 78
};

/* What a subcommand works with. */
struct command_env {
    const struct conf *conf;
    const char *name;    /* the subcommand's */
    struct store *store; /* open as the table says, as the operator; NULL: by COMMAND_OPENS */
    struct str who;      /* the operator, as changes are noted */
    int argc;            /* what stands behind the name, from argv[1] on */
    char **argv;
    struct table_screen screen; /* standard output; with command_option, as --color says */
    bool json;                  /* --json, by command_option */
};

/* In place of a store's mode: the subcommand opens what it needs by itself; or it looks at what is
 * there, and makes no database (as others do, of whom the first who comes makes it). */
enum { COMMAND_OPENS = STORE_WRITE + 1, COMMAND_LOOKS };

/* Under which heading --help lists it. */
enum command_group { COMMAND_CARE, COMMAND_JOBS, COMMAND_QUEUES, COMMAND_TOKENS, COMMAND_GROUPS };

struct command {
    const char *name; /* one word or two: "token add" */
    const char *arguments;
    const char *what; /* for --help */
    int mode;         /* enum store_mode, COMMAND_OPENS, COMMAND_LOOKS */
    /* Returns the exit status, having said what went wrong. */
    int (*run)(struct command_env *env);
    enum command_group group;
    const char *help; /* what more its own --help says, lines; NULL: nothing */
};

/* The subcommand that argv begins with, and how many words its name has; NULL: there is none. */
const struct command *command_find(int argc, char *const *argv, int *words);

/* Prints the table in its groups, a line each. -1: it could not be printed; errno says why. */
int command_print_all(void) AR_MUST_CHECK;
/* Prints how one is used. COMMAND_OK or COMMAND_FAILED; it has been said why. */
int command_print_usage(const struct command *c) AR_MUST_CHECK;

/* ---- for the subcommands ---- */

/* The rows of `options` that every subcommand's table ends with, and the least value of its own. */
#define COMMAND_OPTIONS                                                                            \
    {"json", no_argument, NULL, COMMAND_JSON}, {"color", required_argument, NULL, COMMAND_COLOR},  \
    {                                                                                              \
        NULL, 0, NULL, 0                                                                           \
    }
enum { COMMAND_JSON = 1, COMMAND_COLOR, COMMAND_OWN };

/* As getopt_long: the next of the subcommand's own options, and its optarg; -1: there is none left,
 * and optind is at the first argument. It keeps --json and --color in *env. 0: something is wrong,
 * a value that is not UTF-8 too; it has been said, and COMMAND_USAGE is to be returned. */
int command_option(struct command_env *env, const struct option *options);

/* Says what is wrong on standard error; returns the exit status that goes with it.
 * An error without a text (table_end) is not spoken of. */
int command_failed(const struct err *e);
int command_misused(const struct command_env *env, const char *fmt, ...) AR_PRINTF(2, 3);
/* The exit status that goes with an error. */
int command_status(enum err_code code);

/* Prints the text. COMMAND_OK or COMMAND_FAILED; it has been said why. */
int command_print(struct buf *b);

int command_backup(struct command_env *env);
int command_capacity(struct command_env *env);
int command_check(struct command_env *env);
int command_pause(struct command_env *env);
int command_purge(struct command_env *env);
int command_queues(struct command_env *env);
int command_cancel(struct command_env *env);
int command_list(struct command_env *env);
int command_move(struct command_env *env);
int command_resend(struct command_env *env);
int command_show(struct command_env *env);
int command_state(struct command_env *env);
int command_submit(struct command_env *env);
int command_why(struct command_env *env);
int command_token_add(struct command_env *env);
int command_token_list(struct command_env *env);
int command_token_revoke(struct command_env *env);
int command_top(struct command_env *env);
int command_unpause(struct command_env *env);

/* What their --help says besides the table. */
extern const char command_cancel_help[], command_list_help[], command_move_help[],
    command_show_help[], command_state_help[], command_submit_help[], command_why_help[];

#endif
