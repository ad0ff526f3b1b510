/* SPDX-License-Identifier: MIT */
/* anteroom-dispatch: the command line. */
#include <getopt.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "buf.h"
#include "conf.h"
#include "dispatch.h"
#include "num.h"
#include "probe.h"
#include "stdfd.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78, SECONDS_MAX = 10 * 365 * 86400 };

static const char usage[] =
    "Usage: anteroom-dispatch [OPTION]...\n"
    "Admits waiting jobs whose resources are free, and calls their callbacks. One pass, unless\n"
    "told otherwise.\n"
    "\n"
    "  --config FILE   the configuration; else $ANTEROOM_CONFIG, else /etc/anteroom/anteroom.yaml\n"
    "  --for SECONDS   keep passing for so long: from cron, until the next run\n"
    "  --watch         keep passing until SIGTERM or SIGINT: from systemd\n"
    "  --dry-run       print what a pass would do, and write nothing\n"
    "  --check         check the configuration, the database and every source, and write nothing\n"
    "  --capacity      print what the sources have: pools, hosts, total, used, held, free\n"
    "  --json          with --capacity: as JSON\n"
    "  --probe URL     print how a callback would be called, and why not, and send nothing\n"
    "  --type TYPE     with --probe: by the rules of this queue\n"
    "  --config-keys   print every key of the configuration: name, type, default, range, meaning\n"
    "  --help          print this\n"
    "  --version       print the version\n"
    "\n"
    "Exit status: 0 done, also when another dispatcher is at work; 1 something failed, or what\n"
    "was probed would not be called; 2 wrong usage; 78 wrong configuration.\n";

enum {
    OPT_CONFIG = 1,
    OPT_FOR,
    OPT_WATCH,
    OPT_DRY_RUN,
    OPT_CHECK,
    OPT_CAPACITY,
    OPT_JSON,
    OPT_PROBE,
    OPT_TYPE,
    OPT_CONFIG_KEYS,
    OPT_HELP,
    OPT_VERSION
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"for", required_argument, NULL, OPT_FOR},
    {"watch", no_argument, NULL, OPT_WATCH},
    {"dry-run", no_argument, NULL, OPT_DRY_RUN},
    {"check", no_argument, NULL, OPT_CHECK},
    {"capacity", no_argument, NULL, OPT_CAPACITY},
    {"json", no_argument, NULL, OPT_JSON},
    {"probe", required_argument, NULL, OPT_PROBE},
    {"type", required_argument, NULL, OPT_TYPE},
    {"config-keys", no_argument, NULL, OPT_CONFIG_KEYS},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

/* The options that choose what is done; at most one of them may be given. */
static const enum dispatch_mode modes[] = {
    [OPT_FOR] = DISPATCH_FOR,     [OPT_WATCH] = DISPATCH_WATCH,       [OPT_DRY_RUN] = DISPATCH_SHOW,
    [OPT_CHECK] = DISPATCH_CHECK, [OPT_CAPACITY] = DISPATCH_CAPACITY,
};

struct command {
    const char *config;
    int print; /* OPT_CONFIG_KEYS, OPT_HELP or OPT_VERSION; 0: none */
    bool has_mode;
    struct dispatch_options dispatch;
    const char *probe, *type; /* NULL: not given */
};

static int complain(const char *what)
{
    fprintf(stderr, "anteroom-dispatch: %s; try --help\n", what);
    return -1;
}

static int take_option(struct command *c, int option)
{
    if (option == OPT_CONFIG) {
        c->config = optarg;
        return 0;
    }
    if (option == OPT_JSON) {
        c->dispatch.json = true;
        return 0;
    }
    if (option == OPT_TYPE) {
        c->type = optarg;
        return 0;
    }
    if (option >= OPT_CONFIG_KEYS) {
        c->print = option;
        return 0;
    }
    if (c->has_mode)
        return complain(
            "only one of --for, --watch, --dry-run, --check, --capacity and --probe can be given");
    c->has_mode = true;
    if (option == OPT_PROBE) {
        c->probe = optarg;
        return 0;
    }
    c->dispatch.mode = modes[option];
    if (option == OPT_FOR && num_i64(str_of(optarg), 1, SECONDS_MAX, &c->dispatch.seconds) != 0)
        return complain("--for needs a whole number of seconds, at least 1");
    return 0;
}

static int parse_command(int argc, char **argv, struct command *c)
{
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?')
            return complain("wrong option"); /* getopt_long has named it */
        if (take_option(c, option) != 0)
            return -1;
    }
    if (c->dispatch.json && c->dispatch.mode != DISPATCH_CAPACITY)
        return complain("--json goes with --capacity");
    if (c->type && !c->probe)
        return complain("--type goes with --probe");
    return optind == argc ? 0 : complain("there are no arguments besides options");
}

static int print_keys(void)
{
    struct buf b = BUF_INIT(1 << 20);
    int bad;

    conf_write_keys(&b);
    bad = b.failed || fputs(b.data ? b.data : "", stdout) == EOF;
    buf_free(&b);
    return bad;
}

static int print(int what)
{
    int bad;

    if (what == OPT_CONFIG_KEYS)
        bad = print_keys();
    else
        bad = fputs(what == OPT_HELP ? usage : "anteroom-dispatch " ANTEROOM_VERSION "\n",
                    stdout) == EOF;
    return stdfd_end("anteroom-dispatch", !bad) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Passwords and tokens are in this memory: no core file, whatever the system does with one. The
 * leak check of AddressSanitizer can't work on a process that may not be looked at. */
static void keep_secrets(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
#ifndef AR_SANITIZED
    (void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
#endif
}

int main(int argc, char **argv)
{
    struct command c = {.dispatch.mode = DISPATCH_ONCE};
    struct conf *conf;
    struct err e;
    int status;

    stdfd_fill();
    keep_secrets();
    if (parse_command(argc, argv, &c) != 0)
        return EXIT_USAGE;
    if (c.print)
        return print(c.print);
    if (conf_load(conf_path(c.config), &conf, &e) != 0) {
        fprintf(stderr, "anteroom-dispatch: %s\n", e.text);
        return EXIT_CONFIG;
    }
    log_init("anteroom-dispatch", conf->log_level);
    if (!c.probe && c.dispatch.mode < DISPATCH_SHOW) /* the others are for a person who looks on */
        log_to(conf->log_format, conf->log_file.p);
    status = c.probe ? probe_run(conf, c.probe, c.type) : dispatch_run(conf, &c.dispatch);
    conf_free(conf);
    return status;
}
