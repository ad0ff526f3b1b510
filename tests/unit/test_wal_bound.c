/* SPDX-License-Identifier: MIT */
/* The WAL does not grow for ever, though at every moment somebody reads. */
#include "rig.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READERS = 2,
    READ_US = 60 * 1000, /* longer than an ordinary checkpoint waits, and far less than one must */
    BODY = 1 << 20,
    BODIES = 4,         /* in one transaction: 1,000 pages */
    PAGES_MOST = 20000, /* twice what makes a checkpoint due, and one that fails besides */
    COMMITS = 36
};

struct reader {
    const struct conf *conf;
    atomic_bool *over;
    sem_t *turn, *next; /* one begins before the other ends */
    pthread_t thread;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;
    int64_t version;
    struct store *s;
    struct err e;

    OK(store_open(r->conf, STORE_READ, &s, &e), &e);
    while (!atomic_load(r->over)) {
        (void)sem_wait(r->turn);
        OK(store_read_begin(s, &e), &e);
        OK(store_queue_version(s, STR_LIT("vm"), &version, &e), &e);
        (void)sem_post(r->next);
        (void)usleep(READ_US);
        store_read_end(s);
    }
    (void)sem_post(r->next);
    store_close(s);
    return NULL;
}

static void save_bodies(struct rig *r, int number, const char *body)
{
    static const unsigned char digest[STORE_DIGEST] = {1};
    struct store_answer a = {.status = 201, .body = {body, BODY}};
    char key[32];
    struct err e;
    int i;

    rig_begin(r);
    for (i = 0; i < BODIES; i++) {
        (void)snprintf(key, sizeof key, "k%d-%d", number, i);
        OK(store_answer_save(r->s, STR_LIT("vm"), str_of(key), digest, &a, r->now, &e), &e);
    }
    rig_commit(r);
    store_checkpoint_if_due(r->s);
}

static int64_t wal_pages(struct rig *r)
{
    char path[128];
    struct stat st;

    (void)snprintf(path, sizeof path, "%s-wal", r->path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_size / 4120;
}

static void readers_that_take_turns_do_not_let_it_grow(void **state)
{
    struct reader reader[READERS];
    int64_t most = 0, pages;
    atomic_bool over = false;
    sem_t turn[READERS];
    struct rig r;
    char *body = malloc(BODY);
    int i;

    (void)state;
    assert_non_null(body);
    memset(body, 'x', BODY);
    rig_make(&r, "");
    for (i = 0; i < READERS; i++)
        (void)sem_init(&turn[i], 0, i == 0);
    for (i = 0; i < READERS; i++) {
        reader[i] = (struct reader){r.conf, &over, &turn[i], &turn[(i + 1) % READERS], 0};
        assert_int_equal(pthread_create(&reader[i].thread, NULL, read_on, &reader[i]), 0);
    }
    for (i = 0; i < COMMITS; i++) {
        save_bodies(&r, i, body);
        pages = wal_pages(&r);
        most = pages > most ? pages : most;
    }
    atomic_store(&over, true);
    for (i = 0; i < READERS; i++)
        (void)pthread_join(reader[i].thread, NULL);
    assert_in_range(most, 8000, PAGES_MOST);
    free(body);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_that_take_turns_do_not_let_it_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
