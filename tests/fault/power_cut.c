/* SPDX-License-Identifier: MIT */
/*
 * The disk as it may be found after a power cut, of a log by pre_power.c.
 *
 *   power_cut LOG BASE     BASE: a directory with the files that were there when the log began,
 *                          and nothing else
 *
 * Each line of the input is a cut, "END HOW SEED TO": only records that end at END or before have
 * happened (a line's END is not below the one before), HOW is what is found of what was not flushed
 * (-1: any), TO an empty directory that gets the files. It answers with a line for each: what was
 * found of what was pending. The same line gives the same disk.
 *
 * Of a file there is its flushed content and of what came later one of `enum how`; a name that was
 * made, taken away or changed after the directory was last flushed is there in its new state or in
 * its old one. A file system writes no bytes beside those that it was given (SQLite's "powersafe
 * overwrite"), so that a torn sector has garbage only where something was being written.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>

#include "power_bytes.h"
#include "power_log.h"

enum { FILES = 65536, SECTOR = 512 };

enum how {
    NOTHING,    /* nothing of what was not flushed */
    EVERYTHING, /* all of it, as after kill -9 */
    IN_ORDER,   /* all up to some moment, the last write torn */
    WHOLE,      /* each write as a whole or not at all */
    TORN,       /* each sector of each write or not */
    GARBAGE,    /* … or with garbage in it */
    HOWS
};

static const char *const words[HOWS] = {
    [NOTHING] = "nothing", [EVERYTHING] = "everything", [IN_ORDER] = "in order", [WHOLE] = "whole",
    [TORN] = "torn",       [GARBAGE] = "garbage"};

/* Records that are not flushed. They stay in the log. */
struct pending {
    const struct power_record **r;
    size_t n, cap;
};

struct file {
    struct bytes flushed;
    struct pending pending;
};

struct name {
    char name[POWER_NAME];
    uint32_t file; /* 0: this place is free */
};

struct disk {
    const char *base;
    struct file *file; /* [FILES], by number */
    struct name names[POWER_NAMES];
    struct pending pending; /* of the names */
};

static const void *data_of(const struct power_record *r)
{
    return r + 1;
}

static void add(struct pending *p, const struct power_record *r)
{
    if (p->n == p->cap) {
        p->cap = 2 * p->cap + 16;
        p->r = realloc(p->r, p->cap * sizeof *p->r);
        if (!p->r)
            fail("no memory");
    }
    p->r[p->n++] = r;
}

/* ---- names ---- */

static struct name *find(struct name *names, const char *name)
{
    int i;

    for (i = 0; i < POWER_NAMES; i++) {
        if (names[i].file != 0 && strcmp(names[i].name, name) == 0)
            return &names[i];
    }
    return NULL;
}

static void put_name(struct name *names, const char *name, uint32_t file)
{
    struct name *at = find(names, name);
    int i;

    for (i = 0; !at && i < POWER_NAMES; i++)
        at = names[i].file == 0 ? &names[i] : NULL;
    if (!at)
        fail("too many names");
    (void)snprintf(at->name, sizeof at->name, "%s", name);
    at->file = file;
}

/* One that needs another which did not happen does not happen either. */
static void do_name(struct name *names, const struct power_record *r)
{
    const char *name = data_of(r);
    struct name *at = find(names, name);

    if (r->kind == POWER_CREATE) {
        put_name(names, name, r->file);
    } else if (at && r->kind == POWER_UNLINK) {
        at->file = 0;
    } else if (at && r->kind == POWER_RENAME) {
        at->file = 0;
        put_name(names, name + strlen(name) + 1, r->file);
    }
}

/* ---- contents ---- */

static void do_whole(struct bytes *b, const struct power_record *r)
{
    if (r->kind == POWER_TRUNCATE)
        bytes_resize(b, (size_t)r->offset);
    else
        bytes_put(b, (size_t)r->offset, data_of(r), r->length);
}

/* Half of its sectors; `odd`: some of the others have garbage. A new length may be there without
 * what was written. */
static void do_torn(struct bytes *b, const struct power_record *r, bool odd, uint64_t *seed)
{
    const unsigned char *data = data_of(r);
    size_t at = (size_t)r->offset, end = at + r->length, next, i;

    if (r->kind == POWER_TRUNCATE) {
        if (dice(seed) & 1)
            do_whole(b, r);
        return;
    }
    if (end > b->n && (dice(seed) & 1))
        bytes_resize(b, end);
    for (; at < end; at = next) {
        next = (at / SECTOR + 1) * SECTOR < end ? (at / SECTOR + 1) * SECTOR : end;
        if (dice(seed) & 1)
            bytes_put(b, at, data + (at - (size_t)r->offset), next - at);
        else if (odd && dice_below(seed, 4) == 0)
            for (bytes_resize(b, next > b->n ? next : b->n), i = at; i < next; i++)
                b->p[i] = (unsigned char)dice(seed);
    }
}

static void do_pending(struct bytes *b, const struct pending *p, enum how how, uint64_t *seed)
{
    size_t i, n = how == IN_ORDER ? dice_below(seed, p->n + 1) : p->n;
    unsigned often = 1 + (unsigned)dice_below(seed, 7); /* of 8 */

    if (how == NOTHING)
        return;
    for (i = 0; i < n; i++) {
        if (how == EVERYTHING || how == IN_ORDER)
            do_whole(b, p->r[i]);
        else if (dice_below(seed, 8) >= often)
            continue;
        else if (how == WHOLE)
            do_whole(b, p->r[i]);
        else
            do_torn(b, p->r[i], how == GARBAGE, seed);
    }
    if (n < p->n && how == IN_ORDER)
        do_torn(b, p->r[n], false, seed);
}

/* ---- what has happened ---- */

static void flush(struct disk *d, uint32_t number)
{
    struct file *f = &d->file[number];
    size_t i;

    if (number == POWER_DIRECTORY) {
        for (i = 0; i < d->pending.n; i++)
            do_name(d->names, d->pending.r[i]);
        d->pending.n = 0;
    } else {
        for (i = 0; i < f->pending.n; i++)
            do_whole(&f->flushed, f->pending.r[i]);
        f->pending.n = 0;
    }
}

static void happen(struct disk *d, const struct power_record *r)
{
    char path[4096];

    if (r->file >= FILES)
        fail("too many files");
    switch ((enum power_kind)r->kind) {
    case POWER_FOUND:
        (void)snprintf(path, sizeof path, "%s/%s", d->base, (const char *)data_of(r));
        bytes_read(&d->file[r->file].flushed, path);
        put_name(d->names, data_of(r), r->file);
        break;
    case POWER_CREATE:
    case POWER_UNLINK:
    case POWER_RENAME:
        add(&d->pending, r);
        break;
    case POWER_WRITE:
    case POWER_TRUNCATE:
        add(&d->file[r->file].pending, r);
        break;
    case POWER_FLUSH:
        flush(d, r->file);
        break;
    default:
        fail("a record of an unknown kind");
    }
}

/* ---- the cut ---- */

static void cut_names(const struct disk *d, enum how how, struct name *names, uint64_t *seed)
{
    size_t i, n = how == IN_ORDER ? dice_below(seed, d->pending.n + 1) : d->pending.n;

    memcpy(names, d->names, sizeof d->names);
    for (i = 0; how != NOTHING && i < n; i++) {
        if (how == EVERYTHING || how == IN_ORDER || (dice(seed) & 1))
            do_name(names, d->pending.r[i]);
    }
}

/* The mark says something of another file: it may be as new as it can be beside a log of which
 * nothing was kept, and the other way round. */
static enum how how_of(const char *name, enum how how, uint64_t *seed)
{
    return strstr(name, ".mark") ? (enum how)dice_below(seed, HOWS) : how;
}

static void cut(const struct disk *d, int wanted, uint64_t seed, const char *to)
{
    enum how how = wanted < 0 ? (enum how)dice_below(&seed, HOWS) : (enum how)wanted;
    enum how how_names = wanted < 0 ? (enum how)dice_below(&seed, HOWS) : how;
    struct name names[POWER_NAMES];
    struct bytes b = {0};
    char path[4096 + POWER_NAME + 1];
    int i;

    printf("%s of the writes, %s of the names;", words[how], words[how_names]);
    cut_names(d, how_names, names, &seed);
    for (i = 0; i < POWER_NAMES; i++) {
        const struct file *f = &d->file[names[i].file];

        if (names[i].file == 0)
            continue;
        bytes_resize(&b, 0);
        if (f->flushed.n)
            bytes_put(&b, 0, f->flushed.p, f->flushed.n);
        do_pending(&b, &f->pending, wanted < 0 ? how_of(names[i].name, how, &seed) : how, &seed);
        printf(" %s: %zu pending, %zu bytes;", names[i].name, f->pending.n, b.n);
        (void)snprintf(path, sizeof path, "%s/%.59s", to, names[i].name);
        bytes_write(&b, path);
    }
    free(b.p);
    printf("\n");
    (void)fflush(stdout);
}

/* Files are found when the log first has them, and are there before; with numbers from the top. */
static void begin(struct disk *d, const char *base)
{
    uint32_t number = FILES;
    char path[4096 + 256];
    struct dirent *entry;
    DIR *dir = opendir(base);

    if (!dir)
        fail(base);
    d->base = base;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", base, entry->d_name);
        bytes_read(&d->file[--number].flushed, path);
        put_name(d->names, entry->d_name, number);
    }
    (void)closedir(dir);
}

static const char *map_log(const char *path)
{
    int fd = open(path, O_RDONLY);
    void *p = fd < 0 ? MAP_FAILED : mmap(NULL, POWER_SIZE, PROT_READ, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        fail(path);
    return p;
}

struct order {
    uint64_t end, seed;
    int how;
    char to[4096];
};

static struct order read_order(char *line)
{
    struct order o;

    o.end = strtoull(line, &line, 10);
    o.how = (int)strtol(line, &line, 10);
    o.seed = strtoull(line, &line, 10);
    line[strcspn(line, "\n")] = '\0';
    (void)snprintf(o.to, sizeof o.to, "%.4000s", *line ? line + 1 : "");
    if (o.how >= HOWS || !o.to[0])
        fail("not a cut");
    return o;
}

static void end(struct disk *d)
{
    size_t i;

    for (i = 0; i < FILES; i++) {
        free(d->file[i].flushed.p);
        free(d->file[i].pending.r);
    }
    free(d->file);
    free(d->pending.r);
}

int main(int argc, char **argv)
{
    struct disk d = {.file = calloc(FILES, sizeof(struct file))};
    uint64_t at = POWER_DATA;
    struct order o;
    char line[4096];
    const char *log;

    if (argc != 3 || !d.file)
        fail("usage: power_cut LOG BASE");
    log = map_log(argv[1]);
    begin(&d, argv[2]);
    while (fgets(line, sizeof line, stdin)) {
        o = read_order(line);
        if (o.end < at && at > POWER_DATA)
            fail("what has happened is not undone: a cut before the one before");
        while (at + sizeof(struct power_record) <= o.end) {
            const struct power_record *r = (const void *)(log + at);

            if (at + power_step(r->length) > o.end)
                break;
            happen(&d, r);
            at += power_step(r->length);
        }
        cut(&d, o.how, o.seed, o.to);
    }
    end(&d);
    return 0;
}
