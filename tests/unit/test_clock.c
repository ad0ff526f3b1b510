/* SPDX-License-Identifier: MIT */
/* RFC 3339 in several zones, against the C library; the wall clock never goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "clock.h"
#include "prop.h"

enum {
    MOMENTS = 20000,
    TEXTS = 100000,
    READINGS = 20000,
    THREADS = 4,
    DAY_S = 86400,
    DAYS = 106500
};

/* Rules that the C library knows without a file: whole, half and quarter hours, summer time of an
 * hour and of half an hour, midnight changes, and the seconds that Monrovia had until 1972. */
static const char *const zones[] = {
    "UTC0",
    "CST-8",
    "<+0545>-5:45",
    "<-0930>9:30",
    "EST5EDT,M3.2.0,M11.1.0",
    "LHST-10:30LHDT-11,M10.1.0,M4.1.0",
    "<-03>3<-02>,M3.5.0/-1,M10.5.0/0",
    "<+1345>-13:45",
    "MMT0:44:30",
};

static void set_zone(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    tzset();
}

static int64_t random_moment(struct prop *r)
{
    return prop_between(r, 0,
                        INT64_C(9214646399) * NS_PER_S + NS_PER_S - 1); /* to the end of 2261 */
}

/* The C library's own words for the moment in the zone that is set. */
static void slow_write(char text[64], int64_t ns)
{
    time_t t = (time_t)(ns / NS_PER_S);
    struct tm tm;
    char date[32];
    long off;

    assert_non_null(localtime_r(&t, &tm));
    off = tm.tm_gmtoff / 60;
    if (tm.tm_gmtoff % 60 != 0) { /* no text for seconds: the same moment, at whole minutes */
        t += off * 60;
        assert_non_null(gmtime_r(&t, &tm));
    }
    (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(text, 64, "%s.%09lld%c%02ld:%02ld", date, (long long)(ns % NS_PER_S),
                   off < 0 ? '-' : '+', (off < 0 ? -off : off) / 60, (off < 0 ? -off : off) % 60);
}

static void writes_as_the_library_does_and_reads_it_back(void **state)
{
    struct prop r = prop_begin("moments", 51);
    struct buf b = BUF_INIT(CLOCK_TEXT_MAX);
    size_t i, z;
    char want[64];

    (void)state;
    for (z = 0; z < ARRAY_LEN(zones); z++) {
        struct clock_zone zone = {0};
        int64_t near = 0;

        set_zone(zones[z]);
        for (i = 0; i < MOMENTS; i++) {
            int64_t ns = i % 4 == 0 ? random_moment(&r)
                                    : near + prop_between(&r, 0, 1800 * NS_PER_S),
                    back = -1;

            near = i % 4 == 0 ? ns : near;
            buf_reset(&b);
            clock_write(&b, &zone, ns);
            slow_write(want, ns);
            assert_string_equal(b.data, want);
            if (memcmp(b.data, "2262", 4) != 0 && memcmp(b.data, "1969", 4) != 0) {
                assert_int_equal(clock_parse(buf_span(&b), &back), 0);
                assert_int_equal(back, ns);
            }
        }
    }
    buf_free(&b);
}

/* Before and at every quarter of an hour of a year, with one remembered zone. */
static void a_remembered_zone_sees_every_change(void **state)
{
    struct buf b = BUF_INIT(CLOCK_TEXT_MAX);
    char want[64];
    size_t z;
    int64_t t, first = INT64_C(1514764800), step = 900;

    (void)state;
    for (z = 0; z < ARRAY_LEN(zones); z++) {
        struct clock_zone zone = {0};

        set_zone(zones[z]);
        for (t = first; t < first + 366 * DAY_S; t += step) {
            buf_reset(&b);
            clock_write(&b, &zone, t * NS_PER_S - 1);
            slow_write(want, t * NS_PER_S - 1);
            assert_string_equal(b.data, want);
            buf_reset(&b);
            clock_write(&b, &zone, t * NS_PER_S);
            slow_write(want, t * NS_PER_S);
            assert_string_equal(b.data, want);
        }
    }
    buf_free(&b);
}

static void every_day_is_read_as_the_library_does(void **state)
{
    int64_t day, ns;
    char text[64];

    (void)state;
    for (day = 0; day < DAYS; day++) {
        time_t t = (time_t)(day * DAY_S);
        struct tm tm;

        assert_non_null(gmtime_r(&t, &tm));
        (void)strftime(text, sizeof text, "%Y-%m-%dT00:00:00Z", &tm);
        assert_int_equal(clock_parse(str_of(text), &ns), 0);
        assert_int_equal(ns, day * DAY_S * NS_PER_S);
    }
}

/* Fields beyond their range too: what timegm has to carry over, clock_parse must refuse. */
static void fields_are_read_as_timegm_does(void **state)
{
    struct prop r = prop_begin("fields", 52);
    size_t i, taken = 0;
    char text[64];

    (void)state;
    for (i = 0; i < TEXTS; i++) {
        struct tm tm = {.tm_year = (int)prop_between(&r, 70, 361),
                        .tm_mon = (int)prop_between(&r, 0, 11),
                        .tm_mday = (int)prop_between(&r, 28, 31),
                        .tm_hour = (int)prop_between(&r, 0, 25),
                        .tm_min = (int)prop_between(&r, 0, 61),
                        .tm_sec = (int)prop_between(&r, 0, 59)};
        struct tm same = tm;
        int h = (int)prop_between(&r, 0, 24), m = (int)prop_between(&r, 0, 60),
            sign = prop_one_in(&r, 2) ? 1 : -1;
        int64_t seconds = timegm(&same) - sign * (h * 3600 + m * 60), ns = -7;
        bool valid = same.tm_mday == tm.tm_mday && same.tm_min == tm.tm_min &&
                     same.tm_hour == tm.tm_hour && h <= 23 && m <= 59 && seconds >= 0;

        (void)snprintf(text, sizeof text, "%04d-%02d-%02d%c%02d:%02d:%02d.5%c%02d:%02d",
                       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, "Tt"[i % 2], tm.tm_hour,
                       tm.tm_min, tm.tm_sec, sign > 0 ? '+' : '-', h, m);
        if (clock_parse(str_of(text), &ns) != (valid ? 0 : -1))
            fail_msg("%s: should be %s", text, valid ? "taken" : "refused");
        assert_int_equal(ns, valid ? seconds * NS_PER_S + NS_PER_S / 2 : -7);
        taken += valid;
    }
    assert_true(taken > TEXTS / 4);
}

static void reads_no_other_text(void **state)
{
    static const char *const bad[] = {
        "",
        "2018",
        "2018-08-27",
        "2018-08-27T11:27:08",
        "2018-08-27T11:27Z",
        "2018-08-27 11:27:08Z",
        "2018-8-27T11:27:08Z",
        "2018-08-27T11:27:08.Z",
        "2018-08-27T11:27:08,5Z",
        "2018-08-27T11:27:08.0123456789",
        "2018-08-27T11:27:08.0123456789.0Z",
        "2018-08-27T11:27:08.012345678\xD9\xA0Z",
        "2018-08-27T11:27:08+0800",
        "2018-08-27T11:27:08+08",
        "2018-08-27T11:27:08+08:0",
        "2018-08-27T11:27:08+08:00 ",
        " 2018-08-27T11:27:08Z",
        "2018-08-27T11:27:08ZZ",
        "2018-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2018-00-01T00:00:00Z",
        "2018-13-01T00:00:00Z",
        "2018-01-00T00:00:00Z",
        "2018-04-31T00:00:00Z",
        "2018-01-01T24:00:00Z",
        "2018-01-01T00:60:00Z",
        "2018-01-01T00:00:61Z",
        "1969-12-31T23:59:59Z",
        "2262-01-01T00:00:00Z",
        "1970-01-01T00:00:00+00:01",
        "+018-01-01T00:00:00Z",
        "-018-01-01T00:00:00Z",
        "2018-01-01T00:00:-1Z",
        "0x18-01-01T00:00:00Z",
        "2018-01-01T00:00:00\xE2\x88\x92\x30\x31:00", /* a minus sign, but not of ASCII */
    };
    int64_t ns = -7;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(bad); i++) {
        if (clock_parse(str_of(bad[i]), &ns) == 0)
            fail_msg("taken: %s", bad[i]);
    }
    assert_int_equal(clock_parse((struct str){NULL, 0}, &ns), -1);
    assert_int_equal(ns, -7);
}

static void reads_every_form_that_rfc_3339_has(void **state)
{
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T01:00:00.000000001+01:00", 1},
        {"2018-08-27t11:27:08.564319181+08:00", INT64_C(1535340428564319181)},
        {"2018-08-27T03:27:08.5z", INT64_C(1535340428500000000)},
        {"2018-08-27T03:27:08.56431918199999Z", INT64_C(1535340428564319181)},
        {"2018-08-27T03:27:08.000000000000000000000000000000000000000000000000000001+00:00",
         INT64_C(1535340428000000000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000000000)},
        {"2000-02-29T00:00:00-00:00", INT64_C(951782400000000000)},
    };
    int64_t ns;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(good); i++) {
        assert_int_equal(clock_parse(str_of(good[i].text), &ns), 0);
        assert_int_equal(ns, good[i].ns);
    }
}

static void a_cut_text_is_never_read(void **state)
{
    const char *whole = "2018-08-27T11:27:08.56431918100+08:00";
    size_t n;
    int64_t ns;

    (void)state;
    for (n = 0; n < strlen(whole); n++) {
        char *exact = malloc(n ? n : 1);

        assert_non_null(exact);
        memcpy(exact, whole, n);
        assert_int_equal(clock_parse((struct str){exact, n}, &ns), -1);
        free(exact);
    }
}

static void writes_what_lies_outside(void **state)
{
    struct clock_zone zone = {0};
    struct buf b = BUF_INIT(200);

    (void)state;
    set_zone("UTC0");
    clock_write(&b, &zone, -1);
    buf_char(&b, ' ');
    clock_write(&b, &zone, INT64_MAX);
    buf_char(&b, ' ');
    clock_write(&b, &zone, INT64_MIN);
    assert_string_equal(b.data,
                        "1969-12-31T23:59:59.999999999+00:00 2262-04-11T23:47:16.854775807+00:00 "
                        "1677-09-21T00:12:43.145224192+00:00");
    buf_free(&b);
}

static void *read_the_clock(void *arg)
{
    int64_t last = 0, now;
    int i;

    for (i = 0; i < READINGS; i++) {
        now = clock_now();
        if (now < last)
            return arg;
        last = now;
    }
    return NULL;
}

static void the_wall_clock_never_goes_back(void **state)
{
    pthread_t thread[THREADS];
    static char back[] = "back";
    void *went;
    size_t i;
    int64_t before = clock_mono();

    (void)state;
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, read_the_clock, back), 0);
    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], &went), 0);
        assert_null(went);
    }
    assert_true(clock_mono() >= before);
}

static void a_time_without_an_offset_is_utc_where_that_is_taken(void **state)
{
    int64_t with, without;

    (void)state;
    assert_int_equal(clock_parse(STR_LIT("2026-11-23T08:00:00.5Z"), &with), 0);
    assert_int_equal(clock_parse_utc(STR_LIT("2026-11-23T08:00:00.5"), &without), 0);
    assert_int_equal(with, without);
    assert_int_equal(clock_parse_utc(STR_LIT("2026-11-23T09:00:00.5+01:00"), &without), 0);
    assert_int_equal(with, without);
    assert_int_equal(clock_parse_utc(STR_LIT("2026-11-23"), &without), -1);
    assert_int_equal(clock_parse_utc(STR_LIT(""), &without), -1);
    assert_int_equal(clock_parse_utc((struct str){0}, &without), -1);
    assert_int_equal(
        clock_parse_utc(STR_LIT("2026-11-23T08:00:00.00000000000000000000000000"), &without), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_as_the_library_does_and_reads_it_back),
        cmocka_unit_test(a_remembered_zone_sees_every_change),
        cmocka_unit_test(every_day_is_read_as_the_library_does),
        cmocka_unit_test(fields_are_read_as_timegm_does),
        cmocka_unit_test(reads_no_other_text),
        cmocka_unit_test(reads_every_form_that_rfc_3339_has),
        cmocka_unit_test(a_time_without_an_offset_is_utc_where_that_is_taken),
        cmocka_unit_test(a_cut_text_is_never_read),
        cmocka_unit_test(writes_what_lies_outside),
        cmocka_unit_test(the_wall_clock_never_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
