/* SPDX-License-Identifier: MIT */
/*
 * Secrets in words of strangers. At each place of the text each secret is tried, first byte by byte
 * and then with escapes read as what they stand for. Texts are short: what is shown of an answer.
 */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

#include "json_scan.h"
#include "utf8.h"

enum {
    ESCAPE_MAX = 12, /* bytes of the longest one: \uD83D\uDE00 */
    BEGINNING = 6    /* so many bytes of a secret at the text's end are no chance */
};

/* An escape, NUL-terminated, and what it stands for. */
struct escape {
    char text[ESCAPE_MAX + 1];
    size_t length;
    char meant[ESCAPE_MAX + 1];
    size_t n;
};

static void mean_byte(struct escape *x, size_t length, char c)
{
    x->length = length;
    x->meant[0] = c;
    x->n = 1;
}

/* \xe9 in Python's way, %e9 in a URL's: `digits` are the two. */
static void mean_hex(struct escape *x, size_t length, const char *digits)
{
    char pair[3] = "", *end;
    long c;

    memcpy(pair, digits, strnlen(digits, 2));
    c = strtol(pair, &end, 16);
    if (end == pair + 2 && c >= 0)
        mean_byte(x, length, (char)c);
}

/* JSON's, else \xe9, else the character itself. */
static void backslash(struct escape *x)
{
    int n = json_escape_length(x->text, x->text + strlen(x->text));

    if (n > 0) {
        x->length = (size_t)n;
        memcpy(x->meant, x->text, x->length);
        x->n = json_unescape(x->meant, x->length);
    } else if (x->text[1] == 'x') {
        mean_hex(x, 4, x->text + 2);
    } else if (x->text[1]) {
        mean_byte(x, 2, x->text[1]);
    }
}

static void percent(struct escape *x)
{
    mean_hex(x, 3, x->text + 1);
}

/* &quot; &#34; &#x22; … */
static void entity(struct escape *x)
{
    static const struct {
        const char *word;
        char is;
    } named[] = {{"&quot;", '"'}, {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}};
    bool hex = x->text[1] == '#' && (x->text[2] | 0x20) == 'x';
    char *end = x->text;
    unsigned long c = 0;
    size_t i;

    for (i = 0; i < ARRAY_LEN(named); i++) {
        if (strncmp(x->text, named[i].word, strlen(named[i].word)) == 0)
            mean_byte(x, strlen(named[i].word), named[i].is);
    }
    if (x->text[1] == '#')
        c = strtoul(x->text + (hex ? 3 : 2), &end, hex ? 16 : 10);
    if (*end == ';' && c > 0 && c <= 0x10ffff) {
        x->length = (size_t)(end + 1 - x->text);
        x->n = utf8_encode((uint32_t)c, x->meant);
    }
}

static const struct {
    char first;
    void (*read)(struct escape *x);
} escapes[] = {{'\\', backslash}, {'%', percent}, {'&', entity}};

/* Is there one at p? */
static bool escape_at(const char *p, const char *end, struct escape *x)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(escapes); i++) {
        if (*p != escapes[i].first)
            continue;
        *x = (struct escape){.n = 0};
        memcpy(x->text, p, (size_t)(end - p) < ESCAPE_MAX ? (size_t)(end - p) : ESCAPE_MAX);
        escapes[i].read(x);
        return x->n > 0;
    }
    return false;
}

/* How much of the text from p on is the secret; 0: none. */
static size_t length_at(const char *p, const char *end, struct str secret, bool escaped)
{
    const char *from = p;
    struct escape x;
    size_t at = 0;

    while (at < secret.n && p < end) {
        if (escaped && escape_at(p, end, &x) && x.n <= secret.n - at &&
            memcmp(x.meant, secret.p + at, x.n) == 0) {
            p += x.length;
            at += x.n;
        } else if (*p == secret.p[at]) {
            p++;
            at++;
        } else {
            return 0;
        }
    }
    return at == secret.n || at >= BEGINNING ? (size_t)(p - from) : 0;
}

/* The most that any of the secrets takes of the text from p on. */
static size_t longest_at(const char *p, const char *end, const struct str *secret, size_t secrets)
{
    size_t i, n, longest = 0;
    int escaped;

    for (i = 0; i < secrets; i++) {
        for (escaped = 0; escaped < 2 && secret[i].n > 0; escaped++) {
            n = length_at(p, end, secret[i], escaped);
            longest = n > longest ? n : longest;
        }
    }
    return longest;
}

void secret_mask(struct str text, const struct str *secret, size_t secrets, struct buf *b)
{
    const char *p = text.p, *end = p ? p + text.n : p;
    size_t n;

    while (p < end) {
        n = longest_at(p, end, secret, secrets);
        if (n)
            buf_str(b, "***");
        else
            buf_char(b, *p);
        p += n ? n : 1;
    }
}
