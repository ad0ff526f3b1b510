/* SPDX-License-Identifier: MIT */
/* Where clouds.yaml and secure.yaml are, and a cloud in them: the file that a variable names, or
 * the first there is in the working directory, in the user's own and in the system's. */
#include "clouds_in.h"

#include <errno.h>
#include <unistd.h>

#include "buf.h"

enum { PATH_BYTES_MAX = 4096, SHOWN_MAX = 200 };

static const struct {
    const char *variable, *name;
} files[] = {
    {"OS_CLIENT_SECURE_FILE", "secure"}, /* what it says counts before what clouds.yaml says */
    {"OS_CLIENT_CONFIG_FILE", "clouds"},
};
enum { SECURE, CLOUDS };

static const char *const suffixes[] = {".yaml", ".yml"};

/* What stands before "openstack/", "" being the working directory itself; NULL: not there. */
static void write_directory(size_t i, struct buf *b)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (i == 1 && config && *config)
        buf_printf(b, "%s/openstack/", config);
    else if (i == 1 && home && *home)
        buf_printf(b, "%s/.config/openstack/", home);
    else if (i == 2)
        buf_str(b, "/etc/openstack/");
}

/* The path of the first of these files into b; empty: there is none. */
static int find_file(size_t which, struct buf *b, struct err *e)
{
    const char *named = getenv(files[which].variable);
    size_t i;

    if (named && *named) {
        buf_str(b, named);
        return buf_check(b, "a path", e);
    }
    for (i = 0; i < 3 * ARRAY_LEN(suffixes); i++) {
        buf_reset(b);
        write_directory(i / ARRAY_LEN(suffixes), b);
        if (b->len == 0 && i / ARRAY_LEN(suffixes) == 1)
            continue; /* the user has no home */
        buf_printf(b, "%s%s", files[which].name, suffixes[i % ARRAY_LEN(suffixes)]);
        if (buf_check(b, "a path", e) != 0)
            return -1;
        if (access(b->data, R_OK) == 0)
            return 0;
        if (i < ARRAY_LEN(suffixes) && errno == EACCES && access(".", X_OK) != 0)
            continue; /* started from another one's directory, as by runuser: it is not his */
        if (errno != ENOENT && errno != ENOTDIR)
            return err_errno(e, ERR_CONFIG, "%s", b->data);
    }
    buf_reset(b);
    return 0;
}

/* The names of the clouds that there are, as far as a line holds them. */
static int no_such_cloud(const struct clouds_in *in, const char *file,
                         const struct yaml_node *clouds, struct err *e)
{
    struct buf list = BUF_INIT(SHOWN_MAX);
    size_t i;

    for (i = 0; i < clouds->n; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", clouds->item[2 * i]->scalar.p);
    (void)yaml_fail(file, clouds->line, e, "clouds: there is no cloud %s; there is %s", in->cloud,
                    list.len ? list.data : "none");
    buf_free(&list);
    return -1;
}

static int take_cloud(struct clouds_in *in, size_t which, const char *file,
                      const struct yaml_node *root, struct err *e)
{
    const struct yaml_node *clouds = root->kind == YAML_MAP ? yaml_get(root, "clouds") : NULL,
                           *cloud;

    if (!clouds && which == SECURE)
        return 0;
    if (!clouds || clouds->kind != YAML_MAP)
        return yaml_fail(file, clouds ? clouds->line : root->line, e,
                         "there must be a mapping called clouds");
    cloud = yaml_get(clouds, in->cloud);
    if (!cloud)
        return which == SECURE ? 0 : no_such_cloud(in, file, clouds, e);
    if (cloud->kind != YAML_MAP)
        return yaml_fail(file, cloud->line, e, "clouds.%s: must be a mapping", in->cloud);
    in->file = file;
    in->line = cloud->line;
    return clouds_from_map(in, file, cloud, e);
}

static int take_file(struct clouds_in *in, size_t which, const char *path, struct err *e)
{
    struct yaml_doc *doc;
    struct str file;
    int failed;

    if (arena_copy(in->arena, str_of(path), &file) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory while reading %s", path);
    if (yaml_load(file.p, &doc, e) != 0)
        return -1;
    failed = take_cloud(in, which, file.p, yaml_root(doc), e);
    yaml_doc_free(doc);
    return failed;
}

int clouds_from_files(struct clouds_in *in, struct err *e)
{
    struct buf path = BUF_INIT(PATH_BYTES_MAX);
    size_t which;
    int failed = 0;

    for (which = 0; which < ARRAY_LEN(files) && !failed; which++) {
        buf_reset(&path);
        failed = find_file(which, &path, e);
        if (!failed && path.len)
            failed = take_file(in, which, path.data, e);
        else if (!failed && which == CLOUDS)
            failed = err_set(e, ERR_CONFIG,
                             "cloud %s: there is no clouds.yaml in the working directory, "
                             "~/.config/openstack or /etc/openstack",
                             in->cloud);
    }
    buf_free(&path);
    return failed;
}

int clouds_path(struct arena *a, struct str path, struct str *out, struct err *e)
{
    const char *home = getenv("HOME");
    struct buf b = BUF_INIT(PATH_BYTES_MAX);
    int failed;

    if (home && path.n > 1 && path.p[0] == '~' && path.p[1] == '/')
        buf_printf(&b, "%s%s", home, path.p + 1);
    else
        buf_str(&b, path.p);
    failed = buf_check(&b, "a path", e);
    if (!failed && arena_copy(a, buf_span(&b), out) != 0)
        failed = err_set(e, ERR_INTERNAL, "out of memory while reading the credentials of a cloud");
    buf_free(&b);
    return failed;
}
