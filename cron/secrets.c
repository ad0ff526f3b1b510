/* SPDX-License-Identifier: MIT */
/* The secrets that sign callbacks: their files, read anew when they change, and the signatures. */
#include "secrets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base64.h"
#include "clock.h"
#include "digest.h"
#include "files.h"

enum {
    FILE_BYTES_MAX = 64 << 10,
    SECRET_MIN = 24, /* bytes */
    SECRET_MAX = 64,
    TEXT_MAX = (SECRET_MAX + 2) / 3 * 4 /* their base64 */
};

/* A file whose times are younger than this may change again without showing it. */
#define UNSETTLED (2 * NS_PER_S)

struct secret {
    size_t n;
    char byte[TEXT_MAX / 4 * 3];
};

/* As a file was when it was read. {0}: not known. */
struct stamp {
    bool known;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct secret_file {
    struct str path;
    struct stamp stamp;
    bool bad; /* since its last change it cannot be used, which was said */
    size_t secrets;
    struct secret secret[SECRETS_MAX];
};

struct secrets {
    const struct conf *conf;
    int64_t looked; /* clock_mono */
    size_t files;
    struct secret_file file[];
};

static struct str path_of(const struct conf *conf, const struct conf_queue *queue)
{
    return queue->secret_file.p ? queue->secret_file : conf->callback.secret_file;
}

/* ---- a file ---- */

static struct str trimmed(struct str s)
{
    while (s.n && strchr(" \t\r", s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && strchr(" \t\r", s.p[s.n - 1]))
        s.n--;
    return s;
}

static const struct str prefix = {"whsec_", 6};

static bool is_secret(struct str text)
{
    return text.n > prefix.n && memcmp(text.p, prefix.p, prefix.n) == 0;
}

static int read_secret(struct str line, struct secret *out)
{
    if (!is_secret(line) || line.n > prefix.n + TEXT_MAX ||
        base64_decode((struct str){line.p + prefix.n, line.n - prefix.n}, out->byte, &out->n) != 0)
        return -1;
    return out->n >= SECRET_MIN && out->n <= SECRET_MAX ? 0 : -1;
}

static int read_lines(struct str text, struct secret_file *f, struct err *e)
{
    size_t number;

    for (number = 1; text.n > 0; number++) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        struct str line = trimmed((struct str){text.p, n});

        text.p += n + (end != NULL);
        text.n -= n + (end != NULL);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (f->secrets == SECRETS_MAX)
            return err_set(e, ERR_CONFIG, "%s:%zu: more than %d secrets", f->path.p, number,
                           SECRETS_MAX);
        if (read_secret(line, &f->secret[f->secrets]) != 0)
            return err_set(e, ERR_CONFIG,
                           "%s:%zu: no secret: whsec_ and the base64 of %d to %d bytes", f->path.p,
                           number, SECRET_MIN, SECRET_MAX);
        f->secrets++;
    }
    return f->secrets ? 0 : err_set(e, ERR_CONFIG, "%s: holds no secret", f->path.p);
}

/* Reads the file into *f, of which only the path is set. */
static int read_file(struct secret_file *f, struct err *e)
{
    struct buf text = BUF_INIT(FILE_BYTES_MAX);
    int rc = files_secret(f->path.p, &text, e);

    if (rc == 0)
        rc = read_lines(buf_span(&text), f, e);
    files_wipe(&text);
    return rc;
}

static struct stamp stamp_of(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return (struct stamp){0};
    return (struct stamp){true, st.st_dev, st.st_ino, st.st_size, st.st_mtim};
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->known == b->known && a->device == b->device && a->inode == b->inode &&
           a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool is_settled(const struct stamp *s)
{
    return s->known && clock_now() - (int64_t)s->changed.tv_sec * NS_PER_S > UNSETTLED;
}

static bool same_secrets(const struct secret_file *a, const struct secret_file *b)
{
    size_t i;

    for (i = 0; i < a->secrets && i < b->secrets; i++) {
        if (a->secret[i].n != b->secret[i].n ||
            memcmp(a->secret[i].byte, b->secret[i].byte, a->secret[i].n) != 0)
            return false;
    }
    return a->secrets == b->secrets;
}

static void refresh_file(struct secret_file *f)
{
    struct stamp stamp = stamp_of(f->path.p);
    bool changed = !same_stamp(&stamp, &f->stamp);
    struct secret_file fresh = {.path = f->path, .stamp = stamp};
    char room[LOG_QUOTE_MAX];
    struct err e;

    if (!changed && is_settled(&stamp))
        return;
    if (read_file(&fresh, &e) == 0) {
        if (!same_secrets(&fresh, f))
            log_info("secrets", "file=%s secrets=%zu", log_quote(room, f->path.p), fresh.secrets);
        *f = fresh;
    } else {
        if (changed || !f->bad)
            log_error("secrets", "error=%s kept=%zu", log_quote(room, e.text), f->secrets);
        f->stamp = stamp;
        f->bad = true;
    }
    explicit_bzero(fresh.secret, sizeof fresh.secret);
}

/* ---- all of them ---- */

static struct secret_file *find(struct secrets *s, struct str path)
{
    size_t i;

    for (i = 0; i < s->files; i++) {
        if (str_eq(s->file[i].path, path))
            return &s->file[i];
    }
    return NULL;
}

static int add_file(struct secrets *s, struct str path, struct err *e)
{
    struct secret_file *f = &s->file[s->files];

    if (!path.p || find(s, path))
        return 0;
    if (is_secret(path))
        return err_set(e, ERR_CONFIG,
                       "secret_file must be the path of a file, not a secret itself");
    *f = (struct secret_file){.path = path, .stamp = stamp_of(path.p)};
    s->files++;
    return read_file(f, e);
}

int secrets_open(const struct conf *conf, struct secrets **out, struct err *e)
{
    struct secrets *s = calloc(1, sizeof *s + conf->queues * sizeof s->file[0]);
    size_t i;

    if (!s)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    s->conf = conf;
    s->looked = clock_mono();
    for (i = 0; i < conf->queues; i++) {
        if (add_file(s, path_of(conf, &conf->queue[i]), e) != 0) {
            secrets_close(s);
            return -1;
        }
    }
    *out = s;
    return 0;
}

void secrets_close(struct secrets *s)
{
    if (s)
        explicit_bzero(s->file, s->conf->queues * sizeof s->file[0]);
    free(s);
}

size_t secrets_files(const struct secrets *s)
{
    return s->files;
}

void secrets_refresh(struct secrets *s, int64_t mono)
{
    size_t i;

    if (mono - s->looked < NS_PER_S)
        return;
    s->looked = mono;
    for (i = 0; i < s->files; i++)
        refresh_file(&s->file[i]);
}

/* ---- signatures ---- */

int secrets_sign(const struct secrets *s, const struct conf_queue *queue, struct str id,
                 struct str timestamp, struct str body, char value[SECRETS_SIGNATURE_MAX],
                 struct err *e)
{
    const struct str part[] = {id, STR_LIT("."), timestamp, STR_LIT("."), body};
    struct str path = path_of(s->conf, queue);
    const struct secret_file *f = NULL;
    unsigned char mac[DIGEST_SHA256];
    size_t i, n = 0;

    for (i = 0; path.p && i < s->files; i++)
        f = str_eq(s->file[i].path, path) ? &s->file[i] : f;
    value[0] = '\0';
    for (i = 0; f && i < f->secrets; i++) {
        struct str key = {f->secret[i].byte, f->secret[i].n};

        if (digest_hmac_sha256(key, part, ARRAY_LEN(part), mac, e) != 0)
            return -1;
        n += (size_t)snprintf(value + n, SECRETS_SIGNATURE_MAX - n, "%sv1,", i ? " " : "");
        n += base64_encode((struct str){(const char *)mac, sizeof mac}, value + n);
        value[n] = '\0';
    }
    return 0;
}
