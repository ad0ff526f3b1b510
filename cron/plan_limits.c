/* SPDX-License-Identifier: MIT */
/* What there is only so much of beside the hosts: quotas, jobs, and what hosts share. */
#include "plan_inner.h"

#include <assert.h>

#include "num.h"

/* A job that needs nothing is counted, and that is all. */
static bool counts(const struct plan_in *in, const struct plan_group *group,
                   const struct plan_need *need)
{
    return need->amount > 0 && (in->limit[need->limit].jobs || in->shape[group->shape].kinds > 0);
}

size_t limits_short(const struct plan_in *in, const struct plan_group *group, bool shared)
{
    for (size_t i = 0; i < group->needs; i++) {
        const struct plan_need *need = &group->need[i];
        const struct plan_limit *limit = &in->limit[need->limit];

        if (limit->shared == shared && counts(in, group, need) && need->amount > limit->left)
            return need->limit;
    }
    return SIZE_MAX;
}

size_t limits_never(const struct plan_in *in, const struct plan_group *group)
{
    for (size_t i = 0; i < group->needs; i++) {
        const struct plan_need *need = &group->need[i];
        const struct plan_limit *limit = &in->limit[need->limit];

        if (limit->shared && need->amount > 0 && need->amount > limit->total)
            return need->limit;
    }
    return SIZE_MAX;
}

void limits_take(struct plan_in *in, const struct plan_group *group)
{
    for (size_t i = 0; i < group->needs; i++) {
        const struct plan_need *need = &group->need[i];

        if (!counts(in, group, need))
            continue;
        assert(need->amount <= in->limit[need->limit].left);
        in->limit[need->limit].left -= need->amount;
    }
}

/* Is it a need of a quota, rather than of what hosts share or of a number of jobs? */
static bool is_of_quota(const struct plan_in *in, const struct plan_group *group,
                        const struct plan_need *need)
{
    const struct plan_limit *limit = &in->limit[need->limit];

    return !limit->shared && !limit->jobs && counts(in, group, need);
}

size_t limits_held(const struct plan_in *in, const struct plan_kept *kept,
                   const struct plan_group *group)
{
    for (size_t i = 0; i < group->needs; i++) {
        const struct plan_need *need = &group->need[i];
        const struct plan_kept *k = &kept[need->limit];
        int64_t left = in->limit[need->limit].left;

        if (k->job == 0 || !counts(in, group, need))
            continue;
        if (k->amount == INT64_MAX || (need->amount <= left && need->amount > left - k->amount))
            return need->limit;
    }
    return SIZE_MAX;
}

void limits_keep(const struct plan_in *in, struct plan_kept *kept, const struct plan_group *group,
                 int64_t job, bool shared)
{
    for (size_t i = 0; i < group->needs; i++) {
        const struct plan_need *need = &group->need[i];
        const struct plan_limit *limit = &in->limit[need->limit];
        struct plan_kept *k = &kept[need->limit];

        if (!counts(in, group, need) || (limit->shared && !shared))
            continue;
        if (k->job == 0)
            k->job = job;
        k->amount = need->amount > limit->left ? INT64_MAX : num_plus(k->amount, need->amount);
    }
}

bool limits_worth(const struct plan_in *in, const struct plan_group *group)
{
    bool worth = false;

    for (size_t i = 0; i < group->needs; i++) {
        const struct plan_need *need = &group->need[i];
        const struct plan_limit *limit = &in->limit[need->limit];
        bool is_short = counts(in, group, need) && need->amount > limit->left;

        if (is_short && limit->jobs)
            return false;
        if (!is_of_quota(in, group, need))
            continue;
        if (need->amount > limit->total)
            return false;
        worth = worth || is_short;
    }
    return worth;
}
