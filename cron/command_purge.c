/* SPDX-License-Identifier: MIT */
/* anteroom purge: takes away at once what the dispatcher would take away by and by. */
#include <stdio.h>
#include <time.h>

#include "clock.h"
#include "command.h"
#include "json_out.h"
#include "num.h"
#include "progress.h"
#include "store_pass.h"
#include "store_clock.h"

enum { OPT_OLDER = COMMAND_OWN, OPT_DRY, LOCK_WAIT_S = 10, OUTPUT_MAX = 1 << 16 };

static const struct option options[] = {{"older-than", required_argument, NULL, OPT_OLDER},
                                        {"dry-run", no_argument, NULL, OPT_DRY},
                                        COMMAND_OPTIONS};

struct wish {
    struct conf conf; /* the configuration's, but for the times that things are kept */
    bool dry;
};

static int take_age(const struct command_env *env, struct wish *w)
{
    int64_t ns;

    if (num_duration(str_of(optarg), &ns) != 0 || ns < 60 * NS_PER_S)
        return command_misused(env, "--older-than must be a duration of a minute at least (30d)");
    w->conf.retention = (struct conf_retention){ns, ns, ns};
    return 0;
}

static int read_wish(struct command_env *env, struct wish *w)
{
    int option, rc = 0;

    while (rc == 0 && (option = command_option(env, options)) > 0) {
        if (option == OPT_OLDER)
            rc = take_age(env, w);
        else
            w->dry = true;
    }
    if (rc == 0 && option == 0)
        rc = COMMAND_USAGE;
    if (rc == 0 && optind != env->argc)
        rc = command_misused(env, "there is an argument too many: %s", env->argv[optind]);
    return rc;
}

static int count(struct store *s, struct store_litter *n, struct err *e)
{
    int rc;

    if (store_read_begin(s, e) != 0)
        return -1;
    rc = store_purge_count(s, clock_now(), n, e);
    store_read_end(s);
    return rc;
}

static int64_t all_of(const struct store_litter *n)
{
    return n->jobs + n->events + n->deliveries + n->answers + n->holds + n->receivers;
}

static int step(struct store *s, struct store_purged *done, struct err *e)
{
    if (store_begin(s, LOCK_WAIT_S * NS_PER_S, e) != 0)
        return -1;
    if (store_purge(s, store_now(s), done, e) != 0) {
        store_rollback(s);
        return -1;
    }
    return store_commit(s, e);
}

/* Others want to write as well: they get as long as a step took. */
static void rest(int64_t ns)
{
    struct timespec ts = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

    (void)nanosleep(&ts, NULL);
}

static int purge(struct store *s, int64_t all, struct store_purged *sum, struct err *e)
{
    struct progress *p = progress_new("purging", PROGRESS_THINGS);
    struct store_purged done = {.more = true};
    int64_t start;
    int rc = 0;

    while (rc == 0 && done.more) {
        progress_at(p, sum->pages > 0 ? "giving space back" : "purging", sum->rows,
                    sum->pages > 0 ? 0 : all);
        start = clock_mono();
        rc = step(s, &done, e);
        sum->jobs += done.jobs;
        sum->rows += done.rows;
        sum->pages += done.pages;
        store_checkpoint_if_due(s);
        rest(clock_mono() - start);
    }
    if (rc == 0 && sum->pages > 0)
        (void)store_checkpoint(s); /* only then the file gets shorter; if not now, then later */
    progress_end(p);
    return rc;
}

static void put(struct json_out *o, const char *name, int64_t v)
{
    json_key(o, name);
    json_put_i64(o, v);
}

static void write_count(struct buf *b, const struct store_litter *n, bool as_json)
{
    struct json_out o = JSON_OUT(b);
    const struct {
        const char *name, *text;
        int64_t v;
    } part[] = {
        {"Jobs", "jobs that are over", n->jobs},
        {"Events", "events, those of these jobs too", n->events},
        {"Deliveries", "deliveries, those of these jobs too", n->deliveries},
        {"Answers", "first answers", n->answers},
        {"Holds", "holds that have ended", n->holds},
        {"Receivers", "receivers that nobody calls any more", n->receivers},
    };
    size_t i;

    if (as_json)
        json_open(&o, '{');
    for (i = 0; i < ARRAY_LEN(part); i++) {
        if (as_json)
            put(&o, part[i].name, part[i].v);
        else
            buf_printf(b, "%10lld %s\n", (long long)part[i].v, part[i].text);
    }
    if (as_json) {
        json_close(&o, '}');
        buf_char(b, '\n');
    }
}

static void write_sum(struct buf *b, const struct store_purged *sum, bool as_json)
{
    struct json_out o = JSON_OUT(b);

    if (!as_json) {
        buf_printf(b, "%lld jobs, %lld rows in all; %lld pages given back\n", (long long)sum->jobs,
                   (long long)sum->rows, (long long)sum->pages);
        return;
    }
    json_open(&o, '{');
    put(&o, "Jobs", sum->jobs);
    put(&o, "Rows", sum->rows);
    put(&o, "Pages", sum->pages);
    json_close(&o, '}');
    buf_char(b, '\n');
}

static int run(const struct wish *w, struct store *s, bool as_json)
{
    struct buf b = BUF_INIT(OUTPUT_MAX);
    struct store_purged sum = {0};
    struct store_litter n;
    struct err e;
    int status, rc = count(s, &n, &e);

    if (rc == 0 && !w->dry)
        rc = purge(s, all_of(&n), &sum, &e);
    if (rc == 0 && w->dry)
        write_count(&b, &n, as_json);
    else if (rc == 0)
        write_sum(&b, &sum, as_json);
    status = rc == 0 ? command_print(&b) : command_failed(&e);
    buf_free(&b);
    return status;
}

int command_purge(struct command_env *env)
{
    struct wish w = {.conf = *env->conf};
    struct store *s;
    struct err e;
    int status = read_wish(env, &w);

    if (status != 0)
        return status;
    if (store_open(&w.conf, STORE_WRITE, &s, &e) != 0)
        return command_failed(&e);
    status = run(&w, s, env->json);
    store_close(s);
    return status;
}
