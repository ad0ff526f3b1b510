/* SPDX-License-Identifier: MIT */
/*
 * How many jobs are admitted or running, of each type and of each owner that waits, beside how many
 * may be: run_limit of their queues, and owner.holding. One thread at a time.
 */
#ifndef AR_HOLDING_H
#define AR_HOLDING_H

#include "intern.h"
#include "store_pass.h"

/* Whose job it is: indices into the table. */
struct holding_who {
    size_t type, owner;
};

struct holding {
    const struct conf *conf;
    bool limited; /* the configuration has such a limit; else nothing is counted */
    struct arena *arena;
    struct intern type, owner;
    int64_t *of_type, *of_owner; /* [type.n], [owner.n]; once they are counted nobody is added */
};

/* An empty table. 0, or -1 without memory. holding_free in any case. */
int holding_make(struct holding *h, const struct conf *conf) AR_MUST_CHECK;
void holding_free(struct holding *h);

/* Somebody who waits. 0, or -1: there is no room for more of them. */
int holding_add(struct holding *h, struct str type, struct str owner,
                struct holding_who *who) AR_MUST_CHECK;

/* Counts the jobs of all that were added, as the database has them now; may be called again. 0, or
 * -1 and *e. */
int holding_count(struct holding *h, struct store *s, struct err *e) AR_MUST_CHECK;

/* How many jobs may hold something at once; 0: any number. Pure. */
int64_t holding_run_limit(const struct holding *h, struct holding_who who);
int64_t holding_owner_limit(const struct holding *h);

/* May one more of them be admitted? Pure. */
bool holding_allows(const struct holding *h, struct holding_who who);

/* One more of them is admitted. */
void holding_note(struct holding *h, struct holding_who who);

#endif
