/* SPDX-License-Identifier: MIT */
/* What the dispatcher says without doing it: --dry-run and --check. */
#include "inspect.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "httpc.h"
#include "job.h"
#include "log.h"
#include "lookup.h"
#include "ownaddr.h"
#include "pass.h"
#include "secrets.h"

enum { ROUNDS = 8 }; /* of questions in a dry run */

int inspect_print(const struct buf *b, struct err *e)
{
    if (buf_check(b, "the output", e) != 0)
        return -1;
    if ((b->len && fwrite(b->data, 1, b->len, stdout) != b->len) || fflush(stdout) != 0)
        return err_errno(e, ERR_INTERNAL, "cannot write to the standard output");
    return 0;
}

int inspect_read(const struct conf *conf, struct readers **r, struct err *e)
{
    size_t i;

    if (readers_open(conf, r, e) != 0)
        return -1;
    for (i = 0; i < conf->queues; i++)
        readers_ask(*r, i, (struct str){0});
    readers_wait(*r);
    return 0;
}

/* ---- the dry run ---- */

struct rehearsal {
    struct readers *readers;
    size_t queues;
    struct source_reading **reading;
    bool asked;
};

static void take_news(void *ctx, const struct pass_news *news)
{
    struct rehearsal *h = ctx;

    if (news->questions == 0)
        return;
    h->asked = true;
    readers_more(h->readers, news->queue, news->question, news->questions);
}

static void take_readings(struct rehearsal *h)
{
    struct source_reading *r;
    size_t i;

    for (i = 0; i < h->queues; i++) {
        r = readers_take(h->readers, i);
        h->reading[i] = r ? r : h->reading[i];
    }
}

/* What is asked is answered, and then all is planned anew: as passes would do it. */
static int rehearse(struct rehearsal *h, const struct pass_in *in, struct buf *b, struct err *e)
{
    int rc, round;

    for (round = 0; round < ROUNDS; round++) {
        buf_reset(b);
        h->asked = false;
        take_readings(h);
        rc = pass_show(in, b, e);
        if (rc != 0 || !h->asked)
            return rc;
        readers_wait(h->readers);
    }
    return 0;
}

static int show(const struct conf *conf, struct store *store, struct buf *b, struct err *e)
{
    struct rehearsal h = {.queues = conf->queues};
    struct pass_in in = {.conf = conf, .store = store, .news = take_news, .ctx = &h};
    int rc = -1;

    h.reading = calloc(conf->queues, sizeof(struct source_reading *));
    if (!h.reading)
        return err_set(e, ERR_INTERNAL, "out of memory");
    in.reading = h.reading;
    if (inspect_read(conf, &h.readers, e) == 0) {
        rc = rehearse(&h, &in, b, e);
        readers_close(h.readers);
    }
    free((void *)h.reading);
    return rc;
}

int inspect_show(const struct conf *conf, struct err *e)
{
    struct buf b = BUF_INIT(256 << 20);
    struct store *store;
    int rc;

    if (store_open(conf, STORE_READ, &store, e) != 0)
        return -1;
    rc = show(conf, store, &b, e);
    if (rc == 0)
        rc = inspect_print(&b, e);
    buf_free(&b);
    store_close(store);
    return rc;
}

/* ---- the check ---- */

/* Nothing is wrong with a database that is yet to be made, where it can be. */
static int check_folder(const struct conf *conf, struct err *e)
{
    const char *path = conf->database.p, *slash = strrchr(path, '/');
    struct buf folder = BUF_INIT(PATH_MAX);
    int rc = 0;

    if (slash)
        buf_add(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    else
        buf_char(&folder, '.');
    if (buf_check(&folder, "a path", e) != 0)
        rc = -1;
    else if (access(folder.data, W_OK | X_OK) != 0)
        rc = err_errno(e, ERR_UNAVAILABLE, "%s cannot be made", path);
    buf_free(&folder);
    return rc;
}

static void check_database(const struct conf *conf, struct buf *b, bool *good)
{
    bool there = access(conf->database.p, F_OK) == 0 || errno != ENOENT;
    struct store *store;
    struct err e;

    if (!there && check_folder(conf, &e) == 0) {
        buf_printf(b, "database %s: none yet, whoever comes first makes it\n", conf->database.p);
    } else if (there && store_open(conf, STORE_READ, &store, &e) == 0) {
        buf_printf(b, "database %s: ok\n", conf->database.p);
        store_close(store);
    } else {
        buf_printf(b, "database: %s\n", e.text);
        *good = false;
    }
}

/* A base that may not be called refuses every callback that is relative to it. */
static void check_base(const struct conf *conf, const struct conf_queue *queue,
                       const struct ownaddr_list *own, struct buf *b, bool *good)
{
    struct netguard_rules rules = conf_rules(conf, queue);
    struct job_target target;
    struct err e;

    rules.owns = own->n;
    rules.own = own->address;
    if (!queue->callback_base.p ||
        (job_check_callback(queue, queue->type, STR_LIT("x"), &target, &e) == 0 &&
         netguard_check(target.host, target.port, &rules, &e) == 0))
        return;
    buf_printf(b, "queue %.*s: no callback relative to callback_base can be called: %s\n",
               (int)queue->type.n, queue->type.p, e.text);
    *good = false;
}

static void check_nameserver(const struct conf *conf, struct buf *b, bool *good)
{
    struct lookup_server server;
    struct err e;

    if (lookup_server_parse(conf->callback.nameserver, &server, &e) == 0)
        return;
    buf_printf(b, "%s\n", e.text);
    *good = false;
}

static void check_bases(const struct conf *conf, struct buf *b, bool *good)
{
    const struct ownaddr_list *list;
    struct ownaddr *own;
    struct err e;
    size_t i;

    if (ownaddr_open(&own, &e) != 0) {
        buf_printf(b, "addresses: %s\n", e.text);
        *good = false;
        return;
    }
    list = ownaddr_take(own);
    for (i = 0; i < conf->queues; i++)
        check_base(conf, &conf->queue[i], list, b, good);
    ownaddr_give(own, list);
    ownaddr_close(own);
}

/* What signs callbacks, where something does. */
static void check_secrets(const struct conf *conf, struct buf *b, bool *good)
{
    struct secrets *secrets;
    struct err e;

    if (secrets_open(conf, &secrets, &e) != 0) {
        buf_printf(b, "callback secrets: %s\n", e.text);
        *good = false;
        return;
    }
    if (secrets_files(secrets) > 0)
        buf_str(b, "callback secrets: ok\n");
    secrets_close(secrets);
}

/* What is missing for the quotas that were asked for. */
static void check_quotas(const struct source_reading *r, struct buf *b, bool *good)
{
    size_t i;

    for (i = 0; i < r->quotas; i++) {
        if (!r->quota[i].error.p)
            continue;
        buf_printf(b, "  the quota of the project %.*s: %.*s\n", (int)r->quota[i].project.n,
                   r->quota[i].project.p, (int)r->quota[i].error.n, r->quota[i].error.p);
        *good = false;
    }
}

/* A line for each queue, and one more for what its source says of itself. */
static void check_source(const struct source_reading *r, struct buf *b, bool *good)
{
    if (!r) {
        buf_str(b, "out of memory while asking a source\n");
        *good = false;
        return;
    }
    buf_str(b, "queue ");
    buf_add(b, r->queue->type.p, r->queue->type.n);
    if (r->state == SOURCE_FAILED) {
        buf_printf(b, ": %s: %s\n", source_word(r->queue), r->error);
        *good = false;
    } else if (r->state == SOURCE_NONE) {
        buf_str(b, ": no source of capacity\n");
    } else {
        buf_printf(b, ": %s: ok, hosts %zu, pools %zu", source_word(r->queue), r->hosts, r->pools);
        if (source_waits(r->queue))
            buf_printf(b, ", %lld ms", (long long)(r->ns / NS_PER_MS));
        buf_char(b, '\n');
        if (r->about.p) {
            buf_str(b, "  ");
            buf_add(b, r->about.p, r->about.n);
            buf_char(b, '\n');
        }
        check_quotas(r, b, good);
    }
}

/* Whether quotas may be read shows only when one is asked for: that of a project that a pool names.
 */
static struct source_reading *ask_a_quota(struct readers *readers, size_t queue,
                                          struct source_reading *r)
{
    struct source_question q;
    size_t i;

    for (i = 0; i < r->pools && r->pool[i].projects == 0; i++)
        ;
    if (r->state != SOURCE_GOOD || r->gate != SOURCE_QUOTAS_ASKED || i == r->pools)
        return r;
    q = (struct source_question){.project = r->pool[i].project[0]};
    readers_more(readers, queue, &q, 1);
    readers_wait(readers);
    return readers_take(readers, queue);
}

static bool check_sources(const struct conf *conf, struct buf *b)
{
    struct readers *readers;
    bool good = true;
    struct err e;
    size_t i;

    if (inspect_read(conf, &readers, &e) != 0) {
        buf_printf(b, "sources: %s\n", e.text);
        return false;
    }
    for (i = 0; i < conf->queues; i++)
        check_source(ask_a_quota(readers, i, readers_take(readers, i)), b, &good);
    readers_close(readers);
    return good;
}

int inspect_check(const struct conf *conf, struct err *e)
{
    struct buf b = BUF_INIT(16 << 20);
    bool good = true;

    buf_printf(&b, "configuration %.*s: ok\n", (int)conf->file.n, conf->file.p);
    check_database(conf, &b, &good);
    check_nameserver(conf, &b, &good);
    check_bases(conf, &b, &good);
    check_secrets(conf, &b, &good);
    good = check_sources(conf, &b) && good;
    if (inspect_print(&b, e) != 0)
        good = false;
    else if (!good)
        (void)err_set(e, ERR_UNAVAILABLE, "the check found faults");
    buf_free(&b);
    return good ? 0 : -1;
}

int inspect_run(const struct conf *conf, const struct dispatch_options *o)
{
    static const char *const words[] = {
        [DISPATCH_SHOW] = "dry-run", [DISPATCH_CHECK] = "check", [DISPATCH_CAPACITY] = "capacity"};
    char room[LOG_QUOTE_MAX];
    struct err e;
    int rc;

    if (httpc_init(&e) != 0)
        rc = -1;
    else if (o->mode == DISPATCH_SHOW)
        rc = inspect_show(conf, &e);
    else if (o->mode == DISPATCH_CHECK)
        rc = inspect_check(conf, &e);
    else
        rc = inspect_capacity(conf, o->json, &e);
    if (rc != 0)
        log_error(words[o->mode], "error=%s", log_quote(room, e.text));
    return rc == 0 ? 0 : 1;
}
