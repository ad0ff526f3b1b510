/* SPDX-License-Identifier: MIT */
/* When the next pass is made. */
#include "pace.h"

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t pace_next(const struct pace *p, int64_t now, bool news)
{
    return most(p->wanted || news ? now : p->by, p->from);
}

bool pace_due(const struct pace *p, int64_t now, bool news)
{
    return pace_next(p, now, news) <= now;
}

bool pace_quiet(const struct pace *p, int64_t now)
{
    return !p->wanted && now >= p->by;
}

void pace_passed(struct pace *p, int64_t start, int64_t end, bool all, bool eager)
{
    int64_t took = end - start, rest = took < PACE_REST_MOST ? took : PACE_REST_MOST;

    if (all) {
        p->by = end + PACE_EVERY;
        p->wanted = false;
    }
    p->from = eager ? end : most(start + PACE_GAP, end + rest);
}
