/* SPDX-License-Identifier: MIT */
/* Is a database file sound? What fails because the file is damaged is a fault that was found. */
#include "store_check.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "db_look.h"
#include "lock.h"
#include "migrate.h"
#include "store_check_schema.h"

/* How far ahead a clock may have been. */
#define LATEST    (86400 * NS_PER_S)
#define LOCK_WAIT (10 * NS_PER_S)

enum { TEXT_MAX = 1024, GENERAL = 4 /* questions before Anteroom's own */ };

struct work {
    const struct store_checker *c;
    struct store_checked *done;
    struct db_look *l;
    const char *question; /* that is looked at */
    int64_t told;         /* of its faults */
};

static void tell(struct work *w, struct str text)
{
    struct store_fault f = {w->question, text};

    w->done->faults++;
    if (w->told++ < STORE_FAULTS_MAX)
        w->c->fault(w->c->ctx, &f);
}

static int take(void *ctx, const struct str column[DB_LOOK_COLUMNS], struct err *e)
{
    (void)e;
    tell(ctx, column[0].p ? column[0] : STR_LIT("a fault without a text"));
    return 0;
}

/* integrity_check says one "ok" where there is nothing to say. */
static int take_integrity(void *ctx, const struct str column[DB_LOOK_COLUMNS], struct err *e)
{
    return column[0].p && str_is(column[0], "ok") ? 0 : take(ctx, column, e);
}

/* The table, its row, and the table that it refers to. */
static int take_reference(void *ctx, const struct str column[DB_LOOK_COLUMNS], struct err *e)
{
    char text[TEXT_MAX];

    (void)e;
    (void)snprintf(text, sizeof text, "a row of %s%s%s refers to a row of %s that is not there",
                   column[0].p ? column[0].p : "?", column[1].p ? ", rowid " : "",
                   column[1].p ? column[1].p : "", column[2].p ? column[2].p : "?");
    tell(ctx, str_of(text));
    return 0;
}

/* What a page belongs to, where that can still be found out. */
static int take_name(void *ctx, const struct str column[DB_LOOK_COLUMNS], struct err *e)
{
    char *text = ctx;

    (void)e;
    if (column[0].p)
        (void)snprintf(text, TEXT_MAX / 2, " of %.*s", (int)column[0].n, column[0].p);
    return 0;
}

static bool take_page(void *ctx, const struct db_sum_fault *fault)
{
    struct work *w = ctx;
    char text[TEXT_MAX], of[TEXT_MAX / 2] = "";
    struct err ignored;

    if (fault->page && w->told < STORE_FAULTS_MAX) {
        db_look_lenient(w->l, true);
        (void)!db_look_rows(w->l, "SELECT name FROM dbstat WHERE pageno = ?1", fault->page,
                            take_name, of, &ignored);
        db_look_lenient(w->l, false);
    }
    if (fault->in_log && fault->frame == 0)
        (void)snprintf(text, sizeof text, "the header of the log is not as it was written");
    else if (fault->in_log)
        (void)snprintf(text, sizeof text,
                       "page %u%s, frame %u of the log, is not as it was written",
                       (unsigned)fault->page, of, (unsigned)fault->frame);
    else
        (void)snprintf(text, sizeof text, "page %u%s is not as it was written",
                       (unsigned)fault->page, of);
    tell(w, str_of(text));
    return true;
}

static int ask_sums(struct work *w, struct err *e)
{
    w->done->summed = db_look_has_sums(w->l);
    return db_look_scan(w->l, take_page, w, e);
}

static int ask_schema(struct work *w, struct err *e)
{
    return store_check_schema(w->l, take, w, e);
}

static int ask_integrity(struct work *w, struct err *e)
{
    return db_look_rows(w->l, "PRAGMA integrity_check", 0, take_integrity, w, e);
}

static int ask_references(struct work *w, struct err *e)
{
    return db_look_rows(w->l, "PRAGMA foreign_key_check", 0, take_reference, w, e);
}

static void tell_rest(struct work *w)
{
    char text[64];

    if (w->told <= STORE_FAULTS_MAX)
        return;
    (void)snprintf(text, sizeof text, "and %lld more", (long long)(w->told - STORE_FAULTS_MAX));
    w->c->fault(w->c->ctx, &(struct store_fault){w->question, str_of(text)});
}

/* One question, by `ask` or by its own statement. 0, or -1: the file could not be read. */
static int look_at(struct work *w, const struct store_question *q,
                   int (*ask)(struct work *w, struct err *e), struct err *e)
{
    int rc;

    w->question = q->name;
    w->told = 0;
    if (w->c->next)
        w->c->next(w->c->ctx, q->what, w->done->questions, GENERAL + store_questions_count);
    w->done->questions++;
    rc = ask ? ask(w, e) : db_look_rows(w->l, q->sql, w->c->now + LATEST, take, w, e);
    if (rc != 0 && (db_look_broken(w->l) || (!ask && db_look_unfit(w->l)))) {
        tell(w, str_of(e->text)); /* a question that cannot be asked finds no answer either */
        rc = 0;
    }
    tell_rest(w);
    return rc;
}

/* What file is it? 1 go on; 0 it is none of Anteroom's, or damaged, which is told; -1. Page 1 is
 * taken as it is here, so that it can be told of as of any other. */
static int identify(struct work *w, struct err *e)
{
    int64_t id;
    int rc;

    w->question = "integrity";
    if (db_look_begin(w->l, e) != 0)
        return -1;
    db_look_lenient(w->l, true);
    rc = db_look_number(w->l, "PRAGMA application_id", &id, e);
    if (rc == 0)
        rc = db_look_number(w->l, "PRAGMA user_version", &w->done->version, e);
    db_look_lenient(w->l, false);
    if (rc != 0) {
        if (!db_look_broken(w->l))
            return -1;
        tell(w, str_of(e->text));
        return 0;
    }
    if (id == MIGRATE_APPLICATION_ID)
        return 1;
    tell(w, STR_LIT("the file is an SQLite database, but none of Anteroom's"));
    return 0;
}

static int look(struct work *w, struct err *e)
{
    static const struct {
        struct store_question question;
        int (*ask)(struct work *w, struct err *e);
    } general[GENERAL] = {
        {{"sums", "pages are as they were written", NULL}, ask_sums},
        {{"integrity", "pages, rows and indices agree", NULL}, ask_integrity},
        {{"references", "what is referred to is there", NULL}, ask_references},
        {{"schema", "tables and indices are those of this version", NULL}, ask_schema},
    };
    size_t i, first = ARRAY_LEN(general);
    int rc = identify(w, e);

    if (rc != 1)
        return rc;
    w->done->skipped = w->done->version != migrate_count;
    if (w->done->skipped)
        first--; /* and none of Anteroom's own */
    for (i = 0, rc = 0; rc == 0 && i < first; i++)
        rc = look_at(w, &general[i].question, general[i].ask, e);
    for (i = 0; rc == 0 && !w->done->skipped && i < store_questions_count; i++)
        rc = look_at(w, &store_questions[i], NULL, e);
    return rc;
}

int store_check(const char *path, const struct store_checker *c, struct store_checked *done,
                struct err *e)
{
    struct work w = {.c = c, .done = done};
    int rc;

    *done = (struct store_checked){0};
    if (db_look_open(path, &w.l, e) != 0)
        return -1;
    rc = look(&w, e);
    db_look_end(w.l);
    db_look_close(w.l);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}

static int take_verdict(void *ctx, const struct str column[DB_LOOK_COLUMNS], struct err *e)
{
    (void)ctx;
    return column[0].p && str_is(column[0], "ok")
               ? 0
               : err_set(e, ERR_UNAVAILABLE,
                         "it is damaged, and stays as it is; only a backup helps: %.*s",
                         (int)column[0].n, column[0].p ? column[0].p : "");
}

/* Only where the programs have made their lock file: a copy is given none. 0 and *fd (-1: none). */
static int take_lock(const char *path, int *fd, struct err *e)
{
    char lock[PATH_MAX + 8];
    int got;

    *fd = -1;
    (void)snprintf(lock, sizeof lock, "%s.lock", path);
    if (access(lock, F_OK) != 0)
        return 0;
    if (lock_open(lock, fd, e) != 0)
        return -1;
    got = lock_take(*fd, clock_mono() + LOCK_WAIT, e);
    return got == 1  ? 0
           : got < 0 ? -1
                     : err_set(e, ERR_UNAVAILABLE, "another program writes to it");
}

int store_check_resum(const char *path, struct err *e)
{
    struct db_look *l = NULL;
    int lock, rc = take_lock(path, &lock, e);

    if (rc == 0)
        rc = db_look_open(path, &l, e);
    if (rc == 0) {
        db_look_lenient(l, true);
        rc = db_look_rows(l, "PRAGMA integrity_check(1)", 0, take_verdict, NULL, e);
    }
    if (rc == 0)
        rc = db_look_renew(l, e);
    db_look_close(l);
    if (lock >= 0)
        (void)close(lock);
    return rc == 0 ? 0 : err_wrap(e, "%s", path);
}
