/* SPDX-License-Identifier: MIT */
/*
 * Tables on a terminal: columns as wide as what they hold, cut to the terminal's width where it is
 * one (a column says whether it may be cut), full and without colours where it is none (a pipe), or
 * where NO_COLOR is set or --color=never. Widths are those of what is seen, not of bytes (seen.h).
 * Control characters of strangers are made visible. Memory is bounded by the rows that are looked
 * at for the widths (TABLE_LOOKED_AT, and TABLE_TEXT_MAX bytes); later rows are printed as they
 * come.
 */
#ifndef AR_TABLE_H
#define AR_TABLE_H

#include "buf.h"
#include "err.h"

enum { TABLE_COLUMNS_MAX = 16, TABLE_LOOKED_AT = 1000, TABLE_TEXT_MAX = 4 << 20 };

enum table_kind { TABLE_TEXT, TABLE_NUMBER /* flush right */ };

/* Without a title in the first column there is no line of titles. */
struct table_column {
    const char *title;
    enum table_kind kind;
    bool cut; /* may be shortened, with "…": the first column after all others */
};

/* What is known of the output; table_screen asks fd 1, the environment (COLUMNS, NO_COLOR, TERM).
 */
struct table_screen {
    bool terminal, colours;
    int width; /* 0: any */
};
struct table_screen table_screen(void);

/* What --color=WHEN says: auto leaves it as it is, always, never. -1: it is none of these. */
int table_colours(struct table_screen *screen, struct str when) AR_MUST_CHECK;

/* Colours have names of what they say. */
enum table_tone { TABLE_PLAIN, TABLE_GOOD, TABLE_BUSY, TABLE_BAD, TABLE_FAINT, TABLE_STRONG };

/* Appends text, made visible, in its colour if there are colours: for what is no table. */
void table_paint(struct buf *b, const struct table_screen *screen, enum table_tone tone,
                 struct str text);

struct table;
struct table *table_new(const struct table_screen *screen, const struct table_column *column,
                        size_t columns) AR_MUST_CHECK; /* NULL without memory; copies both */
/* What it prints is appended to `to`: in a snapshot nobody waits for who reads it. */
void table_into(struct table *t, struct buf *to);
/* Cells from left to right; the row ends with the last one. */
void table_text(struct table *t, enum table_tone tone, struct str text);
/* What the buffer holds; the table has failed where it had. */
void table_buf(struct table *t, enum table_tone tone, const struct buf *text);
void table_number(struct table *t, enum table_tone tone, int64_t v);
/* Has something gone wrong already, so that further rows are in vain? table_end says what. */
bool table_broken(const struct table *t);
/* Writes what is left to standard output, and frees. 0, or -1 and *e: no memory, or the output
 * could not be written; the text of *e is empty where the reader of a pipe has gone (as `head`
 * does), which needs no words. */
int table_end(struct table *t, struct err *e) AR_MUST_CHECK;
/* Frees it without writing any more. */
void table_free(struct table *t);

#endif
