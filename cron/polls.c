/* SPDX-License-Identifier: MIT */
/* When each source is read, and the round of its reading through the passes. */
#include "polls.h"

#include <stdlib.h>

#include "log.h"
#include "readers.h"
#include "store_queues.h"
#include "waiting.h"
#include "waiting_text.h"

#define READ_GAP   (200 * NS_PER_MS) /* between the starts of two readings of a source, at least */
#define READ_EVERY (30 * NS_PER_S)   /* of a source that nobody waits for */

struct poll {
    const struct conf_queue *queue;
    bool wanted;
    int64_t from;  /* not before (clock_mono's, like the next) */
    int64_t by;    /* then at the latest */
    bool waits;    /* jobs waited when it was last looked at */
    uint64_t told; /* waiting_digest of the error that was logged last; 0: none */
    bool asked;    /* the pass had questions: the reading is the reader's again */
};

struct polls {
    const struct conf *conf;
    struct store *store;
    struct readers *readers;
    bool once;                       /* see polls_open */
    struct source_reading **reading; /* [n] of the pass under way */
    size_t n;
    struct poll poll[];
};

int polls_open(const struct conf *conf, struct store *store, bool once, struct polls **out,
               struct err *e)
{
    struct polls *p = calloc(1, sizeof *p + conf->queues * sizeof p->poll[0]);
    size_t i;

    if (p)
        p->reading = calloc(conf->queues, sizeof(struct source_reading *));
    if (!p || !p->reading) {
        free(p);
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    }
    p->conf = conf;
    p->store = store;
    p->once = once;
    p->n = conf->queues;
    for (i = 0; i < p->n; i++)
        p->poll[i].queue = &conf->queue[i];
    if (readers_open(conf, &p->readers, e) != 0) {
        polls_close(p);
        return -1;
    }
    *out = p;
    return 0;
}

void polls_close(struct polls *p)
{
    if (!p)
        return;
    readers_close(p->readers);
    free((void *)p->reading);
    free(p);
}

int polls_fd(const struct polls *p)
{
    return readers_fd(p->readers);
}

void polls_hush(struct polls *p)
{
    readers_hush(p->readers);
}

void polls_want(struct polls *p)
{
    size_t i;

    for (i = 0; i < p->n; i++)
        p->poll[i].wanted = source_waits(p->poll[i].queue);
}

static bool is_free(const struct polls *p, size_t i)
{
    return source_waits(p->poll[i].queue) && !readers_busy(p->readers, i);
}

static int64_t start_time(const struct poll *l)
{
    return l->wanted && l->from < l->by ? l->from : l->by;
}

/* What a program is handed; nothing when it can't be read, which is no reason not to ask it. */
static void ask(struct polls *p, size_t i)
{
    struct buf text = BUF_INIT(WAITING_TEXT_MAX);
    struct err e;

    if (p->poll[i].queue->capacity == CONF_CAPACITY_EXEC &&
        waiting_text(p->conf, p->store, p->poll[i].queue, &text, &e) != 0)
        buf_reset(&text);
    readers_ask(p->readers, i, text.len ? buf_span(&text) : (struct str){0});
    buf_free(&text);
}

void polls_start(struct polls *p)
{
    int64_t now = clock_mono();
    struct poll *l;
    size_t i;

    for (i = 0; i < p->n; i++) {
        l = &p->poll[i];
        if (!is_free(p, i) || now < start_time(l))
            continue;
        l->wanted = false;
        l->from = now + READ_GAP;
        l->by = p->once ? INT64_MAX : now + (l->waits ? l->queue->source.poll : READ_EVERY);
        ask(p, i);
    }
}

static bool has_come(const struct polls *p, size_t i)
{
    return source_waits(p->poll[i].queue) && readers_came(p->readers, i);
}

bool polls_come(const struct polls *p)
{
    size_t i;

    for (i = 0; i < p->n; i++) {
        if (has_come(p, i))
            return true;
    }
    return false;
}

/* An error is logged when it is news, and so is its end. */
static void log_state(struct poll *l, const struct source_reading *r)
{
    bool failed = r->state == SOURCE_FAILED;
    uint64_t told = failed ? waiting_digest(l->queue->type, str_of(r->error)) : 0;
    char type[LOG_QUOTE_MAX], error[LOG_QUOTE_MAX];

    if (told == l->told)
        return;
    l->told = told;
    if (failed)
        log_warn("source", "queue=%s error=%s", log_quote(type, l->queue->type.p),
                 log_quote(error, r->error));
    else
        log_info("source", "queue=%s state=good ms=%lld", log_quote(type, l->queue->type.p),
                 (long long)(r->ns / NS_PER_MS));
}

struct source_reading *const *polls_take(struct polls *p, bool all)
{
    struct poll *l;
    size_t i;

    for (i = 0; i < p->n; i++) {
        l = &p->poll[i];
        l->asked = false;
        if (all && !source_waits(l->queue))
            readers_ask(p->readers, i, (struct str){0});
        p->reading[i] = readers_take(p->readers, i);
        if (!p->reading[i] || !source_waits(l->queue))
            continue;
        log_state(l, p->reading[i]);
        stats_reading(store_stats(p->store), l->queue->type, p->reading[i]->state == SOURCE_GOOD);
        if (l->from < clock_mono() + p->reading[i]->ns)
            l->from = clock_mono() + p->reading[i]->ns;
    }
    return p->reading;
}

void polls_news(void *ctx, const struct pass_news *news)
{
    struct polls *p = ctx;
    struct poll *l = &p->poll[news->queue];
    bool began = news->groups > 0 && !l->waits;

    l->waits = news->groups > 0;
    if (began && !p->once && l->by > clock_mono() + l->queue->source.poll)
        l->by = clock_mono() + l->queue->source.poll;
    if (news->questions == 0)
        return;
    l->asked = true;
    readers_more(p->readers, news->queue, news->question, news->questions);
}

void polls_done(struct polls *p)
{
    size_t i;

    for (i = 0; i < p->n; i++) {
        if (p->reading[i] && !p->poll[i].asked)
            readers_drop(p->readers, i);
        p->reading[i] = NULL;
    }
}

int64_t polls_next(const struct polls *p)
{
    int64_t next = INT64_MAX, at;
    size_t i;

    for (i = 0; i < p->n; i++) {
        at = is_free(p, i) ? start_time(&p->poll[i]) : INT64_MAX;
        next = at < next ? at : next;
    }
    return next;
}

bool polls_busy(const struct polls *p)
{
    size_t i;

    for (i = 0; i < p->n; i++) {
        if (source_waits(p->poll[i].queue) && (p->poll[i].wanted || readers_busy(p->readers, i)))
            return true;
    }
    return false;
}
