/* SPDX-License-Identifier: MIT */
/*
 * Small readers and writers of text: a line that names one (of `readers`), then what it reads. Each
 * gives what its header says, by a second way: writing it again, or a look at every byte.
 */
#include "fuzz.h"

#include <locale.h>

#include "base64.h"
#include "clock.h"
#include "cron/backoff.h"
#include "cron/secret.h"
#include "cron/seen.h"
#include "fcgi/etag.h"
#include "fcgi/origin.h"
#include "fcgi/request_id.h"
#include "json_in.h"
#include "json_out.h"
#include "json_scan.h"
#include "listing.h"
#include "num.h"
#include "plain.h"
#include "utf8.h"

static bool is_utf8(struct str text)
{
    const char *p = text.p, *end = text.p + text.n;
    size_t n = 1;

    while (p < end && n > 0) {
        n = utf8_length(p, end);
        p += n;
    }
    return p >= end;
}

static void read_clock(struct str text)
{
    struct buf b = BUF_INIT(CLOCK_TEXT_MAX + 1);
    struct clock_zone zone = {0};
    int64_t ns = -1, back = -1, utc = -1;
    int rc = clock_parse(text, &ns);

    MUST(rc == 0 ? ns >= 0 : ns == -1);
    if (clock_parse_utc(text, &utc) == 0)
        MUST(rc != 0 || utc == ns);
    else
        MUST(rc != 0);
    if (rc == 0) {
        clock_write(&b, &zone, ns);
        MUST(clock_parse(buf_span(&b), &back) == 0 && back == ns);
    }
    buf_free(&b);
}

/* Numbers, by way of the C library where it can. */
static void read_numbers(struct str text)
{
    char *copy = fuzz_copy(text), want[32];
    bool nul = strlen(copy) != text.n, between = false;
    int64_t v = 42, whole = 42, ns = -1, bytes = -1;

    if (num_i64(text, INT64_MIN, INT64_MAX, &v) == 0) {
        (void)snprintf(want, sizeof want, "%lld", (long long)v);
        MUST(!nul && strtoll(copy, NULL, 10) == v);
        MUST(strspn(copy, "-0123456789") == text.n);
    }
    if (num_decimal(text, INT64_MIN, INT64_MAX, &whole, &between) == 0) {
        MUST(json_is_number(text));
        if (text.n < 15)
            MUST(!nul && (double)whole <= strtod(copy, NULL));
        if (v != 42)
            MUST(whole == v && !between);
    } else {
        MUST(whole == 42);
    }
    if (num_duration(text, &ns) == 0)
        MUST(ns >= 0);
    if (num_size(text, &bytes) == 0)
        MUST(bytes >= 0 && bytes <= NUM_SAFE_MAX);
    free(copy);
}

static void read_base64(struct str text)
{
    char *out = malloc(text.n / 4 * 3 + 1), *coded = malloc((text.n + 2) / 3 * 4 + 4), *plain;
    size_t n = 0, m = 0;
    struct buf url = BUF_INIT(FUZZ_TEXT_MAX);

    MUST(out && coded);
    if (base64_decode(text, out, &n) == 0) {
        MUST(n <= text.n / 4 * 3);
        MUST(base64_encode((struct str){out, n}, coded) == text.n);
        MUST(memcmp(coded, text.p, text.n) == 0);
    }
    m = base64_encode(text, coded);
    plain = malloc(m / 4 * 3 + 1);
    MUST(plain && base64_decode((struct str){coded, m}, plain, &n) == 0);
    MUST(n == text.n && memcmp(plain, text.p, n) == 0);
    base64_url_write(text.p, text.n, &url);
    MUST(url.len == (text.n * 4 + 2) / 3);
    buf_free(&url);
    free(out);
    free(coded);
    free(plain);
}

/* Two lines: the header, and the tag of what there is. */
static void read_etag(struct str text)
{
    struct str header = fuzz_line(&text);
    struct store_match match = {0};
    bool weak = etag_named(header, text, ETAG_WEAK), strong = etag_named(header, text, ETAG_STRONG);
    struct err e = {0};

    MUST(!strong || weak || (text.n > 1 && text.p[0] == 'W'));
    if (etag_match(header, &match, &e) != 0)
        MUST(e.code == ERR_BAD_REQUEST);
    else
        MUST(match.given && match.n <= STORE_TAGS_MAX);
}

static void read_request_id(struct str text)
{
    static const char fit[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.@";
    char id[REQUEST_ID_MAX + 1];

    request_id_take(text, id);
    MUST(strlen(id) >= 1 && strspn(id, fit) == strlen(id));
    MUST(str_is(text, id) || strlen(id) == 32);
}

/* Lines: Origin, Sec-Fetch-Site, Host; an empty one is absent. */
static void read_origin(struct str text)
{
    struct origin o = {.origin = {NULL, 0}};
    struct err e = {0};
    int open, strict;

    o.origin = fuzz_line(&text);
    o.site = fuzz_line(&text);
    o.host = text;
    o.origin = o.origin.n ? o.origin : (struct str){0};
    o.site = o.site.n ? o.site : (struct str){0};
    o.host = o.host.n ? o.host : (struct str){0};
    strict = origin_check(&o, false, &e);
    open = origin_check(&o, true, &e);
    MUST(strict == 0 || open != 0); /* "open" only asks for more */
    MUST(open == 0 || (e.code == ERR_FORBIDDEN && is_utf8(str_of(e.text))));
}

static void read_listing(struct str text)
{
    unsigned statuses = 0;
    struct err e = {0};
    int64_t wait = -1;

    if (listing_statuses(text, &statuses, &e) == 0)
        MUST(statuses != 0 && statuses < 1U << JOB_STATUSES);
    else
        MUST(e.code == ERR_BAD_REQUEST);
    if (backoff_retry_after(text, INT64_C(1700000000) * NS_PER_S, &wait) == 0)
        MUST(wait >= 0);
}

/* Whatever is shown is valid UTF-8 without control characters, and JSON. */
static void show(struct str text)
{
    struct buf seen = BUF_INIT(FUZZ_TEXT_MAX), json = BUF_INIT(FUZZ_TEXT_MAX);
    struct json_doc *doc;
    struct err e = {0};
    struct str cut;
    char room[40];
    size_t n = plain_text(text, room, sizeof room), width = 0;

    MUST(n < sizeof room && room[n] == '\0' && is_utf8(str_of(room)) && plain_is(str_of(room)));
    seen_put(&seen, text);
    MUST(is_utf8(buf_span(&seen)) && (seen.len == 0 || plain_is(buf_span(&seen))));
    cut = seen_cut(buf_span(&seen), 10, &width);
    MUST(width <= 10 && cut.n <= seen.len && seen_width(cut) == width && is_utf8(cut));
    json_escape(&json, text);
    MUST(json_in_parse(buf_span(&json), &doc, &e) == 0 || strncmp(e.text, "U+0000", 6) == 0);
    if (e.code == ERR_NONE) {
        MUST(!is_utf8(text) || str_eq(json_string(json_in_root(doc)), text) || text.n == 0);
        json_in_free(doc);
    }
    buf_free(&seen);
    buf_free(&json);
}

/* Two lines: the secret, and what a stranger says. */
static void hide(struct str text)
{
    struct buf b = BUF_INIT(FUZZ_TEXT_MAX);
    struct str secret = fuzz_line(&text);

    secret_mask(text, &secret, 1, &b);
    MUST(!b.failed);
    if (secret.n >= 4 && !memchr(secret.p, '*', secret.n) && b.len)
        MUST(!memmem(b.data, b.len, secret.p, secret.n));
    buf_free(&b);
}

static const struct {
    const char *name;
    void (*read)(struct str text);
} readers[] = {
    {"clock", read_clock},     {"number", read_numbers}, {"base64", read_base64},
    {"etag", read_etag},       {"id", read_request_id},  {"origin", read_origin},
    {"listing", read_listing}, {"show", show},           {"hide", hide},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size), name = fuzz_line(&text);
    size_t i = 0;

    while (i < ARRAY_LEN(readers) && !str_is(name, readers[i].name))
        i++;
    if (i == ARRAY_LEN(readers))
        return -1;
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    readers[i].read(text);
    return 0;
}
