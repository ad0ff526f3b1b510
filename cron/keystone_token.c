/* SPDX-License-Identifier: MIT */
/* A token: from Keystone's answer, and as it is kept in a file. */
#include "answer.h"
#include "arena.h"
#include "json_out.h"
#include "keystone.h"
#include "plain.h"
#include "url.h"

enum { MEMORY_MAX = 1 << 20, ROLES_MAX = 400, URL_BYTES_MAX = 8192 };

/* No token lives longer, whatever Keystone says. */
#define LIFE_MAX (366 * 86400 * NS_PER_S)

/* A token is renewed so long before its end, or a tenth of its life if that is less. */
#define RENEW_BEFORE (300 * NS_PER_S)

static const struct {
    const char *type, *word;
} services[KEYSTONE_SERVICES] = {
    [KEYSTONE_PLACEMENT] = {"placement", "Placement"},
    [KEYSTONE_COMPUTE] = {"compute", "Nova"},
};

const char *keystone_word(enum keystone_service service)
{
    return services[service].word;
}

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading a token");
}

static struct keystone_token *new_token(void)
{
    struct arena *a = arena_new(MEMORY_MAX);
    struct keystone_token *t = a ? arena_array(a, 1, sizeof *t) : NULL;

    if (!t) {
        arena_free(a);
        return NULL;
    }
    t->memory = a;
    return t;
}

void keystone_token_free(struct keystone_token *t)
{
    if (!t)
        return;
    if (t->text.p)
        explicit_bzero((char *)(uintptr_t)t->text.p, t->text.n);
    arena_free(t->memory);
}

bool keystone_token_lasts(const struct keystone_token *t, int64_t now)
{
    return now >= t->came && now < t->renew;
}

static int keep(struct keystone_token *t, struct str text, struct str *copy, struct err *e)
{
    return !text.p || arena_copy(t->memory, text, copy) == 0 ? 0 : no_memory(e);
}

/* ---- Keystone's answer ---- */

static int read_life(const json_value *token, int64_t now, struct keystone_token *t, struct err *e)
{
    struct str from, to;
    int64_t begin, end, life, before;

    if (answer_text(token, "issued_at", &from, e) != 0 ||
        answer_text(token, "expires_at", &to, e) != 0)
        return -1;
    if (clock_parse_utc(from, &begin) != 0 || clock_parse_utc(to, &end) != 0 || end <= begin)
        return err_set(e, ERR_UNAVAILABLE, "issued_at and expires_at are no times, or no life");
    life = end - begin < LIFE_MAX ? end - begin : LIFE_MAX;
    before = life / 10;
    t->came = now;
    t->renew = now + life - (before < RENEW_BEFORE ? before : RENEW_BEFORE);
    return 0;
}

static int read_roles(const json_value *token, struct keystone_token *t, struct err *e)
{
    struct buf b = BUF_INIT(ROLES_MAX); /* more than fit are left out */
    struct str name;
    json_value *roles;
    size_t i;
    int failed = answer_member(token, "roles", JSON_ARRAY, &roles, e);

    for (i = 0; !failed && i < json_length(roles); i++) {
        failed = answer_text(json_at(roles, i), "name", &name, e);
        if (!failed)
            buf_printf(&b, "%s%.*s", i ? ", " : "", (int)name.n, name.p);
    }
    if (!failed && b.len)
        failed = keep(t, buf_span(&b), &t->roles, e);
    buf_free(&b);
    return failed;
}

static int read_who(const json_value *token, struct keystone_token *t, struct err *e)
{
    struct str user, project, id;
    json_value *v;

    if (answer_member(token, "user", JSON_OBJECT, &v, e) != 0 ||
        answer_text(v, "name", &user, e) != 0 || keep(t, user, &t->user, e) != 0)
        return -1;
    if (!json_member(token, "project", &v))
        return 0;
    if (answer_text(v, "name", &project, e) != 0 || answer_text(v, "id", &id, e) != 0)
        return -1;
    return keep(t, project, &t->project, e) != 0 ? -1 : keep(t, id, &t->project_id, e);
}

/* Is the endpoint one for the cloud's interface, and in its region? */
static int suits(const json_value *endpoint, const struct cloud *c, struct str *region,
                 bool *is_ours, struct err *e)
{
    struct str interface;

    if (answer_text(endpoint, "interface", &interface, e) != 0 ||
        answer_perhaps(endpoint, "region_id", region, e) != 0 ||
        (!region->p && answer_perhaps(endpoint, "region", region, e) != 0))
        return -1;
    *is_ours = str_eq(interface, c->interface) && (!c->region.p || str_eq(*region, c->region));
    return 0;
}

/* The catalog is trusted no more than the configuration is: the URL stands in errors, so it holds
 * no password. */
static int check_url(struct str url, size_t which, struct err *e)
{
    struct url whole = {0};
    struct err why;
    bool good = !memchr(url.p, '?', url.n) && plain_is(url) &&
                url_resolve((struct str){0}, url, "it", &whole, &why) == 0;

    url_free(&whole);
    return good ? 0
                : err_set(e, ERR_UNAVAILABLE,
                          "the endpoint of %s is no http or https URL without user, password and "
                          "query",
                          services[which].type);
}

/* An endpoint's URL as requests begin; Nova's may be that of all its versions. */
static int keep_url(struct keystone_token *t, size_t which, struct str url, struct err *e)
{
    struct buf b = BUF_INIT(URL_BYTES_MAX);
    int failed;

    if (check_url(url, which, e) != 0)
        return -1;
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    buf_add(&b, url.p, url.n);
    if (which == KEYSTONE_COMPUTE && !memmem(url.p, url.n, "/v2", 3))
        buf_str(&b, "/v2.1");
    failed = buf_check(&b, "an endpoint's URL", e);
    if (!failed)
        failed = keep(t, buf_span(&b), &t->endpoint[which], e);
    buf_free(&b);
    return failed;
}

static int read_service(const json_value *service, size_t which, const struct cloud *c,
                        struct keystone_token *t, struct err *e)
{
    json_value *endpoints;
    struct str region, first = {0}, url;
    bool is_ours;
    size_t i;

    if (answer_member(service, "endpoints", JSON_ARRAY, &endpoints, e) != 0)
        return -1;
    if (t->endpoint[which].p) /* another service of this type came first */
        return 0;
    for (i = 0; i < json_length(endpoints); i++) {
        if (suits(json_at(endpoints, i), c, &region, &is_ours, e) != 0)
            return err_wrap(e, "endpoints of %s", services[which].type);
        if (!is_ours)
            continue;
        if (t->endpoint[which].p && !str_eq(region, first))
            return err_set(e, ERR_UNAVAILABLE,
                           "there are several regions, %.*s and %.*s among them: name one as "
                           "region_name of the cloud or region of the queue",
                           (int)first.n, first.p ? first.p : "", (int)region.n,
                           region.p ? region.p : "");
        if (t->endpoint[which].p)
            continue;
        if (answer_text(json_at(endpoints, i), "url", &url, e) != 0)
            return err_wrap(e, "endpoints of %s", services[which].type);
        first = region;
        if (keep_url(t, which, url, e) != 0)
            return -1;
    }
    return 0;
}

static int read_catalog(const json_value *token, const struct cloud *c, struct keystone_token *t,
                        struct err *e)
{
    json_value *catalog;
    struct str type;
    size_t i, s;

    if (answer_member(token, "catalog", JSON_ARRAY, &catalog, e) != 0)
        return -1;
    for (i = 0; i < json_length(catalog); i++) {
        if (answer_text(json_at(catalog, i), "type", &type, e) != 0)
            return err_wrap(e, "catalog");
        for (s = 0; s < KEYSTONE_SERVICES; s++) {
            if (str_is(type, services[s].type) &&
                read_service(json_at(catalog, i), s, c, t, e) != 0)
                return err_wrap(e, "catalog");
        }
    }
    return 0;
}

static int read_token(const json_value *root, const struct cloud *c, int64_t now,
                      struct keystone_token *t, struct err *e)
{
    json_value *token;

    if (answer_member(root, "token", JSON_OBJECT, &token, e) != 0 ||
        read_life(token, now, t, e) != 0 || read_who(token, t, e) != 0)
        return -1;
    return read_roles(token, t, e) != 0 ? -1 : read_catalog(token, c, t, e);
}

/* Also where it was no JSON: that is not what a client sent us. */
static int no_sense(struct err *e)
{
    e->code = e->code == ERR_MALFORMED_JSON ? ERR_UNAVAILABLE : e->code;
    return err_wrap(e, "Keystone's answer makes no sense");
}

int keystone_token_read(struct str body, struct str text, const struct cloud *c, int64_t now,
                        struct keystone_token **out, struct err *e)
{
    struct keystone_token *t = new_token();
    struct json_doc *doc = NULL;
    int failed = t ? 0 : no_memory(e);

    if (!failed && text.n == 0)
        failed = err_set(e, ERR_UNAVAILABLE, "there is no X-Subject-Token");
    if (!failed &&
        (json_in_parse(body, &doc, e) != 0 || read_token(json_in_root(doc), c, now, t, e) != 0))
        failed = no_sense(e);
    if (!failed)
        failed = keep(t, text, &t->text, e);
    json_in_free(doc);
    if (failed)
        keystone_token_free(t);
    else
        *out = t;
    return failed;
}

/* ---- the file ---- */

/* The texts of a token, by their names in the file. */
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"token", offsetof(struct keystone_token, text)},
    {"user", offsetof(struct keystone_token, user)},
    {"project", offsetof(struct keystone_token, project)},
    {"project_id", offsetof(struct keystone_token, project_id)},
    {"roles", offsetof(struct keystone_token, roles)},
    {"placement", offsetof(struct keystone_token, endpoint[KEYSTONE_PLACEMENT])},
    {"compute", offsetof(struct keystone_token, endpoint[KEYSTONE_COMPUTE])},
};

void keystone_token_write(const struct keystone_token *t, struct buf *b)
{
    struct json_out o = JSON_OUT(b);
    const struct str *text;
    size_t i;

    json_open(&o, '{');
    json_key(&o, "came");
    json_put_i64(&o, t->came / NS_PER_S);
    json_key(&o, "renew");
    json_put_i64(&o, t->renew / NS_PER_S);
    for (i = 0; i < ARRAY_LEN(texts); i++) {
        text = (const struct str *)(const void *)((const char *)t + texts[i].offset);
        json_key(&o, texts[i].name);
        json_put_str(&o, *text);
    }
    json_close(&o, '}');
}

static int parse_kept(const json_value *root, struct keystone_token *t, struct err *e)
{
    struct str text;
    size_t i;

    if (answer_count(root, "came", 0, &t->came, e) != 0 ||
        answer_count(root, "renew", 0, &t->renew, e) != 0)
        return -1;
    if (t->renew > INT64_MAX / NS_PER_S || t->came > t->renew)
        return err_set(e, ERR_UNAVAILABLE, "no life");
    t->came *= NS_PER_S;
    t->renew *= NS_PER_S;
    for (i = 0; i < ARRAY_LEN(texts); i++) {
        if (answer_perhaps(root, texts[i].name, &text, e) != 0 ||
            keep(t, text, (struct str *)(void *)((char *)t + texts[i].offset), e) != 0)
            return -1;
    }
    return t->text.p && t->user.p ? 0 : err_set(e, ERR_UNAVAILABLE, "no token");
}

struct keystone_token *keystone_token_parse(struct str text)
{
    struct keystone_token *t = new_token();
    struct json_doc *doc = NULL;
    struct err e;

    if (t && (json_in_parse(text, &doc, &e) != 0 || parse_kept(json_in_root(doc), t, &e) != 0)) {
        keystone_token_free(t);
        t = NULL;
    }
    json_in_free(doc);
    return t;
}
