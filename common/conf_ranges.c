/* SPDX-License-Identifier: MIT */
/* The limits of a configuration key, as a person reads them. */
#include "buf.h"
#include "conf_in.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* v in the largest unit that leaves it whole. */
static void write_in_units(struct buf *b, int64_t v, const struct unit *unit)
{
    while (v % unit->factor != 0 || (v == 0 && unit->factor != 1))
        unit++;
    buf_i64(b, v / unit->factor);
    buf_str(b, v == 0 ? "" : unit->name);
}

static void write_span(struct buf *b, const struct conf_key *key, const struct unit *unit)
{
    write_in_units(b, key->low, unit);
    buf_str(b, "..");
    write_in_units(b, key->high, unit);
}

static void write_words(struct buf *b, const struct conf_key *key)
{
    size_t i;

    for (i = 0; key->words && key->words[i]; i++)
        buf_printf(b, "%s%s", i ? " or " : "", key->words[i]);
}

static void write_number(struct buf *b, const struct conf_key *key)
{
    static const struct unit one[] = {{"", 1}};

    write_span(b, key, one);
}

static void write_bytes(struct buf *b, const struct conf_key *key)
{
    write_number(b, key);
    buf_str(b, " bytes");
}

static void write_size(struct buf *b, const struct conf_key *key)
{
    static const struct unit units[] = {
        {"G", INT64_C(1) << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}};

    write_span(b, key, units);
}

static const struct unit times[] = {
    {"d", INT64_C(86400000000000)},
    {"h", INT64_C(3600000000000)},
    {"m", INT64_C(60000000000)},
    {"s", 1000000000},
    {"ms", 1000000},
    {"ns", 1},
};

static void write_duration(struct buf *b, const struct conf_key *key)
{
    write_span(b, key, times);
    buf_str(b, key->words ? ", or " : "");
    write_words(b, key);
}

static void write_durations(struct buf *b, const struct conf_key *key)
{
    buf_printf(b, "1 to %d durations in ", CONF_RETRIES_MAX);
    write_duration(b, key);
}

static void write_none(struct buf *b, const struct conf_key *key)
{
    (void)key;
    buf_char(b, '-');
}

void conf_write_range(struct buf *b, const struct conf_key *key)
{
    static void (*const writers[CONF_TYPES])(struct buf *, const struct conf_key *) = {
        [CONF_TEXT] = write_bytes,          [CONF_WORD] = write_words,
        [CONF_NUMBER] = write_number,       [CONF_SIZE] = write_size,
        [CONF_DURATION] = write_duration,   [CONF_DURATIONS] = write_durations,
        [CONF_TEXTS] = write_none,          [CONF_URL] = write_bytes,
        [CONF_NAMES] = write_none,          [CONF_NETWORKS] = write_none,
        [CONF_QUEUE_NETWORKS] = write_none, [CONF_PORTS] = write_none,
        [CONF_OWNERS] = write_none,         [CONF_RETENTIONS] = write_none,
        [CONF_KEYSTONES] = write_none,      [CONF_CALLBACKS] = write_none,
        [CONF_QUEUES] = write_none,         [CONF_POOLS] = write_none,
        [CONF_PROJECTS] = write_none,       [CONF_HOSTS] = write_none,
        [CONF_AMOUNT] = write_number,
    };

    writers[key->type](b, key);
}

void conf_write_duration(struct buf *b, int64_t ns)
{
    if (ns == CONF_FOREVER)
        buf_str(b, "forever");
    else if (ns == 0)
        buf_str(b, "0s");
    else
        write_in_units(b, ns, times);
}
