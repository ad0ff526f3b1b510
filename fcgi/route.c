/* SPDX-License-Identifier: MIT */
/* Routes: the table, and the way from a request to its handler. */
#include "route.h"

#include "handlers.h"
#include "stats.h"

/* The collections first; a path that fits several patterns belongs to the first. */
static const struct route routes[] = {
    {HTTP_GET, "/healthz", WHO_OPEN, .run = health},
    {HTTP_GET, "/openapi.json", WHO_OPEN, .run = openapi},
    {HTTP_GET, "/v1/{}", WHO_READS, .params = {"owner_id", "status", "limit", "after"},
     .run = job_list},
    {HTTP_POST, "/v1/{}", WHO_CHANGES, .writes = true, .body = true, .prepare = job_create_prepare,
     .run = job_create},
    {HTTP_GET, "/v1/{}/{}", WHO_READS, .run = job_show},
    {HTTP_POST, "/v1/{}/{}", WHO_CHANGES, .writes = true, .body = true,
     .prepare = job_change_prepare, .run = job_change},
    {HTTP_DELETE, "/v1/{}/{}", WHO_CHANGES, .writes = true, .run = job_delete},
    {HTTP_GET, "/v1/{}/{}/wait", WHO_READS, .run = wait_show},
    {HTTP_GET, "/v1/{}/{}/events", WHO_READS, .params = {"limit", "after"}, .run = events},
    {HTTP_GET, "/v1/{}/{}/deliveries", WHO_READS, .params = {"limit", "after"}, .run = deliveries},
    {HTTP_POST, "/v1/{}/{}/deliveries", WHO_CHANGES, .writes = true, .body = true,
     .prepare = deliveries_send_prepare, .run = deliveries_send},
    {HTTP_GET, "/metrics", WHO_READS_ALL, .run = metrics},
    {HTTP_GET, "/queues", WHO_READS, .params = {"limit", "after"}, .run = queues},
    {HTTP_GET, "/queues/{}", WHO_READS, .run = queue_show},
    {HTTP_GET, "/queues/{}/capacity", WHO_READS_ALL, .run = capacity},
    {HTTP_POST, "/queues/{}", WHO_ADMIN, .writes = true, .body = true,
     .prepare = queue_change_prepare, .run = queue_change, .done = queue_changed},
};

static const char *const method_names[] = {
    [HTTP_GET] = "GET, HEAD",
    [HTTP_POST] = "POST",
    [HTTP_DELETE] = "DELETE",
};
_Static_assert(ARRAY_LEN(routes) <= STATS_NO_ROUTE, "every route has numbers of its own");
_Static_assert(ARRAY_LEN(method_names) == HTTP_OTHER, "every method of ours has a name");

/* The pattern behind its next segment, which is *word. */
static const char *next_word(const char *pattern, struct str *word)
{
    size_t n = strcspn(pattern + 1, "/");

    *word = (struct str){pattern + 1, n};
    return pattern + 1 + n;
}

static bool fits(const char *pattern, const struct http *x)
{
    struct str word;
    size_t i;

    for (i = 0; i < x->segments && *pattern == '/'; i++) {
        pattern = next_word(pattern, &word);
        if (str_is(word, "{}") ? x->segment[i].n == 0 : !str_eq(x->segment[i], word))
            return false;
    }
    return i == x->segments && *pattern == '\0';
}

const struct route *route_find(struct http *x, struct err *e)
{
    char allow[64] = "";
    size_t i, n = 0;

    for (i = 0; i < ARRAY_LEN(routes); i++) {
        if (!fits(routes[i].pattern, x))
            continue;
        if (routes[i].method == x->method)
            return &routes[i];
        n += (size_t)snprintf(allow + n, sizeof allow - n, "%s%s", n ? ", " : "",
                              method_names[routes[i].method]);
    }
    if (n == 0) {
        (void)err_set(e, ERR_NOT_FOUND, "there is nothing at this path");
        return NULL;
    }
    http_add_header(x, "Allow", str_of(allow));
    (void)err_set(e, ERR_METHOD_NOT_ALLOWED, "this path takes %s only", allow);
    return NULL;
}

static bool takes_param(const struct route *route, struct str name)
{
    size_t i;

    for (i = 0; i < ROUTE_PARAMS_MAX && route->params[i]; i++) {
        if (str_is(name, route->params[i]))
            return true;
    }
    return false;
}

static int check_params(const struct route *route, const struct http *x, struct err *e)
{
    size_t i;

    for (i = 0; i < x->params; i++) {
        struct str name = x->param[i].name;

        if (!takes_param(route, name))
            return err_set(e, ERR_UNKNOWN_PARAMETER,
                           "this path does not know the query parameter \"%.*s\"", (int)name.n,
                           name.p);
    }
    return 0;
}

/* {type} and {request_id}, in this order, by the rules for names. They stand in the path, so what
 * is wrong is the request (400), not its body. */
static int check_names(const struct route *route, const struct http *x, struct err *e)
{
    static const char *const what[] = {"the type", "the request_id"};
    const char *pattern = route->pattern;
    struct str word;
    size_t i, n = 0;

    for (i = 0; i < x->segments && n < ARRAY_LEN(what); i++) {
        pattern = next_word(pattern, &word);
        if (str_is(word, "{}") && job_check_name(x->segment[i], what[n++], e) != 0) {
            e->code = ERR_BAD_REQUEST;
            e->pointer[0] = '\0';
            return -1;
        }
    }
    return 0;
}

/* A precondition is met or refused, never passed over. */
static int check_preconditions(const struct route *route, const struct http *x, struct err *e)
{
    if (route->writes && http_header(x, "HTTP_IF_NONE_MATCH").p)
        return err_set(e, ERR_BAD_REQUEST, "If-None-Match is for GET and HEAD; use If-Match");
    return 0;
}

int route_meet(struct http *x, const struct route **route, struct err *e)
{
    if (http_read_head(x, e) != 0)
        return -1;
    *route = route_find(x, e);
    return *route ? 0 : -1;
}

int route_take(const struct route_env *env, const struct route *r, struct http *x, struct err *e)
{
    if (check_params(r, x, e) != 0 || check_names(r, x, e) != 0 ||
        check_preconditions(r, x, e) != 0)
        return -1;
    if (r->body && http_read_body(x, e) != 0)
        return -1;
    return r->prepare ? r->prepare(env, x, e) : 0;
}

int route_run(const struct route *route, const struct route_env *env, struct http *x, struct err *e)
{
    int rc;

    struct err why;

    http_clear_answer(x);
    if (env->store)
        store_as(env->store, x->who);
    rc = route->run(env, x, e);
    if (!env->store)
        return rc;
    store_as(env->store, NULL);
    /* Whatever it came to was read without memory. */
    if (store_check_reads(env->store, &why) != 0) {
        *e = why;
        rc = -1;
    }
    return rc;
}

size_t route_count(void)
{
    return ARRAY_LEN(routes);
}

const struct route *route_at(size_t number)
{
    return &routes[number];
}

size_t route_number(const struct route *route)
{
    return (size_t)(route - routes);
}

const char *route_method(const struct route *route)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_DELETE] = "DELETE"};

    return names[route->method];
}

/* FNV-1a of methods and patterns. */
uint64_t route_table(void)
{
    uint64_t h = 0xcbf29ce484222325ULL;
    const char *p;
    size_t i;

    for (i = 0; i < ARRAY_LEN(routes); i++) {
        h = (h ^ (uint64_t)routes[i].method) * 0x100000001b3ULL;
        for (p = routes[i].pattern; *p; p++)
            h = (h ^ (unsigned char)*p) * 0x100000001b3ULL;
    }
    return h ? h : 1;
}

void route_done(const struct route *route, const struct http *x)
{
    if (route->done)
        route->done(x);
}

void route_write(struct buf *b)
{
    size_t i, n;

    for (i = 0; i < ARRAY_LEN(routes); i++) {
        buf_printf(b, "%s %s %s", route_method(&routes[i]), routes[i].pattern,
                   who_need_word(routes[i].needs));
        for (n = 0; n < ROUTE_PARAMS_MAX && routes[i].params[n]; n++)
            buf_printf(b, " %s", routes[i].params[n]);
        buf_char(b, '\n');
    }
}
