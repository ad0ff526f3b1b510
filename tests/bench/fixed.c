/* SPDX-License-Identifier: MIT */
/* The limit of the front: anteroom.fcgi's own threads, connections and HTTP, with one fixed answer
 * to every request. These take the place of fcgi/route.c. */
#include "route.h"

static int answer(const struct route_env *env, struct http *x, struct err *e)
{
    struct json_out o = http_data(x, 200);

    (void)env;
    (void)e;
    json_put_str(&o, STR_LIT("a fixed answer"));
    http_end(x, &o);
    return 0;
}

static const struct route fixed = {HTTP_GET, "/", false, true, {NULL}, NULL, answer};

int route_take(const struct conf *conf, struct http *x, const struct route **route, struct err *e)
{
    (void)conf;
    *route = &fixed;
    return http_read_head(x, e) == 0 ? http_read_body(x, e) : -1;
}

int route_run(const struct route *route, const struct route_env *env, struct http *x, struct err *e)
{
    return route->run(env, x, e);
}
