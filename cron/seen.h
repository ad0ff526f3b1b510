/* SPDX-License-Identifier: MIT */
/*
 * What is seen of a text on a terminal. Columns are wcwidth's, which wants the locale's LC_CTYPE to
 * be one of UTF-8 (main sets C.UTF-8); in any other, what it does not know counts one. Text is as
 * strangers sent it: what would move the cursor, change colours or turn the direction of writing is
 * made visible, as \n, \t, \x1b or \u202e. Any thread.
 */
#ifndef AR_SEEN_H
#define AR_SEEN_H

#include "buf.h"

/* Appends the text, all of it visible, as valid UTF-8. */
void seen_put(struct buf *b, struct str text);

/* How many columns it takes; of text that is visible already. */
size_t seen_width(struct str visible);

/* Its longest beginning of at most `columns`; *width says how many that takes. */
struct str seen_cut(struct str visible, size_t columns, size_t *width);

#endif
