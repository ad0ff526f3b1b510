/* SPDX-License-Identifier: MIT */
/* Judges a callback when it is posted, so that whoever posts it learns at once. */
#include "callback.h"

int callback_judge(const struct route_env *env, const struct conf_queue *queue,
                   const struct job_target *target, struct err *e)
{
    struct netguard_rules rules = conf_rules(env->conf, queue);
    const struct ownaddr_list *own = ownaddr_take(env->own);
    int rc;

    rules.owns = own->n;
    rules.own = own->address;
    rc = job_judge_callback(&rules, target, e);
    ownaddr_give(env->own, own);
    return rc;
}
