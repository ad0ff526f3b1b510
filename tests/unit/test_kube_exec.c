/* SPDX-License-Identifier: MIT */
/* Credentials of a program are kept until they expire, and belong to one program only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cron/kube_exec.h"
#include "stdfd.h"

static char dir[] = "/tmp/anteroom-kube-exec-XXXXXX";
static char program[64], runs[64];

/* A program that notes that it was run, and answers with these members. */
static void write_answer(const char *members)
{
    FILE *f = fopen(program, "w");

    assert_non_null(f);
    (void)fprintf(
        f,
        "#!/bin/sh\necho x >>%s\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\","
        "\"kind\":\"ExecCredential\",%s}'\n",
        runs, members);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(program, 0700), 0);
}

/* With this time of expiry. */
static void write_program(const char *expires)
{
    char members[200];

    (void)snprintf(members, sizeof members, "\"status\":{\"token\":\"t\"%s%s%s}",
                   expires ? ",\"expirationTimestamp\":\"" : "", expires ? expires : "",
                   expires ? "\"" : "");
    write_answer(members);
}

static long times_run(void)
{
    struct stat st;

    return stat(runs, &st) == 0 ? (long)st.st_size / 2 : 0;
}

static int begin(void **state)
{
    (void)state;
    stdfd_fill();
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(program, sizeof program, "%s/program", dir);
    (void)snprintf(runs, sizeof runs, "%s/runs", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)unlink(program);
    (void)unlink(runs);
    return rmdir(dir);
}

static struct kubeconfig_exec the_program(void)
{
    return (struct kubeconfig_exec){.version = STR_LIT("client.authentication.k8s.io/v1"),
                                    .command = str_of(program)};
}

/* Gets them so many times; returns how often it was run for that. */
static long get(const struct kubeconfig_exec *x, struct kube_exec *kept, int times)
{
    struct until until = {.at = clock_mono() + 600 * NS_PER_S};
    long before = times_run();
    struct err e;

    for (; times > 0; times--) {
        if (kube_exec_get(x, &until, kept, &e) != 0)
            fail_msg("%s", e.text);
        assert_string_equal(kept->token.p, "t");
    }
    return times_run() - before;
}

static void kept_until_they_expire(void **state)
{
    static const struct {
        const char *expires;
        long runs;
    } cases[] = {{NULL, 1}, {"2200-01-01T00:00:00Z", 1}, {"2001-01-01T00:00:00Z", 3}};
    struct kubeconfig_exec x = the_program();
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct kube_exec kept = {0};

        write_program(cases[i].expires);
        assert_int_equal(get(&x, &kept, 3), cases[i].runs);
        kube_exec_free(&kept);
        assert_int_equal(get(&x, &kept, 1), 1);
        kube_exec_free(&kept);
    }
}

static void another_program_has_others(void **state)
{
    struct str arg = STR_LIT("a");
    struct kubeconfig_pair pair = {STR_LIT("A"), STR_LIT("b")},
                           other = {STR_LIT("A"), STR_LIT("c")};
    struct kubeconfig_exec x = the_program();
    struct kube_exec kept = {0};

    (void)state;
    write_program(NULL);
    assert_int_equal(get(&x, &kept, 2), 1);
    x.arg = &arg;
    x.args = 1;
    assert_int_equal(get(&x, &kept, 2), 1);
    x.env = &pair;
    x.envs = 1;
    assert_int_equal(get(&x, &kept, 2), 1);
    x.env = &other;
    assert_int_equal(get(&x, &kept, 2), 1);
    kube_exec_free(&kept);
}

/* What the kubeconfig says goes over our own environment, and the protocol's variable is never
 * ours. */
static void its_environment(void **state)
{
    struct kubeconfig_pair pair = {STR_LIT("WORD"), STR_LIT("theirs")};
    struct kubeconfig_exec x = the_program();
    struct kube_exec kept = {0};
    struct until until = {.at = clock_mono() + 600 * NS_PER_S};
    struct err e;

    (void)state;
    assert_int_equal(setenv("WORD", "ours", 1), 0);
    assert_int_equal(setenv("KUBERNETES_EXEC_INFO", "ours", 1), 0);
    write_answer(
        "\"status\":{\"token\":\"'$(env | grep -c ^WORD=)$WORD$(env | grep -c =ours$)'\"}");
    x.env = &pair;
    x.envs = 1;
    if (kube_exec_get(&x, &until, &kept, &e) != 0)
        fail_msg("%s", e.text);
    assert_string_equal(kept.token.p, "1theirs0");
    kube_exec_free(&kept);
}

static void members_that_are_no_strings_or_empty(void **state)
{
    struct kubeconfig_exec x = the_program();
    struct kube_exec kept = {0};
    struct until until = {.at = clock_mono() + 600 * NS_PER_S};
    struct err e;

    (void)state;
    write_answer("\"status\":{\"token\":3}");
    assert_int_equal(kube_exec_get(&x, &until, &kept, &e), -1);
    assert_non_null(strstr(e.text, "a member that must be a string is none"));
    write_answer("\"status\":{\"token\":\"t\",\"expirationTimestamp\":\"\"}");
    assert_int_equal(get(&x, &kept, 2), 1); /* an empty one is none */
    kube_exec_free(&kept);
}

static void it_is_given_no_more_time_than_there_is(void **state)
{
    struct until over = {.at = clock_mono()};
    struct kubeconfig_exec x = the_program();
    struct kube_exec kept = {0};
    struct err e;

    (void)state;
    write_program(NULL);
    assert_int_equal(kube_exec_get(&x, &over, &kept, &e), -1);
    assert_null(kept.arena);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_until_they_expire),
        cmocka_unit_test(another_program_has_others),
        cmocka_unit_test(its_environment),
        cmocka_unit_test(members_that_are_no_strings_or_empty),
        cmocka_unit_test(it_is_given_no_more_time_than_there_is),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
