/* SPDX-License-Identifier: MIT */
/* A queue as JSON. Every member is there; what has no value is null. */
#include "store_inner.h"
#include "store_queues.h"

static void put_word(struct json_out *o, const char *name, const char *word)
{
    json_key(o, name);
    json_put_str(o, str_of(word));
}

static void put_number_if(struct json_out *o, const char *name, bool is, int64_t v)
{
    if (is)
        json_pair_i64(o, name, v);
    else
        json_pair_null(o, name);
}

/* Milliseconds, to the microsecond. */
static void put_ms(struct json_out *o, const char *name, int64_t ns)
{
    int64_t us = ns > 0 ? ns / NS_PER_US : 0;
    char text[32];

    (void)snprintf(text, sizeof text, "%lld.%03d", (long long)(us / 1000), (int)(us % 1000));
    json_key(o, name);
    json_put_raw(o, str_of(text));
}

static void put_jobs(struct json_out *o, const struct store_queue *q)
{
    int status;

    json_key(o, "Jobs");
    json_open(o, '{');
    for (status = 0; status < JOB_STATUSES; status++)
        json_pair_i64(o, job_status_word((enum job_status)status), q->jobs[status]);
    json_close(o, '}');
}

static void put_throughput(struct json_out *o, const struct store_queue *q)
{
    if (!q->whole) {
        json_pair_null(o, "Throughput");
        return;
    }
    json_key(o, "Throughput");
    json_open(o, '{');
    json_pair_i64(o, "LastMinute", q->stats.last_minute);
    json_pair_i64(o, "LastHour", q->stats.last_hour);
    json_pair_i64(o, "LastDay", q->stats.last_day);
    json_close(o, '}');
}

static void put_policy(struct json_out *o, const struct conf_queue *conf)
{
    struct buf b = BUF_INIT(64);

    conf_write_duration(&b, conf->overtake);
    json_key(o, "Policy");
    json_open(o, '{');
    put_word(o, "Capacity", conf_capacity_word(conf->capacity));
    put_word(o, "Fit", conf_fit_word(conf->fit));
    json_key(o, "Overtake");
    json_put_buf(o, &b);
    put_number_if(o, "RunLimit", conf->run_limit > 0, conf->run_limit);
    json_close(o, '}');
    buf_free(&b);
}

/* What a pass did is of all jobs. */
static void put_last_pass(struct json_out *o, const struct store_queue *q, struct clock_zone *zone)
{
    const struct stats_last_pass *last = &q->stats.last;

    if (last->at == 0) {
        json_pair_null(o, "LastPass");
        return;
    }
    json_key(o, "LastPass");
    json_open(o, '{');
    job_write_time_or_null(o, zone, "At", last->at);
    put_ms(o, "Ms", last->ns);
    put_number_if(o, "Admitted", q->whole, last->admitted);
    put_number_if(o, "Groups", q->whole, last->groups);
    put_number_if(o, "Reasons", q->whole, last->reasons);
    json_close(o, '}');
}

static void put_source(struct json_out *o, const struct store_queue *q, struct clock_zone *zone)
{
    if (q->conf->capacity == CONF_CAPACITY_NONE) {
        json_pair_null(o, "Source");
        return;
    }
    json_key(o, "Source");
    json_open(o, '{');
    put_word(o, "Kind", conf_capacity_word(q->conf->capacity));
    job_write_time_or_null(o, zone, "TriedAt", q->tried_at);
    job_write_time_or_null(o, zone, "ReadAt", q->read_at);
    if (q->whole && q->tried)
        put_ms(o, "Ms", q->read_ns);
    else
        json_pair_null(o, "Ms");
    json_pair_str(o, "Error", q->error);
    json_pair_str(o, "About", q->about);
    put_number_if(o, "Pools", q->whole && q->read_at != 0, q->pools);
    put_number_if(o, "Hosts", q->whole && q->read_at != 0, q->hosts);
    json_close(o, '}');
}

void store_queue_write(struct json_out *o, const struct store_queue *q, struct clock_zone *zone)
{
    json_open(o, '{');
    json_pair_str(o, "Type", q->type);
    json_key(o, "Paused");
    json_put_bool(o, q->paused);
    put_jobs(o, q);
    job_write_time_or_null(o, zone, "OldestWait", q->oldest);
    put_throughput(o, q);
    put_policy(o, q->conf);
    put_last_pass(o, q, zone);
    put_source(o, q, zone);
    json_close(o, '}');
}
