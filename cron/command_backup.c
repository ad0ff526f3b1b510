/* SPDX-License-Identifier: MIT */
/* anteroom backup: copies the database into a file, while everybody goes on working. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "json_out.h"
#include "progress.h"
#include "signals.h"
#include "store_backup.h"

enum { OPT_FORCE = COMMAND_OWN, OUTPUT_MAX = 1 << 16 };

static const struct option options[] = {{"force", no_argument, NULL, OPT_FORCE}, COMMAND_OPTIONS};

struct work {
    struct progress *progress;
    int signals;
};

/* Ctrl-C ends it in order, so that nothing half is left. */
static bool watch(void *ctx, enum store_backup_step step, int64_t done, int64_t all)
{
    static const char *const what[] = {
        [STORE_BACKUP_COPIES] = "copying", [STORE_BACKUP_CHECKS] = "checking the copy"};
    struct work *w = ctx;

    if (step == STORE_BACKUP_CHECKS)
        done = all = 0; /* nobody knows how far it is */
    progress_at(w->progress, what[step], done, all);
    return signals_take(w->signals) == 0;
}

static int print(const char *file, const struct store_backed_up *done, bool as_json)
{
    struct buf b = BUF_INIT(OUTPUT_MAX);
    struct json_out o = JSON_OUT(&b);
    int status;

    if (as_json) {
        json_open(&o, '{');
        json_key(&o, "File");
        json_put_str(&o, str_of(file));
        json_key(&o, "Bytes");
        json_put_i64(&o, done->bytes);
        json_key(&o, "Version");
        json_put_i64(&o, done->version);
        json_key(&o, "Jobs");
        json_put_i64(&o, done->jobs);
        json_close(&o, '}');
    } else {
        buf_printf(&b, "%s: ", file);
        progress_bytes(&b, done->bytes);
        buf_printf(&b, ", %lld jobs, version %lld; checked", (long long)done->jobs,
                   (long long)done->version);
    }
    buf_char(&b, '\n');
    status = command_print(&b);
    buf_free(&b);
    return status;
}

static int backup(const struct command_env *env, struct store_backup *b, struct work *w)
{
    static const int stops[] = {SIGINT, SIGTERM, SIGHUP};
    struct store_backed_up done;
    struct err e;
    int rc;

    w->signals = signals_open(stops, ARRAY_LEN(stops), &e);
    if (w->signals < 0)
        return command_failed(&e);
    w->progress = progress_new("copying", PROGRESS_BYTES);
    rc = store_backup(env->conf, b, &done, &e);
    progress_end(w->progress);
    (void)close(w->signals);
    if (rc != 0) {
        if (e.code == ERR_PRECONDITION_FAILED)
            (void)err_append(&e, "; --force replaces it");
        return command_failed(&e);
    }
    if (done.taken)
        fprintf(stderr, "anteroom: what an unfinished backup had left in %s.part is gone\n",
                b->file);
    return print(b->file, &done, env->json);
}

int command_backup(struct command_env *env)
{
    struct work w = {0};
    struct store_backup b = {.watch = watch, .ctx = &w};
    int option;

    while ((option = command_option(env, options)) > 0)
        b.replace = b.replace || option == OPT_FORCE;
    if (option == 0)
        return COMMAND_USAGE;
    if (optind != env->argc - 1 || env->argv[optind][0] == '\0')
        return command_misused(env, "it needs one FILE");
    b.file = env->argv[optind];
    return backup(env, &b, &w);
}
