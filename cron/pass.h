/* SPDX-License-Identifier: MIT */
/* One pass: recover, read the capacity, plan, write the admissions. Callbacks are deliver.h's
 * business. One thread. */
#ifndef AR_PASS_H
#define AR_PASS_H

#include "conf.h"
#include "store_pass.h"

struct pass_result {
    struct store_tidied tidied;
    int64_t admitted, placed;
    int64_t groups;  /* that have a waiting job */
    int64_t reasons; /* groups whose reason was written */
    int64_t ns;      /* how long it took */
    bool more;       /* it stopped at a limit of its own: another pass should follow at once */
};

/* A whole pass. 0 and *r, or -1: ERR_COMMIT_UNKNOWN (leave the process), ERR_UNAVAILABLE,
 * ERR_STORAGE_FULL, ERR_INTERNAL. What was written before the fault stays, and is whole. */
int pass_run(const struct conf *conf, struct store *store, struct pass_result *r,
             struct err *e) AR_MUST_CHECK;

/* What a pass would do now, as lines of text: "admit <job id> <hosts>", "place <job id> <hosts>",
 * "wait <id of the group's first job> <reason>: <message>". Writes nothing, so that what the clock
 * has brought up since the last pass is not in it. */
int pass_show(const struct conf *conf, struct store *store, struct buf *b,
              struct err *e) AR_MUST_CHECK;

#endif
