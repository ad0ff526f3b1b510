/* SPDX-License-Identifier: MIT */
/* GET /openapi.json: this contract as OpenAPI 3.1. */
#include "openapi.h"

#include "etag.h"
#include "handlers.h"

int openapi(const struct route_env *env, struct http *x, struct err *e)
{
    struct str wanted = http_header(x, "HTTP_IF_MATCH");
    struct str known = http_header(x, "HTTP_IF_NONE_MATCH");
    struct str etag = str_of(openapi_etag);

    (void)env;
    if (wanted.p && !etag_named(wanted, etag, ETAG_STRONG))
        return err_set(e, ERR_PRECONDITION_FAILED, "the document is not as If-Match says");
    http_add_header(x, "ETag", etag);
    http_add_header(x, "Cache-Control", STR_LIT("no-cache"));
    if (known.p && etag_named(known, etag, ETAG_WEAK)) {
        http_empty(x, 304);
        return 0;
    }
    x->status = 200;
    buf_add(&x->out, openapi_text, openapi_length);
    return buf_check(&x->out, "the document", e);
}
