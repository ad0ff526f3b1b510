/* SPDX-License-Identifier: MIT */
/* GET /v1/{type}/{request_id}/wait: why a job waits, where it stands, and when it may start. What
 * others do changes it at any time, so it is not kept by anybody on the way. */
#include "handlers.h"
#include "store_wait.h"

static int answer(struct store *s, struct http *x, struct err *e)
{
    struct store_wait w;
    struct json_out o;

    if (store_wait(s, x->segment[1], x->segment[2], clock_now(), &w, e) != 0)
        return -1;
    http_add_header(x, "Cache-Control", STR_LIT("no-store"));
    o = http_data(x, 200);
    store_wait_write(&o, &w, &x->zone);
    http_end(x, &o);
    return 0;
}

int wait_show(const struct route_env *env, struct http *x, struct err *e)
{
    int rc;

    if (store_read_begin(env->store, e) != 0)
        return -1;
    rc = answer(env->store, x, e);
    store_read_end(env->store);
    return rc;
}
