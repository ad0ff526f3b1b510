/* SPDX-License-Identifier: MIT */
/* Members of what a service answered: there and of the right kind, or an error that says what is
 * wrong. Pure; any thread. *e is ERR_UNAVAILABLE. */
#ifndef AR_ANSWER_H
#define AR_ANSWER_H

#include "json_in.h"

/* *v = the member. 0, or -1: "there is no X", "X is a number, not an object". `object` may be
 * anything. */
int answer_member(const json_value *object, const char *name, enum json_kind kind, json_value **v,
                  struct err *e) AR_MUST_CHECK;

/* The same for a text, which is not empty, and for a whole number low..NUM_SAFE_MAX. */
int answer_text(const json_value *object, const char *name, struct str *text,
                struct err *e) AR_MUST_CHECK;
int answer_count(const json_value *object, const char *name, int64_t low, int64_t *n,
                 struct err *e) AR_MUST_CHECK;

/* A text that may be missing or null: absent then. */
int answer_perhaps(const json_value *object, const char *name, struct str *text,
                   struct err *e) AR_MUST_CHECK;

#endif
