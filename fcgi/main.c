/* SPDX-License-Identifier: MIT */
/* anteroom.fcgi: reads its options and finds out how it was started. */
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>

#include "cgi.h"
#include "httpc.h"
#include "route.h"
#include "signals.h"
#include "stdfd.h"
#include "store.h"
#include "worker.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 78, KEEP_BYTES = 8 << 20 };

struct options {
    const char *config; /* NULL: where conf_path looks */
    const char *listen; /* NULL: descriptor 0, or CGI */
    bool check;
};

static const char usage[] =
    "Usage: anteroom.fcgi [OPTION]...\n"
    "The HTTP API of Anteroom, for a web server: FastCGI on descriptor 0 (spawn-fcgi, mod_fcgid),\n"
    "on a socket handed over by systemd, or on its own; plain CGI when a web server starts it so.\n"
    "\n"
    "  --config FILE    the configuration (default: $ANTEROOM_CONFIG, else\n"
    "                   /etc/anteroom/anteroom.yaml)\n"
    "  --listen WHERE   listen on unix:PATH (mode 0660) or HOST:PORT\n"
    "  --check          check the configuration and the database, and exit\n"
    "  --routes         print the routes, what is needed for each, and what its query may name\n"
    "  --help           this text\n"
    "  --version        the version\n"
    "\n"
    "Exit status: 0 stopped by a signal, 1 failed, 2 wrong usage, 78 wrong configuration.\n";

enum { OPT_CONFIG = 1, OPT_LISTEN, OPT_CHECK, OPT_ROUTES, OPT_HELP, OPT_VERSION };

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"check", no_argument, NULL, OPT_CHECK},
    {"routes", no_argument, NULL, OPT_ROUTES},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {0},
};

/* Prints what was asked for; the exit status tells whether it could be printed. */
static int print(const char *text)
{
    return stdfd_end("anteroom.fcgi", fputs(text, stdout) != EOF) == 0 ? 0 : EXIT_FAILED;
}

static int print_routes(void)
{
    struct buf b = BUF_INIT(1 << 16);
    int status = EXIT_FAILED;

    route_write(&b);
    if (!b.failed)
        status = print(b.data);
    buf_free(&b);
    return status;
}

/* -1: go on; else the exit status. */
static int read_options(int argc, char **argv, struct options *o)
{
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPT_CONFIG)
            o->config = optarg;
        else if (option == OPT_LISTEN)
            o->listen = optarg;
        else if (option == OPT_CHECK)
            o->check = true;
        else if (option == OPT_ROUTES)
            return print_routes();
        else if (option == OPT_HELP)
            return print(usage);
        else if (option == OPT_VERSION)
            return print("anteroom.fcgi " ANTEROOM_VERSION "\n");
        else
            return EXIT_USAGE;
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "anteroom.fcgi: there is an argument too many: %s\n", argv[optind]);
    return EXIT_USAGE;
}

static int complain(int status, const struct err *e)
{
    fprintf(stderr, "anteroom.fcgi: %s\n", e->text);
    return status;
}

/* Requests take and give back memory all the time: what lies on top of a heap is not returned to
 * the system at once, to be faulted in again for the next one. */
static void keep_memory(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, KEEP_BYTES);
    (void)mallopt(M_TOP_PAD, KEEP_BYTES / 16);
}

/* As many descriptors as the system lets us have: one a connection. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int check(const struct conf *conf)
{
    struct err e;
    int rc;

    printf("ok: configuration %s\n", conf->file.p);
    rc = store_probe(conf, &e);
    if (rc < 0) {
        (void)fflush(stdout);
        return complain(EXIT_FAILED, &e);
    }
    printf("ok: database %s%s\n", conf->database.p, rc ? ": none yet" : "");
    return stdfd_end("anteroom.fcgi", true) == 0 ? 0 : EXIT_FAILED;
}

static int serve(const struct conf *conf, const char *where)
{
    struct listener l = {.fd = -1};
    struct err e;
    int found = 1, rc;

    if (where ? listen_open(where, &l, &e) != 0 : (found = listen_inherit(&l, &e)) < 0)
        return complain(EXIT_FAILED, &e);
    if (found) {
        rc = worker_serve(conf, &l);
        listen_close(&l);
        return rc;
    }
    if (getenv("GATEWAY_INTERFACE"))
        return cgi_serve(conf) == 0 ? 0 : EXIT_FAILED;
    fprintf(stderr,
            "anteroom.fcgi: descriptor 0 is no listening socket, and no web server has started "
            "this as CGI: use --listen, or see --help\n");
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct conf *conf;
    struct err e;
    int rc;

    stdfd_fill();
    rc = read_options(argc, argv, &o);
    if (rc >= 0)
        return rc;
    if (conf_load(conf_path(o.config), &conf, &e) != 0)
        return complain(EXIT_CONFIG, &e);
    log_init("anteroom.fcgi", conf->log_level);
    if (!o.check)
        log_to(conf->log_format, conf->log_file.p);
    raise_limit();
    keep_memory();
    signals_block();
    /* Nobody else is called from here, and libcurl takes a while to start. */
    if (conf->auth == CONF_AUTH_KEYSTONE && httpc_init(&e) != 0)
        rc = complain(EXIT_FAILED, &e);
    else
        rc = o.check ? check(conf) : serve(conf, o.listen);
    conf_free(conf);
    return rc;
}
