/* SPDX-License-Identifier: MIT */
/* GET /v1/{type}/{request_id}: one job. */
#include "etag.h"
#include "handlers.h"

static int answer(struct store *s, struct http *x, struct err *e)
{
    struct str wanted = http_header(x, "HTTP_IF_MATCH");
    struct str known = http_header(x, "HTTP_IF_NONE_MATCH");
    char etag[JOB_ETAG_MAX];
    struct json_out o;
    struct job j;

    if (store_show(s, x->segment[1], x->segment[2], &j, e) != 0)
        return -1;
    job_etag(&j, etag);
    if (wanted.p && !etag_named(wanted, str_of(etag), ETAG_STRONG))
        return err_set(e, ERR_PRECONDITION_FAILED, "the job is not as If-Match says");
    http_add_header(x, "ETag", str_of(etag));
    http_add_header(x, "Cache-Control", STR_LIT("no-cache"));
    if (known.p && etag_named(known, str_of(etag), ETAG_WEAK)) {
        http_empty(x, 304);
        return 0;
    }
    o = http_data(x, 200);
    job_write(&o, &j, &x->zone);
    http_end(x, &o);
    return 0;
}

int job_show(const struct route_env *env, struct http *x, struct err *e)
{
    int rc = answer(env->store, x, e);

    store_read_done(env->store); /* one statement is a snapshot by itself */
    return rc;
}
