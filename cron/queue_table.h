/* SPDX-License-Identifier: MIT */
/* Queues at a glance, for `queues` and `top`. */
#ifndef AR_QUEUE_TABLE_H
#define AR_QUEUE_TABLE_H

#include "store_queues.h"
#include "table.h"

struct queue_sums {
    int64_t queues, shown, waiting, admitted, running;
};

/* Appends a table of the queues, of the first `most` that there are; what all of them have together
 * is then in *sums. Between store_read_begin and _end: in which nothing waits for a reader. */
int queue_table_print(struct store *s, const struct table_screen *screen, int64_t most,
                      struct queue_sums *sums, struct buf *b, struct err *e) AR_MUST_CHECK;

/* Appends all of them as GET /queues/ has them. Between store_read_begin and _end. */
int queue_table_json(struct store *s, struct buf *b, struct err *e) AR_MUST_CHECK;

#endif
