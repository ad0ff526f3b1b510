/* SPDX-License-Identifier: MIT */
/* JSON text in tests of C, where a ' stands for a ", which reads better. */
#ifndef AR_QUOTED_H
#define AR_QUOTED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"

/* Appends the text with " for '. */
static inline void quoted_add(struct buf *b, struct str text)
{
    size_t i;

    for (i = 0; i < text.n; i++)
        buf_char(b, text.p[i] == '\'' ? '"' : text.p[i]);
    assert_false(b->failed);
}

/* Is the text `want`, after putting " for '? */
static inline void quoted_expect(struct str text, const char *want)
{
    struct buf b = BUF_INIT(1 << 20);

    quoted_add(&b, str_of(want));
    if (!str_eq(text, buf_span(&b)))
        fail_msg("%.*s, but %s", (int)text.n, text.p, buf_span(&b).p);
    buf_free(&b);
}

#endif
