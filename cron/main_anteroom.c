/* SPDX-License-Identifier: MIT */
/* anteroom, the operator's command: finds the subcommand, and opens what it works with. */
#include <getopt.h>
#include <locale.h>
#include <pwd.h>
#include <signal.h>
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
    "  --help          print this; behind a COMMAND, how that one is used\n"
    "  --version       print the version\n";

static const char usage_end[] =
    "\n"
    "Exit status: 0 done; 1 failed; 2 wrong usage; 3 not found; 4 refused; 78 wrong\n"
    "configuration.\n";

enum { OPT_CONFIG = 1, OPT_HELP, OPT_VERSION };

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static int print_help(void)
{
    bool good =
        fputs(usage, stdout) != EOF && command_print_all() == 0 && fputs(usage_end, stdout) != EOF;

    return stdfd_end("anteroom", good) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static int print_version(void)
{
    bool good = fputs("anteroom " ANTEROOM_VERSION "\n", stdout) != EOF;

    return stdfd_end("anteroom", good) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

/* The word stands between what is wrong and what helps. */
static int complain(const char *what, const char *word)
{
    fprintf(stderr, "anteroom: %s%s; try --help\n", what, word);
    return COMMAND_USAGE;
}

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, const char **config)
{
    int option;

    opterr = 0;
    /* "+": what stands behind the subcommand is its own. */
    while ((option = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
        if (option == OPT_CONFIG)
            *config = optarg;
        else if (option == OPT_HELP)
            return print_help();
        else if (option == OPT_VERSION)
            return print_version();
        else if (option == ':')
            return complain("a value is missing behind ", argv[optind - 1]);
        else
            return complain("there is no option ", argv[optind - 1]);
    }
    opterr = 1;
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
    if (c->mode == COMMAND_LOOKS)
        return store_open(conf, STORE_READ, s, e);
    /* Who comes first makes the database, also by reading; one that is there is only read, and not
     * brought up to this version under a service that knows the one before. */
    if (c->mode == STORE_READ && access(conf->database.p, F_OK) == 0)
        return store_open(conf, STORE_READ, s, e);
    return store_open(conf, STORE_WRITE, s, e);
}

static int run(const struct command *c, struct command_env *env)
{
    char name[WHO_NAME_MAX + 1];
    struct who operator= {.everything = true, .changes = true};
    struct err e;
    int status;

    if (c->mode != COMMAND_OPENS && open_store(c, env->conf, &env->store, &e) != 0)
        return command_failed(&e);
    name_operator(name);
    operator.name = env->who = str_of(name);
    if (env->store)
        store_as(env->store, &operator);
    optind = 0; /* from the start, and options may stand anywhere */
    status = c->run(env);
    store_close(env->store);
    return status;
}

/* Does somebody want to know how a subcommand is used? */
static bool wants_help(int argc, char *const *argv)
{
    int i;

    for (i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return true;
    }
    return false;
}

/* What stands behind the options: the subcommand and its arguments. */
static int serve(const char *config, int argc, char **argv, char *self)
{
    bool help = argc > 0 && strcmp(argv[0], "help") == 0;
    const struct command *c;
    struct conf *conf;
    struct err e;
    int status, words;

    argc -= help;
    argv += help;
    if (argc == 0)
        return help ? print_help() : complain("it needs a command", "");
    c = command_find(argc, argv, &words);
    if (!c)
        return complain("there is no command ", argv[0]);
    if (help || wants_help(argc - words, argv + words))
        return command_print_usage(c);
    if (conf_load(conf_path(config), &conf, &e) != 0) {
        (void)command_failed(&e);
        return COMMAND_CONFIG;
    }
    log_init("anteroom", conf->log_level);
    argv[words - 1] = self;
    status = run(c, &(struct command_env){.conf = conf,
                                          .name = c->name,
                                          .screen = table_screen(),
                                          .argc = argc - words + 1,
                                          .argv = argv + words - 1});
    conf_free(conf);
    return status;
}

int main(int argc, char **argv)
{
    const char *config = NULL;
    int status;

    stdfd_fill();
    (void)signal(SIGPIPE, SIG_IGN);       /* wake.h */
    (void)signal(SIGXFSZ, SIG_IGN);       /* a file that may not grow any more is a full disk */
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* for the width of what is printed */
    status = read_options(argc, argv, &config);
    if (status >= 0)
        return status;
    return serve(config, argc - optind, argv + optind, argv[0]);
}
