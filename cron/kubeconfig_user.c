/* SPDX-License-Identifier: MIT */
/* As whom a kubeconfig, or a pod, has us call: tokens, certificates, a program that knows them. */
#include "kubeconfig_inner.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* ---- a program ---- */

static int read_args(const struct kubeconfig_map *m, struct kubeconfig_exec *x, struct err *e)
{
    const struct yaml_node *list;
    size_t i;

    if (kubeconfig_node(m, "args", YAML_LIST, &list, e) != 0)
        return -1;
    x->args = list ? list->n : 0;
    x->arg = arena_array(m->arena, x->args, sizeof *x->arg);
    if (!x->arg)
        return kubeconfig_no_memory(e);
    for (i = 0; i < x->args; i++) {
        if (list->item[i]->kind != YAML_SCALAR)
            return kubeconfig_fail(m, "args", e, "must be a list of texts");
        if (arena_copy(m->arena, list->item[i]->scalar, &x->arg[i]) != 0)
            return kubeconfig_no_memory(e);
    }
    return 0;
}

static int read_env(const struct kubeconfig_map *m, struct kubeconfig_exec *x, struct err *e)
{
    const struct yaml_node *list;
    size_t i;

    if (kubeconfig_node(m, "env", YAML_LIST, &list, e) != 0)
        return -1;
    x->envs = list ? list->n : 0;
    x->env = arena_array(m->arena, x->envs, sizeof *x->env);
    if (!x->env)
        return kubeconfig_no_memory(e);
    for (i = 0; i < x->envs; i++) {
        struct kubeconfig_map entry = {m->arena, m->file, list->item[i]};
        struct kubeconfig_pair *pair = &x->env[i];

        if (entry.node->kind != YAML_MAP)
            return kubeconfig_fail(m, "env", e, "must be a list of maps with name and value");
        if (kubeconfig_text(&entry, "name", &pair->name, e) != 0 ||
            kubeconfig_text(&entry, "value", &pair->value, e) != 0)
            return -1;
        if (!pair->name.p || strchr(pair->name.p, '='))
            return kubeconfig_fail(&entry, "name", e, "must be the name of a variable");
    }
    return 0;
}

/* What such a program may ask for and is not given here. */
static int check_exec(const struct kubeconfig_map *m, const struct kubeconfig_exec *x,
                      struct err *e)
{
    struct str mode;
    bool info;

    if (!x->version.p || (!str_is(x->version, "client.authentication.k8s.io/v1") &&
                          !str_is(x->version, "client.authentication.k8s.io/v1beta1")))
        return kubeconfig_fail(m, "apiVersion", e,
                               "must be client.authentication.k8s.io/v1 or …/v1beta1");
    if (!x->command.p)
        return kubeconfig_fail(m, "command", e, "is missing");
    if (kubeconfig_bool(m, "provideClusterInfo", &info, e) != 0 ||
        kubeconfig_text(m, "interactiveMode", &mode, e) != 0)
        return -1;
    if (info)
        return kubeconfig_fail(m, "provideClusterInfo", e, "is not provided here");
    if (mode.p && str_is(mode, "Always"))
        return kubeconfig_fail(m, "interactiveMode", e, "is Always, but nobody sits here");
    return 0;
}

static int read_exec(const struct kubeconfig_map *m, struct kubeconfig_exec *x, struct err *e)
{
    if (kubeconfig_text(m, "apiVersion", &x->version, e) != 0 ||
        kubeconfig_text(m, "command", &x->command, e) != 0 ||
        kubeconfig_text(m, "installHint", &x->hint, e) != 0 || check_exec(m, x, e) != 0 ||
        read_args(m, x, e) != 0 || read_env(m, x, e) != 0)
        return -1;
    if (strchr(x->command.p, '/'))
        return kubeconfig_path(m, x->command, &x->command, e);
    return 0;
}

/* ---- a user ---- */

/* What kubectl no longer does, or this does not do. */
static int check_user(const struct kubeconfig_map *m, struct err *e)
{
    static const struct {
        const char *key, *says;
    } refused[] = {
        {"username", "passwords are no longer supported by Kubernetes"},
        {"password", "passwords are no longer supported by Kubernetes"},
        {"auth-provider", "is no longer supported by Kubernetes: exec takes its place"},
        {"as", "acting as somebody else is not supported"},
        {"as-uid", "acting as somebody else is not supported"},
        {"as-groups", "acting as somebody else is not supported"},
        {"as-user-extra", "acting as somebody else is not supported"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(refused); i++) {
        const struct yaml_node *v = yaml_get(m->node, refused[i].key);

        if (v && !yaml_is_null(v) && (v->kind != YAML_SCALAR || v->scalar.n))
            return kubeconfig_fail(m, refused[i].key, e, "%s", refused[i].says);
    }
    return 0;
}

/* The token, or the file of one, which goes first: it is the one that is renewed. */
static int read_token(const struct kubeconfig_map *m, struct kubeconfig *k, struct err *e)
{
    struct str path, where;

    if (kubeconfig_text(m, "tokenFile", &path, e) != 0 ||
        kubeconfig_text(m, "token", &k->token, e) != 0)
        return -1;
    if (path.p) {
        if (kubeconfig_path(m, path, &where, e) != 0)
            return -1;
        if (kubeconfig_token_file(m->arena, where.p, &k->token, e) != 0)
            return err_wrap(e, "%s: tokenFile", m->file);
    }
    if (k->token.p && !kubeconfig_is_token(k->token))
        return kubeconfig_fail(m, "token", e, "holds what is no token");
    return 0;
}

int kubeconfig_user(const struct kubeconfig_map *user, struct kubeconfig *k, struct err *e)
{
    struct kubeconfig_map exec = *user;

    if (check_user(user, e) != 0 || read_token(user, k, e) != 0 ||
        kubeconfig_pem(user, "client-certificate", &k->cert, e) != 0 ||
        kubeconfig_pem(user, "client-key", &k->key, e) != 0 ||
        kubeconfig_node(user, "exec", YAML_MAP, &exec.node, e) != 0)
        return -1;
    if (!k->cert.p != !k->key.p)
        return kubeconfig_fail(user, k->cert.p ? "client-key" : "client-certificate", e,
                               "is missing beside the other");
    /* As kubectl: who has a token needs no program. */
    return exec.node && !k->token.p ? read_exec(&exec, &k->exec, e) : 0;
}

/* ---- a pod ---- */

static int pod_url(const char *host, const char *port, struct arena *arena, struct str *url,
                   struct err *e)
{
    bool six = strchr(host, ':') != NULL;
    struct buf b = BUF_INIT(512);
    int rc;

    buf_printf(&b, six ? "https://[%s]:%s" : "https://%s:%s", host, port);
    rc = buf_check(&b, "KUBERNETES_SERVICE_HOST", e);
    if (rc == 0 && arena_copy(arena, buf_span(&b), url) != 0)
        rc = kubeconfig_no_memory(e);
    buf_free(&b);
    return rc;
}

int kubeconfig_pod(const char *dir, struct arena *arena, struct kubeconfig *k, bool *in,
                   struct err *e)
{
    const char *host = getenv("KUBERNETES_SERVICE_HOST");
    const char *port = getenv("KUBERNETES_SERVICE_PORT");
    char path[4096];

    *in = host && *host && port && *port;
    if (!*in)
        return 0;
    k->as = STR_LIT("the pod's service account");
    (void)snprintf(path, sizeof path, "%s/token", dir);
    if (pod_url(host, port, arena, &k->server, e) != 0 ||
        kubeconfig_token_file(arena, path, &k->token, e) != 0)
        return -1;
    (void)snprintf(path, sizeof path, "%s/ca.crt", dir);
    return kubeconfig_slurp(arena, path, &k->ca, e);
}
