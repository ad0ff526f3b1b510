/* SPDX-License-Identifier: MIT */
/* The subcommands of anteroom: the table, and what they have in common. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"token add", "NAME --role admin|reader|owner [--owner ID]... [--expires WHEN] [--json]",
     "make a token, and print it once", STORE_WRITE, command_token_add},
    {"token list", "[--json]", "list the tokens", STORE_READ, command_token_list},
    {"token revoke", "NAME", "make a token worthless, at once", STORE_WRITE, command_token_revoke},
};

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

int command_list(void)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(commands); i++) {
        if (printf("  %s %s\n      %s\n", commands[i].name, commands[i].arguments,
                   commands[i].what) < 0)
            return -1;
    }
    return 0;
}

int command_failed(const struct err *e)
{
    fprintf(stderr, "anteroom: %s\n", e->text);
    return COMMAND_FAILED;
}

int command_misused(const struct command_env *env, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "anteroom %s: ", env->name);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs("; try --help\n", stderr);
    return COMMAND_USAGE;
}

int command_print(struct buf *b)
{
    bool good = !b->failed && (b->len == 0 || fwrite(b->data, 1, b->len, stdout) == b->len) &&
                fflush(stdout) == 0;

    if (!good)
        fputs("anteroom: the output could not be written\n", stderr);
    return good ? COMMAND_OK : COMMAND_FAILED;
}
