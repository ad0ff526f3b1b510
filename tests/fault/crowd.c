/* SPDX-License-Identifier: MIT */
/*
 * Many on one database: `crowd CONFIG write SECONDS NAME` creates the jobs NAME-0, NAME-1, … of the
 * type "lab", one to five in a transaction, and prints at the end how many are on disk; `crowd
 * CONFIG checkpoint SECONDS -` brings the log into the file again and again; `crowd CONFIG read
 * SECONDS -` lists, and says what is not so: of each name there are the jobs from 0 on to some
 * number, which never gets smaller, and each is as it was made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "json_in.h"
#include "num.h"
#include "store.h"

enum { TEXT_MAX = 4096, NAMES = 8, AT_ONCE = 5, NOTE = 1000 };

struct crowd {
    const struct conf *conf;
    struct store *s;
    const char *name;
    int64_t end; /* clock_mono */
};

static void note_of(char note[NOTE + 1], int64_t n)
{
    memset(note, 'a' + (int)(n % 26), NOTE);
    note[NOTE] = '\0';
}

static int create(struct crowd *c, int64_t n, struct err *e)
{
    char json[TEXT_MAX], note[NOTE + 1];
    struct json_doc *doc;
    struct job_new job;
    struct job j;
    int rc;

    note_of(note, n);
    (void)snprintf(json, sizeof json,
                   "{\"request_id\":\"%s-%lld\",\"owner_id\":\"o\",\"callback\":\"http://c.example/"
                   "%s/%lld\",\"data\":{\"note\":\"%s\"}}",
                   c->name, (long long)n, c->name, (long long)n, note);
    if (json_in_parse(str_of(json), &doc, e) != 0)
        return -1;
    rc = job_parse_new(conf_queue(c->conf, STR_LIT("lab")), STR_LIT("lab"), json_in_root(doc), &job,
                       e);
    if (rc == 0) {
        rc = store_create(c->s, &job, clock_now(), &j, e);
        job_new_free(&job);
    }
    json_in_free(doc);
    return rc;
}

static int run_writer(struct crowd *c, struct err *e)
{
    int64_t n = 0, i, some;

    while (clock_mono() < c->end) {
        some = 1 + n % AT_ONCE;
        if (store_begin(c->s, 30 * NS_PER_S, e) != 0)
            return -1;
        for (i = 0; i < some; i++) {
            if (create(c, n + i, e) != 0) {
                store_rollback(c->s);
                return -1;
            }
        }
        if (store_commit(c->s, e) != 0)
            return -1;
        n += some;
    }
    printf("%lld\n", (long long)n);
    return 0;
}

static int run_checkpoints(struct crowd *c, struct err *e)
{
    int64_t n = 0;

    (void)e;
    while (clock_mono() < c->end)
        n += store_checkpoint(c->s);
    printf("%lld\n", (long long)n);
    return 0;
}

/* ---- reading ---- */

struct seen {
    char name[16];
    int64_t next, before; /* the number of jobs in this list, and in the last */
};

static struct seen *seen_of(struct seen seen[NAMES], struct str name)
{
    int i;

    for (i = 0; i < NAMES - 1 && seen[i].name[0]; i++) {
        if (str_is(name, seen[i].name))
            break;
    }
    if (!seen[i].name[0])
        (void)snprintf(seen[i].name, sizeof seen[i].name, "%.*s", (int)name.n, name.p);
    return &seen[i];
}

/* The jobs come in the order in which they were made. */
static int look_at(struct seen seen[NAMES], const struct job *j, struct err *e)
{
    const char *dash = memchr(j->request_id.p, '-', j->request_id.n);
    char note[NOTE + 1];
    struct seen *s;
    int64_t n;

    if (!dash ||
        num_i64((struct str){dash + 1, j->request_id.n - (size_t)(dash + 1 - j->request_id.p)}, 0,
                INT64_MAX, &n) != 0)
        return err_set(e, ERR_INTERNAL, "a job has another name");
    s = seen_of(seen, (struct str){j->request_id.p, (size_t)(dash - j->request_id.p)});
    if (n != s->next)
        return err_set(e, ERR_INTERNAL, "behind %s-%lld comes %lld", s->name,
                       (long long)s->next - 1, (long long)n);
    note_of(note, n);
    if (!memmem(j->data.p, j->data.n, note, NOTE))
        return err_set(e, ERR_INTERNAL, "%s-%lld is not as it was made", s->name, (long long)n);
    s->next++;
    return 0;
}

static int run_reader(struct crowd *c, struct err *e)
{
    struct store_filter all = {.type = STR_LIT("lab")};
    struct seen seen[NAMES] = {0};
    int64_t lists = 0;
    struct job j;
    int i, rc;

    for (; clock_mono() < c->end; lists++) {
        if (store_list_begin(c->s, &all, e) != 0)
            return -1;
        while ((rc = store_list_next(c->s, &j, e)) == 1 && (rc = look_at(seen, &j, e)) == 0)
            continue;
        store_list_end(c->s);
        if (rc < 0)
            return -1;
        for (i = 0; i < NAMES; i++) {
            if (seen[i].next < seen[i].before)
                return err_set(e, ERR_INTERNAL, "of %s there were %lld, and are %lld", seen[i].name,
                               (long long)seen[i].before, (long long)seen[i].next);
            seen[i].before = seen[i].next;
            seen[i].next = 0;
        }
    }
    printf("%lld\n", (long long)lists);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        enum store_mode mode;
        int (*run)(struct crowd *c, struct err *e);
    } roles[] = {{"write", STORE_WRITE, run_writer},
                 {"checkpoint", STORE_WRITE, run_checkpoints},
                 {"read", STORE_READ, run_reader}};
    struct crowd c = {0};
    struct conf *conf;
    struct err e;
    int64_t seconds;
    size_t i;
    int rc = -1;

    if (argc != 5 || num_i64(str_of(argv[3]), 0, 3600, &seconds) != 0 ||
        conf_load(argv[1], &conf, &e) != 0)
        return 2;
    c.conf = conf;
    c.name = argv[4];
    c.end = clock_mono() + seconds * NS_PER_S;
    for (i = 0; i < ARRAY_LEN(roles); i++) {
        if (strcmp(argv[2], roles[i].name) != 0)
            continue;
        rc = store_open(conf, roles[i].mode, &c.s, &e);
        if (rc == 0)
            rc = roles[i].run(&c, &e);
        store_close(c.s);
    }
    if (rc != 0)
        fprintf(stderr, "crowd: %s\n", e.text);
    conf_free(conf);
    return rc == 0 ? 0 : 1;
}
