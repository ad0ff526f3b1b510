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

static const struct route fixed = {HTTP_GET, "/", WHO_OPEN, .body = true, .run = answer};

int route_meet(struct http *x, const struct route **route, struct err *e)
{
    *route = &fixed;
    return http_read_head(x, e);
}

int route_take(const struct route_env *env, const struct route *route, struct http *x,
               struct err *e)
{
    (void)env;
    (void)route;
    return http_read_body(x, e);
}

void route_done(const struct route *route, const struct http *x)
{
    (void)route;
    (void)x;
}

size_t route_number(const struct route *route)
{
    (void)route;
    return 0;
}

uint64_t route_table(void)
{
    return 1;
}

void route_write(struct buf *b)
{
    (void)b;
}

int route_run(const struct route *route, const struct route_env *env, struct http *x, struct err *e)
{
    return route->run(env, x, e);
}
