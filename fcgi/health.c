/* SPDX-License-Identifier: MIT */
/* GET /healthz: is this process of use? */
#include "handlers.h"

int health(const struct route_env *env, struct http *x, struct err *e)
{
    struct json_out o;

    if (env->writer_failed)
        return err_set(e, ERR_UNAVAILABLE, "the database did not take a commit");
    if (store_ping(env->store, e) != 0)
        return -1;
    http_add_header(x, "Cache-Control", STR_LIT("no-store"));
    o = http_data(x, 200);
    json_open(&o, '{');
    json_key(&o, "status");
    json_put_str(&o, STR_LIT("ok"));
    json_key(&o, "version");
    json_put_str(&o, STR_LIT(ANTEROOM_VERSION));
    json_close(&o, '}');
    http_end(x, &o);
    return 0;
}
