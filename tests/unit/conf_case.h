/* SPDX-License-Identifier: MIT */
/* For the tests of conf: files that must be taken, and files that must be refused. */
#ifndef AR_CONF_CASE_H
#define AR_CONF_CASE_H

#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "buf.h"
#include "conf.h"

enum { TEXT_MAX = 16 << 20 };

static inline struct conf *parse(struct str text)
{
    struct conf *conf = NULL;
    struct err e = {0};

    if (conf_parse(text, "f", &conf, &e) != 0)
        fail_msg("%s", e.text);
    return conf;
}

/* Parses what must be refused; returns the words of the error, which live until the next call. */
static inline const char *refusal(struct str text)
{
    static struct err e;
    struct conf *conf = NULL;

    e = (struct err){0};
    if (conf_parse(text, "f", &conf, &e) == 0) {
        conf_free(conf);
        return "(it was taken)";
    }
    assert_null(conf);
    assert_int_equal(e.code, ERR_CONFIG);
    return e.text;
}

static inline void assert_str(struct str got, const char *want)
{
    if (!str_is(got, want))
        fail_msg("\"%.*s\" is not \"%s\"", (int)got.n, got.p, want);
    assert_int_equal(got.p[got.n], '\0');
}

#endif
