/* SPDX-License-Identifier: MIT */
/* For targets with a database: one for the whole program, in memory where there is room for that,
 * emptied before each input. */
#ifndef AR_FUZZ_RIG_H
#define AR_FUZZ_RIG_H

#include <dirent.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "fuzz.h"
#include "store.h"
#include "store_check.h"

struct fuzz_rig {
    char dir[64], path[96];
    pid_t owner; /* the process that made it, and takes it away */
    struct conf *conf;
    struct store *writes, *reads;
    sqlite3 *behind; /* SQL of the target's own */
    int64_t written; /* store_written when it was emptied */
};

static struct fuzz_rig *fuzz_rig_made;

static inline void fuzz_rig_end(void)
{
    struct fuzz_rig *r = fuzz_rig_made;
    char path[400];
    struct dirent *d;
    DIR *dir;

    if (!r || r->owner != getpid())
        return;
    store_close(r->reads);
    store_close(r->writes);
    sqlite3_close(r->behind);
    conf_free(r->conf);
    dir = opendir(r->dir);
    while (dir && (d = readdir(dir))) {
        (void)snprintf(path, sizeof path, "%s/%s", r->dir, d->d_name);
        (void)unlink(path);
    }
    (void)closedir(dir);
    (void)rmdir(r->dir);
    free(r);
    fuzz_rig_made = NULL;
}

static inline void fuzz_rig_sql(struct fuzz_rig *r, const char *text)
{
    char *said = NULL;

    if (sqlite3_exec(r->behind, text, NULL, NULL, &said) != SQLITE_OK)
        fuzz_broken(__FILE__, __LINE__, said);
}

/* `more`: YAML behind the database's key. */
static inline struct fuzz_rig *fuzz_rig(const char *more)
{
    struct fuzz_rig *r = fuzz_rig_made;
    char yaml[4096];
    struct err e;

    if (r)
        return r;
    r = fuzz_rig_made = calloc(1, sizeof *r);
    MUST(r);
    r->owner = getpid();
    log_init("fuzz", LOG_LVL_ERROR);
    (void)snprintf(r->dir, sizeof r->dir, "%s/anteroom-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    MUST(mkdtemp(r->dir));
    (void)snprintf(r->path, sizeof r->path, "%s/a.db", r->dir);
    (void)snprintf(yaml, sizeof yaml, "database: %s\nlow_water: 0\n%s", r->path, more);
    if (conf_parse(str_of(yaml), "fuzz", &r->conf, &e) != 0 ||
        store_open(r->conf, STORE_WRITE, &r->writes, &e) != 0 ||
        store_open(r->conf, STORE_READ, &r->reads, &e) != 0)
        fuzz_broken(__FILE__, __LINE__, e.text);
    MUST(sqlite3_open_v2(r->path, &r->behind, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    MUST(atexit(fuzz_rig_end) == 0);
    return r;
}

/* Takes every row away, but that which names the database. */
static inline void fuzz_rig_empty(struct fuzz_rig *r)
{
    static char *text;
    sqlite3_stmt *st;

    if (!text) {
        MUST(sqlite3_prepare_v2(r->behind,
                                "SELECT 'BEGIN;' || group_concat('DELETE FROM ' || name, ';') ||"
                                " ';COMMIT;' FROM sqlite_schema WHERE type = 'table' AND"
                                " name NOT IN ('instance', 'sqlite_stat1')",
                                -1, &st, NULL) == SQLITE_OK &&
             sqlite3_step(st) == SQLITE_ROW);
        text = fuzz_copy(str_of((const char *)sqlite3_column_text(st, 0)));
        MUST(sqlite3_finalize(st) == SQLITE_OK);
    }
    if (store_written(r->writes) != r->written)
        fuzz_rig_sql(r, text);
    r->written = store_written(r->writes);
}

static inline void fuzz_rig_fault(void *ctx, const struct store_fault *f)
{
    (void)ctx;
    fprintf(stderr, "%s: %.*s\n", f->question, (int)f->text.n, f->text.p);
    fuzz_broken(__FILE__, __LINE__, "the database is sound");
}

/* What `anteroom check` asks. */
static inline void fuzz_rig_check(struct fuzz_rig *r)
{
    struct store_checker c = {.now = clock_now(), .fault = fuzz_rig_fault};
    struct store_checked done = {0};
    struct err e;

    if (store_check(r->path, &c, &done, &e) != 0)
        fuzz_broken(__FILE__, __LINE__, e.text);
}

#endif
