/* SPDX-License-Identifier: MIT */
/* One pass: recover, plan on the readings, write the admissions. Callbacks are deliver.h's
 * business, reading the sources is readers.h's. One thread. */
#ifndef AR_PASS_H
#define AR_PASS_H

#include "conf.h"
#include "source.h"
#include "store_pass.h"

/* What came of a queue in a pass: how many groups wait, and what is to be asked of its source
 * before more can be admitted. Spans hold during the call. */
struct pass_news {
    size_t queue;
    size_t groups;
    size_t questions;
    const struct source_question *question;
};
typedef void pass_news_fn(void *ctx, const struct pass_news *news);

struct pass_in {
    const struct conf *conf;
    struct store *store;
    struct source_reading *const *reading; /* [conf->queues] NULL: the queue is left out */
    unsigned *skips; /* [conf->queues] how many passes in a row have left a queue's turn to the next
                        one: who was left most often goes first. pass_run keeps it up to date; 0 at
                        first. NULL: in the order of the configuration */
    int64_t *from;   /* the group that is read first: the first one that the pass before had no room
                        for, so that none is left out for ever. pass_run keeps it up to date; 0 at
                        first. NULL: the first */
    pass_news_fn *news; /* called for each queue that is not; NULL: nobody listens */
    void *ctx;
};

struct pass_result {
    struct store_tidied tidied;
    int64_t admitted, placed;
    int64_t groups;    /* that have a waiting job */
    int64_t reasons;   /* groups whose reason was written */
    int64_t questions; /* that were asked */
    int64_t ns;        /* how long it took */
    bool more;         /* it stopped at a limit of its own: another pass should follow at once */
};

/* A whole pass. 0 and *r, or -1: ERR_COMMIT_UNKNOWN (leave the process), ERR_UNAVAILABLE,
 * ERR_STORAGE_FULL, ERR_INTERNAL. What was written before the fault stays, and is whole. */
int pass_run(const struct pass_in *in, struct pass_result *r, struct err *e) AR_MUST_CHECK;

/* What a pass would do now, as lines of text: "admit <job id> <hosts>", "place <job id> <hosts>",
 * "wait <id of the group's first job> <reason>: <message>". Writes nothing, so that what the clock
 * has brought up since the last pass is not in it; tells its news as pass_run does. */
int pass_show(const struct pass_in *in, struct buf *b, struct err *e) AR_MUST_CHECK;

#endif
