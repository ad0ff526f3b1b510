/* SPDX-License-Identifier: MIT */
/* Judges a callback when it is posted, so that whoever posts it learns at once. */
#include "callback.h"

int callback_judge(const struct conf *conf, struct ownaddr *own, const struct conf_queue *queue,
                   const struct job_target *target, struct err *e)
{
    struct netguard_rules rules = conf_rules(conf, queue);
    const struct ownaddr_list *here = ownaddr_take(own);
    int rc;

    rules.owns = here->n;
    rules.own = here->address;
    rc = job_judge_callback(&rules, target, e);
    ownaddr_give(own, here);
    return rc;
}
