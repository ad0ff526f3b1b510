/* SPDX-License-Identifier: MIT */
/*
 * Requests, through the whole service but for the socket: door, routes, handlers, a real database.
 * An input is a few requests, apart by lines that hold "===" only, each like
 *
 *     POST /v1/vm/?x=y
 *     HTTP_IF_MATCH: "1.2"
 *     AS: owner
 *
 *     {"body": "of the request"}
 *
 * with headers as CGI has them; AS says who asks: admin, owner, reader. Every answer is one that
 * API.md has, with a body that is JSON; no answer says that we failed; who asks again with the ETag
 * that he got is told 304; and afterwards the database is as `anteroom check` wants it.
 */
#include "fuzz_rig.h"

#include "auth.h"
#include "json_in.h"
#include "route.h"

enum { HEADERS_MAX = 16, REQUESTS_MAX = 8 };

static const char yaml[] =
    "max_queued: 3\n"
    "queues:\n"
    "  vm:\n"
    "    capacity: static\n"
    "    callback_base: https://portal.example/c/\n"
    "    pools: {h1: {projects: [p1], hosts: {n1: {VCPU: 64}}}, h2: {hosts: {n2: {VCPU: 8}}}}\n"
    "  kube: {capacity: none, callback_base: 'http://k.example/'}\n"
    "  lab: {capacity: none}\n";

struct request {
    char *name[HEADERS_MAX], *value[HEADERS_MAX];
    size_t headers;
    struct str body;
    size_t taken;
    const char *as;
};

/* ---- the carrier ---- */

struct wire {
    struct request *request;
    struct buf sent;
    const char *if_none_match; /* in place of what the request says; NULL: as it is */
};

static const char *carry_param(void *link, const char *name)
{
    struct wire *w = link;
    size_t i;

    if (w->if_none_match && strcmp(name, "HTTP_IF_NONE_MATCH") == 0)
        return w->if_none_match;
    for (i = 0; i < w->request->headers; i++) {
        if (strcmp(w->request->name[i], name) == 0)
            return w->request->value[i];
    }
    return strcmp(name, "REMOTE_ADDR") == 0 ? "127.0.0.1" : NULL;
}

static size_t carry_read(void *link, char *room, size_t n)
{
    struct request *r = ((struct wire *)link)->request;
    size_t some = r->body.n - r->taken < n ? r->body.n - r->taken : n;

    if (some > 0)
        memcpy(room, r->body.p + r->taken, some);
    r->taken += some;
    return some;
}

static int carry_send(void *link, const char *p, size_t n)
{
    buf_add(&((struct wire *)link)->sent, p, n);
    return 0;
}

static const struct http_carrier carrier = {
    .param = carry_param, .read = carry_read, .send = carry_send, .framed = true};

/* ---- the request ---- */

static void add_header(struct request *r, const char *name, struct str value)
{
    if (r->headers == HEADERS_MAX)
        return;
    r->name[r->headers] = fuzz_copy(str_of(name));
    r->value[r->headers++] = fuzz_copy(value);
}

static void read_header(struct request *r, struct str line)
{
    const char *colon = memchr(line.p, ':', line.n);
    struct str value;
    char *name;

    if (!colon)
        return;
    name = fuzz_copy((struct str){line.p, (size_t)(colon - line.p)});
    value = (struct str){colon + 1, (size_t)(line.p + line.n - colon - 1)};
    while (value.n && *value.p == ' ')
        value = (struct str){value.p + 1, value.n - 1};
    if (strcmp(name, "AS") == 0)
        r->as = str_is(value, "owner") ? "owner" : str_is(value, "reader") ? "reader" : "admin";
    else
        add_header(r, name, value);
    free(name);
}

static void read_request(struct str text, struct request *r)
{
    struct str line = fuzz_line(&text);
    const char *blank = memchr(line.p, ' ', line.n);
    char length[24];

    *r = (struct request){.as = "admin"};
    add_header(r, "REQUEST_METHOD",
               (struct str){line.p, blank ? (size_t)(blank - line.p) : line.n});
    if (blank)
        add_header(r, "REQUEST_URI",
                   (struct str){blank + 1, (size_t)(line.p + line.n - blank - 1)});
    while (text.n > 0 && (line = fuzz_line(&text)).n > 0)
        read_header(r, line);
    r->body = text;
    (void)snprintf(length, sizeof length, "%zu", text.n);
    add_header(r, "CONTENT_LENGTH", str_of(length)); /* behind one that the input has */
}

static void free_request(struct request *r)
{
    size_t i;

    for (i = 0; i < r->headers; i++) {
        free(r->name[i]);
        free(r->value[i]);
    }
}

static const struct who *who_of(const char *as)
{
    static const struct str owners[] = {{"o", 1}, {"p1", 2}};
    static const struct who all[] = {
        {.name = {"token:a", 7}, .everything = true, .changes = true},
        {.name = {"token:o", 7}, .changes = true, .owners = 2, .owner = owners},
        {.name = {"token:r", 7}, .everything = true},
    };

    return &all[*as == 'a' ? 0 : *as == 'o' ? 1 : 2];
}

/* ---- the service ---- */

static int run(struct fuzz_rig *rig, const struct route *route, struct route_env *env,
               struct http *x, struct err *e)
{
    int rc;

    env->store = route->writes ? rig->writes : rig->reads;
    if (!route->writes)
        return route_run(route, env, x, e);
    if (store_begin(rig->writes, NS_PER_S, e) != 0)
        return -1;
    rc = route_run(route, env, x, e);
    if (rc != 0)
        store_rollback(rig->writes);
    else if (store_commit(rig->writes, e) != 0)
        return -1;
    else
        route_done(route, x);
    return rc;
}

static int serve(struct fuzz_rig *rig, struct wire *w, struct http *x)
{
    static struct auth *auth;
    static struct ownaddr *own;
    struct auth_seat seat = {.store = rig->reads};
    struct route_env env = {.conf = rig->conf};
    const struct route *route = NULL;
    struct err e = {0};

    if (!auth)
        MUST(auth_open(rig->conf, true, &auth, &e) == 0 && ownaddr_open(&own, &e) == 0);
    seat.auth = auth;
    env.own = own;
    w->request->taken = 0;
    http_begin(x, &carrier, w);
    if (route_meet(x, &route, &e) != 0 || auth_admit(&seat, route->needs, x, &e) != 0) {
        http_fail(x, &e);
    } else {
        if (route->needs != WHO_OPEN)
            http_is(x, who_of(w->request->as), NULL);
        if (who_may(who_of(w->request->as), route->needs, &e) != 0 ||
            route_take(&env, route, x, &e) != 0 || run(rig, route, &env, x, &e) != 0)
            http_fail(x, &e);
    }
    MUST(http_send(x) == 0);
    auth_seat_free(&seat);
    return x->status;
}

/* ---- the answer ---- */

static bool is_ours(int status)
{
    static const int all[] = {200, 201, 304, 400, 401, 403, 404, 405, 409, 412, 413, 422, 429};
    size_t i = 0;

    while (i < ARRAY_LEN(all) && all[i] != status)
        i++;
    return i < ARRAY_LEN(all);
}

/* The value of a header of the answer, NUL-terminated; free(). NULL: it has none. */
static char *header_of(const struct buf *sent, const char *name)
{
    const char *end = memmem(sent->data, sent->len, "\r\n\r\n", 4), *p = sent->data, *next;
    size_t n = strlen(name);

    for (; p && p < end; p = next ? next + 2 : NULL) {
        next = memmem(p, (size_t)(end + 2 - p), "\r\n", 2);
        if (strncmp(p, name, n) == 0 && p[n] == ':')
            return fuzz_copy((struct str){p + n + 2, (size_t)(next - p) - n - 2});
    }
    return NULL;
}

static void check_body(const struct http *x, struct str body)
{
    struct json_doc *doc;
    json_value *v;
    struct err e;

    if (x->head_only || x->status == 304 ||
        (x->media && strncmp(x->media, "text/plain", 10) == 0)) {
        MUST(body.n == 0 || x->media);
        return;
    }
    if (json_in_parse(body, &doc, &e) != 0)
        fuzz_broken(__FILE__, __LINE__, e.text);
    MUST(json_kind(json_in_root(doc)) == JSON_OBJECT);
    if (x->status >= 400) {
        MUST(json_member(json_in_root(doc), "error", &v) && json_string(v).n > 0);
        MUST(json_member(json_in_root(doc), "code", &v) && json_string(v).n > 0);
        MUST(json_member(json_in_root(doc), "ok", &v) && !json_bool(v));
    }
    json_in_free(doc);
}

/* Nothing that came can end a header, or hide in one. */
static void check_head(const char *p, const char *end)
{
    for (; p < end; p++) {
        if (*p == '\r')
            MUST(p[1] == '\n');
        else
            MUST((*p >= ' ' && *p <= '~') || (*p == '\n' && p[-1] == '\r'));
    }
}

static void check_answer(const struct http *x, const struct buf *sent)
{
    const char *end = memmem(sent->data, sent->len, "\r\n\r\n", 4);
    char *id = header_of(sent, "X-Request-Id"), *type = header_of(sent, "Content-Type"),
         *allow = header_of(sent, "Allow");

    MUST(!sent->failed && end && is_ours(x->status));
    check_head(sent->data, end);
    MUST(id && strcmp(id, x->id) == 0);
    MUST(x->status == 304 || type);
    MUST((x->status == 405) == (allow != NULL));
    check_body(x, (struct str){end + 4, (size_t)(sent->data + sent->len - end - 4)});
    free(id);
    free(type);
    free(allow);
}

static void check_again(struct fuzz_rig *rig, struct wire *w, struct http *x)
{
    char *etag = header_of(&w->sent, "ETag");

    if (etag && x->status == 200 && x->method == HTTP_GET) {
        buf_reset(&w->sent);
        w->if_none_match = etag;
        MUST(serve(rig, w, x) == 304);
        check_answer(x, &w->sent);
    }
    free(etag);
}

static void one_request(struct fuzz_rig *rig, struct str text)
{
    struct request r;
    struct wire w = {.request = &r, .sent = BUF_INIT(1 << 26)};
    struct http x;

    http_init(&x);
    read_request(text, &r);
    (void)serve(rig, &w, &x);
    check_answer(&x, &w.sent);
    check_again(rig, &w, &x);
    http_free(&x);
    free_request(&r);
    buf_free(&w.sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size), rest, line;
    struct fuzz_rig *rig = fuzz_rig(yaml);
    int n;

    fuzz_rig_empty(rig);
    for (n = 0; text.n > 0 && n < REQUESTS_MAX; n++) {
        struct str one = {text.p, 0};

        for (rest = text; rest.n > 0; one.n = (size_t)(rest.p - one.p)) {
            line = fuzz_line(&rest);
            if (str_is(line, "==="))
                break;
        }
        text = rest;
        one_request(rig, one);
    }
    /* Asking takes ten times as long as a request: after one input of eight, always the same ones.
     */
    if (store_written(rig->writes) != rig->written &&
        fuzz_pieces(fuzz_str(data, size)).state % 8 == 0)
        fuzz_rig_check(rig);
    return 0;
}
