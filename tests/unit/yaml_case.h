/* SPDX-License-Identifier: MIT */
/* For the tests of yaml_in: texts that must be taken, and texts that must be refused. */
#ifndef AR_YAML_CASE_H
#define AR_YAML_CASE_H

#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <unistd.h>

#include "buf.h"
#include "yaml_in.h"

enum { TEXT_MAX = 16 << 20 };

static inline struct yaml_doc *parse(struct str text)
{
    struct yaml_doc *doc = NULL;
    struct err e = {0};

    if (yaml_parse(text, "f", &doc, &e) != 0)
        fail_msg("%s", e.text);
    return doc;
}

/* Parses what must be refused; returns the words of the error, which live until the next call. */
static inline const char *refusal(struct str text)
{
    static struct err e;
    struct yaml_doc *doc = NULL;

    e = (struct err){0};
    if (yaml_parse(text, "f", &doc, &e) == 0) {
        yaml_doc_free(doc);
        return "(it was taken)";
    }
    assert_null(doc);
    assert_int_equal(e.code, ERR_CONFIG);
    return e.text;
}

static inline void assert_starts(const char *text, const char *start)
{
    if (strncmp(text, start, strlen(start)) != 0)
        fail_msg("\"%s\" does not start with \"%s\"", text, start);
}

/* A file with these bytes; its name goes into `path`. */
static inline void make_file(char path[32], struct str text)
{
    size_t done = 0;
    ssize_t n;
    int fd;

    (void)snprintf(path, 32, "/tmp/test_yaml_in.XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    for (; done < text.n; done += (size_t)n) {
        n = write(fd, text.p + done, text.n - done);
        assert_true(n > 0);
    }
    assert_int_equal(close(fd), 0);
}

#endif
