/* SPDX-License-Identifier: MIT */
/* A text for a reader that takes it in pieces. */
#ifndef AR_FUZZ_FEED_H
#define AR_FUZZ_FEED_H

#include "fuzz.h"
#include "json_pick.h"

/* What the picker makes of the text, whole or in pieces; it is freed. */
static inline int fuzz_feed(struct json_picker *p, struct str text, bool whole, struct err *e)
{
    struct fuzz_pieces pieces = fuzz_pieces(text);
    struct str piece;
    int rc = 0;

    MUST(p);
    if (whole)
        rc = json_picker_feed(p, text, e);
    while (!whole && rc == 0 && (piece = fuzz_piece(&pieces)).p) {
        rc = json_picker_feed(p, piece, e);
        fuzz_piece_free(piece);
    }
    if (rc == 0)
        rc = json_picker_finish(p, e);
    json_picker_free(p);
    return rc;
}

#endif
