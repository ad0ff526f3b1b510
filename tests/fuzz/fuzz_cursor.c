/* SPDX-License-Identifier: MIT */
/*
 * Cursors. A text, a line feed, the list's name: what is taken is exactly what would have been
 * given out for that place in that list, and for no other list. The same for rows of a job. And
 * the numbers that any 16 bytes are come back from the cursor that is made of them.
 */
#include "fuzz.h"

#include "page.h"

static void check_given(struct page_place place, struct str list)
{
    struct buf b = BUF_INIT(PAGE_CURSOR_MAX);
    struct page_place back = {0};
    struct err e = {0};
    int64_t n = 0;

    page_encode(place, list, &b);
    MUST(!b.failed && page_decode(buf_span(&b), list, &back, &e) == 0);
    MUST(back.id == place.id && back.priority == place.priority);
    MUST(page_decode_row(PAGE_EVENTS, buf_span(&b), place.priority, &n, &e) != 0);
    MUST(e.code == ERR_INVALID_CURSOR);
    b.data[place.id & 15] = b.data[place.id & 15] == 'A' ? 'B' : 'A';
    MUST(page_decode(buf_span(&b), list, &back, &e) != 0);
    buf_reset(&b);
    page_encode_row(PAGE_DELIVERIES, place.id, place.priority, &b);
    MUST(page_decode_row(PAGE_DELIVERIES, buf_span(&b), place.id, &n, &e) == 0);
    MUST(n == place.priority);
    MUST(page_decode_row(PAGE_EVENTS, buf_span(&b), place.id, &n, &e) != 0);
    MUST(page_decode_row(PAGE_DELIVERIES, buf_span(&b), place.id ^ 1, &n, &e) != 0);
    MUST(page_decode(buf_span(&b), list, &back, &e) != 0);
    buf_free(&b);
}

static void check_text(struct str cursor, struct str list)
{
    struct buf b = BUF_INIT(PAGE_CURSOR_MAX);
    struct page_place place = {0};
    struct err e = {0};
    int64_t n;

    if (page_decode(cursor, list, &place, &e) == 0) {
        page_encode(place, list, &b);
        MUST(str_eq(buf_span(&b), cursor));
    } else {
        MUST(e.code == ERR_INVALID_CURSOR);
    }
    if (page_decode_row(PAGE_EVENTS, cursor, 7, &n, &e) == 0) {
        buf_reset(&b);
        page_encode_row(PAGE_EVENTS, 7, n, &b);
        MUST(str_eq(buf_span(&b), cursor));
    }
    if (page_limit(cursor, &n, &e) == 0)
        MUST(n >= 1 && n <= PAGE_LIMIT_MAX);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str list = fuzz_str(data, size), cursor = fuzz_line(&list);
    struct page_place place = {0};

    memcpy(&place, data, size < sizeof place ? size : sizeof place);
    check_given(place, list);
    check_text(cursor, list);
    return 0;
}
