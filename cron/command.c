/* SPDX-License-Identifier: MIT */
/* The subcommands of anteroom: the table, and what they have in common. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stdfd.h"
#include "utf8.h"

static const struct command commands[] = {
    {"backup", "FILE [--force] [--json]", "copy the database, while everybody goes on working",
     COMMAND_OPENS, command_backup, COMMAND_CARE,
     "FILE is there when it is whole, checked, and on the disk; --force: in place of another.\n"
     "To restore it: stop all of Anteroom, take the database's -wal and -shm away, copy FILE to\n"
     "the database's place, start.\n"},
    {"capacity", "[TYPE] [--hosts] [--json]", "what the last readings had, by pool or by host",
     COMMAND_LOOKS, command_capacity, COMMAND_QUEUES,
     "Without TYPE: of every queue that has a source. The sources are not asked.\n"},
    {"check", "[FILE] [--resum] [--json]", "is the database, or a copy of it, sound?",
     COMMAND_OPENS, command_check, COMMAND_CARE,
     "A fault is a line, and the exit status is then 1.\n"
     "--resum: first write every page anew, with its checksum, where SQLite finds the file "
     "sound.\n"},
    {"pause", "TYPE [--json]", "let nobody of a queue be admitted", STORE_WRITE, command_pause,
     COMMAND_QUEUES, "Who is admitted already is called all the same. unpause lets it go on.\n"},
    {"purge", "[--older-than DURATION] [--dry-run] [--json]",
     "take away what is over and kept no longer", COMMAND_OPENS, command_purge, COMMAND_CARE,
     "--older-than takes the place of all times of the configuration's retention; --dry-run only\n"
     "counts.\n"},
    {"queues", "[--json]", "every queue at a glance", COMMAND_LOOKS, command_queues, COMMAND_QUEUES,
     NULL},
    {"list", "TYPE [--owner ID] [--status A,B] [--limit N] [--after CURSOR] [--json]",
     "the jobs of a queue, in the order in which they are served", STORE_READ, command_list,
     COMMAND_JOBS, command_list_help},
    {"show", "TYPE REQUEST_ID [--events] [--deliveries] [--json]",
     "one job, what happened to it, and how its callback went", STORE_READ, command_show,
     COMMAND_JOBS, command_show_help},
    {"why", "TYPE REQUEST_ID [--json]", "why a job waits, where it stands, and when it may start",
     STORE_READ, command_why, COMMAND_JOBS, command_why_help},
    {"submit", "TYPE FILE|-|OPTION... [--json]", "put one job into a queue, or many", STORE_WRITE,
     command_submit, COMMAND_JOBS, command_submit_help},
    {"move", "TYPE REQUEST_ID --front|--back|--before OTHER|--after OTHER|--priority N [--json]",
     "put a job elsewhere in its queue", STORE_WRITE, command_move, COMMAND_JOBS,
     command_move_help},
    {"hold", "TYPE REQUEST_ID... [--json]", "keep waiting jobs out; they keep their places",
     STORE_WRITE, command_state, COMMAND_JOBS, command_state_help},
    {"resume", "TYPE REQUEST_ID... [--json]", "let jobs that are held wait again", STORE_WRITE,
     command_state, COMMAND_JOBS, command_state_help},
    {"cancel", "TYPE REQUEST_ID... [--delete] [--json]", "end jobs that wait or are admitted",
     STORE_WRITE, command_cancel, COMMAND_JOBS, command_cancel_help},
    {"requeue", "TYPE REQUEST_ID... [--json]",
     "let jobs wait once more that were admitted, run, or have failed", STORE_WRITE, command_state,
     COMMAND_JOBS, command_state_help},
    {"resend", "TYPE REQUEST_ID... [--json]", "call the callbacks of admitted or running jobs now",
     STORE_WRITE, command_resend, COMMAND_JOBS, command_state_help},
    {"token add", "NAME --role admin|reader|owner [--owner ID]... [--expires WHEN] [--json]",
     "make a token, and print it once", STORE_WRITE, command_token_add, COMMAND_TOKENS,
     "WHEN: a duration (90d, 12h) or a time (2030-01-31T00:00:00Z); without it a token never "
     "ends.\n"},
    {"token list", "[--json]", "list the tokens", STORE_READ, command_token_list, COMMAND_TOKENS,
     NULL},
    {"token revoke", "NAME", "make a token worthless, at once", STORE_WRITE, command_token_revoke,
     COMMAND_TOKENS, NULL},
    {"top", "[--interval DURATION] [--once] [--json]", "the queues, and who is next, live",
     COMMAND_LOOKS, command_top, COMMAND_QUEUES,
     "Drawn again each second, or --interval; q ends it. --once, and without a terminal: one "
     "frame.\n"},
    {"unpause", "TYPE [--json]", "let a paused queue go on", STORE_WRITE, command_unpause,
     COMMAND_QUEUES, NULL},
};

static const char *const groups[] = {
    [COMMAND_JOBS] = "Jobs",
    [COMMAND_QUEUES] = "Queues",
    [COMMAND_TOKENS] = "Tokens",
    [COMMAND_CARE] = "Care of the database",
};
_Static_assert(ARRAY_LEN(groups) == COMMAND_GROUPS, "every group has a heading");

/* How many words of argv the name is; 0: it is not there. */
static int matches(const char *name, int argc, char *const *argv)
{
    int words = 0;

    while (*name) {
        size_t n = strcspn(name, " ");

        if (words == argc || strlen(argv[words]) != n || memcmp(argv[words], name, n) != 0)
            return 0;
        words++;
        name += n + (name[n] == ' ');
    }
    return words;
}

const struct command *command_find(int argc, char *const *argv, int *words)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(commands); i++) {
        *words = matches(commands[i].name, argc, argv);
        if (*words > 0)
            return &commands[i];
    }
    return NULL;
}

/* ---- help ---- */

static int print_group(enum command_group group)
{
    size_t i, n = 0;

    for (i = 0; i < ARRAY_LEN(commands); i++) {
        if (commands[i].group != group)
            continue;
        if (n++ == 0 && printf("\n%s:\n", groups[group]) < 0)
            return -1;
        if (printf("  %-13s %s\n", commands[i].name, commands[i].what) < 0)
            return -1;
    }
    return 0;
}

int command_print_all(void)
{
    static const enum command_group order[] = {COMMAND_JOBS, COMMAND_QUEUES, COMMAND_CARE,
                                               COMMAND_TOKENS};
    size_t i;

    for (i = 0; i < ARRAY_LEN(order); i++) {
        if (print_group(order[i]) != 0)
            return -1;
    }
    return 0;
}

int command_print_usage(const struct command *c)
{
    int n = printf("Usage: anteroom [--config FILE] %s %s\n\n%s%s%s", c->name, c->arguments,
                   c->what, c->help ? ".\n\n" : ".\n", c->help ? c->help : "");

    return stdfd_end("anteroom", n >= 0) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

/* ---- options ---- */

/* What getopt_long did not like. */
static int refuse(const struct command_env *env, const struct option *options, int found)
{
    const char *word = env->argv[optind - 1];
    size_t i;

    if (found == ':')
        return command_misused(env, "%s needs a value", word);
    for (i = 0; optopt != 0 && options[i].name; i++) {
        if (options[i].val == optopt)
            return command_misused(env, "--%s takes no value", options[i].name);
    }
    if (optopt != 0)
        return command_misused(env, "there is no option -%c", optopt);
    return command_misused(env, "there is no option %s", word);
}

/* JSON has no other text: there it would become another one. */
static bool is_utf8(const char *text)
{
    const char *end = text + strlen(text);
    size_t n;

    while ((n = utf8_length(text, end)) > 0)
        text += n;
    return text == end;
}

int command_option(struct command_env *env, const struct option *options)
{
    int found, at;

    opterr = 0;
    for (;;) {
        at = 0;
        found = getopt_long(env->argc, env->argv, ":", options, &at);
        if (found == '?' || found == ':') {
            (void)refuse(env, options, found);
            return 0;
        }
        if (found > 0 && optarg && !is_utf8(optarg)) {
            (void)command_misused(env, "--%s must be valid UTF-8", options[at].name);
            return 0;
        }
        if (found == COMMAND_JSON) {
            env->json = true;
        } else if (found == COMMAND_COLOR) {
            if (table_colours(&env->screen, str_of(optarg)) == 0)
                continue;
            (void)command_misused(env, "--color must be auto, always or never");
            return 0;
        } else {
            return found;
        }
    }
}

/* ---- how it ends ---- */

/* By the classes of HTTP: what was refused may be asked again when things have changed. */
int command_status(enum err_code code)
{
    switch (err_status(code)) {
    case 404:
        return COMMAND_NOT_FOUND;
    case 400:
    case 403:
    case 409:
    case 412:
    case 413:
    case 422:
    case 429:
        return COMMAND_REFUSED;
    default:
        return code == ERR_CONFIG ? COMMAND_CONFIG : COMMAND_FAILED;
    }
}

int command_failed(const struct err *e)
{
    if (e->text[0] && e->pointer[0])
        fprintf(stderr, "anteroom: %s: %s\n", e->pointer, e->text);
    else if (e->text[0])
        fprintf(stderr, "anteroom: %s\n", e->text);
    return command_status(e->code);
}

int command_misused(const struct command_env *env, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "anteroom %s: ", env->name);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "; try anteroom %s --help\n", env->name);
    return COMMAND_USAGE;
}

int command_print(struct buf *b)
{
    struct err e;
    bool good;

    if (buf_check(b, "the output", &e) != 0)
        return (void)command_failed(&e), COMMAND_FAILED;
    good = b->len == 0 || fwrite(b->data, 1, b->len, stdout) == b->len;
    return stdfd_end("anteroom", good) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
