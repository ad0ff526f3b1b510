/* SPDX-License-Identifier: MIT */
/* Numbers and log lines of requests. A job a line would cost as much as the job itself where many
 * come: a request has one line, and at the level debug. */
#include "account.h"

#include "log.h"

static void log_change(const struct http *x)
{
    char text[JOB_NAME_MAX + 1], type[LOG_QUOTE_MAX], job[LOG_QUOTE_MAX], who[LOG_QUOTE_MAX];

    (void)snprintf(text, sizeof text, "%.*s", (int)x->segment[1].n, x->segment[1].p);
    (void)log_quote(type, text);
    (void)snprintf(text, sizeof text, "%.*s", (int)x->did.request_id.n,
                   x->did.request_id.p ? x->did.request_id.p : "");
    (void)log_quote(job, text);
    (void)snprintf(text, sizeof text, "%.*s", (int)x->who->name.n, x->who->name.p);
    log_debug("job", "did=%s type=%s request_id=%s jobs=%lld who=%s id=%s", x->did.what, type, job,
              (long long)x->did.jobs, log_quote(who, text), x->id);
}

void account(struct stats *stats, const struct route *route, const struct http *x, int64_t ns)
{
    stats_http(stats, route ? route_number(route) : STATS_NO_ROUTE, x->status, ns);
    if (x->did.what && x->who && log_wants(LOG_LVL_DEBUG))
        log_change(x);
}
