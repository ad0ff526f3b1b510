/* SPDX-License-Identifier: MIT */
/* What follows from a try of a callback. */
#include "backoff.h"

#include "clock.h"
#include "job.h"
#include "num.h"

enum {
    GONE = 410,
    TOO_MANY = 429,
    UNAVAILABLE = 503,
    JITTER_PERCENT = 10,
    RETRY_AFTER_MAX_S = 366 * 86400,
    LAST_CALL_S = 1 /* a try put forward to the end of the hold comes this long before it */
};

static struct str trimmed(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* 1 to 12 for "Jan" to "Dec", else 0. */
static int month_of(const char *p)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int m;

    for (m = 0; m < 12; m++) {
        if (memcmp(p, names + 3 * m, 3) == 0)
            return m + 1;
    }
    return 0;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT": brought into the form of RFC 3339, which clock_parse knows. */
static int parse_date(struct str v, int64_t *when)
{
    enum { LENGTH = 29, DAY = 5, MONTH = 8, YEAR = 12, TIME = 17, ZONE = 25 };
    char text[40];

    if (v.n != LENGTH || memcmp(v.p + ZONE, " GMT", 4) != 0 || v.p[3] != ',')
        return -1;
    (void)snprintf(text, sizeof text, "%.4s-%02d-%.2sT%.8sZ", v.p + YEAR, month_of(v.p + MONTH),
                   v.p + DAY, v.p + TIME);
    return clock_parse(str_of(text), when);
}

static bool is_digits(struct str s)
{
    size_t i;

    for (i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    }
    return s.n > 0;
}

int backoff_retry_after(struct str value, int64_t now, int64_t *wait)
{
    struct str v = trimmed(value);
    int64_t n;

    if (!v.p)
        return -1;
    if (is_digits(v)) {
        *wait =
            num_i64(v, 0, RETRY_AFTER_MAX_S, &n) == 0 ? n * NS_PER_S : RETRY_AFTER_MAX_S * NS_PER_S;
        return 0;
    }
    if (parse_date(v, &n) != 0)
        return -1;
    *wait = n > now ? n - now : 0;
    return 0;
}

/* wait ± 10 %, evenly */
static int64_t with_jitter(int64_t wait, uint32_t random)
{
    int64_t span = wait / 100 * JITTER_PERCENT;

    return wait - span + (int64_t)((double)(2 * span) * ((double)random / UINT32_MAX));
}

static void put_error(const struct backoff_try *t, char *out, size_t room)
{
    if (t->status)
        (void)snprintf(out, room, "the receiver answered %d", t->status);
    else
        (void)snprintf(out, room, "%s", t->error);
}

static void give_up(const struct backoff_try *t, const char *error, const char *why,
                    struct backoff_next *next)
{
    next->outcome = STORE_GIVE_UP;
    next->reason = JOB_REASON_CALLBACK;
    (void)snprintf(next->message, sizeof next->message,
                   "the callback was not accepted in %lld %s%s; the last: %.250s",
                   (long long)t->number, t->number == 1 ? "try" : "tries", why, error);
}

/* The next try's moment; at or after hold_until when there is none. */
static int64_t next_try(const struct conf_callback *conf, const struct backoff_try *t)
{
    int64_t wait = with_jitter(conf->retry[t->number], t->random), asked, next, last;

    if (num_add(t->now, wait, &next) != 0)
        return INT64_MAX;
    if ((t->status != TOO_MANY && t->status != UNAVAILABLE) ||
        backoff_retry_after(t->retry_after, t->now, &asked) != 0 || asked <= wait)
        return next;
    if (num_add(t->now, asked, &asked) != 0)
        asked = INT64_MAX;
    last = t->hold_until - LAST_CALL_S * NS_PER_S;
    if (asked > last)
        asked = last;
    return asked > next ? asked : next;
}

void backoff_decide(const struct conf_callback *conf, const struct backoff_try *t,
                    struct backoff_next *next)
{
    char error[256];

    *next = (struct backoff_next){.outcome = STORE_ACCEPTED};
    if (t->status >= 200 && t->status < 300)
        return;
    put_error(t, error, sizeof error);
    if (t->status == GONE) {
        *next = (struct backoff_next){.outcome = STORE_REFUSED, .reason = JOB_REASON_GONE};
        (void)snprintf(next->message, sizeof next->message,
                       "the receiver answered 410: it does not want the callback any more");
        return;
    }
    if (t->number >= (int64_t)conf->retries) {
        give_up(t, error, "", next);
        return;
    }
    next->next_try = next_try(conf, t);
    if (next->next_try >= t->hold_until) {
        give_up(t, error, " before its hold runs out", next);
        return;
    }
    next->outcome = STORE_TRY_AGAIN;
    next->reason = JOB_REASON_CALLBACK;
    (void)snprintf(next->message, sizeof next->message, "try %lld of %zu: %s", (long long)t->number,
                   conf->retries, error);
}
