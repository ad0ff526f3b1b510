/* SPDX-License-Identifier: MIT */
/* Prometheus' text format: families, labels, samples. */
#include "metrics_out.h"

#include <stdlib.h>

#include "utf8.h"

enum { US_PER_S = 1000000 };

void metrics_family(struct buf *b, const char *name, const char *type, const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Quote, backslash and line feed are escaped; a byte that is no UTF-8 becomes '?'. */
static void put_value(struct buf *b, struct str value)
{
    const char *p = value.p, *end = p + value.n;
    size_t n;

    while (p < end) {
        n = utf8_length(p, end);
        if (n == 0)
            buf_char(b, '?');
        else if (*p == '\n')
            buf_add(b, "\\n", 2);
        else if (*p == '"' || *p == '\\')
            buf_printf(b, "\\%c", *p);
        else
            buf_add(b, p, n);
        p += n ? n : 1;
    }
}

static void put_labels(struct buf *b, const struct metrics_label *label, struct str le)
{
    char before = '{';

    for (; label && label->name; label++) {
        buf_printf(b, "%c%s=\"", before, label->name);
        put_value(b, label->value);
        buf_char(b, '"');
        before = ',';
    }
    if (le.p)
        buf_printf(b, "%cle=\"%.*s\"", before, (int)le.n, le.p);
    if (le.p || before == ',')
        buf_char(b, '}');
    buf_char(b, ' ');
}

/* Of a number of `one`s: without a fraction where there is none. */
static void put_part(struct buf *b, int64_t v, int64_t one)
{
    int64_t part = v % one, whole = v / one;

    if (v < 0) {
        buf_char(b, '-');
        part = -part;
        whole = -whole;
    }
    buf_i64(b, whole);
    if (part == 0)
        return;
    buf_char(b, '.');
    for (one /= 10; part > 0; one /= 10) {
        buf_char(b, (char)('0' + part / one));
        part %= one;
    }
}

static void put_sample(struct buf *b, const char *name, const struct metrics_label *label,
                       int64_t v, int64_t one)
{
    buf_str(b, name);
    put_labels(b, label, (struct str){0});
    put_part(b, v, one);
    buf_char(b, '\n');
}

void metrics_number(struct buf *b, const char *name, const struct metrics_label *label, int64_t v)
{
    put_sample(b, name, label, v, 1);
}

void metrics_ns(struct buf *b, const char *name, const struct metrics_label *label, int64_t ns)
{
    put_sample(b, name, label, ns, NS_PER_S);
}

static void put_bucket(struct buf *b, const char *name, const struct metrics_label *label,
                       struct str le, int64_t count)
{
    buf_printf(b, "%s_bucket", name);
    put_labels(b, label, le);
    buf_i64(b, count);
    buf_char(b, '\n');
}

void metrics_histogram(struct buf *b, const char *name, const struct metrics_label *label,
                       enum stats_scale scale, const struct stats_histogram *h)
{
    int64_t one = scale == STATS_SIZE ? 1 : US_PER_S, count = 0;
    struct buf le = BUF_INIT(64);
    size_t i;

    for (i = 0; i < STATS_BUCKETS - 1; i++) {
        count += h->count[i];
        buf_reset(&le);
        put_part(&le, stats_limits[scale][i], one);
        buf_follow(b, &le);
        put_bucket(b, name, label, buf_span(&le), count);
    }
    count += h->count[i];
    put_bucket(b, name, label, STR_LIT("+Inf"), count);
    buf_printf(b, "%s_sum", name);
    put_labels(b, label, (struct str){0});
    put_part(b, h->sum, one);
    buf_printf(b, "\n%s_count", name);
    put_labels(b, label, (struct str){0});
    buf_i64(b, count);
    buf_char(b, '\n');
    buf_free(&le);
}
