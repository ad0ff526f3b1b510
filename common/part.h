/* SPDX-License-Identifier: MIT */
/*
 * A file that is there as a whole or not at all: it is written as <name>.part beside its name, and
 * gets its name when it is on the disk. Who writes <name>.part has it locked; one that nobody has
 * locked was left by a program that was killed, and is begun anew. Mode 0600.
 */
#ifndef AR_PART_H
#define AR_PART_H

#include <limits.h>

#include "err.h"

struct part {
    char name[PATH_MAX], path[PATH_MAX];
    int fd;
    bool taken; /* another program's remains were there */
};

/* Makes <name>.part, empty, and locks it. 0 and *p (part_drop), or -1: ERR_UNAVAILABLE also when
 * somebody else is writing it. */
int part_open(const char *name, struct part *p, struct err *e) AR_MUST_CHECK;

/* Flushes it and gives it its name; the name is on the disk then. Where a file has the name,
 * `replace` says whether it goes: if not, ERR_PRECONDITION_FAILED. */
int part_keep(struct part *p, bool replace, struct err *e) AR_MUST_CHECK;

/* Takes away what was not kept. Always, at the end. */
void part_drop(struct part *p);

/* How many bytes it has by now. */
int64_t part_size(const struct part *p);

#endif
