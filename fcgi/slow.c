/* SPDX-License-Identifier: MIT */
/* Readers who take an answer more slowly than it comes. A reader has a time that may be waited for
 * him without a break, and in all so much more as his bytes take at a rate. */
#include "slow.h"

#include <errno.h>
#include <poll.h>

#include "clock.h"
#include "log.h"

/* Without a lane, and in one. A web server on the same machine keeps up with the first, be it that
 * it writes all to a disk; anybody's line with the second. */
static const struct {
    int64_t wait;   /* ns */
    int64_t per_ms; /* bytes */
} patience[] = {{5 * NS_PER_S, 2 << 10}, {30 * NS_PER_S, 128}};

bool slow_full(struct slow *s)
{
    return atomic_load(&s->lanes.free) == 0;
}

static bool enter_lane(struct slow *s, struct slow_answer *a)
{
    a->lane = lane_enter(&s->lanes);
    return a->lane;
}

/* How long may it be waited now? */
static int64_t left(const struct slow_answer *a)
{
    int64_t wait = patience[a->lane].wait;
    int64_t all = wait + a->sent / patience[a->lane].per_ms * NS_PER_MS - a->waited;

    return all < wait ? all : wait;
}

/* True: something has happened. */
static bool poll_for(struct slow_answer *a, int fd, int64_t ns)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int64_t begun = clock_mono();
    int n = poll(&p, 1, (int)((ns + NS_PER_MS - 1) / NS_PER_MS));

    a->waited += clock_mono() - begun;
    return n > 0 || (n < 0 && errno == EINTR);
}

int slow_wait(struct slow *s, struct slow_answer *a, int fd)
{
    int64_t ns;

    do {
        ns = left(a);
        if (ns > 0 && poll_for(a, fd, ns))
            return 0;
    } while (!a->lane && enter_lane(s, a));
    log_warn("slow_reader", "sent=%lld waited_ms=%lld lane=%s", (long long)a->sent,
             (long long)(a->waited / NS_PER_MS), a->lane ? "yes" : "none_left");
    return -1;
}

void slow_end(struct slow *s, struct slow_answer *a)
{
    if (a->lane)
        lane_leave(&s->lanes);
    a->lane = false;
}
