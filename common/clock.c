/* SPDX-License-Identifier: MIT */
/* The clocks, and RFC 3339. */
#include "clock.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "num.h"

#define STANDS_STILL (2 * NS_PER_S)
#define MARK_WITHIN  (100 * NS_PER_MS)

enum { QUARTER = 900, MINUTE = 60, HOUR = 3600, DAY = 86400 };

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts);
    return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* Tests set the clock forward or back; read once, since the environment does not change. */
static int64_t test_offset(void)
{
    static _Atomic int64_t offset = INT64_MIN;
    int64_t v = atomic_load_explicit(&offset, memory_order_relaxed);
    const char *text;

    if (v != INT64_MIN)
        return v;
    text = getenv("ANTEROOM_CLOCK_OFFSET");
    if (!text || num_i64(str_of(text), -INT64_C(4000000000), INT64_C(4000000000), &v) != 0)
        v = 0;
    v *= NS_PER_S;
    atomic_store_explicit(&offset, v, memory_order_relaxed);
    return v;
}

int64_t clock_now(void)
{
    static _Atomic int64_t last = 0;
    int64_t now = read_clock(CLOCK_REALTIME) + test_offset();
    int64_t seen = atomic_load_explicit(&last, memory_order_relaxed);

    do {
        if (now < seen && seen - now < STANDS_STILL)
            return seen;
    } while (!atomic_compare_exchange_weak(&last, &seen, now));
    return now;
}

/* The clocks are read one after the other. A process that was stopped between the two tries again.
 */
struct clock_mark clock_mark(void)
{
    struct clock_mark m;
    int64_t before, after;
    int tries = 10;

    do {
        before = read_clock(CLOCK_BOOTTIME);
        m.wall = clock_now();
        after = read_clock(CLOCK_BOOTTIME);
    } while (after - before > MARK_WITHIN && --tries > 0);
    m.ahead = m.wall - test_offset() - before;
    return m;
}

void clock_boot(char name[CLOCK_BOOT_MAX])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, CLOCK_BOOT_MAX / 2);
    struct stat st;

    if (fd >= 0)
        (void)close(fd);
    name[n > 0 ? n : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    n = (ssize_t)strlen(name);
    if (n > 0 && stat("/proc/self/ns/time", &st) == 0)
        (void)snprintf(name + n, (size_t)(CLOCK_BOOT_MAX - n), " %llu",
                       (unsigned long long)st.st_ino);
}

int64_t clock_mono(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01 of a date in the proleptic Gregorian calendar: years begin in March, so
 * that the leap day is last. */
static int64_t days_of(int64_t y, int64_t m, int64_t d)
{
    int64_t era, yoe, doy;

    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    yoe = y - era * 400;
    doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

struct date {
    int64_t y, m, d;
};

static struct date date_of(int64_t days)
{
    struct date t;
    int64_t era, doe, yoe, doy, mp;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    doe = days - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    t.d = doy - (153 * mp + 2) / 5 + 1;
    t.m = mp + (mp < 10 ? 3 : -9);
    t.y = yoe + era * 400 + (t.m <= 2);
    return t;
}

#define SECOND_TEXT (sizeof "2018-08-27T11:27:08." - 1)
_Static_assert(SECOND_TEXT < (size_t)CLOCK_SECOND_MAX, "the text of a second has room");

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int32_t zone_offset(struct clock_zone *z, int64_t seconds)
{
    int64_t quarter = floor_div(seconds, QUARTER) + 1;
    time_t t = (time_t)seconds;
    struct tm tm;

    if (z->quarter == quarter && quarter != 0)
        return z->offset;
    /* Whole minutes: RFC 3339 has no room for the seconds that some zones had until 1972. */
    z->offset = localtime_r(&t, &tm) ? (int32_t)(tm.tm_gmtoff / MINUTE * MINUTE) : 0;
    z->quarter = quarter;
    return z->offset;
}

static char *digits(char *p, int64_t v, int n)
{
    int i;

    for (i = n - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + n;
}

static char *put(char *p, int64_t v, int n, char after)
{
    p = digits(p, v, n);
    *p = after;
    return p + 1;
}

/* Date and time up to the second, into z->text. */
static void write_second(struct clock_zone *z, int64_t utc)
{
    int64_t local = utc + zone_offset(z, utc), days = floor_div(local, DAY);
    int64_t sec = local - days * DAY;
    struct date d = date_of(days);
    char *p = z->text;

    z->second = utc;
    p = put(p, d.y < 0 || d.y > 9999 ? 9999 : d.y, 4, '-');
    p = put(p, d.m, 2, '-');
    p = put(p, d.d, 2, 'T');
    p = put(p, sec / HOUR, 2, ':');
    p = put(p, sec / MINUTE % 60, 2, ':');
    *put(p, sec % 60, 2, '.') = '\0';
}

void clock_write(struct buf *b, struct clock_zone *z, int64_t ns)
{
    int64_t utc = floor_div(ns, NS_PER_S), frac = (ns % NS_PER_S + NS_PER_S) % NS_PER_S;
    char text[CLOCK_TEXT_MAX], *p = text + SECOND_TEXT;
    int32_t minutes;

    if (z->second != utc || z->text[0] == '\0')
        write_second(z, utc);
    memcpy(text, z->text, SECOND_TEXT);
    minutes = (z->offset < 0 ? -z->offset : z->offset) / MINUTE;
    p = put(p, frac, 9, z->offset < 0 ? '-' : '+');
    p = put(p, minutes / 60, 2, ':');
    p = digits(p, minutes % 60, 2);
    buf_add(b, text, (size_t)(p - text));
}

/* A cursor over the text that is read; `bad` stays once it is set. */
struct reader {
    const char *p, *end;
    bool bad;
};

static int64_t take_number(struct reader *r, int n, int64_t low, int64_t high)
{
    int64_t v = 0;

    while (n-- > 0) {
        if (r->p == r->end || *r->p < '0' || *r->p > '9') {
            r->bad = true;
            return low;
        }
        v = v * 10 + (*r->p++ - '0');
    }
    r->bad = r->bad || v < low || v > high;
    return v;
}

static void take_char(struct reader *r, const char *either)
{
    if (r->p == r->end || *r->p == '\0' || !strchr(either, *r->p))
        r->bad = true;
    else
        r->p++;
}

static bool at_digit(const struct reader *r)
{
    return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

/* Digits behind the ninth are cut off. */
static int64_t take_fraction(struct reader *r)
{
    int64_t v = 0, scale = NS_PER_S;

    if (r->p == r->end || *r->p != '.')
        return 0;
    r->p++;
    do {
        v = v * 10 + take_number(r, 1, 0, 9);
        scale /= 10;
    } while (scale > 1 && at_digit(r));
    while (at_digit(r))
        r->p++;
    return v * scale;
}

static int64_t take_offset(struct reader *r)
{
    int64_t sign, h, m;

    if (r->p < r->end && (*r->p == 'Z' || *r->p == 'z')) {
        r->p++;
        return 0;
    }
    sign = r->p < r->end && *r->p == '-' ? -1 : 1;
    take_char(r, "+-");
    h = take_number(r, 2, 0, 23);
    take_char(r, ":");
    m = take_number(r, 2, 0, 59);
    return sign * (h * HOUR + m * MINUTE);
}

int clock_parse(struct str text, int64_t *ns)
{
    struct reader r = {text.p, text.p ? text.p + text.n : NULL, !text.p};
    int64_t y, mo, d, h, mi, s, frac, off, seconds;
    struct date back;

    y = take_number(&r, 4, 1970, 2261);
    take_char(&r, "-");
    mo = take_number(&r, 2, 1, 12);
    take_char(&r, "-");
    d = take_number(&r, 2, 1, 31);
    take_char(&r, "Tt");
    h = take_number(&r, 2, 0, 23);
    take_char(&r, ":");
    mi = take_number(&r, 2, 0, 59);
    take_char(&r, ":");
    s = take_number(&r, 2, 0,
                    60); /* 60: a leap second, the same moment as the next minute's first */
    frac = take_fraction(&r);
    off = take_offset(&r);
    if (r.bad || r.p != r.end)
        return -1;
    back = date_of(days_of(y, mo, d));
    if (back.m != mo || back.d != d)
        return -1; /* the 30th of February */
    seconds = days_of(y, mo, d) * DAY + h * HOUR + mi * MINUTE + s - off;
    if (seconds < 0)
        return -1;
    *ns = seconds * NS_PER_S + frac;
    return 0;
}

int clock_parse_utc(struct str text, int64_t *ns)
{
    char room[CLOCK_TEXT_MAX + 2];

    if (clock_parse(text, ns) == 0)
        return 0;
    if (!text.p || text.n >= sizeof room - 1)
        return -1;
    (void)snprintf(room, sizeof room, "%.*sZ", (int)text.n, text.p);
    return clock_parse(str_of(room), ns);
}
