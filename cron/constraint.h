/* SPDX-License-Identifier: MIT */
/* Constraints: which hosts meet what a kind of instance asks of labels, traits and taints. Pure but
 * for memory; any thread. */
#ifndef AR_CONSTRAINT_H
#define AR_CONSTRAINT_H

#include "source.h"

/* What keeps all hosts away: what the host that came closest does not meet. */
enum constraint_answer {
    CONSTRAINT_MET,      /* some host meets all of it, or there is no host */
    CONSTRAINT_LABELS,   /* no host has the labels of its nodeSelector */
    CONSTRAINT_TRAITS,   /* no host has the traits that it asks for and none that it forbids */
    CONSTRAINT_TAINTS,   /* each host has a taint that it does not tolerate; it selects no labels */
    CONSTRAINT_OF_THOSE, /* each host with the labels has a taint that it does not tolerate */
    CONSTRAINT_UNREADABLE /* its text is none of the texts below */
};

/*
 * Fills on[0 .. hosts): does the host meet the constraint? The text is that of demand_kind:
 *   {"nodeSelector":{"key":"value"},"tolerations":[{"key":…,"operator":…,"value":…,"effect":…}]}
 *   {"traits":["A","!B"]}: A must be a label's key, B must not; one that is there perhaps is no
 *   matter of either
 * any part of which may be missing; absent, it is as {}. As Kubernetes does it: all of nodeSelector
 * must be labels; each taint must be tolerated by one of the tolerations. A toleration's empty
 * effect tolerates all effects, an empty key all keys (with Exists: all taints); the operator is
 * Equal unless given, any other than Equal and Exists tolerates nothing; tolerationSeconds changes
 * nothing. A text that can't be read is met by no host. 0 and *answer, or -1 without memory.
 */
int constraint_hosts(struct str constraint, const struct source_reading *r, bool *on,
                     enum constraint_answer *answer) AR_MUST_CHECK;

#endif
