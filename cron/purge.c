/* SPDX-License-Identifier: MIT */
/* When what nobody needs any more goes. */
#include "purge.h"

#include "clock.h"
#include "log.h"
#include "store_queues.h"
#include "store_clock.h"

#define LOOK_EVERY  (30 * NS_PER_S)
#define LOCK_WAIT   (5 * NS_PER_S)
#define SHORTEN_GAP (1 * NS_PER_S) /* between two attempts to make the file shorter */
#define PAUSE_LEAST (4 * NS_PER_MS)
#define PAUSE_MOST  (5 * NS_PER_S) /* also where a step stood still */

enum { PAUSE_PER_STEP = 3 }; /* of the time, a quarter at the most goes into steps */

void purge_init(struct purge *p, struct store *store, int64_t most)
{
    *p = (struct purge){.store = store, .steps = most ? most : INT64_MAX};
}

static int step(struct purge *p, bool *more, struct err *e)
{
    struct store_purged done = {0};
    int64_t start = clock_mono();

    if (store_begin(p->store, LOCK_WAIT, e) != 0)
        return -1;
    if (store_purge(p->store, store_now(p->store), &done, e) != 0) {
        store_rollback(p->store);
        return -1;
    }
    if (store_commit(p->store, e) != 0)
        return -1;
    stats_commit(store_stats(p->store), STATS_DISPATCHER, done.rows, clock_mono() - start);
    p->sum.jobs += done.jobs;
    p->sum.rows += done.rows;
    p->sum.pages += done.pages;
    p->shortening = p->shortening || done.pages > 0;
    *more = done.more;
    return 0;
}

static void tell(struct purge *p)
{
    if (p->sum.rows > 0 || p->sum.pages > 0)
        log_info("purge", "jobs=%lld rows=%lld pages=%lld ms=%lld", (long long)p->sum.jobs,
                 (long long)p->sum.rows, (long long)p->sum.pages, (long long)(p->ns / NS_PER_MS));
    p->sum = (struct store_purged){0};
    p->ns = 0;
}

/* Nothing is due any more. */
static void rest(struct purge *p, int64_t now)
{
    p->shortening = p->shortening && !store_checkpoint(p->store);
    p->looked = true;
    p->next = p->steps == 0 ? INT64_MAX : now + (p->shortening ? SHORTEN_GAP : LOOK_EVERY);
    tell(p);
}

static int64_t pause_after(int64_t took)
{
    int64_t pause = took * PAUSE_PER_STEP;

    if (pause < PAUSE_LEAST)
        return PAUSE_LEAST;
    return pause < PAUSE_MOST ? pause : PAUSE_MOST;
}

int purge_turn(struct purge *p, struct err *e)
{
    int64_t start = clock_mono(), took;
    bool more = false;
    int rc;

    if (start < p->next)
        return 0;
    rc = p->steps > 0 ? store_purgeable(p->store, clock_now(), e) : 0;
    if (rc == 1)
        rc = step(p, &more, e) == 0 ? 1 : -1;
    if (rc != 1) {
        rest(p, start);
        return rc;
    }
    took = clock_mono() - start;
    p->ns += took;
    p->steps -= p->steps < INT64_MAX;
    p->looked = false;
    p->next = start + took + pause_after(took);
    if (!more)
        rest(p, clock_mono());
    return 0;
}
