/* SPDX-License-Identifier: MIT */
/* DELETE /v1/{type}/{request_id}: cancels and removes a job. */
#include "etag.h"
#include "handlers.h"
#include "store_clock.h"

int job_delete(const struct route_env *env, struct http *x, struct err *e)
{
    struct store_match match;

    if (etag_match(http_header(x, "HTTP_IF_MATCH"), &match, e) != 0 ||
        store_delete(env->store, x->segment[1], x->segment[2], &match, store_now(env->store), e) !=
            0)
        return -1;
    x->did = (struct http_did){"deleted", 1, x->segment[2]};
    http_done(x);
    return 0;
}
