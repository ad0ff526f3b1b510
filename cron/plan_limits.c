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
