/* SPDX-License-Identifier: MIT */
/* For the tests of document: texts that must be taken, and texts that must be refused. */
#ifndef AR_DOCUMENT_CASE_H
#define AR_DOCUMENT_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "conf.h"
#include "cron/document.h"

enum { TEXT_MAX = 16 << 20 };

static struct conf *conf;

static inline int read_conf(void **state)
{
    struct err e = {0};
    int rc = conf_parse(STR_LIT("queues:\n"
                                "  lab: {capacity: exec, program: [/bin/true], max_age: 90s}\n"
                                "  vm: {capacity: exec, program: [/bin/true]}\n"
                                "  kube: {capacity: exec, program: [/bin/true]}\n"),
                        "f", &conf, &e);

    (void)state;
    return rc;
}

static inline int free_conf(void **state)
{
    (void)state;
    conf_free(conf);
    return 0;
}

/* A reading that has begun as source_read begins one. */
static inline struct source_reading begin(const char *type)
{
    struct source_reading r = {.queue = conf_queue(conf, str_of(type)),
                               .arena = arena_new(SOURCE_MEMORY_MAX),
                               .state = SOURCE_GOOD,
                               .read_at = clock_now()};

    assert_non_null(r.arena);
    return r;
}

static inline struct source_reading must_read(const char *type, struct str text)
{
    struct source_reading r = begin(type);
    struct err e = {0};

    if (document_read(text, &r, &e) != 0)
        fail_msg("%s: %.*s", e.text, (int)text.n, text.p);
    if (source_check(&r, &e) != 0)
        fail_msg("%s: %.*s", e.text, (int)text.n, text.p);
    return r;
}

static inline void must_refuse(const char *type, struct str text, const char *want)
{
    struct source_reading r = begin(type);
    struct err e = {0};

    if (document_read(text, &r, &e) == 0)
        fail_msg("taken: %.*s", (int)text.n, text.p);
    if (strcmp(e.text, want) != 0)
        fail_msg("\"%s\" instead of \"%s\" for %.*s", e.text, want, (int)text.n, text.p);
    arena_free(r.arena);
}

static inline void assert_str(struct str got, const char *want)
{
    if (!str_is(got, want))
        fail_msg("\"%.*s\" instead of \"%s\"", (int)got.n, got.p, want);
}

static inline void assert_amount(const struct source_amount *a, const char *resource, int64_t total,
                                 int64_t used)
{
    assert_str(a->resource, resource);
    assert_int_equal(a->total, total);
    assert_int_equal(a->used, used);
}

#endif
