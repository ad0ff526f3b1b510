/* SPDX-License-Identifier: MIT */
/* For the tests of demand: `data` from text, and its shape. */
#ifndef AR_DEMAND_CASE_H
#define AR_DEMAND_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "demand.h"
#include "quoted.h"

enum { TEXT_MAX = 8 << 20 };

/* A pod of namespace n. */
#define POD(members)    "{'namespace':'n','pods':[{" members "}]}"
#define TOLERATION(m)   POD("'tolerations':[{" m "}]")
#define ONE(constraint) "[{'c':" constraint ",'n':1,'r':{'pods':1}}]"

/* Reads JSON text as `data`. The caller frees *d when 0 comes back. */
static inline int parse(const char *type, struct str text, struct demand **d, struct err *e)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct json_doc *doc;
    int rc;

    quoted_add(&b, text);
    if (json_in_parse(buf_span(&b), &doc, e) != 0)
        fail_msg("the test's own JSON: %s: %s", e->text, b.data);
    rc = demand_parse(str_of(type), json_in_root(doc), d, e);
    json_in_free(doc);
    buf_free(&b);
    return rc;
}

static inline void expect_shape(const struct demand *d, const char *shape)
{
    struct buf got = BUF_INIT(TEXT_MAX), want = BUF_INIT(TEXT_MAX);

    demand_write_shape(d, &got);
    quoted_add(&want, str_of(shape));
    assert_false(got.failed);
    assert_string_equal(buf_span(&got).p, buf_span(&want).p);
    buf_free(&got);
    buf_free(&want);
}

#endif
