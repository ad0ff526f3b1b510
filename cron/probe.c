/* SPDX-License-Identifier: MIT */
/* --probe: the way of a callback from its text to the addresses that would be called, said step by
 * step and by the same functions that go it. */
#include "probe.h"

#include "inspect.h"
#include "job.h"
#include "lookup.h"
#include "ownaddr.h"

struct probe {
    const struct conf *conf;
    const struct conf_queue *queue;
    struct netguard_rules rules;
    struct job_target target;
    struct buf out;    /* what is printed */
    struct buf called; /* the addresses that would be connected to */
};

static void say(struct probe *p, const char *what, struct str text)
{
    buf_printf(&p->out, "%s: ", what);
    buf_add(&p->out, text.p, text.n);
    buf_char(&p->out, '\n');
}

static void say_address(struct probe *p, const struct netguard_address *a)
{
    const struct netguard_net *allowed = netguard_allows(a, &p->rules);
    char text[NETGUARD_TEXT_MAX], net[NETGUARD_TEXT_MAX];
    struct err e;

    netguard_address_write(a, text);
    buf_printf(&p->out, "address: %s: ", text);
    if (netguard_judge(a, &p->rules, &e) != 0) {
        buf_printf(&p->out, "refused: %s\n", e.text);
        return;
    }
    if (allowed) {
        netguard_net_write(allowed, net);
        buf_printf(&p->out, "allowed: allow_networks has %s\n", net);
    } else {
        buf_str(&p->out, "allowed: public\n");
    }
    buf_printf(&p->called, strchr(text, ':') ? "%s[%s]:%d" : "%s%s:%d", p->called.len ? ", " : "",
               text, p->target.port);
}

static int say_lookup(struct probe *p, struct err *e)
{
    struct lookup_answer answer;
    struct lookup_server server;
    size_t i;

    if (lookup_server_parse(p->conf->callback.nameserver, &server, e) != 0)
        return -1;
    say(p, "name server", server.length ? p->conf->callback.nameserver : STR_LIT("the system's"));
    lookup_begin(&server);
    lookup_name(p->target.host, &answer);
    for (i = 0; i < answer.n; i++)
        say_address(p, &answer.address[i]);
    if (answer.n == 0)
        return err_set(e, ERR_UNAVAILABLE, "%s: %s", p->target.host, answer.error);
    return p->called.len ? 0 : err_set(e, ERR_INVALID, "none of its addresses may be called");
}

static int say_url(struct probe *p, struct str callback, struct str type, struct err *e)
{
    struct url url;

    say(p, "callback", callback);
    say(p, "rules of the queue", p->queue->type);
    if (job_check_callback(p->queue, type, callback, &p->target, e) != 0 ||
        url_resolve(p->queue->callback_base, callback, "callback", &url, e) != 0)
        return -1;
    say(p, "URL", buf_span(&url.text));
    url_free(&url);
    say(p, "host", str_of(p->target.host));
    buf_printf(&p->out, "port: %d\n", p->target.port);
    return 0;
}

static void say_signature(struct probe *p)
{
    struct str file =
        p->queue->secret_file.p ? p->queue->secret_file : p->conf->callback.secret_file;

    if (file.p)
        say(p, "signed with the secrets in", file);
    else
        buf_str(&p->out, "signed: no, there is no secret_file\n");
}

static int probe(struct probe *p, struct str callback, struct str type, struct err *e)
{
    struct netguard_address literal;

    if (say_url(p, callback, type, e) != 0)
        return -1;
    say_signature(p);
    if (netguard_literal(p->target.host, &literal))
        say_address(p, &literal);
    if (netguard_check(p->target.host, p->target.port, &p->rules, e) != 0)
        return -1;
    return p->called.len ? 0 : say_lookup(p, e);
}

/* With this machine's own addresses. */
static int probe_with_own(struct probe *p, struct str callback, struct str type, struct err *e)
{
    const struct ownaddr_list *list;
    struct ownaddr *own;
    int rc;

    if (ownaddr_open(&own, e) != 0)
        return -1;
    list = ownaddr_take(own);
    p->rules.owns = list->n;
    p->rules.own = list->address;
    rc = probe(p, callback, type, e);
    ownaddr_give(own, list);
    ownaddr_close(own);
    return rc;
}

int probe_run(const struct conf *conf, const char *callback, const char *type)
{
    struct str of = str_of(type ? type : "*");
    struct probe p = {.conf = conf,
                      .queue = conf_queue(conf, of),
                      .out = BUF_INIT(1 << 20),
                      .called = BUF_INIT(1 << 16)};
    struct err e;
    int rc;

    p.rules = conf_rules(conf, p.queue);
    rc = job_check_name(of, "--type", &e);
    if (rc == 0)
        rc = probe_with_own(&p, str_of(callback), of, &e);
    if (rc == 0)
        say(&p, "would be called at", buf_span(&p.called));
    else
        say(&p, "would not be called", str_of(e.text));
    if (inspect_print(&p.out, &e) != 0) {
        fprintf(stderr, "anteroom-dispatch: %s\n", e.text);
        rc = -1;
    }
    buf_free(&p.out);
    buf_free(&p.called);
    return rc == 0 ? 0 : 1;
}
