/* SPDX-License-Identifier: MIT */
/*
 * The job: its states and the one table of what may become what, its form in answers, and the
 * validation of what clients send. Pure; any thread.
 */
#ifndef AR_JOB_H
#define AR_JOB_H

#include "clock.h"
#include "conf.h"
#include "json_in.h"
#include "json_out.h"
#include "url.h"

enum job_status {
    JOB_QUEUED,   /* waits for its resources */
    JOB_HELD,     /* kept out by its owner or an operator; keeps its place */
    JOB_ADMITTED, /* its resources are set aside, its callback is being delivered */
    JOB_RUNNING,  /* the client has been told and has answered 2xx */
    JOB_FINISHED, /* over, as are the following: nothing is held */
    JOB_FAILED,
    JOB_CANCELLED,
    JOB_EXPIRED, /* its valid_until went by while it waited */
    JOB_STATUSES
};

/* Who wants to change the state. */
enum job_actor { JOB_BY_CLIENT = 1, JOB_BY_DISPATCHER = 2 };

const char *job_status_word(enum job_status s);
int job_status_parse(struct str word, enum job_status *s) AR_MUST_CHECK;

/* May a job go from one state to another by this actor? (API.md, "The life of a job".) running →
 * running is the client's confirmation. */
bool job_may_become(enum job_status from, enum job_status to, enum job_actor actor);

/* A job as it is kept. Spans belong to whoever filled it in.
 * Times are ns since 1970, 0: not set. */
struct job {
    int64_t id;
    int64_t created_at, updated_at, deleted_at;
    struct str request_id, type, owner_id;
    struct str data; /* compact JSON with sorted keys */
    struct str callback;
    int64_t priority;
    enum job_status status;
    struct str reason, message; /* absent: none */
    int64_t not_before, valid_until, admitted_at, started_at, finished_at;
    struct str hosts; /* JSON object: host → number of instances; absent: not admitted */
    /* not shown */
    int64_t version;    /* 1, and one more with every change of the job */
    int64_t reason_seq; /* one more with every change of its group's reason */
    int64_t queued_at;
    struct str scope;
};

/* Writes the job as a JSON object: the seed's eleven members in the seed's order, then those of
 * ours that are set. */
void job_write(struct json_out *o, const struct job *j, struct clock_zone *zone);

/* A member that is a time, as in a job. */
void job_write_time(struct json_out *o, struct clock_zone *zone, const char *name, int64_t ns);

/* The same; 0 is null. */
void job_write_time_or_null(struct json_out *o, struct clock_zone *zone, const char *name,
                            int64_t ns);

/* The value of the ETag header, with its quotes: "<id>.<version>.<reason_seq>". */
enum { JOB_ETAG_MAX = 72 };
void job_etag(const struct job *j, char etag[JOB_ETAG_MAX]);

enum {
    JOB_NAME_MAX = 255,      /* bytes of a type, request_id, owner_id */
    JOB_CALLBACK_MAX = 2048, /* bytes */
    JOB_DATA_MAX = 65536,    /* bytes of data as it is kept */
    JOB_BATCH_MAX = 1000     /* jobs in one POST */
};

/* A priority as a client writes it: `whole`, or, with `between`, after everything at `whole` and
 * before everything at `whole` + 1. */
struct job_priority {
    int64_t whole;
    bool between;
};

/* Whom a callback calls. */
struct job_target {
    char receiver[URL_ORIGIN_MAX]; /* url.h's origin; "/<type>" for a callback that takes its host
                                      from the queue's callback_base */
    char host[URL_HOST_MAX];       /* url.h */
    int port;
};

/* A new job. The spans of request_id, owner_id and callback point into the document; the rest is
 * its own (job_new_free). */
struct job_new {
    struct str type, request_id, owner_id, callback;
    struct job_target target; /* the callback's */
    struct str data;  /* canonical; host_aggregate resolved where the configuration has the pools */
    struct str scope; /* demand.h */
    struct str shape;
    bool has_priority;
    struct job_priority priority;
    int64_t not_before, valid_until; /* 0: not given */
    struct str request;              /* the id of the request that it came with; absent: none */
    void *memory;
};

/* The type itself: 1..JOB_NAME_MAX bytes of valid UTF-8 without control characters, neither "." nor
 * "..". 0, or -1 and ERR_INVALID (no pointer). The same for a request_id in a path. */
int job_check_name(struct str text, const char *what, struct err *e) AR_MUST_CHECK;

/* The type and the request_id of a job that is to be: job_check_name, and no part of it between
 * slashes is "." or ".." either. Jobs from before that rule keep their names. */
int job_check_new_name(struct str text, const char *what, struct err *e) AR_MUST_CHECK;

/* A callback: an absolute http(s) URL with a host and without user info or, where the queue has a
 * callback_base, a relative reference; 1..JOB_CALLBACK_MAX bytes of ASCII without spaces, control
 * characters, backslashes; no percent-encoding in the host. The type is one that job_check_name
 * lets pass. 0 and *target, or -1: ERR_INVALID at /callback, ERR_INTERNAL. */
int job_check_callback(const struct conf_queue *queue, struct str type, struct str text,
                       struct job_target *target, struct err *e) AR_MUST_CHECK;

/* May it be called, as far as no lookup is needed (netguard_check)? 0, or -1 and ERR_INVALID at
 * /callback. */
int job_judge_callback(const struct netguard_rules *rules, const struct job_target *target,
                       struct err *e) AR_MUST_CHECK;

/* From one JSON object of a POST to /v1/{type}/. 0 and *n, or -1: ERR_INVALID (with pointer),
 * ERR_UNKNOWN_MEMBER. May add host_aggregate to the document. Whether the callback may be called is
 * left to job_judge_callback. */
int job_parse_new(const struct conf_queue *queue, struct str type, json_value *object,
                  struct job_new *n, struct err *e) AR_MUST_CHECK;
void job_new_free(struct job_new *n);

/* Appends `data` (canonical) with the member host_aggregate. 0, or -1: ERR_INVALID at /data when it
 * is then too long, ERR_INTERNAL. */
int job_add_aggregate(struct str data, struct str name, struct buf *b, struct err *e) AR_MUST_CHECK;

enum job_move { JOB_STAY, JOB_TO_FRONT, JOB_TO_BACK, JOB_BEFORE, JOB_AFTER };

/* A change: any of the members together, all or nothing. */
struct job_change {
    bool has_priority;
    struct job_priority priority;
    enum job_move move;
    struct str beside; /* JOB_BEFORE, JOB_AFTER: the other job's request_id */
    bool has_status;
    enum job_status status;
    struct str callback;      /* absent: unchanged */
    struct job_target target; /* of a callback that is there */
    bool has_data;            /* data, scope, shape are then set */
    struct str data, scope, shape;
    bool has_not_before, has_valid_until; /* 0: taken away (null in the request) */
    int64_t not_before, valid_until;
    void *memory;
};

/* From the JSON object of a POST to /v1/{type}/{request_id}. 0 and *c, or -1: ERR_INVALID (an empty
 * object too; priority and move together; a status that is no word of ours), ERR_UNKNOWN_MEMBER. */
int job_parse_change(const struct conf_queue *queue, struct str type, json_value *object,
                     struct job_change *c, struct err *e) AR_MUST_CHECK;
void job_change_free(struct job_change *c);

/* Stable words for `Reason`; anteroom-dispatch(8) documents them. */
/* does not fit on what is free now, or no pass has looked yet */
#define JOB_REASON_WAITING "WaitingForCapacity"
/* as much as it needs is free, but in pieces: no placement on the hosts exists */
#define JOB_REASON_FRAGMENTED "Fragmented"
/* larger than the empty pool */
#define JOB_REASON_NEVER_FITS "NeverFits"
/* no pool serves it, or none that has a host */
#define JOB_REASON_NO_POOL "NoPool"
/* the queue has no source of capacity (capacity: none) */
#define JOB_REASON_NO_SOURCE "NoSource"
/* the reading failed, is stale or makes no sense */
#define JOB_REASON_SOURCE "SourceUnavailable"
/* its project's quota has less left than it needs */
#define JOB_REASON_QUOTA "QuotaExceeded"
/* an older job holds the line of its hosts, or its project's quota */
#define JOB_REASON_BLOCKED "BlockedByOlder"
/* the search for a placement ran out of its budget; tried again in each pass */
#define JOB_REASON_UNDECIDED "SearchBudget"
/* its not_before is still to come */
#define JOB_REASON_NOT_BEFORE "NotBefore"
/* held by its owner or an operator */
#define JOB_REASON_HELD "Held"
/* held: it woke up, and this version cannot read its data */
#define JOB_REASON_DATA "DataInvalid"
/* expired: its valid_until went by while it waited */
#define JOB_REASON_EXPIRED "Expired"
/* its queue is paused */
#define JOB_REASON_PAUSED "QueuePaused"
/* as many jobs of its queue are admitted or running as may be (run_limit) */
#define JOB_REASON_RUN_LIMIT "RunLimit"
/* as many jobs of its owner are admitted or running as may be (owner.holding) */
#define JOB_REASON_OWNER_LIMIT "OwnerLimit"
/* admitted: its receiver has failed again and again, and is tried once in a while */
#define JOB_REASON_RECEIVER "ReceiverPaused"
/* admitted: the last try of its callback failed; failed: it was never accepted */
#define JOB_REASON_CALLBACK "CallbackFailed"
/* failed: the receiver answered 410 */
#define JOB_REASON_GONE "CallbackGone"

#endif
