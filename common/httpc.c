/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests side by side. A transfer is one easy handle with its answer so far; they hang in a
 * list, so that closing finds them all. Transfers are not held back by libcurl
 * (MAX_TOTAL_CONNECTIONS would count the time they stand in line against their limit): whoever
 * starts them keeps the window.
 */
#include "httpc.h"

#include "clock.h"
#include "httpc_inner.h"

struct httpc {
    CURLM *multi;
    struct transfer *first;
    size_t under_way;
    int64_t looked; /* when the sockets were last looked at, clock_mono */
    bool extended;  /* libcurl does not wake up at the end of a limit that was extended */
};

#define AWAY        (500 * NS_PER_MS) /* whoever looks no more often is not at work */
#define LOOK_EXTEND (1 * NS_PER_S)    /* how often a limit that was extended is looked at */

/* Debian's libcurl brings GnuTLS along for protocols that nobody is called by here, and GnuTLS
 * starts as soon as it is loaded: 1 MB of memory. This, by which it asks a program first, is what
 * its GNUTLS_SKIP_GLOBAL_INIT stands for; whoever uses it starts it then. */
int _gnutls_global_init_skip(void);
int _gnutls_global_init_skip(void)
{
    return 1;
}

int httpc_init(struct err *e)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(e, ERR_INTERNAL, "libcurl does not start");
    return 0;
}

int httpc_open(size_t keep, struct httpc **out, struct err *e)
{
    struct httpc *h = calloc(1, sizeof *h);

    if (h)
        h->multi = curl_multi_init();
    if (!h || !h->multi ||
        curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)keep) != CURLM_OK) {
        if (h && h->multi)
            curl_multi_cleanup(h->multi);
        free(h);
        return err_set(e, ERR_INTERNAL, "libcurl does not start");
    }
    *out = h;
    return 0;
}

static void unlink_transfer(struct httpc *h, struct transfer *t)
{
    (void)curl_multi_remove_handle(h->multi, t->easy);
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    h->under_way--;
}

static void drop_all(struct httpc *h)
{
    struct transfer *t, *next;

    for (t = h->first; t; t = next) {
        next = t->next;
        (void)curl_multi_remove_handle(h->multi, t->easy);
        transfer_free(t);
    }
    h->first = NULL;
    h->under_way = 0;
}

void httpc_close(struct httpc *h)
{
    if (!h)
        return;
    drop_all(h);
    curl_multi_cleanup(h->multi);
    free(h);
}

size_t httpc_under_way(const struct httpc *h)
{
    return h->under_way;
}

int httpc_start(struct httpc *h, const struct httpc_request *r, struct err *e)
{
    struct transfer *t = transfer_new(r);

    if (!t)
        return err_set(e, ERR_INTERNAL, "libcurl cannot start a request");
    if (curl_multi_add_handle(h->multi, t->easy) != CURLM_OK) {
        transfer_free(t);
        return err_set(e, ERR_INTERNAL, "libcurl cannot start a request");
    }
    t->next = h->first;
    t->link = &h->first;
    if (t->next)
        t->next->link = &t->next;
    h->first = t;
    h->under_way++;
    return 0;
}

/* A request that got a kept connection which is not for it begins once more, with one of its own.
 * False: it has ended. */
static bool begin_again(struct httpc *h, struct transfer *t)
{
    int64_t left = t->timeout - (clock_mono() - t->started);

    if (!t->guard.stale || t->again || left <= 0)
        return false;
    (void)curl_multi_remove_handle(h->multi, t->easy);
    t->again = true;
    t->guard.refusal.code = ERR_NONE;
    t->error[0] = '\0';
    t->head = 0;
    return curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           transfer_limit(t, left) && curl_multi_add_handle(h->multi, t->easy) == CURLM_OK;
}

/* Time in which nobody looked at the sockets, since the disk or the machine stood still, is not the
 * server's: libcurl looks at its limits before it looks at what has come, and would call an answer
 * that is there late. */
static void allow_for_absence(struct httpc *h)
{
    int64_t now = clock_mono(), since;
    struct transfer *t;

    if (now - h->looked < AWAY)
        return;
    for (t = h->first; t; t = t->next) {
        since = t->started > h->looked ? t->started : h->looked;
        if (now - since >= AWAY) {
            transfer_extend(t, now - since);
            h->extended = true;
        }
    }
}

void httpc_turn(struct httpc *h, httpc_done_fn *fn, void *ctx)
{
    struct transfer *t;
    CURLMsg *m;
    CURLcode code;
    int running, left;

    allow_for_absence(h);
    (void)curl_multi_perform(h->multi, &running);
    h->looked = clock_mono();
    h->extended = h->extended && running > 0;
    while ((m = curl_multi_info_read(h->multi, &left))) {
        if (m->msg != CURLMSG_DONE)
            continue;
        code = m->data.result;
        t = NULL;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (begin_again(h, t))
            continue;
        unlink_transfer(h, t);
        transfer_report(t, code, fn, ctx);
        transfer_free(t);
    }
}

enum { WAIT_FDS_MAX = 4 };

void httpc_wait(struct httpc *h, const int *fd, size_t fds, int64_t ns)
{
    struct curl_waitfd extra[WAIT_FDS_MAX];
    int64_t ms;
    unsigned int i;

    if (h->extended && ns > LOOK_EXTEND)
        ns = LOOK_EXTEND;
    ms = (ns + NS_PER_MS - 1) / NS_PER_MS;
    for (i = 0; i < fds && i < WAIT_FDS_MAX; i++)
        extra[i] = (struct curl_waitfd){.fd = fd[i], .events = CURL_WAIT_POLLIN};
    (void)curl_multi_poll(h->multi, extra, i,
                          ns <= 0          ? 0
                          : ms > INT32_MAX ? INT32_MAX
                                           : (int)ms,
                          NULL);
    h->looked = clock_mono();
}

enum { LOOK_UP_MS = 100 }; /* so often somebody may say stop */

int httpc_finish(struct httpc *h, const struct until *until, httpc_done_fn *fn, void *ctx)
{
    int64_t left;

    for (httpc_turn(h, fn, ctx); h->under_way > 0; httpc_turn(h, fn, ctx)) {
        left = until_left(until);
        if (left == 0) {
            drop_all(h);
            return -1;
        }
        httpc_wait(h, NULL, 0, left < LOOK_UP_MS * NS_PER_MS ? left : LOOK_UP_MS * NS_PER_MS);
    }
    return 0;
}
