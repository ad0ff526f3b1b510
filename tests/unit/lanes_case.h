/* SPDX-License-Identifier: MIT */
/* Lanes for the tests of whose turn it is. */
#ifndef AR_LANES_CASE_H
#define AR_LANES_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/lanes.h"

static inline struct lanes *open_lanes(size_t total, size_t per_host, size_t per_owner)
{
    struct lanes_limits limits = {total, per_host, per_owner};
    struct lanes *l;
    struct err e;

    assert_int_equal(lanes_open(&limits, &l, &e), 0);
    return l;
}

static inline struct lane *put(struct lanes *l, const char *receiver, const char *owner,
                               int64_t when)
{
    struct lane *lane;
    bool fresh;

    lane = lanes_put(l, str_of(receiver), str_of(owner), receiver, &fresh);
    assert_non_null(lane);
    lanes_look(l, lane, when);
    return lane;
}

#endif
