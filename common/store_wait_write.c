/* SPDX-License-Identifier: MIT */
/* Why a job waits, as JSON: what has no value is null. */
#include "store_wait.h"

static void put_place(struct json_out *o, const char *name, int64_t place)
{
    json_key(o, name);
    if (place > 0)
        json_put_i64(o, place);
    else
        json_put_null(o);
}

/* `jobs` is what its jobs are called there; `there`: it has a value. */
static void put_ahead(struct json_out *o, const char *name, const char *jobs, bool there,
                      const struct store_ahead *a)
{
    size_t i;

    json_key(o, name);
    if (!there) {
        json_put_null(o);
        return;
    }
    json_open(o, '{');
    json_key(o, jobs);
    json_put_i64(o, a->jobs);
    json_key(o, "Resources");
    json_open(o, '{');
    for (i = 0; i < a->resources; i++) {
        json_key_str(o, a->resource[i].resource);
        json_put_i64(o, a->resource[i].amount);
    }
    json_close(o, '}');
    json_close(o, '}');
}

static void put_pools(struct json_out *o, struct str pools)
{
    json_key(o, "Pools");
    if (pools.p)
        json_put_raw(o, pools);
    else
        json_put_null(o);
}

static void put_estimate(struct json_out *o, const struct store_wait *w, struct clock_zone *zone)
{
    json_key(o, "EstimatedStart");
    if (w->estimated) {
        json_open(o, '{');
        job_write_time(o, zone, "Low", w->low);
        job_write_time(o, zone, "High", w->high);
        json_key(o, "Samples");
        json_put_i64(o, w->samples);
        json_close(o, '}');
    } else {
        json_put_null(o);
    }
    json_pair_str(o, "Estimate", w->why);
}

void store_wait_write(struct json_out *o, const struct store_wait *w, struct clock_zone *zone)
{
    const struct job *j = &w->job;

    json_open(o, '{');
    json_pair_str(o, "Status", str_of(job_status_word(j->status)));
    json_pair_str(o, "Reason", j->reason);
    json_pair_str(o, "Message", j->message);
    job_write_time_or_null(o, zone, "Since", w->waits ? j->queued_at : 0);
    job_write_time_or_null(o, zone, "ReasonSince", w->reason_since);
    job_write_time_or_null(o, zone, "LookedAt", w->looked_at);
    put_place(o, "Position", w->position);
    put_place(o, "PoolPosition", w->pool_position);
    put_pools(o, w->pools);
    put_ahead(o, "Needs", "Instances", w->waits, &w->need);
    put_ahead(o, "Ahead", "Jobs", w->position > 0, &w->ahead);
    put_ahead(o, "PoolAhead", "Jobs", w->pool_position > 0, &w->pool_ahead);
    put_estimate(o, w, zone);
    json_close(o, '}');
}
