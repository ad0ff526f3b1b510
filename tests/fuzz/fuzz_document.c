/* SPDX-License-Identifier: MIT */
/*
 * The document of a program or a URL: a line with the queue's type, then the text. What is taken
 * keeps all rules of a reading, and is the same when it is read again.
 */
#include "fuzz.h"

#include "conf.h"
#include "cron/document.h"
#include "reading_text.h"

static const char yaml[] = "queues:\n"
                           "  lab: {capacity: exec, program: [/bin/true], max_age: 90s}\n"
                           "  vm: {capacity: exec, program: [/bin/true]}\n"
                           "  kube: {capacity: exec, program: [/bin/true]}\n";

static int read_once(struct str type, struct str text, struct buf *log, struct err *e)
{
    static struct conf *conf;
    struct source_reading r = {.arena = arena_new(SOURCE_MEMORY_MAX), .state = SOURCE_GOOD};
    int rc;

    if (!conf)
        MUST(conf_parse(STR_LIT(yaml), "fuzz", &conf, e) == 0);
    MUST(r.arena);
    r.queue = conf_queue(conf, type);
    r.read_at = INT64_C(1700000000) * NS_PER_S;
    rc = document_read(text, &r, e);
    if (rc == 0 && source_check(&r, e) != 0)
        fuzz_broken(__FILE__, __LINE__, e->text);
    if (rc == 0)
        reading_write(log, &r);
    else
        MUST((e->code == ERR_UNAVAILABLE || e->code == ERR_MALFORMED_JSON) && e->text[0]);
    arena_free(r.arena);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size), type = fuzz_line(&text);
    struct buf a = BUF_INIT(FUZZ_TEXT_MAX), b = BUF_INIT(FUZZ_TEXT_MAX);
    struct err e = {0};
    int rc;

    if (type.n == 0 || type.n > 4)
        return -1;
    rc = read_once(type, text, &a, &e);
    MUST(read_once(type, text, &b, &e) == rc);
    MUST(fuzz_same(&a, &b));
    buf_free(&a);
    buf_free(&b);
    return 0;
}
