/* SPDX-License-Identifier: MIT */
/* The handlers, one a file, named for what they answer. Their contracts are those of route.h, with
 * API.md's words. */
#ifndef AR_HANDLERS_H
#define AR_HANDLERS_H

#include "etag.h"
#include "route.h"

route_run_fn health;   /* GET /healthz */
route_run_fn openapi;  /* GET /openapi.json */
route_run_fn metrics;  /* GET /metrics */
route_run_fn job_list; /* GET /v1/{type}/ */
route_run_fn job_show; /* GET /v1/{type}/{request_id} */
route_prepare_fn job_create_prepare;
route_run_fn job_create; /* POST /v1/{type}/ */
route_prepare_fn job_change_prepare;
route_run_fn job_change; /* POST /v1/{type}/{request_id} */
route_run_fn job_delete; /* DELETE /v1/{type}/{request_id} */
route_run_fn wait_show;  /* GET /v1/{type}/{request_id}/wait */
route_run_fn events;     /* GET /v1/{type}/{request_id}/events */
route_run_fn deliveries; /* GET /v1/{type}/{request_id}/deliveries */
route_prepare_fn deliveries_send_prepare;
route_run_fn deliveries_send; /* POST /v1/{type}/{request_id}/deliveries */
route_run_fn capacity;        /* GET /queues/{type}/capacity */
route_run_fn queues;          /* GET /queues/ */
route_run_fn queue_show;      /* GET /queues/{type} */
route_prepare_fn queue_change_prepare;
route_run_fn queue_change; /* POST /queues/{type} */
route_done_fn queue_changed;

/* The ETag of a whole list, as GET /v1/{type}/ without a query gives it to this person, for
 * preconditions on the collection. 0 and the tag with its quotes, or -1 and *e. */
enum { JOB_LIST_ETAG_MAX = 48 };
int job_list_etag(struct store *s, const struct who *who, struct str type,
                  char etag[JOB_LIST_ETAG_MAX], struct err *e) AR_MUST_CHECK;

/* The ETag of a queue as GET /queues/{type} gives it to who asks, for preconditions. Within a read
 * or a write transaction. 0 and the tag with its quotes, or -1 and *e. */
int queue_etag(struct store *s, struct str type, struct clock_zone *zone, char etag[ETAG_MAX],
               struct err *e) AR_MUST_CHECK;

#endif
