/* SPDX-License-Identifier: MIT */
/*
 * For pre_fail.c: where the code of some libraries lies, to know who asks for memory.
 */
#ifndef FAIL_PLACES_H
#define FAIL_PLACES_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { RANGES_MAX = 8 };

/* Where the code of some libraries lies. */
struct ranges {
    size_t n;
    struct {
        uintptr_t from, to;
    } range[RANGES_MAX];
};

/* Constant after note_places. */
static struct ranges spared, sqlite;

static void note(struct ranges *r, const struct dl_phdr_info *info)
{
    int i;

    for (i = 0; i < info->dlpi_phnum && r->n < RANGES_MAX; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];

        if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
            continue;
        r->range[r->n].from = info->dlpi_addr + part->p_vaddr;
        r->range[r->n].to = r->range[r->n].from + part->p_memsz;
        r->n++;
    }
}

static int note_library(struct dl_phdr_info *info, size_t size, void *ctx)
{
    char copy[256], *part, *rest;

    (void)size;
    (void)snprintf(copy, sizeof copy, "%s", (const char *)ctx);
    for (part = strtok_r(copy, ":", &rest); part; part = strtok_r(NULL, ":", &rest)) {
        if (strstr(info->dlpi_name, part))
            note(&spared, info);
    }
    if (strstr(info->dlpi_name, "libsqlite3"))
        note(&sqlite, info);
    return 0;
}

static bool is_in(const struct ranges *r, const void *caller)
{
    uintptr_t at = (uintptr_t)caller;
    size_t i;

    for (i = 0; i < r->n; i++) {
        if (at >= r->range[i].from && at < r->range[i].to)
            return true;
    }
    return false;
}

/* `spares`: parts of file names, with ':' between. */
static void note_places(const char *spares)
{
    (void)dl_iterate_phdr(note_library, (void *)(uintptr_t)spares);
}

#endif
