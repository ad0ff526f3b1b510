/* SPDX-License-Identifier: MIT */
/* The callback's message: {"type":"job.admitted","timestamp":…,"data":{the job}}
 * and its headers. */
#include "webhook.h"

#include <string.h>

#include "webhook_id.h"

static void write_body(const struct store_due *d, struct clock_zone *zone, struct buf *b)
{
    struct json_out o = JSON_OUT(b);
    char text[CLOCK_TEXT_MAX];
    struct buf at = BUF_INIT(sizeof text);

    /* Who was set running by hand never was admitted. */
    clock_write(&at, zone, d->job.admitted_at ? d->job.admitted_at : d->job.started_at);
    json_open(&o, '{');
    json_key(&o, "type");
    json_put_str(&o, STR_LIT("job.admitted"));
    json_key(&o, "timestamp");
    json_put_buf(&o, &at);
    json_key(&o, "data");
    job_write(&o, &d->job, zone);
    json_close(&o, '}');
    buf_free(&at);
}

static void write_lines(const struct store_due *d, const char *instance, int64_t now,
                        struct webhook *w)
{
    char id[WEBHOOK_ID_MAX];

    w->lines = 4;
    (void)snprintf(w->line[0], WEBHOOK_LINE_MAX, "content-type: application/json");
    webhook_id(id, instance, d->job.id, d->admissions);
    (void)snprintf(w->line[1], WEBHOOK_LINE_MAX, "webhook-id: %s", id);
    (void)snprintf(w->line[2], WEBHOOK_LINE_MAX, "webhook-timestamp: %lld",
                   (long long)(now / NS_PER_S));
    (void)snprintf(w->line[3], WEBHOOK_LINE_MAX, "user-agent: anteroom/" ANTEROOM_VERSION);
    if (d->request.p)
        (void)snprintf(w->line[w->lines++], WEBHOOK_LINE_MAX, "x-request-id: %.*s",
                       (int)d->request.n, d->request.p);
}

int webhook_make(const struct store_due *d, const char *instance, int64_t now,
                 struct clock_zone *zone, struct webhook *w, struct err *e)
{
    w->body = BUF_INIT(WEBHOOK_BODY_MAX);
    write_body(d, zone, &w->body);
    write_lines(d, instance, now, w);
    if (buf_check(&w->body, "the callback's body", e) == 0)
        return 0;
    buf_free(&w->body);
    return -1;
}

/* What stands behind the colon. */
static struct str value_of(const char *line)
{
    return str_of(strchr(line, ':') + 2);
}

int webhook_sign(struct webhook *w, const struct secrets *secrets, const struct conf_queue *queue,
                 struct err *e)
{
    char value[SECRETS_SIGNATURE_MAX];

    if (secrets_sign(secrets, queue, value_of(w->line[1]), value_of(w->line[2]), buf_span(&w->body),
                     value, e) != 0)
        return -1;
    if (value[0])
        (void)snprintf(w->line[w->lines++], WEBHOOK_LINE_MAX, "webhook-signature: %s", value);
    return 0;
}
