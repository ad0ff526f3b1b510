/* SPDX-License-Identifier: MIT */
/* anteroom pause, anteroom unpause: a paused queue admits nobody; who is admitted stays so. */
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "json_out.h"
#include "log.h"
#include "wake.h"

enum { LOCK_WAIT_S = 10, OUTPUT_MAX = 1 << 16 };

static const struct option options[] = {COMMAND_OPTIONS};

/* 1: it was not so before, 0: it was. */
static int set(struct store *s, struct str type, bool paused, struct err *e)
{
    int rc, wake = -1;

    if (store_begin(s, LOCK_WAIT_S * NS_PER_S, e) != 0)
        return -1;
    rc = store_pause(s, type, paused, e);
    if (rc < 0) {
        store_rollback(s);
        return -1;
    }
    if (store_commit(s, e) != 0)
        return -1;
    wake_send(store_wake_path(s), &wake);
    if (wake >= 0)
        (void)close(wake);
    return rc;
}

/* As the service does; where it logs to a file. */
static void log_change(const struct command_env *env, struct str type, bool paused)
{
    char room[LOG_QUOTE_MAX], more[LOG_QUOTE_MAX];

    if (!env->conf->log_file.p)
        return;
    log_to(env->conf->log_format, env->conf->log_file.p);
    log_info("queue", "type=%s paused=%s who=%s", log_quote(room, type.p),
             paused ? "true" : "false", log_quote(more, env->who.p));
}

static int print(const struct command_env *env, struct str type, bool paused, bool changed)
{
    struct buf b = BUF_INIT(OUTPUT_MAX);
    struct json_out o = JSON_OUT(&b);
    int status;

    if (env->json) {
        json_open(&o, '{');
        json_key(&o, "Type");
        json_put_str(&o, type);
        json_key(&o, "Paused");
        json_put_bool(&o, paused);
        json_key(&o, "Changed");
        json_put_bool(&o, changed);
        json_close(&o, '}');
    } else {
        buf_printf(&b, "%s: %s%s", type.p, changed ? "" : "already ",
                   paused ? "paused" : "not paused");
    }
    buf_char(&b, '\n');
    status = command_print(&b);
    buf_free(&b);
    return status;
}

static int run(struct command_env *env, bool paused)
{
    struct str type;
    struct err e;
    int rc;

    if (command_option(env, options) == 0)
        return COMMAND_USAGE;
    if (optind != env->argc - 1)
        return command_misused(env, "it needs one TYPE");
    type = str_of(env->argv[optind]);
    if (job_check_name(type, "TYPE", &e) != 0)
        return command_misused(env, "%s", e.text);
    rc = set(env->store, type, paused, &e);
    if (rc == 1)
        log_change(env, type, paused);
    return rc < 0 ? command_failed(&e) : print(env, type, paused, rc == 1);
}

int command_pause(struct command_env *env)
{
    return run(env, true);
}

int command_unpause(struct command_env *env)
{
    return run(env, false);
}
