/* SPDX-License-Identifier: MIT */
/*
 * Calls URLs on behalf of strangers. A request is judged by its URL, then its name is looked up,
 * then it is under way at libcurl, pinned to the addresses that may be called; or it is over, with
 * its reason, and waits for the next turn to say so.
 */
#include "caller.h"

#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "ownaddr.h"
#include "resolve.h"

enum { PIN_MAX = 4096 };

struct request {
    struct request *next, **link; /* link points at whatever points here */
    struct caller *caller;
    struct httpc_request http;
    struct netguard_rules rules;
    const struct ownaddr_list *own;
    const char *host;
    int port;
    int64_t started;
    size_t tag;     /* the caller's; that of `http` is this request */
    struct err why; /* it is over */
    char text[];    /* what `http` and `host` point at */
};

struct caller {
    struct httpc *http;
    struct httpc_tls tls;
    struct resolver *resolver;
    struct ownaddr *own;
    struct request *first; /* looked up, or under way */
    struct request *over;
    size_t under_way;  /* of both lists */
    httpc_done_fn *fn; /* of the turn that goes on */
    void *ctx;
};

/* One that cannot be read would fail every callback by itself. */
static int take_authorities(struct caller *c, struct str ca_file, struct err *e)
{
    if (!ca_file.p)
        return 0;
    c->tls.ca_file = ca_file.p;
    return access(ca_file.p, R_OK) == 0
               ? 0
               : err_errno(e, ERR_CONFIG, "callback.ca_file: %s", ca_file.p);
}

int caller_open(const struct caller_options *o, struct caller **out, struct err *e)
{
    const struct resolve_options names = {.nameserver = o->nameserver};
    struct caller *c = calloc(1, sizeof *c);

    if (!c)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    if (resolve_open(&names, &c->resolver, e) != 0 || ownaddr_open(&c->own, e) != 0 ||
        httpc_open(o->keep, &c->http, e) != 0 || take_authorities(c, o->ca_file, e) != 0) {
        caller_close(c);
        return -1;
    }
    *out = c;
    return 0;
}

/* ---- the lists ---- */

static void link_in(struct request **list, struct request *r)
{
    r->next = *list;
    r->link = list;
    if (r->next)
        r->next->link = &r->next;
    *list = r;
}

static void unlink_it(struct request *r)
{
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
}

/* It is in no list any more. */
static void free_request(struct request *r)
{
    r->caller->under_way--;
    ownaddr_give(r->caller->own, r->own);
    free(r);
}

static void free_list(struct request *first)
{
    struct request *next;

    for (; first; first = next) {
        next = first->next;
        free_request(first);
    }
}

void caller_close(struct caller *c)
{
    if (!c)
        return;
    httpc_close(c->http);
    resolve_close(c->resolver);
    free_list(c->first);
    free_list(c->over);
    ownaddr_close(c->own);
    free(c);
}

/* ---- a request ---- */

static size_t texts_size(const struct caller_request *from)
{
    size_t n = from->url->text.len + strlen(from->url->host) + from->body.n + 3, i;

    for (i = 0; i < from->headers; i++)
        n += strlen(from->header[i]) + 1;
    return n;
}

/* A copy of the text at *room, which is then behind it. */
static const char *copy(struct str text, char **room)
{
    char *to = *room;

    if (text.n)
        memcpy(to, text.p, text.n);
    to[text.n] = '\0';
    *room += text.n + 1;
    return to;
}

static void copy_texts(struct request *r, const struct caller_request *from)
{
    char *room = r->text;
    size_t i;

    r->http.url = copy(buf_span(&from->url->text), &room);
    r->host = copy(str_of(from->url->host), &room);
    if (from->body.p)
        r->http.body = (struct str){copy(from->body, &room), from->body.n};
    for (i = 0; i < from->headers; i++)
        r->http.header[i] = copy(str_of(from->header[i]), &room);
}

static struct request *request_new(struct caller *c, const struct caller_request *from)
{
    struct request *r = calloc(1, sizeof *r + texts_size(from));

    if (!r)
        return NULL;
    r->caller = c;
    r->own = ownaddr_take(c->own);
    r->rules = *from->rules;
    r->rules.owns = r->own->n;
    r->rules.own = r->own->address;
    r->port = from->url->port;
    r->started = clock_mono();
    r->tag = from->tag;
    r->http = (struct httpc_request){.headers = from->headers,
                                     .timeout = from->timeout,
                                     .connect_timeout = from->connect_timeout,
                                     .keep = from->keep,
                                     .read = from->read,
                                     .tag = (size_t)(uintptr_t)r,
                                     .rules = &r->rules,
                                     .tls = &c->tls};
    copy_texts(r, from);
    link_in(&c->first, r);
    c->under_way++;
    return r;
}

static void end_request(struct request *r)
{
    unlink_it(r);
    link_in(&r->caller->over, r);
}

/* Hands it to libcurl, with what is left of its time. */
static int begin(struct request *r, const char *pin, struct err *e)
{
    r->http.timeout -= clock_mono() - r->started;
    r->http.pin = pin;
    return httpc_start(r->caller->http, &r->http, e);
}

/* ---- names ---- */

/* The addresses that may be called, as libcurl takes them. 0, or -1 and *why: there are none. */
static int make_pin(const struct request *r, const struct lookup_answer *a, char pin[PIN_MAX],
                    struct err *why)
{
    size_t n = (size_t)snprintf(pin, PIN_MAX, "+%s:%d:", r->host, r->port), i, taken = 0;
    char text[NETGUARD_TEXT_MAX];
    struct err refusal;

    (void)err_set(why, ERR_INVALID, "%s", a->error);
    for (i = 0; i < a->n; i++) {
        if (netguard_judge(&a->address[i], &r->rules, &refusal) != 0) {
            *why = refusal;
            continue;
        }
        netguard_address_write(&a->address[i], text);
        n += (size_t)snprintf(pin + n, PIN_MAX - n, strchr(text, ':') ? "%s[%s]" : "%s%s",
                              taken ? "," : "", text);
        taken++;
    }
    return taken ? 0 : -1;
}

_Static_assert((int)LOOKUP_ADDRESSES_MAX *NETGUARD_TEXT_MAX + URL_HOST_MAX + 16 < PIN_MAX,
               "a pin has room for all addresses");

static void on_lookup(void *ctx, size_t tag, const struct lookup_answer *a)
{
    struct request *r = (struct request *)tag; // NOLINT(performance-no-int-to-ptr): given by us
    char pin[PIN_MAX];

    (void)ctx;
    if (make_pin(r, a, pin, &r->why) != 0)
        (void)err_wrap(&r->why, "%s", r->host);
    else if (begin(r, pin, &r->why) == 0)
        return;
    end_request(r);
}

static int look_up(struct request *r, struct str group, struct err *e)
{
    struct resolve_question q = {.name = r->host,
                                 .group = group,
                                 .until = r->started + r->http.timeout,
                                 .tag = (size_t)(uintptr_t)r};

    return resolve_start(r->caller->resolver, &q, e);
}

int caller_start(struct caller *c, const struct caller_request *from, struct err *e)
{
    struct request *r = request_new(c, from);
    struct netguard_address literal;
    int rc;

    if (!r)
        return err_set(e, ERR_INTERNAL, "out of memory for a request");
    if (netguard_check(r->host, r->port, &r->rules, &r->why) != 0) {
        end_request(r);
        return 0;
    }
    rc = netguard_literal(r->host, &literal) ? begin(r, NULL, e) : look_up(r, from->group, e);
    if (rc != 0) {
        unlink_it(r);
        free_request(r);
    }
    return rc;
}

/* ---- turns ---- */

static void on_answer(void *ctx, const struct httpc_answer *from)
{
    struct caller *c = ctx;
    struct request *r = (struct request *)from->tag; // NOLINT(performance-no-int-to-ptr): as above
    struct httpc_answer a = *from;

    a.tag = r->tag;
    a.duration = clock_mono() - r->started;
    unlink_it(r);
    free_request(r);
    c->fn(c->ctx, &a);
}

/* Those that are over now; what fn starts waits for the next turn. */
static void answer_over(struct caller *c)
{
    struct request *r = c->over, *next;
    struct httpc_answer a;

    c->over = NULL;
    for (; r; r = next) {
        next = r->next;
        a = (struct httpc_answer){.tag = r->tag,
                                  .error = r->why.text,
                                  .unsent = true,
                                  .duration = clock_mono() - r->started};
        c->fn(c->ctx, &a);
        free_request(r);
    }
}

void caller_turn(struct caller *c, httpc_done_fn *fn, void *ctx)
{
    c->fn = fn;
    c->ctx = ctx;
    resolve_turn(c->resolver, on_lookup, NULL);
    httpc_turn(c->http, on_answer, c);
    answer_over(c);
}

enum { WAIT_FDS_MAX = 3 }; /* beside our own; httpc_wait takes four */

void caller_wait(struct caller *c, const int *fd, size_t fds, int64_t ns)
{
    int64_t left = resolve_due(c->resolver) - clock_mono();
    int all[WAIT_FDS_MAX + 1] = {resolve_fd(c->resolver)};
    size_t n;

    for (n = 0; n < fds && n < WAIT_FDS_MAX; n++)
        all[n + 1] = fd[n];
    if (c->over || left < 0)
        left = 0;
    httpc_wait(c->http, all, n + 1, left < ns ? left : ns);
}
