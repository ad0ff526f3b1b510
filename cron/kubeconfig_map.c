/* SPDX-License-Identifier: MIT */
/* Members of a mapping in a kubeconfig, and the files that it names. */
#include "kubeconfig_inner.h"

#include <stdarg.h>
#include <string.h>

#include "base64.h"
#include "buf.h"
#include "files.h"

int kubeconfig_no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading a kubeconfig");
}

int kubeconfig_fail(const struct kubeconfig_map *m, const char *key, struct err *e, const char *fmt,
                    ...)
{
    const struct yaml_node *v = yaml_get(m->node, key);
    char text[ERR_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return yaml_fail(m->file, v ? v->line : m->node->line, e, "%s: %s", key, text);
}

int kubeconfig_node(const struct kubeconfig_map *m, const char *key, enum yaml_kind kind,
                    const struct yaml_node **to, struct err *e)
{
    static const char *const words[] = {
        [YAML_SCALAR] = "a text", [YAML_LIST] = "a list", [YAML_MAP] = "a map"};
    const struct yaml_node *v = yaml_get(m->node, key);

    *to = NULL;
    if (!v || yaml_is_null(v))
        return 0;
    if (v->kind != kind)
        return kubeconfig_fail(m, key, e, "must be %s", words[kind]);
    *to = v;
    return 0;
}

int kubeconfig_text(const struct kubeconfig_map *m, const char *key, struct str *to, struct err *e)
{
    const struct yaml_node *v;

    *to = (struct str){0};
    if (kubeconfig_node(m, key, YAML_SCALAR, &v, e) != 0)
        return -1;
    if (v && v->scalar.n && arena_copy(m->arena, v->scalar, to) != 0)
        return kubeconfig_no_memory(e);
    return 0;
}

int kubeconfig_bool(const struct kubeconfig_map *m, const char *key, bool *to, struct err *e)
{
    const struct yaml_node *v;

    *to = false;
    if (kubeconfig_node(m, key, YAML_SCALAR, &v, e) != 0)
        return -1;
    if (v && !str_is(v->scalar, "true") && !str_is(v->scalar, "false"))
        return kubeconfig_fail(m, key, e, "must be true or false");
    *to = v && str_is(v->scalar, "true");
    return 0;
}

/* ---- files ---- */

int kubeconfig_path(const struct kubeconfig_map *m, struct str path, struct str *to, struct err *e)
{
    const char *slash = strrchr(m->file, '/');
    struct buf b = BUF_INIT(16384);
    int rc;

    if (path.p[0] != '/' && slash)
        buf_add(&b, m->file, (size_t)(slash - m->file) + 1);
    buf_add(&b, path.p, path.n);
    rc = buf_check(&b, "a path", e);
    if (rc == 0 && arena_copy(m->arena, buf_span(&b), to) != 0)
        rc = kubeconfig_no_memory(e);
    buf_free(&b);
    return rc;
}

int kubeconfig_slurp(struct arena *arena, const char *path, struct str *to, struct err *e)
{
    struct buf b = BUF_INIT(KUBECONFIG_FILE_MAX);
    int rc = files_read(path, &b, e);

    if (rc == 0 && arena_copy(arena, buf_span(&b), to) != 0)
        rc = kubeconfig_no_memory(e);
    files_wipe(&b);
    return rc;
}

bool kubeconfig_is_token(struct str text)
{
    size_t i;

    for (i = 0; i < text.n; i++) {
        if (text.p[i] <= ' ' || text.p[i] > '~')
            return false;
    }
    return text.n > 0;
}

int kubeconfig_token_file(struct arena *arena, const char *path, struct str *token, struct err *e)
{
    static const char blanks[] = " \t\r\n";

    if (kubeconfig_slurp(arena, path, token, e) != 0)
        return -1;
    while (token->n && memchr(blanks, token->p[token->n - 1], sizeof blanks - 1))
        token->n--;
    while (token->n && memchr(blanks, token->p[0], sizeof blanks - 1)) {
        token->p++;
        token->n--;
    }
    if (!kubeconfig_is_token(*token))
        return err_set(e, ERR_CONFIG, "%s: is empty, or holds what is no token", path);
    return arena_copy(arena, *token, token) == 0 ? 0 : kubeconfig_no_memory(e);
}

int kubeconfig_read(const struct kubeconfig_map *m, const char *key, struct str path,
                    struct str *to, struct err *e)
{
    struct str where;

    if (kubeconfig_path(m, path, &where, e) != 0)
        return -1;
    if (kubeconfig_slurp(m->arena, where.p, to, e) != 0)
        return err_wrap(e, "%s: %s", m->file, key);
    return 0;
}

static int decode(const struct kubeconfig_map *m, const char *key, struct str data, struct str *to,
                  struct err *e)
{
    char *text = arena_array(m->arena, data.n + 1, 1);
    char *room = arena_array(m->arena, data.n / 4 * 3 + 1, 1);
    size_t i, n = 0;

    if (!text || !room)
        return kubeconfig_no_memory(e);
    for (i = 0; i < data.n; i++) { /* as kubectl, which reads it in lines */
        if (data.p[i] != '\n' && data.p[i] != '\r')
            text[n++] = data.p[i];
    }
    to->p = room;
    if (base64_decode((struct str){text, n}, room, &to->n) != 0)
        return kubeconfig_fail(m, key, e, "is not base64");
    return 0;
}

int kubeconfig_pem(const struct kubeconfig_map *m, const char *key, struct str *to, struct err *e)
{
    char data_key[64];
    struct str data, path;

    *to = (struct str){0};
    (void)snprintf(data_key, sizeof data_key, "%s-data", key);
    if (kubeconfig_text(m, data_key, &data, e) != 0 || kubeconfig_text(m, key, &path, e) != 0)
        return -1;
    if (data.p)
        return decode(m, data_key, data, to, e);
    if (path.p && files_is_pem(path))
        return kubeconfig_fail(m, key, e, "must be the path of a file, not what is in it");
    return path.p ? kubeconfig_read(m, key, path, to, e) : 0;
}
