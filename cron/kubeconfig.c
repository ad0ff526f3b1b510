/* SPDX-License-Identifier: MIT */
/*
 * Which kubeconfig files there are, and what they say together: of a current-context, and of each
 * cluster, user and context by its name, the first file that has it counts.
 */
#include "kubeconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "kubeconfig_inner.h"

enum { FILES_MAX = 32 };

static const char pod_directory[] = "/var/run/secrets/kubernetes.io/serviceaccount";

struct file {
    struct str path;
    struct yaml_doc *doc;
};

struct files {
    struct arena *arena;
    size_t n;
    struct file file[FILES_MAX];
};

static void files_free(struct files *f)
{
    while (f->n > 0)
        yaml_doc_free(f->file[--f->n].doc);
}

/* ---- which files ---- */

static int load(struct files *f, struct str path, struct err *e)
{
    struct file *file = &f->file[f->n];

    if (f->n == FILES_MAX)
        return err_set(e, ERR_CONFIG, "KUBECONFIG names more than %d files", FILES_MAX);
    if (arena_copy(f->arena, path, &file->path) != 0)
        return kubeconfig_no_memory(e);
    if (yaml_load(file->path.p, &file->doc, e) != 0)
        return -1;
    f->n++;
    if (yaml_root(file->doc)->kind != YAML_MAP)
        return yaml_fail(file->path.p, 1, e, "is no kubeconfig: it must be a map");
    return 0;
}

/* The files of KUBECONFIG that are there. */
static int load_list(struct files *f, const char *list, struct err *e)
{
    const char *end;
    struct str path;

    for (; *list; list = *end ? end + 1 : end) {
        end = strchrnul(list, ':');
        if (end == list ||
            arena_copy(f->arena, (struct str){list, (size_t)(end - list)}, &path) != 0)
            continue;
        if (access(path.p, F_OK) != 0 && errno == ENOENT)
            continue;
        if (load(f, path, e) != 0)
            return -1;
    }
    return f->n > 0 ? 0 : err_set(e, ERR_CONFIG, "KUBECONFIG names no file that is there");
}

/* A path whose "~/" is the home directory, appended. */
static void add_home(struct buf *b, const char *path)
{
    const char *home = getenv("HOME");

    if (path[0] == '~' && path[1] == '/' && home && *home)
        buf_str(b, home);
    buf_str(b, path[0] == '~' && path[1] == '/' && home && *home ? path + 1 : path);
}

/* Loads one file; with `or_not`, only if it is there. */
static int load_one(struct files *f, const char *path, bool or_not, struct err *e)
{
    struct buf b = BUF_INIT(8192);
    int rc;

    add_home(&b, path);
    rc = buf_check(&b, "the path of the kubeconfig", e);
    if (rc == 0 && !(or_not && access(b.data, F_OK) != 0))
        rc = load(f, buf_span(&b), e);
    buf_free(&b);
    return rc;
}

static int load_files(struct files *f, const struct kubeconfig_options *o, struct err *e)
{
    const char *list = getenv("KUBECONFIG");

    if (o->path)
        return load_one(f, o->path, false, e);
    if (list && *list)
        return load_list(f, list, e);
    return load_one(f, "~/.kube/config", true, e);
}

/* ---- what they say ---- */

static struct kubeconfig_map root(const struct files *f, size_t i)
{
    return (struct kubeconfig_map){f->arena, f->file[i].path.p, yaml_root(f->file[i].doc)};
}

/* Looks in one file's list (`lists`: "contexts", …) for the entry of a name, and in it for what
 * stands under `member`. *to has no node when there is none. */
static int find_in(const struct kubeconfig_map *file, const char *lists, const char *member,
                   struct str name, struct kubeconfig_map *to, struct err *e)
{
    const struct yaml_node *list;
    size_t i;

    if (kubeconfig_node(file, lists, YAML_LIST, &list, e) != 0)
        return -1;
    for (i = 0; list && i < list->n; i++) {
        struct kubeconfig_map entry = {file->arena, file->file, list->item[i]};
        struct str called;

        if (entry.node->kind != YAML_MAP)
            return kubeconfig_fail(file, lists, e, "must be a list of maps");
        if (kubeconfig_text(&entry, "name", &called, e) != 0)
            return -1;
        if (!str_eq(called, name))
            continue;
        *to = entry;
        if (kubeconfig_node(&entry, member, YAML_MAP, &to->node, e) != 0)
            return -1;
        return to->node ? 0 : kubeconfig_fail(&entry, member, e, "is missing");
    }
    return 0;
}

static int find(const struct files *f, const char *lists, const char *member, struct str name,
                struct kubeconfig_map *to, struct err *e)
{
    size_t i;

    *to = (struct kubeconfig_map){0};
    for (i = 0; i < f->n && !to->node; i++) {
        struct kubeconfig_map file = root(f, i);

        if (find_in(&file, lists, member, name, to, e) != 0)
            return -1;
    }
    if (!to->node)
        return err_set(e, ERR_CONFIG, "%s: has no %s \"%.*s\"%s", f->file[0].path.p, member,
                       (int)name.n, name.p, f->n > 1 ? ", nor have the others of KUBECONFIG" : "");
    return 0;
}

static int current_context(const struct files *f, const char *asked, struct str *name,
                           struct err *e)
{
    size_t i;

    *name = str_of(asked);
    for (i = 0; i < f->n && !name->p; i++) {
        struct kubeconfig_map file = root(f, i);

        if (kubeconfig_text(&file, "current-context", name, e) != 0)
            return -1;
    }
    if (!name->p)
        return err_set(e, ERR_CONFIG, "%s: has no current-context, and no context is configured",
                       f->file[0].path.p);
    return 0;
}

static bool is_server(struct str url)
{
    size_t i;

    for (i = 0; i < url.n; i++) {
        if (url.p[i] <= ' ' || url.p[i] > '~' || strchr("@?#\\\"", url.p[i]))
            return false;
    }
    return strncmp(url.p, "https://", 8) == 0 || strncmp(url.p, "http://", 7) == 0;
}

static int read_server(const struct kubeconfig_map *m, struct kubeconfig *k, struct err *e)
{
    if (kubeconfig_text(m, "server", &k->server, e) != 0)
        return -1;
    if (!k->server.p || !is_server(k->server))
        return kubeconfig_fail(m, "server", e,
                               "must be a URL that begins with https:// or http://");
    while (k->server.n && k->server.p[k->server.n - 1] == '/')
        k->server.n--;
    return arena_copy(m->arena, k->server, &k->server) == 0 ? 0 : kubeconfig_no_memory(e);
}

static int read_cluster(const struct kubeconfig_map *m, struct kubeconfig *k, struct err *e)
{
    static const char *const refused[] = {"tls-server-name", "proxy-url"};
    struct str text;
    size_t i;

    for (i = 0; i < ARRAY_LEN(refused); i++) {
        if (kubeconfig_text(m, refused[i], &text, e) != 0)
            return -1;
        if (text.p)
            return kubeconfig_fail(m, refused[i], e, "is not supported");
    }
    if (read_server(m, k, e) != 0 ||
        kubeconfig_bool(m, "insecure-skip-tls-verify", &k->unverified, e) != 0 ||
        kubeconfig_pem(m, "certificate-authority", &k->ca, e) != 0)
        return -1;
    if (k->unverified && k->ca.p)
        return kubeconfig_fail(m, "insecure-skip-tls-verify", e,
                               "contradicts the certificate-authority beside it");
    return 0;
}

static int name_caller(struct str context, struct str user, struct arena *arena,
                       struct kubeconfig *k, struct err *e)
{
    struct buf b = BUF_INIT(1024);
    int rc;

    buf_printf(&b, "%.*s/%.*s", (int)(context.n < 400 ? context.n : 400), context.p,
               (int)(user.n < 400 ? user.n : 400), user.p);
    rc = buf_check(&b, "a context's name", e);
    if (rc == 0 && arena_copy(arena, buf_span(&b), &k->as) != 0)
        rc = kubeconfig_no_memory(e);
    buf_free(&b);
    return rc;
}

static int resolve(const struct files *f, const char *asked, struct kubeconfig *k, struct err *e)
{
    struct kubeconfig_map context, cluster, user;
    struct str name, cluster_name, user_name;

    if (current_context(f, asked, &name, e) != 0 ||
        find(f, "contexts", "context", name, &context, e) != 0 ||
        kubeconfig_text(&context, "cluster", &cluster_name, e) != 0 ||
        kubeconfig_text(&context, "user", &user_name, e) != 0)
        return -1;
    if (!cluster_name.p)
        return kubeconfig_fail(&context, "cluster", e, "is missing");
    /* A context may name no user: whoever answers wants no credentials, `kubectl proxy` say. */
    if (find(f, "clusters", "cluster", cluster_name, &cluster, e) != 0 ||
        (user_name.p && find(f, "users", "user", user_name, &user, e) != 0) ||
        read_cluster(&cluster, k, e) != 0 || (user_name.p && kubeconfig_user(&user, k, e) != 0))
        return -1;
    return name_caller(name, user_name.p ? user_name : STR_LIT("nobody"), f->arena, k, e);
}

int kubeconfig_load(const struct kubeconfig_options *o, struct arena *arena, struct kubeconfig *k,
                    struct err *e)
{
    struct files f = {.arena = arena};
    bool in_pod = false;
    int rc;

    *k = (struct kubeconfig){0};
    rc = load_files(&f, o, e);
    if (rc == 0 && f.n > 0)
        rc = resolve(&f, o->context, k, e);
    else if (rc == 0)
        rc = kubeconfig_pod(o->pod ? o->pod : pod_directory, arena, k, &in_pod, e);
    if (rc == 0 && f.n == 0 && !in_pod)
        rc = err_set(e, ERR_CONFIG,
                     "there is no kubeconfig: none is configured, KUBECONFIG is not set, "
                     "~/.kube/config is not there, and this is no pod");
    files_free(&f);
    return rc;
}
