/* SPDX-License-Identifier: MIT */
/* What the subcommands about jobs share: whom they name, and doing something to each. */
#include "command_jobs.h"

#include <stdio.h>
#include <unistd.h>

#include "seen.h"
#include "wake.h"
#include "store_clock.h"

enum { OUTPUT_MAX = 64 << 20 };

int command_take_type(const struct command_env *env, struct str *type)
{
    struct err e;

    if (optind >= env->argc)
        return command_misused(env, "a TYPE is missing");
    *type = str_of(env->argv[optind++]);
    return job_check_name(*type, "the TYPE", &e) == 0 ? COMMAND_OK
                                                      : command_misused(env, "%s", e.text);
}

int command_take_id(const struct command_env *env, struct str *request_id)
{
    struct err e;

    if (optind >= env->argc)
        return command_misused(env, "a REQUEST_ID is missing");
    *request_id = str_of(env->argv[optind++]);
    if (job_check_name(*request_id, "the REQUEST_ID", &e) != 0)
        return command_misused(env, "%s", e.text);
    if (optind < env->argc)
        return command_misused(env, "there is an argument too many: %s", env->argv[optind]);
    return COMMAND_OK;
}

int command_read_change(const struct command_env *env, struct str type, const struct buf *text,
                        struct json_doc **doc, struct job_change *c, struct err *e)
{
    if (buf_check(text, "the change", e) != 0 || json_in_parse(buf_span(text), doc, e) != 0)
        return -1;
    if (job_parse_change(conf_queue(env->conf, type), type, json_in_root(*doc), c, e) == 0)
        return 0;
    json_in_free(*doc);
    return -1;
}

void command_put_number(struct json_out *o, const char *name, const char *text)
{
    struct json_doc *doc = NULL;
    struct err e;

    json_key(o, name);
    if (json_in_parse(str_of(text), &doc, &e) == 0 && json_kind(json_in_root(doc)) == JSON_NUMBER)
        json_put_raw(o, str_of(text));
    else
        json_put_str(o, str_of(text));
    json_in_free(doc);
}

enum table_tone command_status_tone(enum job_status s)
{
    static const enum table_tone tones[] = {
        [JOB_QUEUED] = TABLE_PLAIN,    [JOB_HELD] = TABLE_FAINT,    [JOB_ADMITTED] = TABLE_BUSY,
        [JOB_RUNNING] = TABLE_GOOD,    [JOB_FINISHED] = TABLE_GOOD, [JOB_FAILED] = TABLE_BAD,
        [JOB_CANCELLED] = TABLE_FAINT, [JOB_EXPIRED] = TABLE_BAD,
    };

    _Static_assert(ARRAY_LEN(tones) == JOB_STATUSES, "every state has a colour");
    return tones[s];
}

/* ---- one after the other ---- */

struct work {
    const struct command_env *env;
    struct str type;
    const char *done;
    command_job_fn *fn;
    const void *ctx;
    int wake_fd;
    struct buf b; /* what is printed */
    struct json_out o;
};

static int do_one(struct work *w, struct str id, struct err *e)
{
    struct store *s = w->env->store;

    if (store_begin(s, COMMAND_LOCK_WAIT_S * NS_PER_S, e) != 0)
        return -1;
    if (w->fn(w->ctx, s, w->type, id, store_now(s), e) != 0) {
        store_rollback(s);
        return -1;
    }
    if (store_commit(s, e) != 0)
        return -1;
    wake_send(store_wake_path(s), &w->wake_fd);
    return 0;
}

static void put_name(const struct work *w, struct str id, struct buf *b)
{
    seen_put(b, w->type);
    buf_char(b, '/');
    seen_put(b, id);
}

/* On standard error, whatever is asked for on standard output. */
static void complain(const struct work *w, struct str id, const struct err *e)
{
    struct buf b = BUF_INIT(OUTPUT_MAX);

    put_name(w, id, &b);
    fprintf(stderr, "anteroom: %s: %s\n", b.data ? b.data : "", e->text);
    buf_free(&b);
}

static void put_json(struct work *w, struct str id, const struct err *e)
{
    json_open(&w->o, '{');
    json_key(&w->o, "request_id");
    json_put_str(&w->o, id);
    json_key(&w->o, "ok");
    json_put_bool(&w->o, e == NULL);
    if (e) {
        json_key(&w->o, "code");
        json_put_str(&w->o, str_of(err_word(e->code)));
        json_key(&w->o, "error");
        json_put_str(&w->o, str_of(e->text));
    }
    json_close(&w->o, '}');
}

/* e: NULL when it is done. A line goes out at once, so that it stands beside what it is about. */
static int report(struct work *w, struct str id, const struct err *e)
{
    int status;

    if (e)
        complain(w, id, e);
    if (w->env->json) {
        put_json(w, id, e);
        return COMMAND_OK;
    }
    if (e)
        return COMMAND_OK;
    put_name(w, id, &w->b);
    buf_printf(&w->b, ": %s\n", w->done);
    status = command_print(&w->b);
    buf_reset(&w->b);
    return status;
}

static void say_untried(int n)
{
    if (n > 0)
        fprintf(stderr, "anteroom: %d more were not tried\n", n);
}

/* What goes wrong here, rather than with a job, would go wrong with the next as well. */
static int each(struct work *w, int argc, char *const *argv)
{
    int i, status = COMMAND_OK, said = COMMAND_OK, now = COMMAND_OK;
    struct err e;

    for (i = 0; i < argc && now != COMMAND_FAILED && said == COMMAND_OK; i++) {
        struct str id = str_of(argv[i]);
        bool good = do_one(w, id, &e) == 0;

        now = good ? COMMAND_OK : command_status(e.code);
        said = report(w, id, good ? NULL : &e);
        if (status == COMMAND_OK)
            status = now;
    }
    say_untried(argc - i);
    return status == COMMAND_OK ? said : status;
}

int command_each_job(const struct command_env *env, struct str type, const char *done,
                     command_job_fn *fn, const void *ctx)
{
    struct work w = {.env = env,
                     .type = type,
                     .done = done,
                     .fn = fn,
                     .ctx = ctx,
                     .wake_fd = -1,
                     .b = BUF_INIT(OUTPUT_MAX)};
    int status, said = COMMAND_OK;

    if (optind >= env->argc)
        return command_misused(env, "a REQUEST_ID is missing");
    w.o = JSON_OUT(&w.b);
    if (env->json)
        json_open(&w.o, '[');
    status = each(&w, env->argc - optind, env->argv + optind);
    if (env->json) {
        json_close(&w.o, ']');
        buf_char(&w.b, '\n');
        said = command_print(&w.b);
    }
    if (w.wake_fd >= 0)
        (void)close(w.wake_fd);
    buf_free(&w.b);
    return status != COMMAND_OK ? status : said;
}
