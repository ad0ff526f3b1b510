/* SPDX-License-Identifier: MIT */
/* OpenStack credentials: from settings as they were found to a struct cloud that is complete. */
#include "clouds.h"

#include <strings.h>

#include "clouds_in.h"
#include "files.h"
#include "url.h"

enum { MEMORY_MAX = 16 << 20, PEM_MAX = 1 << 20, URL_BYTES_MAX = 8192 };

static const struct {
    const char *word;
    enum cloud_method method;
} methods[] = {
    {"password", CLOUD_PASSWORD},
    {"v3password", CLOUD_PASSWORD},
    {"v3applicationcredential", CLOUD_CREDENTIAL},
    {"token", CLOUD_TOKEN},
    {"v3token", CLOUD_TOKEN},
};

static bool has(const struct clouds_in *in, enum clouds_key key)
{
    return in->set[key].text.p != NULL;
}

static struct str text_of(const struct clouds_in *in, enum clouds_key key)
{
    return in->set[key].text;
}

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading the credentials of a cloud");
}

/* ---- who ---- */

static int take_method(const struct clouds_in *in, struct cloud *c, struct err *e)
{
    struct str word = text_of(in, CLOUDS_AUTH_TYPE);
    size_t i;

    if (!word.p) {
        c->method = has(in, CLOUDS_PASSWORD)            ? CLOUD_PASSWORD
                    : has(in, CLOUDS_CREDENTIAL_SECRET) ? CLOUD_CREDENTIAL
                    : has(in, CLOUDS_TOKEN)             ? CLOUD_TOKEN
                                                        : CLOUD_PASSWORD;
        return 0;
    }
    for (i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_is(word, methods[i].word)) {
            c->method = methods[i].method;
            return 0;
        }
    }
    return clouds_refuse(in, CLOUDS_AUTH_TYPE, e,
                         "is %.100s, which is not taken here: password, v3applicationcredential "
                         "and token are",
                         word.p);
}

/* A domain: its own, else the default one, else the one with which every Keystone begins. */
static struct cloud_ref domain_of(const struct clouds_in *in, enum clouds_key id,
                                  enum clouds_key name)
{
    struct cloud_ref r = {text_of(in, id), text_of(in, name)};

    if (!r.id.p && !r.name.p)
        r = (struct cloud_ref){text_of(in, CLOUDS_DEFAULT_DOMAIN_ID),
                               text_of(in, CLOUDS_DEFAULT_DOMAIN_NAME)};
    if (!r.id.p && !r.name.p)
        r.id = STR_LIT("default");
    return r;
}

static int need_user(const struct clouds_in *in, struct err *e)
{
    return has(in, CLOUDS_USER_ID) || has(in, CLOUDS_USER_NAME)
               ? 0
               : clouds_missing(in, CLOUDS_USER_NAME, e);
}

static int need_password(const struct clouds_in *in, struct err *e)
{
    if (need_user(in, e) != 0)
        return -1;
    return has(in, CLOUDS_PASSWORD) ? 0 : clouds_missing(in, CLOUDS_PASSWORD, e);
}

static int need_credential(const struct clouds_in *in, struct err *e)
{
    if (!has(in, CLOUDS_CREDENTIAL_ID) && !has(in, CLOUDS_CREDENTIAL_NAME))
        return clouds_missing(in, CLOUDS_CREDENTIAL_ID, e);
    if (!has(in, CLOUDS_CREDENTIAL_ID) && need_user(in, e) != 0)
        return -1;
    return has(in, CLOUDS_CREDENTIAL_SECRET) ? 0 : clouds_missing(in, CLOUDS_CREDENTIAL_SECRET, e);
}

static int need_token(const struct clouds_in *in, struct err *e)
{
    return has(in, CLOUDS_TOKEN) ? 0 : clouds_missing(in, CLOUDS_TOKEN, e);
}

static int (*const needs[])(const struct clouds_in *, struct err *) = {
    [CLOUD_PASSWORD] = need_password,
    [CLOUD_CREDENTIAL] = need_credential,
    [CLOUD_TOKEN] = need_token,
};

static int take_scope(const struct clouds_in *in, struct cloud *c, struct err *e)
{
    if (c->method == CLOUD_CREDENTIAL)
        return 0;
    if (has(in, CLOUDS_SYSTEM_SCOPE)) {
        c->whole_system = str_is(text_of(in, CLOUDS_SYSTEM_SCOPE), "all");
        return c->whole_system ? 0 : clouds_refuse(in, CLOUDS_SYSTEM_SCOPE, e, "must be all");
    }
    c->project =
        (struct cloud_ref){text_of(in, CLOUDS_PROJECT_ID), text_of(in, CLOUDS_PROJECT_NAME)};
    c->project_domain = domain_of(in, CLOUDS_PROJECT_DOMAIN_ID, CLOUDS_PROJECT_DOMAIN_NAME);
    if (c->project.id.p || c->project.name.p)
        return 0;
    if (has(in, CLOUDS_DOMAIN_ID) || has(in, CLOUDS_DOMAIN_NAME))
        return clouds_refuse(in, has(in, CLOUDS_DOMAIN_ID) ? CLOUDS_DOMAIN_ID : CLOUDS_DOMAIN_NAME,
                             e, "asks for a domain's scope; a project or system_scope is needed");
    return clouds_missing(in, CLOUDS_PROJECT_NAME, e);
}

static int take_identity(const struct clouds_in *in, struct cloud *c, struct err *e)
{
    if (has(in, CLOUDS_PROFILE))
        return clouds_refuse(in, CLOUDS_PROFILE, e,
                             "is %.100s: profiles are not read here; write what it stands for "
                             "beside it",
                             text_of(in, CLOUDS_PROFILE).p);
    if (take_method(in, c, e) != 0 || needs[c->method](in, e) != 0 || take_scope(in, c, e) != 0)
        return -1;
    c->user = (struct cloud_ref){text_of(in, CLOUDS_USER_ID), text_of(in, CLOUDS_USER_NAME)};
    c->user_domain = domain_of(in, CLOUDS_USER_DOMAIN_ID, CLOUDS_USER_DOMAIN_NAME);
    c->password = text_of(in, CLOUDS_PASSWORD);
    c->credential =
        (struct cloud_ref){text_of(in, CLOUDS_CREDENTIAL_ID), text_of(in, CLOUDS_CREDENTIAL_NAME)};
    c->secret = text_of(in, CLOUDS_CREDENTIAL_SECRET);
    c->token = text_of(in, CLOUDS_TOKEN);
    return 0;
}

/* ---- where ---- */

static bool ends_in(struct str text, const char *end)
{
    size_t n = strlen(end);

    return text.n >= n && memcmp(text.p + text.n - n, end, n) == 0;
}

/* *url = the setting, checked, without a slash at its end, with `tail` unless it ends so. */
static int take_url(const struct clouds_in *in, enum clouds_key key, const char *tail,
                    struct str *url, struct err *e)
{
    struct buf b = BUF_INIT(URL_BYTES_MAX);
    struct url whole = {0};
    struct str text = text_of(in, key);
    struct err why;
    int failed = 0;

    while (text.n && text.p[text.n - 1] == '/')
        text.n--;
    buf_add(&b, text.p, text.n);
    if (!ends_in(text, tail))
        buf_str(&b, tail);
    if (memchr(text.p, '?', text.n) ||
        url_resolve((struct str){0}, buf_span(&b), "it", &whole, &why))
        failed = clouds_refuse(in, key, e,
                               "must be an http or https URL without user, password and query");
    else if (arena_copy(in->arena, buf_span(&b), url) != 0)
        failed = no_memory(e);
    url_free(&whole);
    buf_free(&b);
    return failed;
}

/* public, internal and admin, also as publicURL. */
static int take_interface(const struct clouds_in *in, struct cloud *c, struct err *e)
{
    static const struct {
        const char *word, *old;
    } interfaces[] = {{"public", "publicURL"}, {"internal", "internalURL"}, {"admin", "adminURL"}};
    struct str text = text_of(in, CLOUDS_INTERFACE);
    size_t i;

    c->interface = STR_LIT("public");
    if (!text.p)
        return 0;
    for (i = 0; i < ARRAY_LEN(interfaces); i++) {
        c->interface = str_of(interfaces[i].word);
        if (str_is(text, interfaces[i].word) || str_is(text, interfaces[i].old))
            return 0;
    }
    return clouds_refuse(in, CLOUDS_INTERFACE, e, "must be public, internal or admin");
}

static int take_places(const struct clouds_in *in, const struct conf_source *s, struct cloud *c,
                       struct err *e)
{
    if (!has(in, CLOUDS_AUTH_URL))
        return clouds_missing(in, CLOUDS_AUTH_URL, e);
    if (ends_in(text_of(in, CLOUDS_AUTH_URL), "/v2.0"))
        return clouds_refuse(in, CLOUDS_AUTH_URL, e, "names Keystone's v2.0; v3 is needed");
    if (take_url(in, CLOUDS_AUTH_URL, "/v3", &c->auth_url, e) != 0 || take_interface(in, c, e) != 0)
        return -1;
    if (has(in, CLOUDS_PLACEMENT) && take_url(in, CLOUDS_PLACEMENT, "", &c->placement, e) != 0)
        return -1;
    if (has(in, CLOUDS_COMPUTE) && take_url(in, CLOUDS_COMPUTE, "", &c->compute, e) != 0)
        return -1;
    c->region = s->region.p ? s->region : text_of(in, CLOUDS_REGION);
    return 0;
}

/* ---- TLS ---- */

static int take_bool(const struct clouds_in *in, enum clouds_key key, bool *value, struct err *e)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(words) && has(in, key); i++) {
        if (strcasecmp(text_of(in, key).p, words[i]) == 0) {
            *value = i % 2;
            return 0;
        }
    }
    return has(in, key) ? clouds_refuse(in, key, e, "must be true or false") : 0;
}

/* *text = the whole file that the setting names. */
static int take_file(const struct clouds_in *in, enum clouds_key key, struct str *text,
                     struct err *e)
{
    struct buf b = BUF_INIT(PEM_MAX);
    struct str path;
    struct err why;
    int failed = 0;

    if (!has(in, key))
        return 0;
    if (files_is_pem(text_of(in, key)))
        return clouds_refuse(in, key, e, "must be the path of a file, not what is in it");
    if (clouds_path(in->arena, text_of(in, key), &path, e) != 0)
        return -1;
    if (files_read(path.p, &b, &why) != 0)
        failed = clouds_refuse(in, key, e, "cannot be read: %s", why.text);
    else if (arena_copy(in->arena, buf_span(&b), text) != 0)
        failed = no_memory(e);
    files_wipe(&b);
    return failed;
}

static int take_tls(const struct clouds_in *in, struct cloud *c, struct err *e)
{
    bool verify = true, insecure = false;

    if (take_bool(in, CLOUDS_VERIFY, &verify, e) != 0 ||
        take_bool(in, CLOUDS_INSECURE, &insecure, e) != 0)
        return -1;
    c->tls.unverified = !verify || insecure;
    if (take_file(in, CLOUDS_CACERT, &c->tls.ca, e) != 0 ||
        take_file(in, CLOUDS_CERT, &c->tls.cert, e) != 0)
        return -1;
    if (!has(in, CLOUDS_CERT_KEY)) {
        c->tls.key = c->tls.cert; /* both in one file */
        return 0;
    }
    return take_file(in, CLOUDS_CERT_KEY, &c->tls.key, e);
}

/* ---- all of it ---- */

static int find_settings(struct clouds_in *in, struct cloud *c, struct err *e)
{
    struct buf about = BUF_INIT(512);
    int failed;

    if (in->cloud)
        buf_printf(&about, "cloud %.255s", in->cloud);
    else
        buf_str(&about, "the OS_ variables");
    failed = arena_copy(in->arena, buf_span(&about), &c->about) != 0 ? no_memory(e) : 0;
    buf_free(&about);
    if (failed)
        return -1;
    if (in->cloud)
        return clouds_from_files(in, e);
    if (clouds_from_variables(in, e) != 0)
        return -1;
    if (has(in, CLOUDS_AUTH_URL))
        return 0;
    return err_set(e, ERR_CONFIG,
                   "which cloud? The queue names none as `cloud`, and neither OS_CLOUD nor "
                   "OS_AUTH_URL is set");
}

int cloud_find(const struct conf_source *source, struct cloud **out, struct err *e)
{
    struct clouds_in in = {.arena = arena_new(MEMORY_MAX)};
    struct cloud *c = in.arena ? arena_array(in.arena, 1, sizeof *c) : NULL;
    const char *variable = getenv("OS_CLOUD");

    if (!c) {
        arena_free(in.arena);
        return no_memory(e);
    }
    c->memory = in.arena;
    in.cloud = source->cloud.p ? source->cloud.p : variable && *variable ? variable : NULL;
    if (find_settings(&in, c, e) != 0 || take_identity(&in, c, e) != 0 ||
        take_places(&in, source, c, e) != 0 || take_tls(&in, c, e) != 0) {
        cloud_free(c);
        return -1;
    }
    *out = c;
    return 0;
}

void cloud_secrets(const struct cloud *c, struct str secret[CLOUD_SECRETS])
{
    secret[0] = c->password;
    secret[1] = c->secret;
    secret[2] = c->token;
}

static void wipe(struct str text)
{
    if (text.p)
        explicit_bzero((char *)(uintptr_t)text.p, text.n);
}

void cloud_free(struct cloud *c)
{
    struct str secret[CLOUD_SECRETS];
    size_t i;

    if (!c)
        return;
    cloud_secrets(c, secret);
    for (i = 0; i < CLOUD_SECRETS; i++)
        wipe(secret[i]);
    wipe(c->tls.key);
    arena_free(c->memory);
}
