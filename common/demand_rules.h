/* SPDX-License-Identifier: MIT */
/*
 * Inside demand only: what the rules of the types share, and how a demand is collected in its
 * normal form. Pure; any thread. Errors are ERR_INVALID with a pointer below `data`, without
 * "/data" itself; ERR_INTERNAL without memory.
 */
#ifndef AR_DEMAND_RULES_H
#define AR_DEMAND_RULES_H

#include "demand.h"

/* One instance (with its count) while it is read; its spans belong to the document. */
struct demand_instance {
    int64_t count;
    size_t amounts;
    struct demand_amount amount[DEMAND_RESOURCES_MAX]; /* sorted by name */
    struct buf constraint;                             /* empty: none */
};

/* An empty demand, or NULL without memory. */
struct demand *demand_new(void) AR_MUST_CHECK;

/* Puts an amount in its place; 0 is left out. The same name must not come twice. */
int demand_instance_add(struct demand_instance *in, struct str resource, int64_t amount,
                        struct err *e) AR_MUST_CHECK;

/* Appends what was read to the demand, as `count` more of its last kind when that asks for the
 * same. Copies. */
int demand_add(struct demand *d, const struct demand_instance *in, struct err *e) AR_MUST_CHECK;

/* Adds the line "<prefix>:<name>" to the scope. */
int demand_add_scope(struct demand *d, const char *prefix, struct str name,
                     struct err *e) AR_MUST_CHECK;

/* The string member `name` of an object, which must be a name (demand_is_name); absent when it is
 * not there. */
int demand_take_name(const json_value *object, const char *name, struct str *text,
                     struct err *e) AR_MUST_CHECK;

/* The value of the member `name`, which must be a whole number in low..high (1.0 and 1e2 are
 * whole). */
int demand_take_whole(struct str name, const json_value *v, int64_t low, int64_t high, int64_t *n,
                      struct err *e) AR_MUST_CHECK;

/* Checks the name of a resource and adds the value of its member, a whole number in
 * 0..NUM_SAFE_MAX, under the name `as`. */
int demand_take_resource(struct demand_instance *in, struct str name, struct str as,
                         const json_value *v, struct err *e) AR_MUST_CHECK;

/* ERR_INVALID at the member `name`, whose name begins the sentence. Returns -1. */
int demand_refuse(struct err *e, struct str name, const char *fmt, ...) AR_PRINTF(3, 4);

/* Reads what is the type's own in one element of a list; `count` is read already. */
typedef int demand_item_fn(const json_value *item, struct demand_instance *in, struct err *e);

/* Adds every element of the list that is the member `name`: a non-empty array of objects. */
int demand_take_list(struct demand *d, const char *name, const json_value *list,
                     demand_item_fn *take, struct err *e) AR_MUST_CHECK;

/* The rules of the types. `data` is an object. */
typedef int demand_rules_fn(const json_value *data, struct demand *d, struct err *e);
demand_rules_fn demand_rules_vm, demand_rules_kube, demand_rules_any;

/* Appends the constraint of a pod, canonical, if it has one: what Kubernetes takes for the default
 * is left out. */
int demand_take_constraint(const json_value *pod, struct buf *b, struct err *e) AR_MUST_CHECK;

/* The same of a virtual machine: its `traits`. And does such a constraint require a trait? */
int demand_take_traits(const json_value *instance, struct buf *b, struct err *e) AR_MUST_CHECK;
bool demand_requires_traits(struct str constraint);

/* Kubernetes' form of a label's key ("example.com/name") and value. */
bool demand_is_label_key(struct str text);
bool demand_is_label_value(struct str text);

#endif
