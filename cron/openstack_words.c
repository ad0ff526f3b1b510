/* SPDX-License-Identifier: MIT */
/* The three shapes in which OpenStack's services say what is wrong, and what web servers before
 * them say. */
#include "openstack_words.h"

#include "json_in.h"
#include "num.h"
#include "plain.h"

enum { BODY_MAX = 65536 };

/* Placement's and Nova's own words follow a general sentence and an empty line. */
static struct str after_gap(struct str text)
{
    const char *gap = memmem(text.p, text.n, "\n\n", 2);
    struct str rest;
    char some[8];

    if (!gap)
        return text;
    rest = (struct str){gap + 2, text.n - (size_t)(gap + 2 - text.p)};
    return plain_text(rest, some, sizeof some) ? rest
                                               : (struct str){text.p, (size_t)(gap - text.p)};
}

/* Keystone's begin with them. */
static struct str before_gap(struct str text)
{
    const char *gap = memmem(text.p, text.n, "\n\n", 2);

    return gap ? (struct str){text.p, (size_t)(gap - text.p)} : text;
}

static struct str string_of(const json_value *object, const char *name)
{
    json_value *v;

    if (json_kind(object) != JSON_OBJECT || !json_member(object, name, &v) ||
        json_kind(v) != JSON_STRING)
        return (struct str){0};
    return json_string(v);
}

/* The first of errors[]; NULL: there is none. */
static json_value *first_error(const json_value *root)
{
    json_value *list;

    if (json_kind(root) != JSON_OBJECT || !json_member(root, "errors", &list) ||
        json_kind(list) != JSON_ARRAY || json_length(list) == 0)
        return NULL;
    return json_at(list, 0);
}

/* Absent: none of the shapes. */
static struct str words_of(const json_value *root)
{
    struct json_iter it = {0};
    struct str text = string_of(first_error(root), "detail");

    if (text.p)
        return after_gap(text);
    if (json_kind(root) != JSON_OBJECT || !json_next(root, &it))
        return (struct str){0};
    text = string_of(it.value, "message");
    return text.p ? before_gap(text) : string_of(root, "message");
}

/* What stands between tags, with a space for each tag. */
static void add_untagged(struct str body, struct buf *b)
{
    bool inside = false;
    size_t i;

    for (i = 0; i < body.n; i++) {
        inside = inside || body.p[i] == '<';
        if (!inside || body.p[i] == '>')
            buf_char(b, inside ? ' ' : body.p[i]);
        inside = inside && body.p[i] != '>';
    }
}

/* Every place of the secret in b becomes ***. */
static void mask(struct buf *b, struct str secret)
{
    struct buf masked = BUF_INIT(4 * BODY_MAX);
    const char *p = b->data, *end = p + b->len, *found;

    if (!secret.p || secret.n == 0 || !memmem(p, b->len, secret.p, secret.n))
        return;
    while ((found = memmem(p, (size_t)(end - p), secret.p, secret.n))) {
        buf_add(&masked, p, (size_t)(found - p));
        buf_str(&masked, "***");
        p = found + secret.n;
    }
    buf_add(&masked, p, (size_t)(end - p));
    buf_free(b);
    if (masked.failed)
        buf_free(&masked);
    *b = masked;
}

void openstack_words(struct str body, const struct str *secret, size_t secrets,
                     char words[OPENSTACK_WORDS_MAX])
{
    struct buf b = BUF_INIT(BODY_MAX);
    struct json_doc *doc = NULL;
    struct str text = {0};
    struct err e;
    size_t i;

    if (body.n > BODY_MAX)
        body.n = BODY_MAX;
    if (json_in_parse(body, &doc, &e) == 0)
        text = words_of(json_in_root(doc));
    if (text.p)
        buf_add(&b, text.p, text.n);
    else
        add_untagged(body, &b);
    for (i = 0; i < secrets && b.len; i++)
        mask(&b, secret[i]);
    (void)plain_text(buf_span(&b), words, OPENSTACK_WORDS_MAX);
    json_in_free(doc);
    buf_free(&b);
}

/* The digits after `before` at the text's beginning, or wherever it stands. */
static int number_after(struct str text, const char *before, int64_t *n)
{
    size_t length = strlen(before);
    const char *p = text.p ? memmem(text.p, text.n, before, length) : NULL;
    struct str digits = {p ? p + length : NULL, 0};

    while (p && digits.p + digits.n < text.p + text.n && digits.p[digits.n] >= '0' &&
           digits.p[digits.n] <= '9')
        digits.n++;
    return digits.n ? num_i64(digits, 0, INT32_MAX, n) : -1;
}

int openstack_words_newest(struct str body, int64_t *minor)
{
    struct json_doc *doc = NULL;
    struct err e;
    struct str text;
    int rc;

    if (body.n > BODY_MAX || json_in_parse(body, &doc, &e) != 0)
        return -1;
    text = string_of(first_error(json_in_root(doc)), "max_version");
    if (text.p)
        rc = text.n > 2 && memcmp(text.p, "1.", 2) == 0 ? number_after(text, "1.", minor) : -1;
    else
        rc = number_after(words_of(json_in_root(doc)), "maximum is 2.", minor);
    json_in_free(doc);
    return rc;
}
