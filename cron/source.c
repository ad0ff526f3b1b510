/* SPDX-License-Identifier: MIT */
/* The table of the sources of capacity, and the one way to read any of them. */
#include "source.h"

#include "clock.h"

struct source_kind {
    const char *word;
    source_read_fn *read; /* NULL: there is nothing to read */
};

static const struct source_kind kinds[] = {
    [CONF_CAPACITY_NONE] = {"none", NULL},
    [CONF_CAPACITY_STATIC] = {"static", source_static_read},
};

const char *source_word(const struct conf_queue *queue)
{
    return kinds[queue->capacity].word;
}

void source_read(const struct conf_queue *queue, int64_t deadline, struct arena *a,
                 struct source_reading *r)
{
    const struct source_kind *kind = &kinds[queue->capacity];
    struct err e;

    *r = (struct source_reading){.queue = queue, .state = SOURCE_NONE, .read_at = clock_now()};
    if (!kind->read)
        return;
    if (kind->read(queue, deadline, a, r, &e) == 0) {
        r->state = SOURCE_GOOD;
        return;
    }
    r->state = SOURCE_FAILED;
    r->hosts = r->pools = 0;
    (void)snprintf(r->error, sizeof r->error, "%s", e.text);
}
