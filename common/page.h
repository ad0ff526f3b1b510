/* SPDX-License-Identifier: MIT */
/* Cursors: where a page of a list ended, as opaque text for `after`. In a list of jobs a place in
 * the order (priority, id), not a row: it stays valid when jobs come, go and move; one that was
 * moved, or made room (store_order.c), may be seen twice or not at all. In the history of one job
 * the number of a row; the next ones come after it, whether it is still there or not. A cursor of
 * one kind, or one job, is none of another. Pure; any thread. */
#ifndef AR_PAGE_H
#define AR_PAGE_H

#include "buf.h"

struct page_place {
    int64_t priority;
    int64_t id;
};

enum { PAGE_CURSOR_MAX = 64 };

/* Appends the cursor: URL-safe characters only (A-Z a-z 0-9 - _), at most PAGE_CURSOR_MAX. `list`
 * tells which list it is of: what is listed, and what of it is seen. */
void page_encode(struct page_place place, struct str list, struct buf *b);

/* 0, or -1 with ERR_INVALID_CURSOR for whatever page_encode did not write for this list (a check
 * sum is part of it). */
int page_decode(struct str cursor, struct str list, struct page_place *place,
                struct err *e) AR_MUST_CHECK;

/* The same for the rows of one job: n is the last one's number. */
enum page_kind { PAGE_EVENTS = 2, PAGE_DELIVERIES = 3 };
void page_encode_row(enum page_kind kind, int64_t job_id, int64_t n, struct buf *b);
int page_decode_row(enum page_kind kind, struct str cursor, int64_t job_id, int64_t *n,
                    struct err *e) AR_MUST_CHECK;

/* `limit` as a client writes it. 0, or -1 and ERR_BAD_REQUEST. */
enum { PAGE_LIMIT_MAX = 10000 };
int page_limit(struct str text, int64_t *limit, struct err *e) AR_MUST_CHECK;

#endif
