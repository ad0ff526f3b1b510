/* SPDX-License-Identifier: MIT */
/* For tests of the JSON reader: what must be taken, and what must be refused. After cmocka.h. */
#ifndef AR_JSON_MUST_H
#define AR_JSON_MUST_H

#include "json_in.h"

static inline struct json_doc *must_parse(struct str text)
{
    struct json_doc *doc = NULL;
    struct err e = {0};

    if (json_in_parse(text, &doc, &e) != 0)
        fail_msg("%s: %.*s", e.text, (int)text.n, text.p);
    return doc;
}

static inline void must_refuse(struct str text, const char *sentence)
{
    struct json_doc *doc = NULL;
    struct err e = {0};

    assert_int_equal(json_in_parse(text, &doc, &e), -1);
    assert_null(doc);
    assert_int_equal(e.code, ERR_MALFORMED_JSON);
    if (sentence)
        assert_string_equal(e.text, sentence);
}

#endif
