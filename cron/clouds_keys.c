/* SPDX-License-Identifier: MIT */
/* The table of a cloud's settings: what they are called in clouds.yaml and as variables. */
#include "clouds_in.h"

#include <stdarg.h>

enum { NAMES_MAX = 3 };

/* A setting's names, the first being the one that errors speak of. `auth`: it belongs below
 * `auth:`, though OpenStack's client also takes it beside that. */
static const struct {
    const char *key[NAMES_MAX], *variable[NAMES_MAX];
    bool auth;
} names[CLOUDS_KEYS] = {
    [CLOUDS_AUTH_TYPE] = {{"auth_type"}, {"OS_AUTH_TYPE"}, false},
    [CLOUDS_AUTH_URL] = {{"auth_url"}, {"OS_AUTH_URL"}, true},
    [CLOUDS_USER_ID] = {{"user_id"}, {"OS_USER_ID"}, true},
    [CLOUDS_USER_NAME] = {{"username", "user_name"}, {"OS_USERNAME"}, true},
    [CLOUDS_PASSWORD] = {{"password"}, {"OS_PASSWORD"}, true},
    [CLOUDS_USER_DOMAIN_ID] = {{"user_domain_id"}, {"OS_USER_DOMAIN_ID"}, true},
    [CLOUDS_USER_DOMAIN_NAME] = {{"user_domain_name"}, {"OS_USER_DOMAIN_NAME"}, true},
    [CLOUDS_PROJECT_ID] = {{"project_id", "tenant_id"}, {"OS_PROJECT_ID", "OS_TENANT_ID"}, true},
    [CLOUDS_PROJECT_NAME] = {{"project_name", "tenant_name"},
                             {"OS_PROJECT_NAME", "OS_TENANT_NAME"},
                             true},
    [CLOUDS_PROJECT_DOMAIN_ID] = {{"project_domain_id"}, {"OS_PROJECT_DOMAIN_ID"}, true},
    [CLOUDS_PROJECT_DOMAIN_NAME] = {{"project_domain_name"}, {"OS_PROJECT_DOMAIN_NAME"}, true},
    [CLOUDS_DEFAULT_DOMAIN_ID] = {{"default_domain_id", "default_domain"},
                                  {"OS_DEFAULT_DOMAIN_ID", "OS_DEFAULT_DOMAIN"},
                                  true},
    [CLOUDS_DEFAULT_DOMAIN_NAME] = {{"default_domain_name"}, {"OS_DEFAULT_DOMAIN_NAME"}, true},
    [CLOUDS_DOMAIN_ID] = {{"domain_id"}, {"OS_DOMAIN_ID"}, true},
    [CLOUDS_DOMAIN_NAME] = {{"domain_name"}, {"OS_DOMAIN_NAME"}, true},
    [CLOUDS_SYSTEM_SCOPE] = {{"system_scope"}, {"OS_SYSTEM_SCOPE"}, true},
    [CLOUDS_CREDENTIAL_ID] = {{"application_credential_id"},
                              {"OS_APPLICATION_CREDENTIAL_ID"},
                              true},
    [CLOUDS_CREDENTIAL_NAME] = {{"application_credential_name"},
                                {"OS_APPLICATION_CREDENTIAL_NAME"},
                                true},
    [CLOUDS_CREDENTIAL_SECRET] = {{"application_credential_secret"},
                                  {"OS_APPLICATION_CREDENTIAL_SECRET"},
                                  true},
    [CLOUDS_TOKEN] = {{"token", "auth_token"}, {"OS_TOKEN", "OS_AUTH_TOKEN"}, true},
    [CLOUDS_REGION] = {{"region_name", "regions"}, {"OS_REGION_NAME"}, false},
    [CLOUDS_INTERFACE] = {{"interface", "endpoint_type"},
                          {"OS_INTERFACE", "OS_ENDPOINT_TYPE"},
                          false},
    [CLOUDS_CACERT] = {{"cacert"}, {"OS_CACERT"}, false},
    [CLOUDS_CERT] = {{"cert"}, {"OS_CERT"}, false},
    [CLOUDS_CERT_KEY] = {{"key"}, {"OS_KEY"}, false},
    [CLOUDS_VERIFY] = {{"verify"}, {NULL}, false},
    [CLOUDS_INSECURE] = {{"insecure"}, {"OS_INSECURE"}, false},
    [CLOUDS_PLACEMENT] = {{"placement_endpoint_override"},
                          {"OS_PLACEMENT_ENDPOINT_OVERRIDE"},
                          false},
    [CLOUDS_COMPUTE] = {{"compute_endpoint_override"}, {"OS_COMPUTE_ENDPOINT_OVERRIDE"}, false},
    [CLOUDS_PROFILE] = {{"profile"}, {NULL}, false},
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading the credentials of a cloud");
}

int clouds_from_variables(struct clouds_in *in, struct err *e)
{
    size_t k, i;
    const char *text;

    for (k = 0; k < CLOUDS_KEYS; k++) {
        for (i = 0; i < NAMES_MAX && names[k].variable[i] && !in->set[k].text.p; i++) {
            text = getenv(names[k].variable[i]);
            if (!text || !*text)
                continue;
            in->set[k].name = names[k].variable[i];
            if (arena_copy(in->arena, str_of(text), &in->set[k].text) != 0)
                return no_memory(e);
        }
    }
    return 0;
}

/* OpenStack's client takes a-b for a_b. */
static bool is_key(struct str text, const char *key)
{
    size_t i;

    for (i = 0; i < text.n && key[i]; i++) {
        if (text.p[i] != key[i] && !(text.p[i] == '-' && key[i] == '_'))
            return false;
    }
    return i == text.n && !key[i];
}

static const struct yaml_node *find(const struct yaml_node *map, const char *key)
{
    size_t i;

    for (i = 0; map && i < map->n; i++) {
        if (is_key(map->item[2 * i]->scalar, key) && !yaml_is_null(map->item[2 * i + 1]))
            return map->item[2 * i + 1];
    }
    return NULL;
}

/* Of a list, as `regions` is one, the first counts; an element may be a mapping with its name. */
static const struct yaml_node *first_of(const struct yaml_node *node)
{
    const struct yaml_node *name;

    if (node->kind == YAML_LIST && node->n > 0)
        node = node->item[0];
    name = node->kind == YAML_MAP ? find(node, "name") : NULL;
    return name ? name : node;
}

static int take(struct clouds_in *in, enum clouds_key key, const char *name, const char *file,
                const struct yaml_node *node, struct err *e)
{
    struct clouds_setting *s = &in->set[key];

    if (key == CLOUDS_REGION)
        node = first_of(node);
    if (node->kind != YAML_SCALAR)
        return yaml_fail(file, node->line, e, "clouds.%s: %s must be a text", in->cloud, name);
    if (node->scalar.n == 0)
        return 0;
    s->name = name;
    s->file = file;
    s->line = node->line;
    return arena_copy(in->arena, node->scalar, &s->text) == 0 ? 0 : no_memory(e);
}

int clouds_from_map(struct clouds_in *in, const char *file, const struct yaml_node *map,
                    struct err *e)
{
    const struct yaml_node *auth = find(map, "auth"), *node;
    enum clouds_key k;
    size_t i;

    if (auth && auth->kind != YAML_MAP)
        return yaml_fail(file, auth->line, e, "clouds.%s: auth must be a mapping", in->cloud);
    for (k = 0; k < CLOUDS_KEYS; k++) {
        for (i = 0; i < NAMES_MAX && names[k].key[i] && !in->set[k].text.p; i++) {
            node = names[k].auth ? find(auth, names[k].key[i]) : NULL;
            if (!node)
                node = find(map, names[k].key[i]);
            if (node && take(in, k, names[k].key[i], file, node, e) != 0)
                return -1;
        }
    }
    return 0;
}

int clouds_refuse(const struct clouds_in *in, enum clouds_key key, struct err *e, const char *fmt,
                  ...)
{
    const struct clouds_setting *s = &in->set[key];
    char text[ERR_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (s->file)
        return yaml_fail(s->file, s->line, e, "clouds.%s: %s %s", in->cloud, s->name, text);
    return err_set(e, ERR_CONFIG, "%s %s", s->name, text);
}

int clouds_missing(const struct clouds_in *in, enum clouds_key key, struct err *e)
{
    if (!in->cloud)
        return err_set(e, ERR_CONFIG, "the variable %s is not set", names[key].variable[0]);
    return yaml_fail(in->file, in->line, e, "clouds.%s: %s%s is missing", in->cloud,
                     names[key].auth ? "auth." : "", names[key].key[0]);
}
