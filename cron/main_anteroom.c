/* SPDX-License-Identifier: MIT */
/* anteroom, the operator's command: finds the subcommand, and opens what it works with. */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "stdfd.h"

static const char usage[] =
    "Usage: anteroom [--config FILE] COMMAND [ARGUMENT]...\n"
    "The operator's command, for the host that the database is on; as the user that Anteroom runs\n"
    "as.\n"
    "\n"
    "  --config FILE   the configuration; else $ANTEROOM_CONFIG, else /etc/anteroom/anteroom.yaml\n"
    "  --help          print this\n"
    "  --version       print the version\n"
    "\n"
    "Commands:\n";

static const char usage_end[] =
    "\n"
    "WHEN: a duration (90d, 12h) or a time (2030-01-31T00:00:00Z); without it a token never ends.\n"
    "\n"
    "Exit status: 0 done; 1 failed; 2 wrong usage; 78 wrong configuration.\n";

enum { OPT_CONFIG = 1, OPT_HELP, OPT_VERSION };

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static int print_help(void)
{
    bool good = fputs(usage, stdout) != EOF && command_list() == 0 &&
                fputs(usage_end, stdout) != EOF && fflush(stdout) == 0;

    return good ? COMMAND_OK : COMMAND_FAILED;
}

static int print_version(void)
{
    bool good = fputs("anteroom " ANTEROOM_VERSION "\n", stdout) != EOF && fflush(stdout) == 0;

    return good ? COMMAND_OK : COMMAND_FAILED;
}

static int complain(int status, const char *what)
{
    fprintf(stderr, "anteroom: %s\n", what);
    return status;
}

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, const char **config)
{
    int option;

    /* "+": what stands behind the subcommand is its own. */
    while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if (option == OPT_CONFIG)
            *config = optarg;
        else if (option == OPT_HELP)
            return print_help();
        else if (option == OPT_VERSION)
            return print_version();
        else
            return complain(COMMAND_USAGE, "wrong option; try --help");
    }
    return -1;
}

/* Who is at the keyboard, for the audit trail. */
static void name_operator(char name[WHO_NAME_MAX + 1])
{
    const struct passwd *user = getpwuid(getuid());

    if (user)
        (void)snprintf(name, WHO_NAME_MAX + 1, "operator:%s", user->pw_name);
    else
        (void)snprintf(name, WHO_NAME_MAX + 1, "operator:%ld", (long)getuid());
}

static int open_store(const struct command *c, const struct conf *conf, struct store **s,
                      struct err *e)
{
    /* Who comes first makes the database, also by reading. */
    if (c->mode == STORE_READ && store_open(conf, STORE_READ, s, e) == 0)
        return 0;
    return store_open(conf, STORE_WRITE, s, e);
}

static int run(const struct command *c, struct command_env *env)
{
    char name[WHO_NAME_MAX + 1];
    struct who operator= {.everything = true, .changes = true};
    struct err e;
    int status;

    if (open_store(c, env->conf, &env->store, &e) != 0)
        return command_failed(&e);
    name_operator(name);
    operator.name = str_of(name);
    store_as(env->store, &operator);
    optind = 0; /* from the start, and options may stand anywhere */
    status = c->run(env);
    store_close(env->store);
    return status;
}

int main(int argc, char **argv)
{
    const char *config = NULL;
    const struct command *c;
    struct conf *conf;
    struct err e;
    int status, words;

    stdfd_fill();
    status = read_options(argc, argv, &config);
    if (status >= 0)
        return status;
    c = command_find(argc - optind, argv + optind, &words);
    if (!c)
        return complain(COMMAND_USAGE, optind == argc ? "it needs a command; try --help"
                                                      : "there is no such command; try --help");
    if (conf_load(conf_path(config), &conf, &e) != 0)
        return complain(COMMAND_CONFIG, e.text);
    log_init("anteroom", conf->log_level);
    argv[optind + words - 1] = argv[0]; /* getopt_long's errors begin with it */
    status = run(c, &(struct command_env){.conf = conf,
                                          .name = c->name,
                                          .argc = argc - optind - words + 1,
                                          .argv = argv + optind + words - 1});
    conf_free(conf);
    return status;
}
