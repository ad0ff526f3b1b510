/* SPDX-License-Identifier: MIT */
/*
 * Demand: what a job's `data` asks for, and in which place. Pure; any thread.
 *
 * `data` (after the rules of the type: vm, kube, any other) → kinds of instances (normal form) →
 * shape: the normal form as text. Two jobs with the same type, scope and shape are interchangeable.
 * In the normal form resources are sorted by name, amounts of 0 are left out, neighbours that ask
 * for the same are one kind with their counts added; the order of the kinds is the order of the
 * list.
 *
 * Scope: "" (any pool of the queue), "pool:<name>", "project:<id>" (for kube: the namespace), or
 * "pool:<name>\nproject:<id>".
 */
#ifndef AR_DEMAND_H
#define AR_DEMAND_H

#include "json_in.h"

enum {
    DEMAND_INSTANCES_MAX = 10000, /* instances of one job, all counts added */
    DEMAND_KINDS_MAX = 100,       /* kinds of one job, in the normal form */
    DEMAND_RESOURCES_MAX = 32,    /* resources that one instance asks for */
    DEMAND_NAME_MAX = 255,        /* bytes of a resource's name, a project, namespace, pool */
    DEMAND_KUBE_PODS = 110 /* that a host takes which does not say: what the kubelet does unless it
                              is told otherwise */
};

struct demand_amount {
    struct str resource;
    int64_t amount; /* 1..NUM_SAFE_MAX; of kube's cpu in milli */
};

struct demand_kind {
    int64_t count; /* >= 1 */
    size_t amounts;
    struct demand_amount *amount; /* sorted by name, no doubles */
    /* kube: {"nodeSelector":{…},"tolerations":[…]}; vm: {"traits":["!A","B"]}, sorted, those with
     * "!" forbidden, the others required. Canonical, only what is not empty; absent: nothing of it.
     */
    struct str constraint;
};

struct demand {
    struct str scope;
    size_t kinds; /* 0: needs nothing */
    struct demand_kind *kind;
    void *memory; /* what all of this lives in */
};

/* From a request's `data` (an object). 0 and *demand (demand_free), or -1: ERR_INVALID with a
 * pointer below "/data" ("/data/instances/0/VCPU"), for what the rules name and what is wrong:
 * negative, fractional, a string, beyond 2^53-1, too many. Copies all it keeps. */
int demand_parse(struct str type, const json_value *data, struct demand **demand,
                 struct err *e) AR_MUST_CHECK;

/* Appends the shape: the normal form as compact JSON, e.g.
 * [{"n":2,"r":{"Disk":10,"Memory":1024,"VCPU":1}}]; `[]` needs nothing. A constraint stands first
 * in its kind, as member "c". */
void demand_write_shape(const struct demand *d, struct buf *b);

/* Appends what one instance of the kind asks for, the same text for the same kind:
 * {"r":{"Memory":1024,"VCPU":1}}. */
void demand_write_kind(const struct demand_kind *kind, struct buf *b);

/* Back from a shape that demand_write_shape wrote; the scope is absent. -1 and ERR_INTERNAL for any
 * other text; ERR_UNAVAILABLE without memory, which says nothing about the shape. */
int demand_from_shape(struct str shape, struct demand **demand, struct err *e) AR_MUST_CHECK;

void demand_free(struct demand *d);

/* Can it be the name of a project, namespace or pool: 1..DEMAND_NAME_MAX bytes, none of them a
 * control character? */
bool demand_is_name(struct str text);

/* The name by which a resource of a queue of this type is known here: for vm, Placement's MEMORY_MB
 * and DISK_GB are Memory and Disk. */
struct str demand_resource(struct str type, struct str name);

/* By how much its amounts are larger than those that people write: 1000 for kube's cpu, else 1. */
int64_t demand_scale(struct str type, struct str resource);

/* What a host has, for demand_fits_alone: the amount of a resource, 0 when it has none. */
typedef int64_t demand_total_fn(void *ctx, struct str resource);

/* Does the kind ask for labels (a nodeSelector, required traits)? Then no host without labels can
 * take it. Tolerations and forbidden traits alone ask for nothing. */
bool demand_needs_labels(const struct demand_kind *kind);

/* Could one instance of the kind run on an empty host that has no labels and no taints? */
bool demand_fits_alone(const struct demand_kind *kind, demand_total_fn *total, void *ctx);

#endif
