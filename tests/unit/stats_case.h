/* SPDX-License-Identifier: MIT */
/* What the tests of counted numbers share: a folder with the file in it. */
#ifndef STATS_CASE_H
#define STATS_CASE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stats.h"

#define VM  STR_LIT("vm")
#define NOW (1700000000 * NS_PER_S)

/* Another way to write the same path is another mapping of the file, as another process has it. */
struct world {
    char dir[64], path[96], same[96];
};

static inline int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/anteroom-stats.XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->path, sizeof w->path, "%s/s.stats", w->dir);
    (void)snprintf(w->same, sizeof w->same, "%s/./s.stats", w->dir);
    *state = w;
    return 0;
}

static inline int tear_down(void **state)
{
    struct world *w = *state;

    (void)unlink(w->path);
    assert_int_equal(rmdir(w->dir), 0); /* nothing else was left */
    free(w);
    return 0;
}

static inline struct stats *open_it(const char *path)
{
    struct stats *s = stats_open(path, true);

    assert_non_null(s);
    return s;
}

static inline int64_t created(struct stats *s, struct str type)
{
    struct stats_queue q;

    stats_queue(s, type, NOW, &q);
    return q.created;
}

static inline void spoil(const char *path, off_t at, const char *bytes)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    if (bytes)
        assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
    else
        assert_int_equal(ftruncate(fd, at), 0);
    assert_int_equal(close(fd), 0);
}

#define IN_A_WORLD(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
