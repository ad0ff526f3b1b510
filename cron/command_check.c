/* SPDX-License-Identifier: MIT */
/* anteroom check: is the database, or a copy of it, sound? A line a fault. */
#include <stdio.h>

#include "clock.h"
#include "command.h"
#include "json_out.h"
#include "plain.h"
#include "progress.h"
#include "store_check.h"

enum { OUTPUT_MAX = 16 << 20, TEXT_MAX = 2048, OPT_RESUM = COMMAND_OWN };

static const struct option options[] = {{"resum", no_argument, NULL, OPT_RESUM}, COMMAND_OPTIONS};

struct report {
    struct buf b;
    struct json_out o;
    struct progress *progress;
    bool as_json;
};

static void next(void *ctx, const char *what, size_t n, size_t all)
{
    struct report *r = ctx;

    progress_at(r->progress, what, (int64_t)n, (int64_t)all);
}

static void put(struct json_out *o, const char *name, struct str text)
{
    json_key(o, name);
    json_put_str(o, text);
}

static void fault(void *ctx, const struct store_fault *f)
{
    struct report *r = ctx;
    char text[TEXT_MAX];

    if (r->as_json) {
        json_open(&r->o, '{');
        put(&r->o, "Check", str_of(f->question));
        put(&r->o, "Text", f->text);
        json_close(&r->o, '}');
        return;
    }
    (void)plain_text(f->text, text, sizeof text);
    buf_printf(&r->b, "%s: %s\n", f->question, text);
}

static void end_json(struct report *r, const char *file, const struct store_checked *done)
{
    json_close(&r->o, ']');
    put(&r->o, "File", str_of(file));
    json_key(&r->o, "Version");
    json_put_i64(&r->o, done->version);
    json_key(&r->o, "Checks");
    json_put_i64(&r->o, (int64_t)done->questions);
    json_key(&r->o, "Summed");
    json_put_bool(&r->o, done->summed);
    json_key(&r->o, "Skipped");
    json_put_bool(&r->o, done->skipped);
    json_key(&r->o, "Sound");
    json_put_bool(&r->o, done->faults == 0);
    json_close(&r->o, '}');
    buf_char(&r->b, '\n');
}

static void end_text(struct report *r, const char *file, const struct store_checked *done)
{
    if (done->skipped)
        buf_printf(&r->b,
                   "%s has version %lld, which this program does not know: only what SQLite itself "
                   "can tell was looked at\n",
                   file, (long long)done->version);
    if (!done->summed && done->faults == 0)
        buf_printf(
            &r->b,
            "%s: its pages have no checksums, a byte that has changed may go unnoticed: stop "
            "all of Anteroom, and `anteroom check --resum` gives them\n",
            file);
    if (done->faults == 0)
        buf_printf(&r->b, "%s: sound, %zu checks\n", file, done->questions);
    else
        buf_printf(&r->b, "%s: NOT SOUND, %lld faults in %zu checks\n", file,
                   (long long)done->faults, done->questions);
}

static int check(struct report *r, const char *file)
{
    struct store_checker c = {.now = clock_now(), .next = next, .fault = fault, .ctx = r};
    struct store_checked done;
    struct err e;
    int rc, status;

    if (r->as_json) {
        json_open(&r->o, '{');
        json_key(&r->o, "Faults");
        json_open(&r->o, '[');
    }
    r->progress = progress_new("opening", PROGRESS_THINGS);
    rc = store_check(file, &c, &done, &e);
    progress_end(r->progress);
    if (rc != 0)
        return command_failed(&e);
    if (r->as_json)
        end_json(r, file, &done);
    else
        end_text(r, file, &done);
    status = command_print(&r->b);
    return status == COMMAND_OK && done.faults > 0 ? COMMAND_FAILED : status;
}

static int resum(struct report *r, const char *file)
{
    struct err e;
    int rc;

    r->progress = progress_new("writing every page anew", PROGRESS_THINGS);
    rc = store_check_resum(file, &e);
    progress_end(r->progress);
    return rc == 0 ? COMMAND_OK : command_failed(&e);
}

int command_check(struct command_env *env)
{
    struct report r = {.b = BUF_INIT(OUTPUT_MAX)};
    const char *file;
    bool anew = false;
    int option, status = COMMAND_OK;

    while ((option = command_option(env, options)) > 0)
        anew = anew || option == OPT_RESUM;
    if (option == 0)
        return COMMAND_USAGE;
    if (optind < env->argc - 1)
        return command_misused(env, "there is an argument too many: %s", env->argv[optind + 1]);
    r.o = JSON_OUT(&r.b);
    r.as_json = env->json;
    file = optind < env->argc ? env->argv[optind] : env->conf->database.p;
    if (anew)
        status = resum(&r, file);
    if (status == COMMAND_OK)
        status = check(&r, file);
    buf_free(&r.b);
    return status;
}
