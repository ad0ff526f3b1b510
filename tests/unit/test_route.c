/* SPDX-License-Identifier: MIT */
/* Which handler answers what, and what is refused before any handler sees it. */
#include "carrier.h"

#include "handlers.h"

struct visit {
    struct wire wire;
    struct http x;
    struct err e;
};

static void visit_begin(struct visit *v, const char *method, const char *target)
{
    *v = (struct visit){.wire = wire_of(method, target)};
    http_init(&v->x);
    http_begin(&v->x, &wire_framed, &v->wire);
}

static void visit_end(struct visit *v)
{
    http_free(&v->x);
    buf_free(&v->wire.sent);
}

/* The handler of a request, or NULL and the error. */
static route_run_fn *find(const char *method, const char *target, struct err *e)
{
    const struct route *route;
    struct visit v;

    visit_begin(&v, method, target);
    assert_int_equal(http_read_head(&v.x, e), 0);
    route = route_find(&v.x, e);
    visit_end(&v);
    return route ? route->run : NULL;
}

static void every_route_has_its_handler(void **state)
{
    static const struct {
        const char *method, *path;
        route_run_fn *run;
    } cases[] = {
        {"GET", "/v1/vm", job_list},
        {"HEAD", "/v1/vm", job_list},
        {"POST", "/v1/vm", job_create},
        {"GET", "/v1/vm/d", job_show},
        {"HEAD", "/v1/vm/d", job_show},
        {"POST", "/v1/vm/d", job_change},
        {"DELETE", "/v1/vm/d", job_delete},
        {"GET", "/healthz", health},
        {"HEAD", "/healthz", health},
        {"GET", "/v1/a%2Fb%2Fc", job_list},
        {"GET", "/v1/a%2Fb/%2F%2F", job_show},
        {"GET", "/v1/healthz/v1", job_show},
        {"GET", "/v1/%E4%BD%A0/%20x", job_show},
        {"GET", "/queues/vm/capacity", capacity},
        {"HEAD", "/queues/a%2Fb/capacity", capacity},
        {"GET", "/queues", queues},
        {"HEAD", "/queues/a%2Fb", queue_show},
        {"POST", "/queues/vm", queue_change},
        {"GET", "/v1/queues/capacity", job_show},
        {"GET", "/v1/vm/d/events", events},
        {"HEAD", "/v1/a%2Fb/%2F/events", events},
        {"GET", "/v1/vm/d/deliveries", deliveries},
        {"HEAD", "/v1/vm/d/deliveries", deliveries},
        {"POST", "/v1/vm/d/deliveries", deliveries_send},
        {"GET", "/v1/deliveries/events", job_show},
    };
    char target[64];
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(target, sizeof target, "%s/", cases[i].path);
        assert_ptr_equal(find(cases[i].method, cases[i].path, &e), cases[i].run);
        assert_ptr_equal(find(cases[i].method, target, &e), cases[i].run);
    }
}

static void other_paths_are_not_found(void **state)
{
    static const char *const paths[] = {
        "/",      "/v1",       "/v1/",    "/v1//",    "/v1//d",     "/v2/vm",      "/healthz/x",
        "/V1/vm", "/v1/a/b/c", "//v1/vm", "/v1/vm//", "/v1/vm/d//", "/healthz%2F", "/%7B%7D/vm",
    };
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(paths); i++) {
        assert_null(find("GET", paths[i], &e));
        assert_int_equal(e.code, ERR_NOT_FOUND);
    }
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    static const struct {
        const char *method, *target, *allow;
    } cases[] = {
        {"PUT", "/v1/vm/", "GET, HEAD, POST"},
        {"DELETE", "/v1/vm", "GET, HEAD, POST"},
        {"PATCH", "/v1/vm/d", "GET, HEAD, POST, DELETE"},
        {"OPTIONS", "/v1/vm/d", "GET, HEAD, POST, DELETE"},
        {"POST", "/healthz", "GET, HEAD"},
        {"POST", "/v1/vm/d/events", "GET, HEAD"},
        {"DELETE", "/v1/vm/d/deliveries", "GET, HEAD, POST"},
    };
    char line[64];
    struct visit v;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        visit_begin(&v, cases[i].method, cases[i].target);
        assert_int_equal(http_read_head(&v.x, &v.e), 0);
        assert_null(route_find(&v.x, &v.e));
        assert_int_equal(v.e.code, ERR_METHOD_NOT_ALLOWED);
        http_fail(&v.x, &v.e);
        assert_int_equal(http_send(&v.x), 0);
        (void)snprintf(line, sizeof line, "\r\nAllow: %s\r\n", cases[i].allow);
        assert_non_null(strstr(v.wire.sent.data, line));
        visit_end(&v);
    }
}

/* Takes a request up to the point where the database would be needed; returns the error's code. */
static enum err_code take(const char *method, const char *target, const char *header,
                          const char *value, const char *body)
{
    static const char text[] = "database: unused.db\n"
                               "callback: {allow_networks: [127.0.0.5, 192.168.0.0/16]}\n"
                               "queues: {vm: {capacity: none, callback_base: 'http://h/'}}\n";
    const struct route *route;
    struct route_env env = {0};
    enum err_code code = ERR_NONE;
    struct conf *conf;
    struct visit v;

    visit_begin(&v, method, target);
    if (header)
        wire_add(&v.wire, header, value);
    v.wire.body = str_of(body);
    if (conf_parse(STR_LIT(text), "test", &conf, &v.e) != 0)
        fail_msg("%s", v.e.text);
    env.conf = conf;
    if (ownaddr_open(&env.own, &v.e) != 0)
        fail_msg("%s", v.e.text);
    if (route_meet(&v.x, &route, &v.e) != 0 || route_take(&env, route, &v.x, &v.e) != 0)
        code = v.e.code;
    ownaddr_close(env.own);
    visit_end(&v);
    conf_free(conf);
    return code;
}

#define JOB(id)                                                                                    \
    "{\"request_id\":\"" id "\",\"owner_id\":\"o\",\"data\":{},\"callback\":\"c" id "\"}"

static void requests_are_checked_before_the_database(void **state)
{
    static const struct {
        const char *method, *target, *body;
        enum err_code code;
    } cases[] = {
        {"GET", "/v1/vm?owner_id=x&status=queued&limit=1&after=y", NULL, ERR_NONE},
        {"GET", "/v1/vm?owner=x", NULL, ERR_UNKNOWN_PARAMETER},
        {"GET", "/v1/vm/d?limit=1", NULL, ERR_UNKNOWN_PARAMETER},
        {"GET", "/healthz?x", NULL, ERR_UNKNOWN_PARAMETER},
        {"POST", "/v1/vm?limit=1", JOB("a"), ERR_UNKNOWN_PARAMETER},
        {"GET", "/v1/%01", NULL, ERR_BAD_REQUEST},
        {"GET", "/v1/vm/%0A", NULL, ERR_BAD_REQUEST},
        {"GET", "/v1/vm/d", "{", ERR_NONE},
        {"DELETE", "/v1/vm/d", "{", ERR_NONE},
        {"POST", "/v1/vm", JOB("a"), ERR_NONE},
        {"POST", "/v1/vm", "[" JOB("a") "]", ERR_NONE},
        {"POST", "/v1/vm", "", ERR_MALFORMED_JSON},
        {"POST", "/v1/vm", "{", ERR_MALFORMED_JSON},
        {"POST", "/v1/vm", "null", ERR_INVALID},
        {"POST", "/v1/vm", "[]", ERR_INVALID},
        {"POST", "/v1/vm", "[1]", ERR_INVALID},
        {"POST", "/v1/vm", "{}", ERR_INVALID},
        {"POST", "/v1/vm", "{\"x\":1}", ERR_UNKNOWN_MEMBER},
        {"POST", "/v1/vm/d", "{\"priority\":1}", ERR_NONE},
        {"POST", "/v1/vm/d", "{\"callback\":\"http://10.0.0.1/\"}", ERR_INVALID},
        {"POST", "/v1/vm/d", "{\"callback\":\"http://192.168.0.1/\"}", ERR_NONE},
        {"POST", "/v1/vm/d", "{}", ERR_INVALID},
        {"POST", "/v1/vm/d", "[]", ERR_INVALID},
        {"POST", "/v1/vm/d", "{\"x\":1}", ERR_UNKNOWN_MEMBER},
        {"GET", "/v1/vm/d/events?limit=1&after=x", NULL, ERR_NONE},
        {"GET", "/v1/vm/d/events?status=queued", NULL, ERR_UNKNOWN_PARAMETER},
        {"GET", "/v1/vm/d/deliveries?owner_id=x", NULL, ERR_UNKNOWN_PARAMETER},
        {"GET", "/v1/vm/%0A/events", NULL, ERR_BAD_REQUEST},
        {"POST", "/v1/vm/d/deliveries?limit=1", "", ERR_UNKNOWN_PARAMETER},
        {"POST", "/v1/vm/d/deliveries", "", ERR_NONE},
        {"POST", "/v1/vm/d/deliveries", " {} ", ERR_NONE},
        {"POST", "/v1/vm/d/deliveries", "{", ERR_MALFORMED_JSON},
        {"POST", "/v1/vm/d/deliveries", " ", ERR_MALFORMED_JSON},
        {"POST", "/v1/vm/d/deliveries", "null", ERR_INVALID},
        {"POST", "/v1/vm/d/deliveries", "[]", ERR_INVALID},
        {"POST", "/v1/vm/d/deliveries", "{\"now\":true}", ERR_UNKNOWN_MEMBER},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        enum err_code code =
            take(cases[i].method, cases[i].target, NULL, NULL, cases[i].body ? cases[i].body : "");

        if (code != cases[i].code)
            fail_msg("%s %s %s: %s", cases[i].method, cases[i].target, cases[i].body,
                     err_word(code));
    }
}

static void headers_are_checked_before_the_database(void **state)
{
    char key[258];

    (void)state;
    memset(key, 'k', sizeof key);
    key[257] = '\0';
    assert_int_equal(take("POST", "/v1/vm", "HTTP_IDEMPOTENCY_KEY", "k 1", JOB("a")),
                     ERR_BAD_REQUEST);
    assert_int_equal(take("POST", "/v1/vm", "HTTP_IDEMPOTENCY_KEY", "\xC3\xA4", JOB("a")),
                     ERR_BAD_REQUEST);
    assert_int_equal(take("POST", "/v1/vm", "HTTP_IDEMPOTENCY_KEY", "", JOB("a")), ERR_BAD_REQUEST);
    assert_int_equal(take("POST", "/v1/vm", "HTTP_IDEMPOTENCY_KEY", key + 1, JOB("a")),
                     ERR_BAD_REQUEST);
    assert_int_equal(take("POST", "/v1/vm", "HTTP_IDEMPOTENCY_KEY", key + 2, JOB("a")), ERR_NONE);
    assert_int_equal(take("POST", "/v1/vm", "HTTP_IF_NONE_MATCH", "*", JOB("a")), ERR_BAD_REQUEST);
    assert_int_equal(take("DELETE", "/v1/vm/d", "HTTP_IF_NONE_MATCH", "*", ""), ERR_BAD_REQUEST);
    assert_int_equal(take("GET", "/v1/vm/d", "HTTP_IF_NONE_MATCH", "*", ""), ERR_NONE);
}

static void an_arrays_error_says_which_job(void **state)
{
    const struct route *route;
    struct route_env env = {0};
    struct conf *conf;
    struct visit v;

    (void)state;
    visit_begin(&v, "POST", "/v1/vm");
    v.wire.body = STR_LIT("[" JOB("a") ",{\"request_id\":1}]");
    assert_int_equal(
        conf_parse(STR_LIT("database: unused.db\n"
                           "queues: {'*': {capacity: none, callback_base: 'http://h/'}}\n"),
                   "test", &conf, &v.e),
        0);
    env.conf = conf;
    assert_int_equal(ownaddr_open(&env.own, &v.e), 0);
    assert_int_equal(route_meet(&v.x, &route, &v.e), 0);
    assert_int_equal(route_take(&env, route, &v.x, &v.e), -1);
    assert_string_equal(v.e.pointer, "/1/request_id");
    ownaddr_close(env.own);
    visit_end(&v);
    conf_free(conf);
}

static void an_array_of_too_many_is_refused(void **state)
{
    struct buf b = BUF_INIT(HTTP_BODY_MAX);
    size_t i;

    (void)state;
    buf_char(&b, '[');
    for (i = 0; i < JOB_BATCH_MAX; i++)
        buf_printf(&b, "%s" JOB("%zu"), i ? "," : "", i, i);
    buf_char(&b, ']');
    assert_int_equal(take("POST", "/v1/vm", NULL, NULL, b.data), ERR_NONE);
    b.len--;
    buf_str(&b, "," JOB("last") "]");
    assert_int_equal(take("POST", "/v1/vm", NULL, NULL, b.data), ERR_INVALID);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_has_its_handler),
        cmocka_unit_test(other_paths_are_not_found),
        cmocka_unit_test(a_wrong_method_is_told_the_right_ones),
        cmocka_unit_test(requests_are_checked_before_the_database),
        cmocka_unit_test(headers_are_checked_before_the_database),
        cmocka_unit_test(an_arrays_error_says_which_job),
        cmocka_unit_test(an_array_of_too_many_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
