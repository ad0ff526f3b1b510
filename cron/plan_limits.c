/* SPDX-License-Identifier: MIT */
/* What there is only so much of beside the hosts: quotas, jobs, and what hosts share. */
#include "plan_inner.h"

#include <assert.h>

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

int64_t limits_holder(const struct plan_in *in, const int64_t *line, const struct plan_group *group,
                      size_t *limit)
{
    for (size_t i = 0; i < group->needs; i++) {
        const struct plan_need *need = &group->need[i];

        if (line[need->limit] != 0 && is_of_quota(in, group, need)) {
            *limit = need->limit;
            return line[need->limit];
        }
    }
    return 0;
}

void limits_keep(const struct plan_in *in, int64_t *line, const struct plan_group *group,
                 int64_t job)
{
    for (size_t i = 0; i < group->needs; i++) {
        const struct plan_need *need = &group->need[i];

        if (is_of_quota(in, group, need))
            line[need->limit] = job;
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
