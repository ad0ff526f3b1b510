/* SPDX-License-Identifier: MIT */
/* A page about one job, for people: its title, and lines of a name and what it is. */
#ifndef AR_COMMAND_PAGE_H
#define AR_COMMAND_PAGE_H

#include "job.h"
#include "table.h"

/* Appends "vm/a  queued  WaitingForCapacity", and the job's message on a line of its own. */
void command_page_title(struct buf *b, const struct table_screen *screen, const struct job *j);

/* Appends an empty line and a heading. */
void command_page_heading(struct buf *b, const struct table_screen *screen, const char *text);

/* A table of two columns; NULL without memory. A text that is absent and a time that is not set
 * make no line. */
struct table *command_page_new(const struct table_screen *screen) AR_MUST_CHECK;
void command_page_text(struct table *t, const char *name, struct str text);
/* "3 min ago (2026-11-29 06:48:28)" */
void command_page_time(struct table *t, const char *name, int64_t now, int64_t at,
                       struct clock_zone *zone);

#endif
