/* SPDX-License-Identifier: MIT */
/* The store, played for the writer's test: what each call is to answer, and which were made. */
#ifndef AR_WRITER_STAGE_H
#define AR_WRITER_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store_queues.h"
#include "writer.h"

/* What each call answers, and which calls were made: b(egin) p(oint) k(eep) u(ndo) r(ollback)
 * c(ommit) C(heckpoint). */
struct store {
    enum err_code begin, undo, commit;
    char calls[64];
    int opened, commits;
    int64_t written;
    int unsettled; /* so many times what was put off cannot be written */
    bool gave_up;
};

static struct store stage;

/* Only the first calls are kept: the tests that look are short. */
static int play(struct store *s, char call, enum err_code code, struct err *e)
{
    size_t n = strlen(s->calls);

    if (n + 1 < sizeof s->calls)
        s->calls[n] = call;
    return code == ERR_NONE ? 0 : err_set(e, code, "played");
}

int store_open(const struct conf *conf, enum store_mode mode, struct store **s, struct err *e)
{
    (void)conf;
    assert_int_equal(mode, STORE_WRITE);
    *s = &stage;
    stage.opened++;
    return stage.opened == 1 ? 0 : err_set(e, ERR_INTERNAL, "opened twice");
}

void store_close(struct store *s)
{
    s->opened--;
}

int store_begin(struct store *s, int64_t wait, struct err *e)
{
    assert_true(wait > 0);
    return play(s, 'b', s->begin, e);
}

int store_commit(struct store *s, struct err *e)
{
    s->commits++;
    return play(s, 'c', s->commit, e);
}

void store_gather(struct store *s)
{
    assert_false(s->gave_up);
}

int store_settle(struct store *s, struct err *e)
{
    if (s->unsettled == 0)
        return 0;
    s->unsettled--;
    s->gave_up = true;
    return err_set(e, ERR_INTERNAL, "played");
}

bool store_gave_up(const struct store *s)
{
    return s->gave_up;
}

void store_rollback(struct store *s)
{
    s->gave_up = false;
    (void)play(s, 'r', ERR_NONE, NULL);
}

int64_t store_written(const struct store *s)
{
    return s->written;
}

int store_point(struct store *s, struct err *e)
{
    return play(s, 'p', ERR_NONE, e);
}

int store_point_keep(struct store *s, struct err *e)
{
    return play(s, 'k', ERR_NONE, e);
}

int store_point_undo(struct store *s, struct err *e)
{
    return play(s, 'u', s->undo, e);
}

struct stats *store_stats(struct store *s)
{
    (void)s;
    return NULL;
}

void store_checkpoint_if_due(struct store *s)
{
    (void)s;
}

const char *store_wake_path(const struct store *s)
{
    (void)s;
    return "/nonexistent/wake";
}

#endif
