/* SPDX-License-Identifier: MIT */
/* The lists of this folder, and reading them as a source does. After cmocka.h. */
#ifndef AR_LISTS_H
#define AR_LISTS_H

#include <stdio.h>

#include "buf.h"
#include "json_pick.h"

/* A file of this folder; buf_free. Unit tests run at the top of the tree. */
static inline struct buf lists_load(const char *name)
{
    struct buf b = BUF_INIT(4 << 20);
    char path[200], piece[8192];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof path, "tests/unit/kubernetes/%s", name);
    f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        buf_add(&b, piece, n);
    (void)fclose(f);
    assert_false(b.failed);
    return b;
}

/* Reads a list, in pieces, with the line `items` of whoever wants it. 0, or -1 and *e, which stays
 * as it was when there is no memory to begin with. */
static inline int lists_read(struct str text, struct json_pick items, size_t piece, struct err *e)
{
    const struct json_pick table[] = {items, {.which = 0}};
    struct json_picker *p = json_picker_new(table, NULL);
    int rc = p ? 0 : -1;

    while (rc == 0 && text.n) {
        size_t n = piece < text.n ? piece : text.n;

        rc = json_picker_feed(p, (struct str){text.p, n}, e);
        text = (struct str){text.p + n, text.n - n};
    }
    if (rc == 0)
        rc = json_picker_finish(p, e);
    json_picker_free(p);
    return rc;
}

#endif
