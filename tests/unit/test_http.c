/* SPDX-License-Identifier: MIT */
/* One exchange: how a request is read, and what an answer looks like on the wire. */
#include "carrier.h"

/* An exchange over a wire of its own. */
struct talk {
    struct wire wire;
    struct http x;
    struct err e;
};

static void talk_begin(struct talk *t, const char *method, const char *target)
{
    *t = (struct talk){.wire = wire_of(method, target)};
    http_init(&t->x);
    http_begin(&t->x, &wire_framed, &t->wire);
}

static void talk_end(struct talk *t)
{
    http_free(&t->x);
    buf_free(&t->wire.sent);
}

static enum err_code read_head(const char *target)
{
    struct talk t;
    enum err_code code = ERR_NONE;

    talk_begin(&t, "GET", target);
    if (http_read_head(&t.x, &t.e) != 0)
        code = t.e.code;
    talk_end(&t);
    return code;
}

static void the_path_is_split_and_then_decoded(void **state)
{
    struct talk t;

    (void)state;
    talk_begin(&t, "GET", "/v1/a%2Fb/%E4%BD%A0+/?x=1");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_int_equal(t.x.segments, 3);
    assert_true(str_is(t.x.segment[0], "v1"));
    assert_true(str_is(t.x.segment[1], "a/b"));
    assert_true(str_is(t.x.segment[2], "\xE4\xBD\xA0+"));
    talk_end(&t);
}

static void one_last_slash_does_not_count(void **state)
{
    static const struct {
        const char *target;
        size_t segments;
    } cases[] = {{"/", 0}, {"/v1", 1}, {"/v1/", 1}, {"/v1//", 2}, {"//v1", 2}, {"/?a/b", 0}};
    struct talk t;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        talk_begin(&t, "GET", cases[i].target);
        assert_int_equal(http_read_head(&t.x, &t.e), 0);
        assert_int_equal(t.x.segments, cases[i].segments);
        talk_end(&t);
    }
}

static void parameters_are_decoded(void **state)
{
    struct talk t;

    (void)state;
    talk_begin(&t, "GET", "/v1/vm/?owner_id=a+b%26c%3D&&st%61tus=&flag&");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_int_equal(t.x.params, 3);
    assert_true(str_is(http_param(&t.x, "owner_id"), "a b&c="));
    assert_true(str_is(http_param(&t.x, "status"), ""));
    assert_true(str_is(http_param(&t.x, "flag"), ""));
    assert_null(http_param(&t.x, "other").p);
    talk_end(&t);
}

static void heads_that_make_no_sense_are_refused(void **state)
{
    static const struct {
        const char *target;
        enum err_code code;
    } cases[] = {
        {"", ERR_BAD_REQUEST},
        {"v1/vm", ERR_BAD_REQUEST},
        {"*", ERR_BAD_REQUEST},
        {"?a=1", ERR_BAD_REQUEST},
        {"/v1/%00/", ERR_BAD_REQUEST},
        {"/v1/%FF", ERR_BAD_REQUEST},
        {"/v1/%", ERR_BAD_REQUEST},
        {"/v1/vm?%ff=1", ERR_BAD_REQUEST},
        {"/v1/vm?a=%00", ERR_BAD_REQUEST},
        {"/v1/vm?a=1&a=1", ERR_BAD_REQUEST},
        {"/v1/vm?a=1&%61=2", ERR_BAD_REQUEST},
        {"/1/2/3/4/5/6/7/8/9", ERR_NOT_FOUND},
        {"/v1/vm?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", ERR_BAD_REQUEST},
        {NULL, ERR_BAD_REQUEST},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(read_head(cases[i].target), cases[i].code);
    assert_int_equal(read_head("/1/2/3/4/5/6/7/8/"), ERR_NONE);
    assert_int_equal(read_head("/v1/vm?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p"), ERR_NONE);
}

static void a_long_target_is_refused(void **state)
{
    char target[HTTP_TARGET_MAX + 2];

    (void)state;
    memset(target, 'a', sizeof target);
    target[0] = '/';
    target[HTTP_TARGET_MAX] = '\0';
    assert_int_equal(read_head(target), ERR_NONE);
    target[HTTP_TARGET_MAX] = 'a';
    target[HTTP_TARGET_MAX + 1] = '\0';
    assert_int_equal(read_head(target), ERR_BAD_REQUEST);
}

static void a_cgi_programs_own_path_is_left_out(void **state)
{
    struct talk t;

    (void)state;
    talk_begin(&t, "GET", "/cgi-bin/anteroom.fcgi/v1/vm");
    wire_add(&t.wire, "SCRIPT_NAME", "/cgi-bin/anteroom.fcgi");
    wire_add(&t.wire, "PATH_INFO", "/v1/vm");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_int_equal(t.x.segments, 2);
    assert_true(str_is(t.x.segment[0], "v1"));
    talk_end(&t);
    /* Some servers call all of the path the script's name. */
    talk_begin(&t, "GET", "/v1/vm");
    wire_add(&t.wire, "SCRIPT_NAME", "/v1");
    wire_add(&t.wire, "PATH_INFO", "");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_int_equal(t.x.segments, 2);
    talk_end(&t);
    /* One that is not at the path's beginning is no reason to cut anything. */
    talk_begin(&t, "GET", "/anteroom/v1/vm");
    wire_add(&t.wire, "SCRIPT_NAME", "/elsewher");
    wire_add(&t.wire, "PATH_INFO", "/v1/vm");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_int_equal(t.x.segments, 3);
    talk_end(&t);
}

static void methods_are_known_by_name(void **state)
{
    static const struct {
        const char *name;
        enum http_method method;
        bool head_only;
    } cases[] = {
        {"GET", HTTP_GET, false},       {"HEAD", HTTP_GET, true},   {"POST", HTTP_POST, false},
        {"DELETE", HTTP_DELETE, false}, {"get", HTTP_OTHER, false}, {"PUT", HTTP_OTHER, false},
        {NULL, HTTP_OTHER, false},
    };
    struct talk t;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        talk_begin(&t, cases[i].name, "/");
        assert_int_equal(http_read_head(&t.x, &t.e), 0);
        assert_int_equal(t.x.method, cases[i].method);
        assert_int_equal(t.x.head_only, cases[i].head_only);
        talk_end(&t);
    }
}

static void an_id_is_taken_if_it_is_fit(void **state)
{
    static const char *const unfit[] = {
        NULL,   "",       "a b",
        "a\"b", "a\r\nb", "12345678901234567890123456789012345678901234567890123456789012345"};
    struct talk t;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(unfit); i++) {
        talk_begin(&t, "GET", "/");
        t.wire.param[2].value = unfit[i];
        assert_int_equal(http_read_head(&t.x, &t.e), 0);
        assert_int_equal(strlen(t.x.id), 32);
        assert_int_equal(strspn(t.x.id, "0123456789abcdef"), 32);
        talk_end(&t);
    }
    talk_begin(&t, "GET", "/");
    wire_add(&t.wire, "UNIQUE_ID", "aw25DcZfmQ@koeSieHl8lAAA-AA_"); /* an older Apache's */
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_string_equal(t.x.id, "r1");
    t.wire.param[2].value = NULL;
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_string_equal(t.x.id, "aw25DcZfmQ@koeSieHl8lAAA-AA_");
    talk_end(&t);
}

static enum err_code read_body(const char *length, struct str body, bool framed, size_t *got)
{
    struct http_carrier carrier = wire_framed;
    enum err_code code = ERR_NONE;
    struct talk t;

    talk_begin(&t, "POST", "/");
    carrier.framed = framed;
    t.wire.body = body;
    if (length)
        wire_add(&t.wire, "CONTENT_LENGTH", length);
    http_begin(&t.x, &carrier, &t.wire);
    if (http_read_body(&t.x, &t.e) != 0)
        code = t.e.code;
    *got = t.x.body.n;
    if (code == ERR_NONE && t.x.body.n > 0)
        assert_memory_equal(t.x.body.p, body.p, t.x.body.n);
    talk_end(&t);
    return code;
}

static void the_body_is_as_long_as_it_says(void **state)
{
    static const struct {
        const char *length, *body;
        bool framed;
        enum err_code code;
        size_t got;
    } cases[] = {
        {"3", "abc", true, ERR_NONE, 3},
        {"3", "abcd", true, ERR_NONE, 3},
        {"4", "abc", true, ERR_BODY_INCOMPLETE, 0},
        {"0", "", true, ERR_NONE, 0},
        {NULL, "abc", true, ERR_NONE, 3},
        {"", "abc", true, ERR_NONE, 3},
        {NULL, "abc", false, ERR_NONE, 0},
        {"x", "abc", true, ERR_BAD_REQUEST, 0},
        {"-1", "abc", true, ERR_BAD_REQUEST, 0},
        {"1048577", "abc", true, ERR_TOO_LARGE, 0},
        {"9223372036854775807", "", true, ERR_TOO_LARGE, 0},
    };
    size_t i, got;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(read_body(cases[i].length, str_of(cases[i].body), cases[i].framed, &got),
                         cases[i].code);
        assert_int_equal(got, cases[i].got);
    }
}

static void the_largest_body_is_taken(void **state)
{
    char *text = calloc(1, HTTP_BODY_MAX + 1);
    size_t got;

    (void)state;
    assert_non_null(text);
    assert_int_equal(read_body("1048576", (struct str){text, HTTP_BODY_MAX}, true, &got), ERR_NONE);
    assert_int_equal(got, HTTP_BODY_MAX);
    assert_int_equal(read_body(NULL, (struct str){text, HTTP_BODY_MAX}, true, &got), ERR_NONE);
    assert_int_equal(got, HTTP_BODY_MAX);
    assert_int_equal(read_body(NULL, (struct str){text, HTTP_BODY_MAX + 1}, true, &got),
                     ERR_TOO_LARGE);
    free(text);
}

static void an_answer_has_head_and_body(void **state)
{
    struct talk t;

    (void)state;
    talk_begin(&t, "GET", "/");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    http_add_header(&t.x, "ETag", STR_LIT("\"1\""));
    http_done(&t.x);
    assert_int_equal(http_send(&t.x), 0);
    assert_string_equal(t.wire.sent.data, "Status: 200 OK\r\nContent-Type: application/json\r\n"
                                          "X-Request-Id: r1\r\nETag: \"1\"\r\n"
                                          "Cache-Control: no-store\r\nContent-Length: 21\r\n\r\n"
                                          "{\"data\":{},\"ok\":true}");
    talk_end(&t);
}

static void head_gets_the_head_alone(void **state)
{
    struct talk t;

    (void)state;
    talk_begin(&t, "HEAD", "/");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    http_done(&t.x);
    assert_int_equal(http_send(&t.x), 0);
    assert_non_null(strstr(t.wire.sent.data, "Content-Length: 21\r\n\r\n"));
    assert_null(strstr(t.wire.sent.data, "{"));
    talk_end(&t);
}

static void not_modified_has_no_body(void **state)
{
    struct talk t;

    (void)state;
    talk_begin(&t, "GET", "/");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    http_empty(&t.x, 304);
    assert_int_equal(http_send(&t.x), 0);
    assert_string_equal(t.wire.sent.data, "Status: 304 Not Modified\r\nX-Request-Id: r1\r\n\r\n");
    talk_end(&t);
}

static void an_error_replaces_what_was_begun(void **state)
{
    struct json_out o;
    struct talk t;

    (void)state;
    talk_begin(&t, "POST", "/");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    http_add_header(&t.x, "Location", STR_LIT("/v1/vm/a"));
    o = http_data(&t.x, 201);
    json_open(&o, '[');
    (void)err_at(&t.e, ERR_INVALID, "/data/instances/0", "say \"no\"");
    http_fail(&t.x, &t.e);
    assert_int_equal(http_send(&t.x), 0);
    assert_null(strstr(t.wire.sent.data, "Location"));
    assert_non_null(strstr(t.wire.sent.data, "Status: 422 Unprocessable Content\r\n"));
    assert_string_equal(strchr(t.wire.sent.data, '{'),
                        "{\"error\":\"say \\\"no\\\"\",\"code\":\"invalid\",\"errors\":[{"
                        "\"detail\":\"say \\\"no\\\"\",\"pointer\":\"/data/instances/0\"}],"
                        "\"ok\":false}");
    talk_end(&t);
}

static void busy_answers_say_when_to_come_again(void **state)
{
    static const enum err_code codes[] = {ERR_UNAVAILABLE, ERR_TOO_MANY, ERR_COMMIT_UNKNOWN};
    struct talk t;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(codes); i++) {
        talk_begin(&t, "POST", "/");
        assert_int_equal(http_read_head(&t.x, &t.e), 0);
        (void)err_set(&t.e, codes[i], "not now");
        http_fail(&t.x, &t.e);
        assert_int_equal(http_send(&t.x), 0);
        assert_non_null(strstr(t.wire.sent.data, "\r\nRetry-After: 1\r\n"));
        assert_string_equal(strstr(t.wire.sent.data, ",\"ok\""), ",\"ok\":false}");
        talk_end(&t);
    }
}

/* Writes `rows` numbers as a streamed list; -1 when the stream has broken. */
static int stream_rows(struct talk *t, size_t rows)
{
    struct json_out o = http_data(&t->x, 200);
    size_t i;

    json_open(&o, '[');
    for (i = 0; i < rows; i++) {
        json_put_i64(&o, (int64_t)i);
        if (http_stream(&t->x, &t->e) != 0)
            return -1;
    }
    json_close(&o, ']');
    http_end(&t->x, &o);
    return 0;
}

static void a_long_answer_is_streamed(void **state)
{
    struct talk t;
    char *body;

    (void)state;
    talk_begin(&t, "GET", "/");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_int_equal(stream_rows(&t, 100000), 0);
    assert_true(t.x.streaming);
    assert_true(t.x.out.cap <= 2 * HTTP_STREAM_AT + 16384);
    assert_int_equal(http_send(&t.x), 0);
    assert_null(strstr(t.wire.sent.data, "Content-Length"));
    body = strstr(t.wire.sent.data, "\r\n\r\n") + 4;
    assert_memory_equal(body, "{\"data\":[0,1,2,", 15);
    assert_string_equal(strstr(body, ",99998,"), ",99998,99999],\"ok\":true}");
    talk_end(&t);
}

static void an_error_within_a_stream_cuts_it(void **state)
{
    struct talk t;
    size_t sent;

    (void)state;
    talk_begin(&t, "GET", "/");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_int_equal(stream_rows(&t, 50000), 0);
    sent = t.wire.sent.len;
    (void)err_set(&t.e, ERR_INTERNAL, "a test's failure");
    http_fail(&t.x, &t.e);
    assert_int_equal(http_send(&t.x), -1);
    assert_int_equal(t.wire.sent.len, sent);
    talk_end(&t);
}

static void a_peer_that_leaves_ends_the_stream(void **state)
{
    struct talk t;

    (void)state;
    talk_begin(&t, "GET", "/");
    t.wire.room = 100 * 1024;
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_int_equal(stream_rows(&t, 100000), -1);
    http_fail(&t.x, &t.e);
    assert_int_equal(http_send(&t.x), -1);
    talk_end(&t);
}

static void an_answer_beyond_the_limit_is_an_error(void **state)
{
    char *text = malloc(HTTP_ANSWER_MAX);
    struct talk t;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', HTTP_ANSWER_MAX);
    talk_begin(&t, "GET", "/");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    (void)http_data(&t.x, 200);
    buf_add(&t.x.out, text, HTTP_ANSWER_MAX);
    assert_int_equal(http_send(&t.x), 0);
    assert_non_null(strstr(t.wire.sent.data, "Status: 500 "));
    talk_end(&t);
    free(text);
}

static void count_drop(void *work)
{
    (*(int *)work)++;
}

static void an_exchange_is_used_again(void **state)
{
    int drops = 0;
    struct talk t;
    struct wire second = wire_of("GET", "/second");

    (void)state;
    talk_begin(&t, "HEAD", "/first?a=1");
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    t.x.work = &drops;
    t.x.drop = count_drop;
    assert_non_null(buf_room(&t.x.in, HTTP_KEEP_MAX + 1));
    http_begin(&t.x, &wire_framed, &second);
    assert_int_equal(drops, 1);
    assert_null(t.x.in.data);
    assert_int_equal(http_read_head(&t.x, &t.e), 0);
    assert_int_equal(t.x.segments, 1);
    assert_int_equal(t.x.params, 0);
    assert_false(t.x.head_only);
    talk_end(&t);
    assert_int_equal(drops, 1);
    buf_free(&second.sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_is_split_and_then_decoded),
        cmocka_unit_test(one_last_slash_does_not_count),
        cmocka_unit_test(parameters_are_decoded),
        cmocka_unit_test(heads_that_make_no_sense_are_refused),
        cmocka_unit_test(a_long_target_is_refused),
        cmocka_unit_test(a_cgi_programs_own_path_is_left_out),
        cmocka_unit_test(methods_are_known_by_name),
        cmocka_unit_test(an_id_is_taken_if_it_is_fit),
        cmocka_unit_test(the_body_is_as_long_as_it_says),
        cmocka_unit_test(the_largest_body_is_taken),
        cmocka_unit_test(an_answer_has_head_and_body),
        cmocka_unit_test(head_gets_the_head_alone),
        cmocka_unit_test(not_modified_has_no_body),
        cmocka_unit_test(an_error_replaces_what_was_begun),
        cmocka_unit_test(busy_answers_say_when_to_come_again),
        cmocka_unit_test(a_long_answer_is_streamed),
        cmocka_unit_test(an_error_within_a_stream_cuts_it),
        cmocka_unit_test(a_peer_that_leaves_ends_the_stream),
        cmocka_unit_test(an_answer_beyond_the_limit_is_an_error),
        cmocka_unit_test(an_exchange_is_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
