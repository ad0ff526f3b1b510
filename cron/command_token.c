/* SPDX-License-Identifier: MIT */
/* What the subcommands about tokens share. */
#include "command_token.h"

static void put_time(struct json_out *o, const char *name, int64_t at)
{
    struct buf b = BUF_INIT(64);
    struct clock_zone zone = {0};

    json_key(o, name);
    if (at != 0) {
        clock_write(&b, &zone, at);
        json_put_buf(o, &b);
    } else {
        json_put_null(o);
    }
    buf_free(&b);
}

void command_token_write(struct json_out *o, const struct store_token *t)
{
    json_open(o, '{');
    json_key(o, "name");
    json_put_str(o, t->name);
    json_key(o, "role");
    json_put_str(o, t->role);
    json_key(o, "owners");
    json_put_raw(o, t->owners);
    put_time(o, "created_at", t->created_at);
    put_time(o, "expires_at", t->expires_at);
}

bool command_token_named(struct str name)
{
    static const char fit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-@";
    size_t i;

    for (i = 0; i < name.n; i++) {
        if (!memchr(fit, name.p[i], sizeof fit - 1))
            return false;
    }
    return name.n > 0 && name.n <= STORE_TOKEN_NAME_MAX && name.p[0] != '-';
}
