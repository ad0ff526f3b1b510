/* SPDX-License-Identifier: MIT */
/* The files with secrets: what is taken, what is refused, without a word of what stands there, and
 * what happens when they change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "cron/secrets.h"

#define FIRST     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SECOND    "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define FOUR      FIRST "\n" FIRST "\n" FIRST "\n" FIRST "\n"
#define EIGHT     FOUR FOUR
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

struct world {
    char dir[64], path[96], other[96];
    struct conf *conf;
    struct secrets *s;
    int64_t now; /* of secrets_refresh */
    char value[SECRETS_SIGNATURE_MAX];
};

/* A file with this text, as an editor or a tool puts it in place: a new one, renamed. */
static void put(const char *path, const char *text, mode_t mode)
{
    char fresh[128];
    int fd;

    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(rename(fresh, path), 0);
}

static void make(struct world *w)
{
    char yaml[512];
    struct err e;

    *w = (struct world){0};
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/anteroom-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->path, sizeof w->path, "%s/secret", w->dir);
    (void)snprintf(w->other, sizeof w->other, "%s/other", w->dir);
    (void)snprintf(yaml, sizeof yaml,
                   "callback: {secret_file: %s}\nqueues:\n  a: {}\n  b: {secret_file: %s}\n",
                   w->path, w->other);
    assert_int_equal(conf_parse(str_of(yaml), "test", &w->conf, &e), 0);
    put(w->path, FIRST "\n", 0600);
    put(w->other, SECOND "\n", 0640);
    w->now = clock_mono();
}

static void end(struct world *w)
{
    secrets_close(w->s);
    conf_free(w->conf);
    (void)unlink(w->path);
    (void)unlink(w->other);
    assert_int_equal(rmdir(w->dir), 0);
}

static const char *sign(struct world *w, const char *queue)
{
    struct err e;

    assert_int_equal(secrets_sign(w->s, conf_queue(w->conf, str_of(queue)),
                                  STR_LIT("msg_p5jXN8AQM9LWM0D4loKWxJek"), STR_LIT("1614265330"),
                                  STR_LIT("{\"test\": 2432232314}"), w->value, &e),
                     0);
    return w->value;
}

static void open_it(struct world *w)
{
    struct err e;

    if (secrets_open(w->conf, &w->s, &e) != 0)
        fail_msg("%s", e.text);
}

static void refresh(struct world *w)
{
    w->now += 2 * NS_PER_S;
    secrets_refresh(w->s, w->now);
}

static void the_vector_of_standard_webhooks(void **state)
{
    struct world w;

    (void)state;
    make(&w);
    open_it(&w);
    assert_string_equal(sign(&w, "a"), SIGNATURE);
    assert_string_equal(sign(&w, "anything"), SIGNATURE);
    assert_string_not_equal(sign(&w, "b"), SIGNATURE); /* its own file */
    assert_int_equal(strlen(w.value), strlen(SIGNATURE));
    end(&w);
}

static void all_secrets_of_a_file_sign_the_first_one_first(void **state)
{
    struct world w;

    (void)state;
    make(&w);
    put(w.path, "# ours\n\n  " FIRST " \r\n\t\n#" SECOND "\n" SECOND, 0600);
    open_it(&w);
    assert_memory_equal(sign(&w, "a"), SIGNATURE " v1,", strlen(SIGNATURE) + 4);
    assert_int_equal(strlen(w.value), 2 * strlen(SIGNATURE) + 1);
    secrets_close(w.s);
    put(w.path, EIGHT, 0600);
    open_it(&w);
    assert_int_equal(strlen(sign(&w, "a")), SECRETS_MAX * (strlen(SIGNATURE) + 1) - 1);
    end(&w);
}

static void without_a_file_nothing_is_signed(void **state)
{
    struct world w = {0};
    struct err e;

    (void)state;
    assert_int_equal(conf_parse(STR_LIT("queues: {}\n"), "test", &w.conf, &e), 0);
    open_it(&w);
    assert_string_equal(sign(&w, "a"), "");
    secrets_close(w.s);
    conf_free(w.conf);
}

static void what_is_no_file_of_secrets_is_refused(void **state)
{
    static const struct {
        const char *text, *word;
        mode_t mode;
    } cases[] = {
        {"", "holds no secret", 0600},
        {"# " FIRST "\n\n", "holds no secret", 0600},
        {FIRST "\nwhsec_\n", ":2: no secret", 0600},
        {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", ":1: no secret", 0600},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS\n", ":1: no secret", 0600},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa==\n", ":1: no secret", 0600}, /* 22 bytes */
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!\n", ":1: no secret", 0600},
        {"whsec_MfKQ9r8GKYqrTwjU PD8ILPZIo2LaLaSw\n", ":1: no secret", 0600},
        {FIRST "\n", "others may use it", 0644},
        {FIRST "\n", "others may use it", 0604},
        {FIRST "\n", "others may use it", 0660},
        {FIRST "\n", "others may use it", 0602},
    };
    struct world w;
    struct err e;
    size_t i;

    (void)state;
    make(&w);
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        put(w.path, cases[i].text, cases[i].mode);
        assert_int_equal(secrets_open(w.conf, &w.s, &e), -1);
        assert_int_equal(e.code, ERR_CONFIG);
        if (!strstr(e.text, cases[i].word) || strncmp(e.text, w.path, strlen(w.path)) != 0)
            fail_msg("%zu: %s", i, e.text);
        assert_null(strstr(e.text, "MfKQ"));
    }
    assert_int_equal(unlink(w.path), 0);
    assert_int_equal(secrets_open(w.conf, &w.s, &e), -1);
    assert_int_equal(mkdir(w.path, 0700), 0);
    assert_int_equal(secrets_open(w.conf, &w.s, &e), -1);
    assert_int_equal(rmdir(w.path), 0);
    w.s = NULL;
    end(&w);
}

static void too_many_or_too_long_ones_are_refused(void **state)
{
    static const char longest[] =
        "whsec_"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "==\n";
    char text[128];
    struct world w;
    struct err e;

    (void)state;
    make(&w);
    put(w.path, EIGHT SECOND, 0600);
    assert_int_equal(secrets_open(w.conf, &w.s, &e), -1);
    assert_non_null(strstr(e.text, ":9: more than 8 secrets"));
    put(w.path, longest, 0600); /* 64 bytes */
    open_it(&w);
    secrets_close(w.s);
    w.s = NULL;
    (void)snprintf(text, sizeof text, "%.*s=\n", (int)(strlen(longest) - 3), longest);
    put(w.path, text, 0600); /* 65 */
    assert_int_equal(secrets_open(w.conf, &w.s, &e), -1);
    end(&w);
}

static void a_secret_in_place_of_a_path_is_not_shown(void **state)
{
    struct world w = {0};
    struct err e;

    (void)state;
    assert_int_equal(
        conf_parse(STR_LIT("callback: {secret_file: " FIRST "}\n"), "test", &w.conf, &e), 0);
    assert_int_equal(secrets_open(w.conf, &w.s, &e), -1);
    assert_null(strstr(e.text, "MfKQ"));
    conf_free(w.conf);
}

static void a_file_that_changes_is_read_again(void **state)
{
    struct world w;
    char before[SECRETS_SIGNATURE_MAX];

    (void)state;
    make(&w);
    open_it(&w);
    (void)snprintf(before, sizeof before, "%s", sign(&w, "b"));
    put(w.path, SECOND "\n", 0600);
    secrets_refresh(w.s, w.now); /* not within the second */
    assert_string_equal(sign(&w, "a"), SIGNATURE);
    refresh(&w);
    assert_string_equal(sign(&w, "a"), before);
    put(w.path, SECOND "\n" FIRST "\n", 0600);
    refresh(&w);
    assert_int_equal(strlen(sign(&w, "a")), 2 * strlen(SIGNATURE) + 1);
    assert_string_equal(strchr(w.value, ' ') + 1, SIGNATURE);
    end(&w);
}

/* Where its time is not of the last seconds, a file that has not changed is not even read. */
static void a_file_that_is_as_it_was_is_not_read_again(void **state)
{
    struct world w;
    static const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    int fd;

    (void)state;
    make(&w);
    assert_int_equal(utimensat(AT_FDCWD, w.path, old, 0), 0);
    open_it(&w);
    fd = open(w.path, O_WRONLY);
    assert_int_equal(write(fd, SECOND "\n", strlen(SECOND) + 1), strlen(SECOND) + 1);
    assert_int_equal(futimens(fd, old), 0);
    assert_int_equal(close(fd), 0);
    refresh(&w);
    assert_string_equal(sign(&w, "a"), SIGNATURE);
    end(&w);
}

/* The same size, file and time as before: within the clock's grain nothing else tells. */
static void a_change_in_the_same_moment_is_seen(void **state)
{
    struct world w;
    struct stat st;
    struct timespec same[2];
    int fd;

    (void)state;
    make(&w);
    open_it(&w);
    assert_int_equal(stat(w.path, &st), 0);
    fd = open(w.path, O_WRONLY);
    assert_int_equal(write(fd, SECOND "\n", strlen(SECOND) + 1), strlen(SECOND) + 1);
    same[0] = st.st_atim;
    same[1] = st.st_mtim;
    assert_int_equal(futimens(fd, same), 0);
    assert_int_equal(close(fd), 0);
    refresh(&w);
    assert_string_not_equal(sign(&w, "a"), SIGNATURE);
    end(&w);
}

static void a_bad_new_file_keeps_the_old_secrets(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
    } bad[] = {{"", 0600}, {"whsec_no\n", 0600}, {SECOND "\n", 0644}};
    struct world w;
    size_t i;

    (void)state;
    make(&w);
    open_it(&w);
    for (i = 0; i < ARRAY_LEN(bad); i++) {
        put(w.path, bad[i].text, bad[i].mode);
        refresh(&w);
        assert_string_equal(sign(&w, "a"), SIGNATURE);
    }
    assert_int_equal(unlink(w.path), 0);
    refresh(&w);
    assert_string_equal(sign(&w, "a"), SIGNATURE);
    put(w.path, SECOND "\n", 0600);
    refresh(&w);
    assert_string_not_equal(sign(&w, "a"), SIGNATURE);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_standard_webhooks),
        cmocka_unit_test(all_secrets_of_a_file_sign_the_first_one_first),
        cmocka_unit_test(without_a_file_nothing_is_signed),
        cmocka_unit_test(what_is_no_file_of_secrets_is_refused),
        cmocka_unit_test(too_many_or_too_long_ones_are_refused),
        cmocka_unit_test(a_secret_in_place_of_a_path_is_not_shown),
        cmocka_unit_test(a_file_that_changes_is_read_again),
        cmocka_unit_test(a_file_that_is_as_it_was_is_not_read_again),
        cmocka_unit_test(a_change_in_the_same_moment_is_seen),
        cmocka_unit_test(a_bad_new_file_keeps_the_old_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
