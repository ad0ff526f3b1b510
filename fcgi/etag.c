/* SPDX-License-Identifier: MIT */
/* Entity tags: reads their lists, and makes one of a content. */
#include "etag.h"

#include <string.h>

#include "digest.h"
#include "num.h"

struct etag {
    bool weak;
    struct str text; /* with its quotes; absent: this element is no tag */
};

static void skip_blanks(struct str *rest)
{
    while (rest->n && (*rest->p == ' ' || *rest->p == '\t' || *rest->p == ',')) {
        rest->p++;
        rest->n--;
    }
}

static void skip(struct str *rest, size_t n)
{
    rest->p += n;
    rest->n -= n;
}

/* The length of the quoted tag that *rest begins with; 0 if it does not.
 * A comma may be part of it. */
static size_t quoted_length(struct str rest)
{
    size_t n;

    if (rest.n == 0 || rest.p[0] != '"')
        return 0;
    for (n = 1; n < rest.n; n++) {
        unsigned char c = (unsigned char)rest.p[n];

        if (c == '"')
            return n + 1;
        if (c <= ' ' || c == 0x7f)
            return 0;
    }
    return 0;
}

/* Takes the next element off the list; false at its end. */
static bool next_tag(struct str *rest, struct etag *t)
{
    size_t n;

    *t = (struct etag){0};
    skip_blanks(rest);
    if (rest->n == 0)
        return false;
    if (rest->n >= 2 && memcmp(rest->p, "W/", 2) == 0) {
        t->weak = true;
        skip(rest, 2);
    }
    n = quoted_length(*rest);
    if (n > 0)
        t->text = (struct str){rest->p, n};
    skip(rest, n);
    /* Whatever stands before the next comma makes it no tag. */
    while (rest->n && *rest->p != ',') {
        if (*rest->p != ' ' && *rest->p != '\t')
            t->text.p = NULL;
        skip(rest, 1);
    }
    return true;
}

static bool is_star(struct str header)
{
    while (header.n && (*header.p == ' ' || *header.p == '\t'))
        skip(&header, 1);
    while (header.n && (header.p[header.n - 1] == ' ' || header.p[header.n - 1] == '\t'))
        header.n--;
    return header.n == 1 && *header.p == '*';
}

bool etag_named(struct str header, struct str tag, enum etag_compare how)
{
    struct etag t;

    if (is_star(header))
        return true;
    while (next_tag(&header, &t)) {
        if (t.text.p && str_eq(t.text, tag) && (how == ETAG_WEAK || !t.weak))
            return true;
    }
    return false;
}

/* Splits a job's tag, "<id>.<version>.<reason_seq>", into what the store compares. 0, or -1: not
 * one of ours. */
static int split_tag(struct str quoted, int64_t *id, int64_t *version)
{
    const char *p = quoted.p + 1, *end = quoted.p + quoted.n - 1;
    const char *dot1 = memchr(p, '.', (size_t)(end - p));
    const char *dot2 = dot1 ? memchr(dot1 + 1, '.', (size_t)(end - dot1 - 1)) : NULL;
    int64_t seq;

    if (!dot2)
        return -1;
    if (num_i64((struct str){p, (size_t)(dot1 - p)}, 1, INT64_MAX, id) != 0 ||
        num_i64((struct str){dot1 + 1, (size_t)(dot2 - dot1 - 1)}, 1, INT64_MAX, version) != 0)
        return -1;
    return num_i64((struct str){dot2 + 1, (size_t)(end - dot2 - 1)}, 0, INT64_MAX, &seq);
}

int etag_match(struct str header, struct store_match *match, struct err *e)
{
    int64_t id, version;
    struct etag t;

    *match = (struct store_match){.given = header.p != NULL};
    if (!header.p)
        return 0;
    match->any = is_star(header);
    while (!match->any && next_tag(&header, &t)) {
        if (t.weak || !t.text.p || split_tag(t.text, &id, &version) != 0)
            continue;
        if (match->n == STORE_TAGS_MAX)
            return err_set(e, ERR_BAD_REQUEST, "If-Match has more than %d tags", STORE_TAGS_MAX);
        match->tag[match->n].id = id;
        match->tag[match->n].version = version;
        match->n++;
    }
    return 0;
}

enum { TAG_BYTES = 16 };
_Static_assert(2 * TAG_BYTES + 3 <= ETAG_MAX, "the tag with its quotes has room");

int etag_of(const struct str *part, size_t parts, char etag[ETAG_MAX], struct err *e)
{
    unsigned char digest[DIGEST_SHA256];
    size_t i;

    if (digest_hmac_sha256(STR_LIT(ANTEROOM_VERSION), part, parts, digest, e) != 0)
        return -1;
    etag[0] = '"';
    for (i = 0; i < TAG_BYTES; i++)
        (void)snprintf(etag + 1 + 2 * i, 4, "%02x\"", digest[i]);
    return 0;
}
