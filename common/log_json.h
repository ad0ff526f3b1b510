/* SPDX-License-Identifier: MIT */
/* A line of the log as JSON. */
#ifndef AR_LOG_JSON_H
#define AR_LOG_JSON_H

#include "json_out.h"

/*
 * Writes the pairs as members of the object that is open in *o; `taken` (NULL: none) are the names
 * that it has already. A pair is key=value: the value a word, or text in double quotes as log_quote
 * makes it. A word that is a number or true or false is one in JSON too, but for ids. What is no
 * pair, because it is none or was cut off, becomes the member "text", up to the end. Whatever the
 * text is, the object stays JSON, and no name stands in it twice: a second one gets a "_" behind
 * it. Pure; any thread.
 */
void log_json_pairs(struct json_out *o, const char *const *taken, struct str text);

#endif
