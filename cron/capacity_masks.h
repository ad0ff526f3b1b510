/* SPDX-License-Identifier: MIT */
/* Which hosts of a reading take a kind, for capacity: one mask for all kinds of the same hosts, so
 * that many shapes on many hosts stay small. Equal masks are the same pointer; NULL: every host.
 * One thread at a time. */
#ifndef AR_CAPACITY_MASKS_H
#define AR_CAPACITY_MASKS_H

#include "constraint.h"

struct capacity_masks;

/* Masks of a reading, which must outlive them. They live in the arena; masks_free when done. NULL
 * without memory. */
struct capacity_masks *masks_new(const struct source_reading *r, struct arena *a) AR_MUST_CHECK;
void masks_free(struct capacity_masks *m);

struct capacity_mask {
    const bool *on; /* [hosts] */
    enum constraint_answer answer;
};

/* All -1 without memory. The hosts that meet a constraint; each text is read once. */
int masks_constraint(struct capacity_masks *m, struct str constraint,
                     struct capacity_mask *mask) AR_MUST_CHECK;

/* No host. */
int masks_none(struct capacity_masks *m, const bool **on) AR_MUST_CHECK;

/* Those of *on that the reading's exact answers do not say to refuse the kind now, into *on.
 * Answers may have been added to the end of the reading's list since the last time. */
int masks_exact(struct capacity_masks *m, const struct demand_kind *kind,
                const bool **on) AR_MUST_CHECK;

#endif
