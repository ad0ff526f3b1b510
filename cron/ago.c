/* SPDX-License-Identifier: MIT */
/* Times as people say them: how long ago, how long still. */
#include "ago.h"

/* From `from` seconds on a span is said in units of `unit`. */
static const struct {
    int64_t from, unit;
    const char *word;
} units[] = {
    {48 * 3600, 86400, "d"},
    {3600, 3600, "h"},
    {60, 60, "min"},
    {0, 1, "s"},
};

void ago_span(struct buf *b, int64_t ns)
{
    int64_t s = ns > 0 ? ns / NS_PER_S : 0;
    size_t i = 0;

    while (s < units[i].from)
        i++;
    buf_i64(b, s / units[i].unit);
    buf_char(b, ' ');
    buf_str(b, units[i].word);
}

void ago_write(struct buf *b, int64_t now, int64_t at)
{
    int64_t past = now - at;

    if (at == 0) {
        buf_char(b, '-');
    } else if (past >= NS_PER_S) {
        ago_span(b, past);
        buf_str(b, " ago");
    } else if (past <= -NS_PER_S) {
        buf_str(b, "in ");
        ago_span(b, -past);
    } else {
        buf_str(b, "now");
    }
}

void ago_clock(struct buf *b, struct clock_zone *zone, int64_t at)
{
    enum { DATE = 10, UP_TO_SECONDS = 19 };
    size_t before = b->len;

    clock_write(b, zone, at);
    if (b->failed)
        return;
    b->data[before + DATE] = ' ';
    b->len = before + UP_TO_SECONDS;
    b->data[b->len] = '\0';
}
