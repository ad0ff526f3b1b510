/* SPDX-License-Identifier: MIT */
/* Entity tags as clients send them (RFC 9110, sections 8.8.3 and 13.1): the lists of If-Match and
 * If-None-Match. What is no tag in such a list matches nothing. Any thread. */
#ifndef AR_ETAG_H
#define AR_ETAG_H

#include "store.h"

/* The weak comparison, for If-None-Match (W/ does not count), and the strong one, for If-Match (a
 * weak tag matches nothing). */
enum etag_compare { ETAG_WEAK, ETAG_STRONG };

/* Does the header's value name the tag (with its quotes), or is it "*"? */
bool etag_named(struct str header, struct str tag, enum etag_compare how);

/* If-Match on a job, as the store wants it; an absent header gives {0}. 0, or -1 and
 * ERR_BAD_REQUEST for more than STORE_TAGS_MAX tags of ours. */
int etag_match(struct str header, struct store_match *match, struct err *e) AR_MUST_CHECK;

/* The strong tag, with its quotes, of an answer that these parts are all of: of their bytes one
 * behind the other, and of this program's version. 0, or -1 and ERR_INTERNAL. */
enum { ETAG_MAX = 48 };
int etag_of(const struct str *part, size_t parts, char etag[ETAG_MAX], struct err *e) AR_MUST_CHECK;

#endif
