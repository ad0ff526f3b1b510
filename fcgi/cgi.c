/* SPDX-License-Identifier: MIT */
/* Plain CGI: the same handlers, with the process as the only worker and writer. */
#include "cgi.h"

#include <errno.h>
#include <unistd.h>

#include "account.h"
#include "auth.h"
#include "log.h"
#include "store_queues.h"
#include "writer.h"

static const char *carry_param(void *link, const char *name)
{
    (void)link;
    return getenv(name);
}

static size_t carry_read(void *link, char *room, size_t n)
{
    size_t sum = 0;
    ssize_t got = 1;

    (void)link;
    while (sum < n && got > 0) {
        got = read(STDIN_FILENO, room + sum, n - sum);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            sum += (size_t)got;
    }
    return sum;
}

static int carry_send(void *link, const char *p, size_t n)
{
    (void)link;
    while (n > 0) {
        ssize_t sent = write(STDOUT_FILENO, p, n);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1;
        p += sent;
        n -= (size_t)sent;
    }
    return 0;
}

/* Without CONTENT_LENGTH there is no body: standard input need not end then. */
static const struct http_carrier cgi_carrier = {
    .param = carry_param, .read = carry_read, .send = carry_send, .framed = false};

struct change {
    struct writer_op op;
    const struct route *route;
    const struct conf *conf;
    struct http *x;
};

static int apply(struct writer_op *op, struct store *s, struct err *e)
{
    struct change *c = (struct change *)op;

    return route_run(c->route, &(struct route_env){.conf = c->conf, .store = s}, c->x, e);
}

static int run(const struct conf *conf, const struct route *route, struct store *s, struct http *x,
               struct err *e)
{
    struct change c = {.op.apply = apply, .route = route, .conf = conf, .x = x};

    if (!route->writes)
        return route_run(route, &(struct route_env){.conf = conf, .store = s}, x, e);
    writer_apply(s, &c.op);
    if (c.op.failed)
        *e = c.op.err;
    else
        route_done(route, x);
    return c.op.failed ? -1 : 0;
}

/* Who comes first makes the database, also by reading. */
static int open_store(const struct conf *conf, bool writes, struct store **s, struct err *e)
{
    if (!writes && store_open(conf, STORE_READ, s, e) == 0)
        return 0;
    return store_open(conf, STORE_WRITE, s, e);
}

/* With a connection of its own for looking up tokens, which is for reading. */
static int admit(const struct conf *conf, struct auth *auth, enum who_need need, struct http *x,
                 struct err *e)
{
    struct auth_seat seat = {.auth = auth};
    struct store *s = NULL;
    int rc = 0;

    if (need != WHO_OPEN && auth_reads(conf))
        rc = open_store(conf, false, &s, e);
    seat.store = s;
    if (rc == 0)
        rc = auth_admit(&seat, need, x, e);
    auth_seat_free(&seat);
    store_close(s);
    return rc;
}

int cgi_serve(const struct conf *conf)
{
    struct route_env env = {.conf = conf};
    const struct route *route = NULL;
    struct auth *auth = NULL;
    struct store *s = NULL;
    int64_t begun = clock_mono();
    struct http x;
    struct err e;
    int rc;

    http_init(&x);
    http_begin(&x, &cgi_carrier, NULL);
    if (ownaddr_open(&env.own, &e) != 0 || auth_open(conf, false, &auth, &e) != 0 ||
        route_meet(&x, &route, &e) != 0 || admit(conf, auth, route->needs, &x, &e) != 0 ||
        route_take(&env, route, &x, &e) != 0 || open_store(conf, route->writes, &s, &e) != 0 ||
        run(conf, route, s, &x, &e) != 0)
        http_fail(&x, &e);
    rc = http_send(&x);
    if (rc != 0)
        log_warn("answer", "error=\"it could not be sent\"");
    if (s) {
        stats_routes(store_stats(s), route_table());
        account(store_stats(s), route, &x, clock_mono() - begun);
    }
    if (s && route->writes)
        store_checkpoint_if_due(s);
    store_close(s);
    auth_close(auth);
    http_free(&x);
    ownaddr_close(env.own);
    return rc;
}
