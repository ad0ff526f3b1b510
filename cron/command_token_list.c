/* SPDX-License-Identifier: MIT */
/* anteroom token list: the tokens that there are, without what is secret of them. */
#include <stdio.h>

#include "command.h"
#include "command_token.h"

enum { OUTPUT_MAX = 64 << 20 };

static const struct option options[] = {COMMAND_OPTIONS};

struct listing {
    struct buf b;
    struct json_out o;
    struct clock_zone zone;
    int64_t now;
};

static int put_json(void *ctx, const struct store_token *t, struct err *e)
{
    struct listing *l = ctx;

    (void)e;
    command_token_write(&l->o, t);
    json_key(&l->o, "expired");
    json_put_bool(&l->o, t->expires_at != 0 && t->expires_at <= l->now);
    json_close(&l->o, '}');
    return 0;
}

static int put_line(void *ctx, const struct store_token *t, struct err *e)
{
    struct listing *l = ctx;
    bool over = t->expires_at != 0 && t->expires_at <= l->now;

    (void)e;
    buf_printf(&l->b, "%-24.*s %-6.*s %s ", (int)t->name.n, t->name.p, (int)t->role.n, t->role.p,
               over ? "expired" : "expires");
    if (t->expires_at != 0)
        clock_write(&l->b, &l->zone, t->expires_at);
    else
        buf_str(&l->b, "never");
    if (t->owners.n > 2)
        buf_printf(&l->b, " %.*s", (int)t->owners.n, t->owners.p);
    buf_char(&l->b, '\n');
    return 0;
}

static int list(struct store *s, struct listing *l, bool as_json, struct err *e)
{
    int rc;

    if (store_read_begin(s, e) != 0)
        return -1;
    if (as_json)
        json_open(&l->o, '[');
    rc = store_tokens(s, as_json ? put_json : put_line, l, e);
    store_read_end(s);
    if (as_json) {
        json_close(&l->o, ']');
        buf_char(&l->b, '\n');
    }
    return rc;
}

int command_token_list(struct command_env *env)
{
    struct listing l = {.b = BUF_INIT(OUTPUT_MAX), .now = clock_now()};
    struct err e;
    int status;

    l.o = JSON_OUT(&l.b);
    if (command_option(env, options) != -1)
        return COMMAND_USAGE;
    if (optind != env->argc)
        return command_misused(env, "there is an argument too many: %s", env->argv[optind]);
    status = list(env->store, &l, env->json, &e) == 0 ? command_print(&l.b) : command_failed(&e);
    buf_free(&l.b);
    return status;
}
