/* SPDX-License-Identifier: MIT */
/* Numbers that are counted: who has which file open in this process. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "stats_inner.h"

/* One for each path that is open in this process: what can't be counted in the file is to be
 * counted in one place too. */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct stats *all;

static struct stats_file *open_file(const char *path, bool make, struct stats_id *id)
{
    struct stats_file *f;
    char room[LOG_QUOTE_MAX];
    struct err e;

    if (!make)
        return stats_file_map(path, id, &e);
    f = stats_file_make(path, id, &e);
    if (f)
        return f;
    log_warn("stats", "error=%s kept=memory", log_quote(room, e.text));
    return stats_file_memory();
}

static struct stats *open_new(const char *path, bool make)
{
    struct stats *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->path = strdup(path);
    s->file = s->path ? open_file(path, make, &s->id) : NULL;
    if (!s->file) {
        free(s->path);
        free(s);
        return NULL;
    }
    s->next = all;
    all = s;
    return s;
}

struct stats *stats_open(const char *path, bool make)
{
    struct stats *s;

    (void)pthread_mutex_lock(&all_lock);
    for (s = all; s && strcmp(s->path, path) != 0; s = s->next)
        ;
    if (!s)
        s = open_new(path, make);
    if (s)
        s->users++;
    (void)pthread_mutex_unlock(&all_lock);
    return s;
}

void stats_close(struct stats *s)
{
    struct stats **at = &all;

    if (!s)
        return;
    (void)pthread_mutex_lock(&all_lock);
    if (--s->users > 0) {
        s = NULL;
    } else {
        while (*at != s)
            at = &(*at)->next;
        *at = s->next;
    }
    (void)pthread_mutex_unlock(&all_lock);
    if (!s)
        return;
    stats_file_unmap(s->file);
    while (s->olds > 0)
        stats_file_unmap(s->old[--s->olds]);
    free(s->path);
    free(s);
}

/* When ours has gone, and somebody has made another. */
void stats_follow(struct stats *s)
{
    struct stats_file *f = NULL, *old = s->file;

    if (pthread_mutex_trylock(&all_lock) != 0)
        return;
    if (s->olds < FILES_MAX)
        f = stats_file_other(s->path, &s->id);
    if (f) {
        s->old[s->olds++] = old;
        atomic_store(&f->routes, atomic_load(&old->routes));
        s->file = f;
    }
    (void)pthread_mutex_unlock(&all_lock);
}
