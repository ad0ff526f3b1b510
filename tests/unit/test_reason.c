/* SPDX-License-Identifier: MIT */
/* What those are told whom no pool serves, by what their scope names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/reason.h"

static struct str only_p[] = {{"p", 1}};
static const struct pool pools[] = {
    {.name = {"own", 3}, .closed = true, .projects = 1, .project = only_p}};

static void expect(const char *scope, const char *want)
{
    const struct source_reading reading = {.pools = ARRAY_LEN(pools), .pool = pools};
    const struct capacity capacity = {.reading = &reading};
    struct str text = str_of(scope);
    struct waiting_group info = {.scope_text = 0};
    struct plan_group group = {.shape = 0};
    const struct waiting w = {.capacity = &capacity,
                              .scope_text = {.n = 1, .text = &text},
                              .groups = 1,
                              .group = &group,
                              .info = &info};
    enum plan_verdict verdict = PLAN_NO_POOL;
    const struct plan_out plan = {.verdict = &verdict};
    struct buf b = BUF_INIT(REASON_MESSAGE_MAX);

    assert_string_equal(reason_of(&w, NULL, &plan, 0, &b), JOB_REASON_NO_POOL);
    assert_string_equal(buf_span(&b).p, want);
    buf_free(&b);
}

static void test_no_pool(void **state)
{
    (void)state;
    expect("project:z", "no pool of this queue serves the project \"z\"");
    expect("pool:gone", "this queue has no pool of the name \"gone\"");
    expect("pool:gone\nproject:p", "this queue has no pool of the name \"gone\"");
    expect("pool:own\nproject:z",
           "the pool \"own\" of this queue does not serve the project \"z\"");
    expect("", "this queue has no pool with a host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_pool)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
