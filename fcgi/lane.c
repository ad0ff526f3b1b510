/* SPDX-License-Identifier: MIT */
/* How many of the threads that answer may wait for slow clients at once. */
#include "lane.h"

bool lane_enter(struct lanes *l)
{
    size_t n = atomic_load(&l->free);

    while (n > 0 && !atomic_compare_exchange_weak(&l->free, &n, n - 1))
        continue;
    if (n == 0)
        return false;
    if (!l->all || lane_enter(l->all))
        return true;
    (void)atomic_fetch_add(&l->free, 1);
    return false;
}

void lane_leave(struct lanes *l)
{
    (void)atomic_fetch_add(&l->free, 1);
    if (l->all)
        lane_leave(l->all);
}
