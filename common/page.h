/* SPDX-License-Identifier: MIT */
/* Cursors: where a page of a list ended, as opaque text for `after`. A place in the order
 * (priority, id), not a row: it stays valid when jobs come, go and move. Pure; any thread. */
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

#endif
