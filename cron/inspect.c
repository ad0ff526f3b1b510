/* SPDX-License-Identifier: MIT */
/* What the dispatcher says without doing it: --dry-run and --check. */
#include "inspect.h"

#include "clock.h"
#include "pass.h"
#include "source.h"

static int print(struct buf *b, struct err *e)
{
    if (buf_check(b, "the output", e) != 0)
        return -1;
    if ((b->len && fwrite(b->data, 1, b->len, stdout) != b->len) || fflush(stdout) != 0)
        return err_errno(e, ERR_INTERNAL, "cannot write to the standard output");
    return 0;
}

int inspect_show(const struct conf *conf, struct err *e)
{
    struct buf b = BUF_INIT(256 << 20);
    struct store *store;
    int rc;

    if (store_open(conf, STORE_READ, &store, e) != 0)
        return -1;
    rc = pass_show(conf, store, &b, e);
    if (rc == 0)
        rc = print(&b, e);
    buf_free(&b);
    store_close(store);
    return rc;
}

/* One line for each queue; false when its source can't be read. */
static bool check_source(const struct conf *conf, const struct conf_queue *queue, struct buf *b)
{
    struct arena *a = arena_new(SOURCE_MEMORY_MAX);
    struct source_reading r = {.queue = queue, .arena = a, .state = SOURCE_FAILED};
    struct until until = {.at = clock_mono() + queue->source.timeout};
    struct source *s = NULL;
    struct err e;

    if (a && source_open(conf, queue, &s, &e) == 0)
        source_read(s, (struct str){0}, &until, &r);
    source_close(s);
    buf_str(b, "queue ");
    buf_add(b, queue->type.p, queue->type.n);
    if (r.state == SOURCE_FAILED)
        buf_printf(b, ": %s: %s\n", source_word(queue), r.error);
    else if (r.state == SOURCE_NONE)
        buf_str(b, ": no source of capacity\n");
    else
        buf_printf(b, ": %s: ok, hosts %zu, pools %zu\n", source_word(queue), r.hosts, r.pools);
    arena_free(a);
    return r.state != SOURCE_FAILED;
}

int inspect_check(const struct conf *conf, struct err *e)
{
    struct buf b = BUF_INIT(16 << 20);
    struct store *store;
    bool good = true;
    size_t i;

    buf_printf(&b, "configuration %.*s: ok\n", (int)conf->file.n, conf->file.p);
    if (store_open(conf, STORE_READ, &store, e) == 0) {
        buf_printf(&b, "database %.*s: ok\n", (int)conf->database.n, conf->database.p);
        store_close(store);
    } else {
        buf_printf(&b, "database: %s\n", e->text);
        good = false;
    }
    for (i = 0; i < conf->queues; i++)
        good = check_source(conf, &conf->queue[i], &b) && good;
    if (print(&b, e) != 0)
        good = false;
    else if (!good)
        (void)err_set(e, ERR_UNAVAILABLE, "the check found faults");
    buf_free(&b);
    return good ? 0 : -1;
}
