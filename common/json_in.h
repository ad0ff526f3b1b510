/* SPDX-License-Identifier: MIT */
/*
 * Strict JSON in. A scanner of our own goes first (RFC 8259 grammar, valid UTF-8, no lone
 * surrogates, no U+0000, depth <= JSON_DEPTH_MAX), since json-c 0.16 takes NaN, raw newlines and
 * broken UTF-8, and reads some valid text wrong. The tree is then built of json-c's objects: names
 * are unique after unescaping, and every number keeps the very text that it was written with.
 *
 * A value is json-c's, seen here as an opaque type; NULL is the JSON value null. Only json_in.c
 * includes json-c's headers. A document belongs to one thread at a time; all spans live as long as
 * the document and are not changed by reading.
 */
#ifndef AR_JSON_IN_H
#define AR_JSON_IN_H

#include "buf.h"
#include "utf8.h"

enum { JSON_DEPTH_MAX = 16, JSON_TEXT_MAX = 64 << 20 };

struct json_doc;
typedef struct json_object json_value;

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/* Reads one JSON text, which need not outlive the call. 0 and *doc (free it with json_in_free), or
 * -1 with ERR_MALFORMED_JSON and a sentence that names what is wrong and at which byte, the first
 * being 1 ("duplicate member \"a\" at byte 17"), ERR_TOO_LARGE above JSON_TEXT_MAX bytes, or
 * ERR_INTERNAL when memory runs out. An empty text has its own sentence. */
int json_in_parse(struct str text, struct json_doc **doc, struct err *e) AR_MUST_CHECK;
/* The same of one or many: an array round the whole does not count as a level, so that what is
 * taken alone is taken in it. */
int json_in_parse_many(struct str text, struct json_doc **doc, struct err *e) AR_MUST_CHECK;
void json_in_free(struct json_doc *doc);

/* The document's value; NULL when it is null. */
json_value *json_in_root(const struct json_doc *doc);

enum json_kind json_kind(const json_value *v);
/* "null", "a boolean", "a number", "a string", "an array", "an object": for error texts. */
const char *json_kind_word(enum json_kind kind);

/* Of a string: its bytes, unescaped. Of a number: the very text that it was written with. Other
 * kinds are a bug (assert). */
struct str json_string(const json_value *v);
struct str json_number(const json_value *v);
bool json_bool(const json_value *v);

/* Of an array. */
size_t json_length(const json_value *array);
json_value *json_at(const json_value *array, size_t i);

/* Of an object: does it have the member, and which value (NULL is null). */
bool json_member(const json_value *object, const char *name, json_value **value);

/* The members in the order in which they were written: start with {0}; false when there are no
 * more. */
struct json_iter {
    void *next;
    bool started;
    struct str name;
    json_value *value;
};
bool json_next(const json_value *object, struct json_iter *it);

/* ERR_UNKNOWN_MEMBER, with a pointer, for the first member whose name is not among `known`. */
int json_only_members(const json_value *object, const char *const *known, size_t count,
                      struct err *e) AR_MUST_CHECK;

/* Appends `/name` to a JSON pointer held in room, escaped after RFC 6901. What does not fit is cut
 * off, and then it is longer than an error's may be, which cuts it where it should be. */
enum { JSON_POINTER_ROOM = ERR_POINTER_MAX + UTF8_CHAR_MAX };
enum {
    JSON_POINTER_SHOWN = 159
}; /* bytes of one at the beginning of a sentence, which has to say
      more than where */
void json_pointer_add(char room[JSON_POINTER_ROOM], struct str name);

/* Adds or replaces a member of an object by a string. -1 and ERR_INTERNAL without memory. */
int json_set_string(json_value *object, const char *name, struct str text,
                    struct err *e) AR_MUST_CHECK;

/* Appends the value as compact JSON with the members of every object sorted by the bytes of their
 * names, numbers as they were written, strings escaped as json_out does. */
void json_write_sorted(const json_value *v, struct buf *b);

#endif
