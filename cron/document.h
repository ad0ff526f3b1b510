/* SPDX-License-Identifier: MIT */
/*
 * The document that a source of the operator's own gives, a program's output or what a URL answers:
 * one JSON text that says what there is. anteroom.yaml(5) has it for those who write one.
 *
 *   {"hosts":  {"<name>": {"total": {"<resource>": n}, "used": {"<resource>": n},
 *                          "labels": {"<key>": "<value>"}}},
 *    "pools":  {"<name>": {"hosts": ["<name>"], "projects": ["<id>"]}},
 *    "quotas": {"<project>": {"<line>": {"limit": n, "used": n, "resource": "<resource>"}}},
 *    "at":     "<RFC 3339>"}
 *
 * Only "hosts", and of a quota's line "limit", must be there. Without "pools" there is one, "all",
 * open, with every host; a pool without projects is open. A line without "resource" counts
 * instances. Without "quotas" there is no second gate; with it, a project that it does not name has
 * no quota.
 */
#ifndef AR_DOCUMENT_H
#define AR_DOCUMENT_H

#include "source.h"

/* Reads the text, which need not outlive the call, into *r, whose queue and arena are set: by the
 * queue's rules resources have their names and amounts (kube: quantities, also as strings), and by
 * its max_age a time "at" is stale; one before r->read_at, when it was asked for, takes its place.
 * 0, or -1: *e says what is wrong and where, as a JSON pointer,
 * and *r is not to be used. Any thread. */
int document_read(struct str text, struct source_reading *r, struct err *e) AR_MUST_CHECK;

#endif
