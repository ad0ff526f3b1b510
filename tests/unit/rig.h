/* SPDX-License-Identifier: MIT */
/* A database of its own for each test: a temporary folder, a configuration, a store open for
 * writing. */
#ifndef AR_RIG_H
#define AR_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <unistd.h>

#include "conf.h"
#include "store.h"
#include "store_pass.h"

struct rig {
    char dir[64];
    char path[96]; /* of the database */
    struct conf *conf;
    struct store *s;
    int64_t now; /* the tests' own clock: every rig_ call moves it on by a microsecond */
    char text[512];
};

/* Asserts that a call went well, and says the error when it did not. */
#define OK(call, e)                                                                                \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s: %s (%s)", #call, (e)->text, (e)->pointer);                               \
    } while (0)

static inline void rig_open(struct rig *r)
{
    struct err e;

    OK(store_open(r->conf, STORE_WRITE, &r->s, &e), &e);
}

static inline void rig_begin(struct rig *r)
{
    struct err e;

    OK(store_begin(r->s, NS_PER_S, &e), &e);
}

static inline void rig_commit(struct rig *r)
{
    struct err e;

    OK(store_commit(r->s, &e), &e);
}

/* `more`: YAML behind the database's key. */
static inline void rig_make(struct rig *r, const char *more)
{
    char yaml[2048];
    struct err e;

    *r = (struct rig){.now = INT64_C(1700000000) * NS_PER_S};
    (void)snprintf(r->dir, sizeof r->dir, "/tmp/anteroom-test-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->path, sizeof r->path, "%s/a.db", r->dir);
    (void)snprintf(yaml, sizeof yaml, "database: %s\nlow_water: 0\n%s", r->path, more);
    OK(conf_parse(str_of(yaml), "test", &r->conf, &e), &e);
    rig_open(r);
}

static inline void rig_free(struct rig *r)
{
    struct dirent *d;
    DIR *dir;

    store_close(r->s);
    conf_free(r->conf);
    dir = opendir(r->dir);
    while (dir && (d = readdir(dir))) {
        (void)snprintf(r->text, sizeof r->text, "%s/%s", r->dir, d->d_name);
        (void)unlink(r->text);
    }
    (void)closedir(dir);
    (void)rmdir(r->dir);
}

/* A new job from its JSON, in a transaction of its own. Returns 0, or -1 and *e. *j holds numbers
 * only. */
static inline int rig_post(struct rig *r, const char *type, const char *json, struct job *j,
                           struct err *e)
{
    struct json_doc *doc;
    struct job_new n;
    int rc;

    OK(json_in_parse(str_of(json), &doc, e), e);
    OK(job_parse_new(conf_queue(r->conf, str_of(type)), str_of(type), json_in_root(doc), &n, e), e);
    rig_begin(r);
    r->now += NS_PER_US;
    rc = store_create(r->s, &n, r->now, j, e);
    if (rc == 0)
        rig_commit(r);
    else
        store_rollback(r->s);
    job_new_free(&n);
    json_in_free(doc);
    return rc;
}

/* A job of one instance: request_id and callback are `id`. Returns the job's ID. */
static inline int64_t rig_add(struct rig *r, const char *type, const char *id, const char *data)
{
    char json[512];
    struct err e;
    struct job j;

    (void)snprintf(json, sizeof json,
                   "{\"request_id\":\"%s\",\"owner_id\":\"o\",\"callback\":\"http://c.example/%s/"
                   "%s\",\"data\":%s}",
                   id, type, id, data);
    OK(rig_post(r, type, json, &j, &e), &e);
    return j.id;
}

/* A change from its JSON. 0, or -1 and *e, nothing changed. */
static inline int rig_change_if(struct rig *r, const char *type, const char *id, const char *json,
                                const struct store_match *match, struct err *e)
{
    struct json_doc *doc;
    struct job_change c;
    int rc;

    OK(json_in_parse(str_of(json), &doc, e), e);
    OK(job_parse_change(conf_queue(r->conf, str_of(type)), str_of(type), json_in_root(doc), &c, e),
       e);
    rig_begin(r);
    r->now += NS_PER_US;
    rc = store_change(r->s, str_of(type), str_of(id), &c, match, r->now, e);
    if (rc == 0)
        rig_commit(r);
    else
        store_rollback(r->s);
    job_change_free(&c);
    json_in_free(doc);
    return rc;
}

static inline int rig_change(struct rig *r, const char *type, const char *id, const char *json,
                             struct err *e)
{
    struct store_match any = {0};

    return rig_change_if(r, type, id, json, &any, e);
}

/* Takes away all that is kept no longer at `now`, step by step. */
static inline struct store_purged rig_purge(struct rig *r, int64_t now)
{
    struct store_purged sum = {0}, step;
    struct err e;

    do {
        rig_begin(r);
        OK(store_purge(r->s, now, &step, &e), &e);
        rig_commit(r);
        assert_in_range(step.rows, 0, 500);
        sum.jobs += step.jobs;
        sum.rows += step.rows;
        sum.pages += step.pages;
    } while (step.more);
    return sum;
}

/* The request_ids of a list, joined by commas, in r->text. */
static inline const char *rig_list(struct rig *r, const struct store_filter *f)
{
    struct job j;
    struct err e;
    size_t n = 0;
    int rc;

    r->text[0] = '\0';
    OK(store_list_begin(r->s, f, &e), &e);
    while ((rc = store_list_next(r->s, &j, &e)) == 1)
        n += (size_t)snprintf(r->text + n, sizeof r->text - n, "%s%.*s", n ? "," : "",
                              (int)j.request_id.n, j.request_id.p);
    assert_int_equal(rc, 0);
    store_list_end(r->s);
    return r->text;
}

#endif
