/* SPDX-License-Identifier: MIT */
/* The configuration's values: from a node of YAML to a field, and the words of what is wrong with
 * one. */
#include "conf_in.h"

#include <stdarg.h>
#include <strings.h>

#include "buf.h"
#include "num.h"
#include "utf8.h"

enum { SHOWN_BYTES_MAX = 64, RANGE_BYTES_MAX = 160 };

int conf_fail(struct conf_in *in, const struct yaml_node *at, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX];
    struct buf key = BUF_INIT(CONF_PATH_MAX * (SHOWN_BYTES_MAX + 1));
    struct str part;
    va_list ap;
    size_t i;

    for (i = 0; i < in->parts; i++) {
        part = utf8_cut(in->part[i], SHOWN_BYTES_MAX);
        if (i)
            buf_char(&key, '.');
        buf_add(&key, part.p, part.n);
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)yaml_fail(in->name, at->line, in->e, "%s%s%s", key.len ? key.data : "",
                    key.len ? ": " : "", text);
    buf_free(&key);
    return -1;
}

int conf_no_memory(struct conf_in *in)
{
    return err_set(in->e, ERR_INTERNAL, "%s: no memory to read it", in->name);
}

int conf_wrong(struct conf_in *in, const struct yaml_node *value, const char *what)
{
    static const char *const kinds[] = {[YAML_LIST] = "a list", [YAML_MAP] = "a mapping"};
    struct str text = utf8_cut(value->scalar, SHOWN_BYTES_MAX);
    const char *mark = value->quoted ? "\"" : "";

    if (value->kind != YAML_SCALAR)
        return conf_fail(in, value, "must be %s, not %s", what, kinds[value->kind]);
    if (yaml_is_null(value))
        return conf_fail(in, value, "must be %s; it has no value", what);
    return conf_fail(in, value, "must be %s, not %s%.*s%s", what, mark, (int)text.n, text.p, mark);
}

/* The same, with the limits of the key. */
static int out_of_range(struct conf_in *in, const struct yaml_node *value,
                        const struct conf_key *key, const char *what)
{
    struct buf range = BUF_INIT(RANGE_BYTES_MAX);

    buf_str(&range, what);
    conf_write_range(&range, key);
    (void)conf_wrong(in, value, range.data ? range.data : what);
    buf_free(&range);
    return -1;
}

void conf_enter(struct conf_in *in, struct str key)
{
    in->part[in->parts++] = key;
}

void conf_leave(struct conf_in *in)
{
    in->parts--;
}

int conf_need(struct conf_in *in, const struct yaml_node *value, enum yaml_kind kind)
{
    static const char *const words[] = {
        [YAML_SCALAR] = "a single value",
        [YAML_LIST] = "a list",
        [YAML_MAP] = "a mapping",
    };

    if (value->kind == kind || (kind != YAML_SCALAR && yaml_is_null(value)))
        return 0;
    return conf_wrong(in, value, words[kind]);
}

/* No C0 or C1 control character, no DEL? The text is UTF-8 already. */
static bool is_printable(struct str text)
{
    size_t i;
    unsigned char c, next;

    for (i = 0; i < text.n; i++) {
        c = (unsigned char)text.p[i];
        next = i + 1 < text.n ? (unsigned char)text.p[i + 1] : 0;
        if (c < ' ' || c == 0x7f || (c == 0xc2 && next < 0xa0))
            return false;
    }
    return true;
}

/* *copy = a scalar of low..high bytes without control characters. */
static int copy_text(struct conf_in *in, const struct yaml_node *value, int64_t high,
                     struct str *copy)
{
    if (value->kind != YAML_SCALAR || yaml_is_null(value))
        return conf_wrong(in, value, "a text");
    if (value->scalar.n == 0)
        return conf_fail(in, value, "must not be empty");
    if (value->scalar.n > (size_t)high)
        return conf_fail(in, value, "longer than %lld bytes", (long long)high);
    if (!is_printable(value->scalar))
        return conf_fail(in, value, "must not hold control characters");
    return arena_copy(in->arena, value->scalar, copy) == 0 ? 0 : conf_no_memory(in);
}

int conf_copy_name(struct conf_in *in, const struct yaml_node *node, struct str *copy)
{
    struct yaml_node name = *node;

    name.quoted = true; /* a host may be called null, or 17 */
    return copy_text(in, &name, CONF_NAME_MAX, copy);
}

int conf_read_text(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                   void *field)
{
    return copy_text(in, value, key->high, field);
}

/* The index of the text among the words; -1 when it is none of them. */
static int find_word(const char *const *word, struct str text)
{
    int i;

    for (i = 0; word && word[i]; i++) {
        if (str_is(text, word[i]))
            return i;
    }
    return -1;
}

int conf_read_word(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                   void *field)
{
    bool scalar = value->kind == YAML_SCALAR;
    int i = scalar ? find_word(key->words, value->scalar) : -1;
    struct buf known = BUF_INIT(RANGE_BYTES_MAX);

    if (i >= 0) {
        memcpy(field, &i, sizeof i); /* an enum; conf_keys.c asserts that it is as wide */
        return 0;
    }
    conf_write_range(&known, key);
    (void)conf_wrong(in, value, known.data ? known.data : "another word");
    buf_free(&known);
    return -1;
}

/* Digits that every reader of YAML takes alike: 010 is octal to some of them. */
static bool is_plain(const struct yaml_node *value)
{
    const char *p = value->scalar.p;

    return value->kind == YAML_SCALAR && !(p[0] == '0' && p[1] >= '0' && p[1] <= '9');
}

/* With a unit it is a text in YAML's eyes, and may be quoted; a number in quotes is none. */
static bool is_measure(const struct yaml_node *value)
{
    return is_plain(value) &&
           !(value->quoted && strspn(value->scalar.p, "0123456789") == value->scalar.n);
}

int conf_read_number(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                     void *field)
{
    if (!is_plain(value) || value->quoted ||
        num_i64(value->scalar, key->low, key->high, field) != 0)
        return out_of_range(in, value, key, "a whole number in ");
    return 0;
}

int conf_read_size(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                   void *field)
{
    int64_t bytes;

    if (!is_measure(value) || num_size(value->scalar, &bytes) != 0 || bytes < key->low ||
        bytes > key->high)
        return out_of_range(in, value, key, "a size such as 64M, in ");
    memcpy(field, &bytes, sizeof bytes);
    return 0;
}

static bool is_duration(const struct yaml_node *value, const struct conf_key *key, int64_t *ns)
{
    return is_measure(value) && num_duration(value->scalar, ns) == 0 && *ns >= key->low &&
           *ns <= key->high;
}

int conf_read_duration(struct conf_in *in, const struct yaml_node *value,
                       const struct conf_key *key, void *field)
{
    int64_t ns = CONF_FOREVER;

    if (!is_duration(value, key, &ns) &&
        !(value->kind == YAML_SCALAR && key->words && find_word(key->words, value->scalar) == 0))
        return out_of_range(in, value, key, "a duration such as 90s or 5m, in ");
    memcpy(field, &ns, sizeof ns);
    return 0;
}

int conf_read_durations(struct conf_in *in, const struct yaml_node *value,
                        const struct conf_key *key, void *field)
{
    struct conf_callback *callback = field;
    size_t i;

    if (value->kind != YAML_LIST)
        return out_of_range(in, value, key, "a list of ");
    if (value->n < 1 || value->n > CONF_RETRIES_MAX)
        return conf_fail(in, value, "has %zu durations; it must have 1 to %d", value->n,
                         CONF_RETRIES_MAX);
    for (i = 0; i < value->n; i++) {
        if (!is_duration(value->item[i], key, &callback->retry[i]))
            return out_of_range(in, value->item[i], key, "a list of ");
    }
    callback->retries = value->n;
    return 0;
}

/* What RFC 3986 lets stand in a URL, percent-encoded octets included. */
static bool is_url_text(struct str s)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    size_t i;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"<>\\^`{|}", s.p[i]))
            return false;
        if (s.p[i] == '%' && (i + 2 >= s.n || !strchr(hex, s.p[i + 1]) || !strchr(hex, s.p[i + 2])))
            return false;
    }
    return true;
}

/* host, host:port, [address] or [address]:port */
static bool is_authority(const char *p, size_t n)
{
    const char *colon = memrchr(p, ':', n), *bracket = memrchr(p, ']', n);
    size_t host = n;
    int64_t port;

    if (colon && (!bracket || colon > bracket)) {
        host = (size_t)(colon - p);
        if (num_i64((struct str){colon + 1, n - host - 1}, 1, 65535, &port) != 0)
            return false;
    }
    if (host > 0 && p[0] == '[')
        return host > 2 && p[host - 1] == ']' &&
               strspn(p + 1, "0123456789abcdefABCDEF:.") == host - 2;
    return host > 0 && !memchr(p, ':', host) && !memchr(p, '@', host) && !bracket;
}

int conf_read_url(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                  void *field)
{
    static const char *const schemes[] = {"http://", "https://"};
    const char *p;
    size_t i;

    for (i = 0; i < ARRAY_LEN(schemes) && value->kind == YAML_SCALAR; i++) {
        if (strncasecmp(value->scalar.p, schemes[i], strlen(schemes[i])) != 0)
            continue;
        p = value->scalar.p + strlen(schemes[i]);
        if (is_url_text(value->scalar) && !strchr(p, '#') && is_authority(p, strcspn(p, "/?")))
            return conf_read_text(in, value, key, field);
    }
    return conf_wrong(in, value,
                      "an absolute http or https URL without user, password or fragment");
}

int conf_read_texts(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                    void *field)
{
    struct conf_queue *queue = field;
    struct conf_source *s = &queue->source;

    if (conf_need(in, value, YAML_LIST) != 0)
        return -1;
    if (value->n > CONF_ARGS_MAX)
        return conf_fail(in, value, "must not have more than %d texts", CONF_ARGS_MAX);
    s->program = arena_array(in->arena, value->n, sizeof *s->program);
    if (!s->program)
        return conf_no_memory(in);
    for (s->args = 0; s->args < value->n; s->args++) {
        if (copy_text(in, value->item[s->args], key->high, &s->program[s->args]) != 0)
            return -1;
    }
    return 0;
}
