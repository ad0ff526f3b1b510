/* SPDX-License-Identifier: MIT */
/* A job's history as JSON: what happened to it, and the tries of its callback. */
#include "store_history.h"
#include "webhook_id.h"

static void put_text(struct json_out *o, const char *name, struct str v)
{
    if (!v.p)
        return;
    json_key(o, name);
    json_put_str(o, v);
}

static void put_time(struct json_out *o, struct clock_zone *zone, const char *name, int64_t ns)
{
    if (ns != 0)
        job_write_time(o, zone, name, ns);
}

void store_event_write(struct json_out *o, const struct store_event *ev, struct clock_zone *zone)
{
    json_open(o, '{');
    json_pair_i64(o, "N", ev->n);
    put_time(o, zone, "At", ev->at);
    json_key(o, "Who");
    json_put_str(o, ev->who); /* null: not known */
    put_text(o, "Event", ev->event);
    put_text(o, "FromStatus", ev->from_status);
    put_text(o, "ToStatus", ev->to_status);
    if (ev->has_priority) {
        json_pair_i64(o, "FromPriority", ev->from_priority);
        json_pair_i64(o, "ToPriority", ev->to_priority);
    }
    put_text(o, "Message", ev->message);
    json_close(o, '}');
}

void store_delivery_write(struct json_out *o, const struct store_delivery *d, const char *instance,
                          int64_t job_id, struct clock_zone *zone)
{
    char id[WEBHOOK_ID_MAX];

    webhook_id(id, instance, job_id, d->admission);
    json_open(o, '{');
    json_pair_i64(o, "N", d->n);
    put_text(o, "WebhookID", str_of(id));
    put_time(o, zone, "At", d->at);
    json_pair_i64(o, "DurationMs", (d->ns + NS_PER_MS / 2) / NS_PER_MS);
    put_text(o, "URL", d->url);
    put_text(o, "Address", d->address);
    if (d->status != 0)
        json_pair_i64(o, "Status", d->status);
    put_text(o, "Error", d->error);
    put_text(o, "Answer", d->answer);
    put_text(o, "Outcome", d->outcome);
    put_time(o, zone, "NextTry", d->next_try);
    json_close(o, '}');
}
