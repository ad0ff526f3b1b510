/* SPDX-License-Identifier: MIT */
/* New jobs and changes as clients send them: what is taken, what is refused, where the pointer
 * points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <string.h>

#include "job.h"
#include "num.h"
#include "quoted.h"

enum { TEXT_MAX = 1 << 20 };

static struct str project[] = {{"project id", 10}};
static struct pool pools[] = {{.name = {"host1", 5}, .projects = 1, .project = project}};
static const struct conf_queue queue = {
    .rules = {"vm", 2}, .callback_base = {"http://127.0.0.1/demo/", 22}, .pools = 1, .pool = pools};

/* A parsed request; what came of it holds until close_request. */
struct request {
    struct json_doc *doc;
    struct err e;
    int rc;
    union {
        struct job_new n;
        struct job_change c;
    };
};

static void open_request(struct request *r, struct str text)
{
    struct buf b = BUF_INIT(TEXT_MAX);

    *r = (struct request){.rc = -1};
    quoted_add(&b, text);
    if (json_in_parse(buf_span(&b), &r->doc, &r->e) != 0)
        fail_msg("the test's own JSON: %s: %s", r->e.text, b.data);
    buf_free(&b);
}

static void parse_new(struct request *r, const struct conf_queue *q, const char *type,
                      struct str text)
{
    struct conf_queue of_type = *q;

    of_type.rules = str_of(type);
    open_request(r, text);
    r->rc = job_parse_new(&of_type, str_of(type), json_in_root(r->doc), &r->n, &r->e);
}

static void parse_change(struct request *r, const char *text)
{
    open_request(r, str_of(text));
    r->rc = job_parse_change(&queue, STR_LIT("vm"), json_in_root(r->doc), &r->c, &r->e);
}

static void close_new(struct request *r)
{
    if (r->rc == 0)
        job_new_free(&r->n);
    json_in_free(r->doc);
}

static void close_change(struct request *r)
{
    if (r->rc == 0)
        job_change_free(&r->c);
    json_in_free(r->doc);
}

static void expect_error(const struct request *r, const char *text, enum err_code code,
                         const char *pointer, const char *words)
{
    if (r->rc == 0)
        fail_msg("taken: %s", text);
    if (r->e.code != code || strcmp(r->e.pointer, pointer) != 0 || !strstr(r->e.text, words))
        fail_msg("%s: %s (%s)", text, r->e.text, r->e.pointer);
}

static void expect_good(const struct request *r, const char *text)
{
    if (r->rc != 0)
        fail_msg("%s: %s (%s)", text, r->e.text, r->e.pointer);
}

/* ---- a new job ---- */

#define SEED                                                                                       \
    "{'request_id':'d','owner_id':'y','data':{'instances':[{'VCPU':1,'Memory':1,"                  \
    "'Disk':1}],'project':'project id'},'callback':'abc'}"
/* A job with everything that is needed but the callback, and more members behind. */
#define JOB(more) "{'request_id':'r','owner_id':'o','data':{}," more "}"
/* … and with the callback. */
#define WITH(more) JOB("'callback':'c'," more)

static void test_seed(void **state)
{
    struct request r;

    (void)state;
    parse_new(&r, &queue, "vm", STR_LIT(SEED));
    expect_good(&r, SEED);
    assert_true(str_is(r.n.type, "vm"));
    assert_true(str_is(r.n.request_id, "d"));
    assert_true(str_is(r.n.owner_id, "y"));
    assert_true(str_is(r.n.callback, "abc"));
    quoted_expect(r.n.data, "{'host_aggregate':'host1','instances':[{'Disk':1,'Memory':1,'"
                            "VCPU':1}],'project':'project id'}");
    quoted_expect(r.n.scope, "project:project id");
    quoted_expect(r.n.shape, "[{'n':1,'r':{'Disk':1,'Memory':1,'VCPU':1}}]");
    assert_false(r.n.has_priority);
    assert_int_equal(r.n.not_before, 0);
    assert_int_equal(r.n.valid_until, 0);
    close_new(&r);
}

struct data_case {
    const char *type, *data, *kept, *scope;
};

static void test_data(void **state)
{
    static const struct data_case cases[] = {
        {"vm", "{'project':'other','n':1.50}", "{'n':1.50,'project':'other'}", "project:other"},
        {"vm", "{'project':'project id','host_aggregate':'mine'}",
         "{'host_aggregate':'mine','project':'project id'}", "pool:mine\nproject:project id"},
        {"vm", "{'project':'project id'}", "{'host_aggregate':'host1','project':'project id'}",
         "project:project id"},
        {"kube", "{'namespace':'project id'}", "{'namespace':'project id'}", "project:project id"},
        {"lab", "{'project':'project id','b':[ ],'a':'\\u0041'}",
         "{'a':'A','b':[],'project':'project id'}", ""},
    };
    char text[512];
    struct request r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(text, sizeof text,
                       "{'request_id':'r','owner_id':'o','callback':'c','data':%s}", cases[i].data);
        parse_new(&r, &queue, cases[i].type, str_of(text));
        expect_good(&r, text);
        quoted_expect(r.n.data, cases[i].kept);
        quoted_expect(r.n.scope, cases[i].scope);
        quoted_expect(r.n.shape, "[]");
        close_new(&r);
    }
}

struct refused {
    const char *text, *pointer, *words;
    enum err_code code;
};

static void test_new_refused(void **state)
{
    static const struct refused cases[] = {
        {"[]", "", "must be an object, not an array", ERR_INVALID},
        {"null", "", "must be an object, not null", ERR_INVALID},
        {"{}", "/request_id", "request_id is required", ERR_INVALID},
        {"{'request_id':'r'}", "/owner_id", "owner_id is required", ERR_INVALID},
        {"{'request_id':'r','owner_id':'o','data':{}}", "/callback", "callback is required",
         ERR_INVALID},
        {"{'request_id':'r','owner_id':'o','callback':'c'}", "/data", "data is required",
         ERR_INVALID},
        {"{'request_id':'r','owner_id':'o','callback':'c','data':'{}'}", "/data",
         "must be an object, not a string", ERR_INVALID},
        {"{'request_id':'r','owner_id':'o','callback':'c','data':{'project':'p','instances':[{'"
         "VCPU':-1}]}}",
         "/data/instances/0/VCPU", "between 0", ERR_INVALID},
        {"{'status':'held'}", "/status", "unknown member", ERR_UNKNOWN_MEMBER},
        {WITH("'a/b':1"), "/a~1b", "unknown member", ERR_UNKNOWN_MEMBER},
        {"{'request_id':7}", "/request_id", "must be a string, not a number", ERR_INVALID},
        {"{'request_id':null}", "/request_id", "must be a string, not null", ERR_INVALID},
        {"{'request_id':''}", "/request_id", "1 to 255 bytes", ERR_INVALID},
        {"{'request_id':'..'}", "/request_id", "can't stand in a path", ERR_INVALID},
        {"{'request_id':'.'}", "/request_id", "can't stand in a path", ERR_INVALID},
        {"{'request_id':'../..'}", "/request_id", "can't stand in a path", ERR_INVALID},
        {"{'request_id':'a\\nb'}", "/request_id", "control characters", ERR_INVALID},
        {"{'request_id':'a\\u007f'}", "/request_id", "control characters", ERR_INVALID},
        {"{'request_id':'a\\u0085'}", "/request_id", "control characters", ERR_INVALID},
        {"{'request_id':'r','owner_id':''}", "/owner_id", "1 to 255 bytes", ERR_INVALID},
        {"{'request_id':'r','owner_id':[]}", "/owner_id", "an array", ERR_INVALID},
        {WITH("'priority':'1'"), "/priority", "must be a number, not a string", ERR_INVALID},
        {WITH("'priority':null"), "/priority", "must be a number, not null", ERR_INVALID},
        {WITH("'priority':9007199254740992"), "/priority", "2^53", ERR_INVALID},
        {WITH("'priority':9007199254740991.5"), "/priority", "2^53", ERR_INVALID},
        {WITH("'priority':-9007199254740991.5"), "/priority", "2^53", ERR_INVALID},
        {WITH("'priority':1e999"), "/priority", "2^53", ERR_INVALID},
        {WITH("'not_before':null"), "/not_before", "must be a string, not null", ERR_INVALID},
        {WITH("'not_before':'2030-01-01'"), "/not_before", "RFC 3339", ERR_INVALID},
        {WITH("'valid_until':1900000000"), "/valid_until", "a string", ERR_INVALID},
        {WITH("'valid_until':'1969-12-31T23:59:59Z'"), "/valid_until", "RFC 3339", ERR_INVALID},
        {WITH("'not_before':'2030-01-01T00:00:00Z','valid_until':'2030-01-01T08:00:00+08:00'"),
         "/valid_until", "later than not_before", ERR_INVALID},
    };
    struct request r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        parse_new(&r, &queue, "vm", str_of(cases[i].text));
        expect_error(&r, cases[i].text, cases[i].code, cases[i].pointer, cases[i].words);
        close_new(&r);
    }
}

struct priority_case {
    const char *text;
    int64_t whole;
    bool between;
};

static void test_priority_and_times(void **state)
{
    static const struct priority_case cases[] = {
        {"83334", 83334, false},
        {"83334.5", 83334, true},
        {"83334.0", 83334, false},
        {"-0.25", -1, true},
        {"8.33345e4", 83334, true},
        {"9007199254740991", NUM_SAFE_MAX, false},
        {"9007199254740990.9", NUM_SAFE_MAX - 1, true},
        {"-9007199254740991", -NUM_SAFE_MAX, false},
    };
    char text[256];
    struct request r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(text, sizeof text, "%s,'priority':%s}",
                       "{'callback':'c','data':{},'request_id':'r','owner_id':'.'", cases[i].text);
        parse_new(&r, &queue, "lab", str_of(text));
        expect_good(&r, text);
        assert_true(r.n.has_priority);
        assert_int_equal(r.n.priority.whole, cases[i].whole);
        assert_int_equal(r.n.priority.between, cases[i].between);
        close_new(&r);
    }
    parse_new(&r, &queue, "lab",
              STR_LIT(WITH("'not_before':'1970-01-01T00:00:00Z','valid_until':'2018-08-29T14:49:03."
                           "288817904+08:00'")));
    expect_good(&r, "times");
    assert_int_equal(r.n.not_before, 1);
    assert_int_equal(r.n.valid_until, INT64_C(1535525343288817904));
    close_new(&r);
}

/* A job whose member is n times the letter x. */
static void parse_long(struct request *r, const char *before, size_t n, const char *behind)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    size_t i;

    buf_str(&b, before);
    for (i = 0; i < n; i++)
        buf_char(&b, 'x');
    buf_str(&b, behind);
    assert_false(b.failed);
    parse_new(r, &queue, "lab", buf_span(&b));
    buf_free(&b);
}

struct limit {
    const char *before, *behind, *pointer, *words;
    size_t most;
};

static void test_limits(void **state)
{
    static const struct limit limits[] = {
        {"{'owner_id':'o','callback':'c','data':{},'request_id':'", "'}", "/request_id",
         "1 to 255 bytes", JOB_NAME_MAX},
        {"{'request_id':'r','callback':'c','data':{},'owner_id':'", "'}", "/owner_id",
         "1 to 255 bytes", JOB_NAME_MAX},
        {"{'owner_id':'o','request_id':'r','data':{},'callback':'", "'}", "/callback",
         "1 to 2048 bytes", JOB_CALLBACK_MAX},
        {"{'owner_id':'o','request_id':'r','callback':'c','data':{'a' : '", "'} }", "/data",
         "at most 65536 bytes", JOB_DATA_MAX - sizeof "{'a':''}" + 1},
    };
    struct request r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(limits); i++) {
        parse_long(&r, limits[i].before, limits[i].most, limits[i].behind);
        expect_good(&r, limits[i].pointer);
        close_new(&r);
        parse_long(&r, limits[i].before, limits[i].most + 1, limits[i].behind);
        expect_error(&r, limits[i].pointer, ERR_INVALID, limits[i].pointer, limits[i].words);
        close_new(&r);
    }
}

/* Amounts written short (9e15) stand in full in the shape, which has the same limit as data. */
static void test_long_shape(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct request r;
    int i, k;

    (void)state;
    buf_str(&b, "{'request_id':'r','owner_id':'o','callback':'c','data':{'instances':[");
    for (i = 0; i < 100; i++) {
        buf_printf(&b, "%s{'x':%d", i ? "," : "", i + 1);
        for (k = 10; k < 41; k++)
            buf_printf(&b, ",'abcdef%d':9e15", k);
        buf_char(&b, '}');
    }
    buf_str(&b, "]}}");
    assert_false(b.failed);
    assert_true(b.len < JOB_DATA_MAX);
    parse_new(&r, &queue, "lab", buf_span(&b));
    expect_error(&r, "a long shape", ERR_INVALID, "/data", "at most 65536 bytes");
    close_new(&r);
    buf_free(&b);
}

/* ---- names ---- */

static void test_names(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(job_check_name(STR_LIT("a/b \xC2\xA0\xE9\xBB\x91..."), "type", &e), 0);
    assert_int_equal(job_check_name(STR_LIT("a\0b"), "type", &e), -1);
    assert_string_equal(e.text, "type must not hold control characters");
    assert_int_equal(job_check_name(STR_LIT("\xFF"), "type", &e), -1);
    assert_string_equal(e.text, "type must be valid UTF-8");
    assert_int_equal(job_check_name((struct str){0}, "type", &e), -1);
    assert_string_equal(e.pointer, "");
}

/* Where a part between slashes is dots: it can still be named, but nothing new is called so. */
static void test_names_with_dots(void **state)
{
    static const char *const dots[] = {"../..",  "../a", "./a", "a/..", "a/.",
                                       "a/../b", "/..",  "../", "//.",  "a/b/../c"};
    static const char *const none[] = {"...",    ".../...", "a/..b", "a../b",
                                       "a/.b/c", "/",       "//",    "a"};
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(dots); i++) {
        assert_int_equal(job_check_name(str_of(dots[i]), "type", &e), 0);
        assert_int_equal(job_check_new_name(str_of(dots[i]), "type", &e), -1);
        assert_non_null(strstr(e.text, "no part of type between slashes may be"));
    }
    for (i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(job_check_new_name(str_of(none[i]), "type", &e), 0);
    assert_int_equal(job_check_new_name(STR_LIT(".."), "type", &e), -1);
    assert_int_equal(job_check_new_name((struct str){0}, "type", &e), -1);
}

/* ---- changes ---- */

static void test_change_taken(void **state)
{
    struct request r;

    (void)state;
    parse_change(&r, "{'priority':83334.5,'status':'held','not_before':null,'valid_until':'2030-01-"
                     "01T00:00:00Z','callback':'z','data':{'project':'project id'}}");
    expect_good(&r, "a change of everything");
    assert_true(r.c.has_priority && r.c.priority.whole == 83334 && r.c.priority.between);
    assert_true(r.c.has_status && r.c.status == JOB_HELD);
    assert_true(r.c.has_not_before && r.c.not_before == 0);
    assert_true(r.c.has_valid_until && r.c.valid_until == INT64_C(1893456000000000000));
    assert_true(str_is(r.c.callback, "z"));
    assert_true(r.c.has_data);
    quoted_expect(r.c.scope, "project:project id");
    quoted_expect(r.c.data, "{'host_aggregate':'host1','project':'project id'}");
    assert_int_equal(r.c.move, JOB_STAY);
    close_change(&r);
    parse_change(&r, "{'priority':1}");
    expect_good(&r, "a priority");
    assert_false(r.c.has_status || r.c.has_data || r.c.has_not_before || r.c.has_valid_until);
    assert_null(r.c.callback.p);
    close_change(&r);
}

struct move_case {
    const char *text;
    enum job_move move;
    const char *beside;
};

static void test_moves(void **state)
{
    static const struct move_case cases[] = {
        {"{'move':'front'}", JOB_TO_FRONT, NULL},
        {"{'move':'back'}", JOB_TO_BACK, NULL},
        {"{'move':{'before':'x/y'}}", JOB_BEFORE, "x/y"},
        {"{'move':{'after':'z'}}", JOB_AFTER, "z"},
    };
    struct request r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        parse_change(&r, cases[i].text);
        expect_good(&r, cases[i].text);
        assert_int_equal(r.c.move, cases[i].move);
        assert_true(str_eq(r.c.beside, str_of(cases[i].beside)));
        close_change(&r);
    }
}

static void test_change_refused(void **state)
{
    static const struct refused cases[] = {
        {"{}", "", "at least one member", ERR_INVALID},
        {"7", "", "must be an object, not a number", ERR_INVALID},
        {"{'request_id':'x'}", "/request_id", "unknown member", ERR_UNKNOWN_MEMBER},
        {"{'owner_id':'x'}", "/owner_id", "unknown member", ERR_UNKNOWN_MEMBER},
        {"{'priority':1,'move':'front'}", "/move", "not both", ERR_INVALID},
        {"{'priority':null}", "/priority", "must be a number, not null", ERR_INVALID},
        {"{'move':'up'}", "/move", "move must be", ERR_INVALID},
        {"{'move':null}", "/move", "move must be", ERR_INVALID},
        {"{'move':{}}", "/move", "move must be", ERR_INVALID},
        {"{'move':{'beside':'a'}}", "/move", "move must be", ERR_INVALID},
        {"{'move':{'before':'a','after':'b'}}", "/move", "move must be", ERR_INVALID},
        {"{'move':{'before':1}}", "/move/before", "a string", ERR_INVALID},
        {"{'move':{'after':1}}", "/move/after", "a string", ERR_INVALID},
        {"{'move':{'before':''}}", "/move/before", "1 to 255 bytes", ERR_INVALID},
        {"{'move':{'after':''}}", "/move/after", "1 to 255 bytes", ERR_INVALID},
        {"{'status':'done'}", "/status",
         "must be queued, held, admitted, running, finished, failed, cancelled or expired",
         ERR_INVALID},
        {"{'status':null}", "/status", "status must be queued", ERR_INVALID},
        {"{'callback':null}", "/callback", "must be a string, not null", ERR_INVALID},
        {"{'callback':'a b'}", "/callback", "spaces", ERR_INVALID},
        {"{'data':null}", "/data", "must be an object, not null", ERR_INVALID},
        {"{'not_before':'soon'}", "/not_before", "RFC 3339", ERR_INVALID},
        {"{'data':{},'not_before':'2030-01-02T00:00:00Z','valid_until':'2030-01-01T00:00:00Z'}",
         "/valid_until", "later than not_before", ERR_INVALID},
    };
    struct request r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        parse_change(&r, cases[i].text);
        expect_error(&r, cases[i].text, cases[i].code, cases[i].pointer, cases[i].words);
        close_change(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seed),           cmocka_unit_test(test_data),
        cmocka_unit_test(test_new_refused),    cmocka_unit_test(test_priority_and_times),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_long_shape),
        cmocka_unit_test(test_names),          cmocka_unit_test(test_names_with_dots),
        cmocka_unit_test(test_change_taken),   cmocka_unit_test(test_moves),
        cmocka_unit_test(test_change_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
