/* SPDX-License-Identifier: MIT */
/* Running a credential plugin, and what it answers. */
#include "kube_exec.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "json_in.h"

enum {
    OUTPUT_MAX = 1 << 20,
    MEMORY_MAX = 8 << 20,
    RUN_MAX = 60 /* s */
};

/* Credentials about to expire are no good: a reading takes a while. */
static const int64_t margin = 10 * NS_PER_S;

static const char info_variable[] = "KUBERNETES_EXEC_INFO";

void kube_exec_free(struct kube_exec *kept)
{
    arena_free(kept->arena);
    *kept = (struct kube_exec){0};
}

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while asking for credentials");
}

/* ---- what is run ---- */

/* The program, its arguments and its own environment as one text: credentials belong to it. */
static void write_whose(const struct kubeconfig_exec *x, struct buf *b)
{
    size_t i;

    buf_printf(b, "%s\n%s\n", x->version.p, x->command.p);
    for (i = 0; i < x->args; i++)
        buf_printf(b, "%zu:%s\n", x->arg[i].n, x->arg[i].p);
    for (i = 0; i < x->envs; i++)
        buf_printf(b, "%zu:%s=%s\n", x->env[i].value.n, x->env[i].name.p,
                   x->env[i].value.p ? x->env[i].value.p : "");
}

/* Finds a bare name in PATH, as the shell does. */
static int find_program(struct str name, struct buf *path, struct err *e)
{
    const char *list = getenv("PATH"), *end;

    if (strchr(name.p, '/')) {
        buf_add(path, name.p, name.n);
        return buf_check(path, "a path", e);
    }
    list = list && *list ? list : "/usr/local/bin:/usr/bin:/bin";
    for (; *list; list = *end ? end + 1 : end) {
        end = strchrnul(list, ':');
        buf_reset(path);
        buf_printf(path, "%.*s/%s", (int)(end - list), list, name.p);
        if (*list == '/' && !path->failed && access(path->data, X_OK) == 0)
            return 0;
    }
    return err_set(e, ERR_UNAVAILABLE, "%s is not found in PATH", name.p);
}

static bool is_own(const struct kubeconfig_exec *x, const char *entry)
{
    size_t n = strcspn(entry, "="), i;

    if (str_is((struct str){entry, n}, info_variable))
        return true;
    for (i = 0; i < x->envs; i++) {
        if (str_eq(x->env[i].name, (struct str){entry, n}))
            return true;
    }
    return false;
}

/* name=value in the arena; NULL without memory. */
static const char *variable(struct arena *arena, const char *name, const char *value)
{
    size_t n = strlen(name) + strlen(value) + 2;
    char *text = arena_array(arena, n, 1);

    if (text)
        (void)snprintf(text, n, "%s=%s", name, value);
    return text;
}

/* Our own environment, and over it what the kubeconfig and the protocol say. */
static const char **make_env(const struct kubeconfig_exec *x, struct arena *arena)
{
    char info[200];
    const char **env;
    size_t ours = 0, n = 0, i;

    while (environ[ours])
        ours++;
    env = arena_array(arena, ours + x->envs + 2, sizeof *env);
    if (!env)
        return NULL;
    for (i = 0; i < ours; i++) {
        if (!is_own(x, environ[i]))
            env[n++] = environ[i];
    }
    for (i = 0; i < x->envs; i++) {
        env[n] = variable(arena, x->env[i].name.p, x->env[i].value.p ? x->env[i].value.p : "");
        if (!env[n++])
            return NULL;
    }
    (void)snprintf(
        info, sizeof info,
        "{\"apiVersion\":\"%s\",\"kind\":\"ExecCredential\",\"spec\":{\"interactive\":false}}",
        x->version.p);
    env[n] = variable(arena, info_variable, info);
    return env[n] ? env : NULL;
}

static const char **make_argv(const struct kubeconfig_exec *x, const char *path,
                              struct arena *arena)
{
    const char **argv = arena_array(arena, x->args + 2, sizeof *argv);
    size_t i;

    if (!argv)
        return NULL;
    argv[0] = path;
    for (i = 0; i < x->args; i++)
        argv[i + 1] = x->arg[i].p;
    return argv;
}

static int run(const struct kubeconfig_exec *x, const struct until *until, struct arena *arena,
               struct buf *out, struct err *e)
{
    struct until own = *until;
    int64_t latest = clock_mono() + RUN_MAX * NS_PER_S;
    struct buf path = BUF_INIT(8192);
    struct child_options o = {0};
    struct child_end end = {0};
    int rc;

    own.at = own.at < latest ? own.at : latest;
    rc = find_program(x->command, &path, e);
    if (rc == 0) {
        o.argv = make_argv(x, path.data, arena);
        o.env = make_env(x, arena);
        rc = o.argv && o.env ? child_run(&o, &own, out, &end, e) : no_memory(e);
    }
    buf_free(&path);
    if (rc != 0 && !end.started && x->hint.p) {
        size_t used = strlen(e->text);

        (void)snprintf(e->text + used, sizeof e->text - used, "; %s", x->hint.p);
    }
    return rc;
}

/* ---- what it answers ---- */

static int wrong(struct err *e, const char *what)
{
    return err_set(e, ERR_UNAVAILABLE, "its answer is no ExecCredential: %s", what);
}

/* *to = a member that is a string, copied; absent when it is not there. */
static int take(const json_value *object, const char *name, struct arena *arena, struct str *to,
                struct err *e)
{
    json_value *v;

    *to = (struct str){0};
    if (!json_member(object, name, &v) || json_kind(v) == JSON_NULL)
        return 0;
    if (json_kind(v) != JSON_STRING)
        return wrong(e, "a member that must be a string is none");
    if (json_string(v).n == 0)
        return 0;
    return arena_copy(arena, json_string(v), to) == 0 ? 0 : no_memory(e);
}

static int take_status(const json_value *status, struct kube_exec *c, struct err *e)
{
    struct str expires;

    if (take(status, "token", c->arena, &c->token, e) != 0 ||
        take(status, "clientCertificateData", c->arena, &c->cert, e) != 0 ||
        take(status, "clientKeyData", c->arena, &c->key, e) != 0 ||
        take(status, "expirationTimestamp", c->arena, &expires, e) != 0)
        return -1;
    if (!c->token.p && !c->cert.p)
        return wrong(e, "it has neither a token nor a certificate");
    if (!c->cert.p != !c->key.p)
        return wrong(e, "of clientCertificateData and clientKeyData one is missing");
    if (c->token.p && !kubeconfig_is_token(c->token))
        return wrong(e, "its token holds what is no token");
    c->expires = INT64_MAX;
    if (expires.p && clock_parse(expires, &c->expires) != 0)
        return wrong(e, "expirationTimestamp is no time");
    return 0;
}

static int take_answer(const struct kubeconfig_exec *x, const json_value *root, struct kube_exec *c,
                       struct err *e)
{
    struct str kind, version;
    json_value *status;

    if (json_kind(root) != JSON_OBJECT)
        return wrong(e, "it is no object");
    if (take(root, "kind", c->arena, &kind, e) != 0 ||
        take(root, "apiVersion", c->arena, &version, e) != 0)
        return -1;
    if (!kind.p || !str_is(kind, "ExecCredential"))
        return wrong(e, "its kind is another");
    if (!version.p || !str_eq(version, x->version))
        return wrong(e, "its apiVersion is not the kubeconfig's");
    if (!json_member(root, "status", &status) || json_kind(status) != JSON_OBJECT)
        return wrong(e, "it has no status");
    return take_status(status, c, e);
}

/* Errors of the JSON reader may quote a name, which may be anything: they are not passed on. */
static int read_answer(const struct kubeconfig_exec *x, const struct buf *out, struct kube_exec *c,
                       struct err *e)
{
    struct json_doc *doc;
    struct err hidden;
    int rc;

    if (json_in_parse(buf_span(out), &doc, &hidden) != 0)
        return wrong(e, "it is no JSON");
    rc = take_answer(x, json_in_root(doc), c, e);
    json_in_free(doc);
    return rc;
}

static int get_new(const struct kubeconfig_exec *x, const struct until *until, struct str whose,
                   struct kube_exec *c, struct err *e)
{
    struct buf out = BUF_INIT(OUTPUT_MAX);
    int rc;

    *c = (struct kube_exec){.arena = arena_new(MEMORY_MAX)};
    if (!c->arena || arena_copy(c->arena, whose, &c->of) != 0)
        rc = no_memory(e);
    else
        rc = run(x, until, c->arena, &out, e);
    if (rc == 0 && read_answer(x, &out, c, e) != 0)
        rc = err_wrap(e, "%s", x->command.p);
    buf_free(&out);
    if (rc != 0)
        kube_exec_free(c);
    return rc;
}

int kube_exec_get(const struct kubeconfig_exec *x, const struct until *until,
                  struct kube_exec *kept, struct err *e)
{
    struct buf whose = BUF_INIT(1 << 20);
    struct kube_exec fresh;
    int rc = 0;

    write_whose(x, &whose);
    if (kept->arena &&
        (!str_eq(kept->of, buf_span(&whose)) || kept->expires < clock_now() + margin))
        kube_exec_free(kept);
    if (!kept->arena) {
        rc = buf_check(&whose, "exec", e);
        if (rc == 0)
            rc = get_new(x, until, buf_span(&whose), &fresh, e);
        if (rc == 0)
            *kept = fresh;
    }
    buf_free(&whose);
    return rc == 0 ? 0 : err_wrap(e, "exec");
}
