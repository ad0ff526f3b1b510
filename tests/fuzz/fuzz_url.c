/* SPDX-License-Identifier: MIT */
/*
 * URLs: a base, which may be empty, a line feed, a reference. What libcurl is given in the end is
 * read by it as the same again: host, port, scheme; and a callback that is taken is such a URL.
 */
#include "fuzz.h"

#include "job.h"
#include "netguard.h"
#include "uri.h"
#include "url.h"

static void check_url(const struct url *u)
{
    struct url again = {0};
    struct err e = {0};

    MUST(u->port >= 1 && u->port <= 65535 && u->host[0]);
    MUST(strspn(u->host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:") == strlen(u->host));
    MUST(u->host[strlen(u->host) - 1] != '.' && strlen(u->origin) < URL_ORIGIN_MAX);
    MUST(strncmp(u->origin, u->tls ? "https://" : "http://", u->tls ? 8 : 7) == 0);
    if (url_resolve((struct str){0}, buf_span(&u->text), "it", &again, &e) != 0)
        fuzz_broken(__FILE__, __LINE__, e.text);
    MUST(strcmp(again.host, u->host) == 0 && again.port == u->port && again.tls == u->tls);
    MUST(strcmp(again.origin, u->origin) == 0 && fuzz_same(&again.text, &u->text));
    url_free(&again);
}

/* A callback in a queue with this base. */
static void check_callback(struct str base, struct str reference)
{
    struct conf_queue queue = {.type = STR_LIT("vm"), .rules = STR_LIT("vm")};
    struct job_target t = {.port = 0};
    struct netguard_rules rules = {0};
    struct netguard_address a;
    struct err e = {0};

    queue.callback_base = base;
    if (job_check_callback(&queue, queue.type, reference, &t, &e) != 0) {
        MUST(e.code == ERR_INVALID && strcmp(e.pointer, "/callback") == 0);
        return;
    }
    MUST(reference.n >= 1 && reference.n <= JOB_CALLBACK_MAX);
    MUST(!memchr(reference.p, ' ', reference.n) && !memchr(reference.p, '\\', reference.n));
    if (job_judge_callback(&rules, &t, &e) == 0 && netguard_literal(t.host, &a))
        MUST(netguard_judge(&a, &rules, &e) == 0);
}

static void check_percent(struct str text)
{
    struct buf coded = BUF_INIT(FUZZ_TEXT_MAX);
    char *room = fuzz_exact(text), *back;
    struct str out = {0}, again = {0};
    struct err e = {0};

    if (uri_decode(room, text.n, false, "it", &out, &e) == 0) {
        MUST(out.n <= text.n && !(out.n && memchr(out.p, '\0', out.n)));
        uri_encode(out, &coded);
        back = fuzz_exact(buf_span(&coded));
        MUST(uri_decode(back, coded.len, false, "it", &again, &e) == 0);
        MUST(again.n == out.n && (out.n == 0 || memcmp(again.p, out.p, out.n) == 0));
        free(back);
    } else {
        MUST(e.code == ERR_BAD_REQUEST);
    }
    buf_free(&coded);
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str reference = fuzz_str(data, size), base = fuzz_line(&reference);
    struct url u = {0};
    struct err e = {0};

    check_percent(reference);
    if (base.n == 0)
        base = (struct str){0};
    if (base.p &&
        (url_resolve((struct str){0}, base, "it", &u, &e) != 0 || memchr(base.p, 0, base.n)))
        return 0; /* no configuration has such a base */
    url_free(&u);
    if (url_resolve(base, reference, "it", &u, &e) == 0) {
        check_url(&u);
        url_free(&u);
    }
    check_callback(base, reference);
    return 0;
}
