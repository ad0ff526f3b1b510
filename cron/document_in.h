/* SPDX-License-Identifier: MIT */
/*
 * What the files of the document share: walking through JSON with the place kept as a pointer, and
 * the values that stand in it. All functions that fail fill d->e and return -1 or NULL; the rest of
 * the document is then not read.
 */
#ifndef AR_DOCUMENT_IN_H
#define AR_DOCUMENT_IN_H

#include "document.h"

/* Where the reading of the document stands. */
struct document {
    struct source_reading *r;
    char at[JSON_POINTER_ROOM]; /* a JSON pointer; "": the whole document */
    struct err *e;
};

/* ---- errors ---- */

/* Fills *e: "<pointer> <what>", of a long one its beginning. Returns -1. */
int document_wrong(const struct document *d, const char *fmt, ...) AR_PRINTF(2, 3);
int document_no_memory(const struct document *d);

/* Is the value of this kind? */
int document_need(const struct document *d, const json_value *v, enum json_kind kind) AR_MUST_CHECK;

/* ---- walking ---- */

/* Takes the value that d->at points at; `name` is the last part of that. */
typedef int document_take_fn(struct document *d, struct str name, const json_value *v, void *ctx);

/* Takes every member of an object, whatever its name; every element of a list. */
int document_take_each(struct document *d, const json_value *object, document_take_fn *take,
                       void *ctx) AR_MUST_CHECK;
int document_take_list(struct document *d, const json_value *list, document_take_fn *take,
                       void *ctx) AR_MUST_CHECK;

struct document_member {
    const char *name;
    document_take_fn *take;
    bool needed;
};

/* v must be an object with members of the table and no others. They are taken in the table's order.
 */
int document_take_members(struct document *d, const json_value *v, const struct document_member *m,
                          size_t n, void *ctx) AR_MUST_CHECK;

/* An array in the reading's arena with room for each member of v, which must be an object of at
 * most `max`, and for one more; for each element of v, which must be a list. */
void *document_room(struct document *d, const json_value *v, size_t max, size_t size) AR_MUST_CHECK;
void *document_list_room(struct document *d, const json_value *v, size_t size) AR_MUST_CHECK;

/* ---- values ---- */

/* A text of least..most bytes, a name, the name of a resource as demands know it: without control
 * characters, into the reading's arena. */
int document_copy_text(const struct document *d, struct str text, size_t least, size_t most,
                       struct str *copy) AR_MUST_CHECK;
int document_copy_name(const struct document *d, struct str name, struct str *copy) AR_MUST_CHECK;
int document_copy_resource(const struct document *d, struct str name,
                           struct str *copy) AR_MUST_CHECK;

/* 0..NUM_SAFE_MAX of a resource; absent: of instances. */
int document_take_amount(const struct document *d, const json_value *v, struct str resource,
                         int64_t *amount) AR_MUST_CHECK;

/* ---- the document's parts ---- */

/* The hosts, into d->r, sorted. */
int document_take_hosts(struct document *d, struct str name, const json_value *v, void *ctx);

/* The host of this name; NULL: there is none. */
const struct source_host *document_find_host(const struct document *d, struct str name);

#endif
