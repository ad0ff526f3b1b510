/* SPDX-License-Identifier: MIT */
/*
 * When what nobody needs any more goes: looked for at the start and every half a minute, and taken
 * away in short steps (store_purge) with longer pauses between them, so that passes, callbacks and
 * other writers hardly notice. Then the file is made shorter. One thread.
 */
#ifndef AR_PURGE_H
#define AR_PURGE_H

#include "store_pass.h"

struct purge {
    struct store *store;
    int64_t next;            /* the next look or step (clock_mono); INT64_MAX: none will come */
    bool looked;             /* there was a look, and no step is to follow it now */
    int64_t steps;           /* that may still be made; 0: no more */
    bool shortening;         /* pages were given back, and the file is as long as it was */
    struct store_purged sum; /* since the last look that found nothing */
    int64_t ns;              /* that the steps of it took */
};

/* most: steps at the most; 0: any number. */
void purge_init(struct purge *p, struct store *store, int64_t most);

/* A look or a step, when it is time for one. 0, or -1 and *e as store_commit has it; then no more
 * is done for a while. */
int purge_turn(struct purge *p, struct err *e) AR_MUST_CHECK;

#endif
