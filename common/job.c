/* SPDX-License-Identifier: MIT */
/* The job: the words of its states, what may become what, and its form in answers. */
#include "job.h"

#include <string.h>

#include "num.h"

/* ---- states ---- */

static const char *const words[] = {
    [JOB_QUEUED] = "queued",       [JOB_HELD] = "held",         [JOB_ADMITTED] = "admitted",
    [JOB_RUNNING] = "running",     [JOB_FINISHED] = "finished", [JOB_FAILED] = "failed",
    [JOB_CANCELLED] = "cancelled", [JOB_EXPIRED] = "expired",
};
_Static_assert(ARRAY_LEN(words) == JOB_STATUSES, "every status has a word");

/* [from][to]: who may do it. */
enum { C = JOB_BY_CLIENT, D = JOB_BY_DISPATCHER };
static const uint8_t transitions[JOB_STATUSES][JOB_STATUSES] = {
    [JOB_QUEUED] =
        {
            [JOB_HELD] = C,
            [JOB_ADMITTED] = D,
            [JOB_RUNNING] = C,
            [JOB_CANCELLED] = C,
            [JOB_EXPIRED] = D,
        },
    [JOB_HELD] = {[JOB_QUEUED] = C, [JOB_CANCELLED] = C, [JOB_EXPIRED] = D},
    [JOB_ADMITTED] =
        {
            [JOB_QUEUED] = C | D,
            [JOB_RUNNING] = C | D,
            [JOB_FAILED] = C | D,
            [JOB_CANCELLED] = C,
        },
    [JOB_RUNNING] =
        {
            [JOB_QUEUED] = C,
            [JOB_RUNNING] = C,
            [JOB_FINISHED] = C,
            [JOB_FAILED] = C,
        },
    [JOB_FAILED] = {[JOB_QUEUED] = C},
};
_Static_assert(JOB_EXPIRED + 1 == JOB_STATUSES, "a new status belongs into this table");

const char *job_status_word(enum job_status s)
{
    return words[s];
}

int job_status_parse(struct str word, enum job_status *s)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(words); i++) {
        if (!str_is(word, words[i]))
            continue;
        *s = (enum job_status)i;
        return 0;
    }
    return -1;
}

bool job_may_become(enum job_status from, enum job_status to, enum job_actor actor)
{
    return (transitions[from][to] & actor) != 0;
}

/* ---- the answer ---- */

/* Where a member goes, and how it is named there. */
struct place {
    struct json_out *o;
    struct clock_zone *zone;
    struct str name;
};

static void write_time(struct json_out *o, struct clock_zone *zone, int64_t ns)
{
    buf_char(o->b, '"');
    clock_write(o->b, zone, ns);
    buf_char(o->b, '"');
    o->comma = true;
}

void job_write_time(struct json_out *o, struct clock_zone *zone, const char *name, int64_t ns)
{
    json_key(o, name);
    write_time(o, zone, ns);
}

void job_write_time_or_null(struct json_out *o, struct clock_zone *zone, const char *name,
                            int64_t ns)
{
    if (ns != 0)
        job_write_time(o, zone, name, ns);
    else
        json_pair_null(o, name);
}

static void put_number(const struct place *p, const void *field)
{
    json_key_as_is(p->o, p->name);
    json_put_i64(p->o, *(const int64_t *)field);
}

static void put_time(const struct place *p, const void *field)
{
    json_key_as_is(p->o, p->name);
    write_time(p->o, p->zone, *(const int64_t *)field);
}

static void put_time_or_null(const struct place *p, const void *field)
{
    json_key_as_is(p->o, p->name);
    if (*(const int64_t *)field != 0)
        write_time(p->o, p->zone, *(const int64_t *)field);
    else
        json_put_null(p->o);
}

static void put_time_if_set(const struct place *p, const void *field)
{
    if (*(const int64_t *)field != 0)
        put_time(p, field);
}

static void put_text(const struct place *p, const void *field)
{
    json_key_as_is(p->o, p->name);
    json_put_str(p->o, *(const struct str *)field);
}

static void put_text_if_set(const struct place *p, const void *field)
{
    if (((const struct str *)field)->p)
        put_text(p, field);
}

static void put_json_if_set(const struct place *p, const void *field)
{
    const struct str *json = field;

    if (!json->p)
        return;
    json_key_as_is(p->o, p->name);
    json_put_raw(p->o, *json);
}

static void put_status(const struct place *p, const void *field)
{
    json_key_as_is(p->o, p->name);
    json_put_str(p->o, str_of(words[*(const enum job_status *)field]));
}

#define MEMBER(name, put, field)                                                                   \
    {                                                                                              \
        {(name), sizeof(name) - 1}, (put), offsetof(struct job, field)                             \
    }

/* The order of the answer: the first eleven are the seed's. */
static const struct member {
    struct str name;
    void (*put)(const struct place *p, const void *field);
    size_t offset;
} members[] = {
    MEMBER("ID", put_number, id),
    MEMBER("CreatedAt", put_time, created_at),
    MEMBER("UpdatedAt", put_time, updated_at),
    MEMBER("DeletedAt", put_time_or_null, deleted_at),
    MEMBER("RequestID", put_text, request_id),
    MEMBER("Type", put_text, type),
    MEMBER("OwnerID", put_text, owner_id),
    MEMBER("Data", put_text, data),
    MEMBER("Callback", put_text, callback),
    MEMBER("Priority", put_number, priority),
    MEMBER("Status", put_status, status),
    MEMBER("Reason", put_text_if_set, reason),
    MEMBER("Message", put_text_if_set, message),
    MEMBER("NotBefore", put_time_if_set, not_before),
    MEMBER("ValidUntil", put_time_if_set, valid_until),
    MEMBER("AdmittedAt", put_time_if_set, admitted_at),
    MEMBER("StartedAt", put_time_if_set, started_at),
    MEMBER("FinishedAt", put_time_if_set, finished_at),
    MEMBER("Hosts", put_json_if_set, hosts),
};

void job_write(struct json_out *o, const struct job *j, struct clock_zone *zone)
{
    struct place p = {.o = o, .zone = zone};
    size_t i;

    json_open(o, '{');
    for (i = 0; i < ARRAY_LEN(members); i++) {
        p.name = members[i].name;
        members[i].put(&p, (const char *)j + members[i].offset);
    }
    json_close(o, '}');
}

void job_etag(const struct job *j, char etag[JOB_ETAG_MAX])
{
    const int64_t part[] = {j->id, j->version, j->reason_seq};
    char *p = etag;
    size_t i;

    _Static_assert(JOB_ETAG_MAX >= ARRAY_LEN(part) * (NUM_DIGITS_MAX + 1) + 2, "there is room");

    for (i = 0; i < ARRAY_LEN(part); i++) {
        *p++ = i == 0 ? '"' : '.';
        p += num_write(part[i], p);
    }
    memcpy(p, "\"", sizeof "\"");
}
