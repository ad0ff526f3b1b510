/* SPDX-License-Identifier: MIT */
/*
 * Tables on a terminal. Rows are kept until there are enough of them to know how wide the columns
 * are (or the table ends); from then on a row is printed as soon as its last cell is there. The
 * cells that are kept stand one behind the other in `text`; of a row under way, too.
 */
#include "table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "num.h"
#include "seen.h"

enum {
    GAP = 2,
    NARROWEST = 6,        /* a column is not cut to less, or it says nothing */
    SCREEN_USUAL = 80,    /* of a terminal that does not say */
    SCREEN_MAX = 1 << 15, /* more is a joke of COLUMNS */
    OUT_MAX = 512 << 20,  /* a row with all its colours; text is bounded long before */
    OUT_AT_ONCE = 64 << 10,
};

struct cell {
    size_t at, n, width;
    enum table_tone tone;
};

struct table {
    struct table_screen screen;
    size_t columns;
    struct table_column column[TABLE_COLUMNS_MAX];
    size_t width[TABLE_COLUMNS_MAX]; /* the widest seen; then, as it is printed */
    bool flowing;                    /* the widths are settled, the titles written */
    struct buf text;
    struct cell *cell; /* [cells], whole rows and the one under way */
    size_t cells, room;
    struct buf out;
    struct buf *to; /* in place of standard output; NULL: there */
    size_t blanks;  /* between the last cell of `out` and the next */
    bool no_memory;
    int error; /* of the output; 0: none */
};

struct table_screen table_screen(void)
{
    struct table_screen s = {.terminal = isatty(STDOUT_FILENO) == 1};
    const char *columns = getenv("COLUMNS"), *none = getenv("NO_COLOR"), *term = getenv("TERM");
    struct winsize size = {0};
    int64_t width;

    if (!s.terminal)
        return s;
    s.width = SCREEN_USUAL;
    if (columns && num_i64(str_of(columns), 1, SCREEN_MAX, &width) == 0)
        s.width = (int)width;
    else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        s.width = size.ws_col;
    s.colours = !(none && *none) && term && *term && strcmp(term, "dumb") != 0;
    return s;
}

int table_colours(struct table_screen *screen, struct str when)
{
    if (str_is(when, "always"))
        screen->colours = true;
    else if (str_is(when, "never"))
        screen->colours = false;
    else if (!str_is(when, "auto"))
        return -1;
    return 0;
}

/* ---- cells ---- */

#define PLAIN_AGAIN "\x1b[0m"

static const char *const tones[] = {
    [TABLE_PLAIN] = "",       [TABLE_GOOD] = "\x1b[32m", [TABLE_BUSY] = "\x1b[36m",
    [TABLE_BAD] = "\x1b[31m", [TABLE_FAINT] = "\x1b[2m", [TABLE_STRONG] = "\x1b[1m",
};

void table_paint(struct buf *b, const struct table_screen *screen, enum table_tone tone,
                 struct str text)
{
    bool coloured = screen->colours && tone != TABLE_PLAIN && text.n > 0;

    if (coloured)
        buf_str(b, tones[tone]);
    seen_put(b, text);
    if (coloured)
        buf_str(b, PLAIN_AGAIN);
}

/* Blanks are put once something stands behind them: none at the end of a line. */
static void put_blanks(struct table *t)
{
    char *p = buf_room(&t->out, t->blanks);

    if (!p)
        return;
    memset(p, ' ', t->blanks);
    p[t->blanks] = '\0';
    t->out.len += t->blanks;
    t->blanks = 0;
}

/* On a terminal a cell of a column that may be cut is never wider than its column. */
static void put_cell(struct table *t, size_t column, const struct cell *c)
{
    struct str text = {c->n ? t->text.data + c->at : "", c->n};
    size_t width = c->width, wide = t->width[column], pad;
    bool cut = t->column[column].cut && t->screen.width > 0 && width > wide;
    bool coloured = t->screen.colours && c->tone != TABLE_PLAIN && c->n > 0;

    if (cut) {
        text = seen_cut(text, wide - 1, &width);
        width++;
    }
    pad = width < wide ? wide - width : 0;
    if (t->column[column].kind == TABLE_NUMBER)
        t->blanks += pad;
    if (c->n > 0) {
        put_blanks(t);
        buf_str(&t->out, coloured ? tones[c->tone] : "");
        buf_add(&t->out, text.p, text.n);
        buf_str(&t->out, cut ? "…" : "");
        buf_str(&t->out, coloured ? PLAIN_AGAIN : "");
    }
    if (column + 1 == t->columns) {
        buf_char(&t->out, '\n');
        t->blanks = 0;
    } else {
        t->blanks += GAP + (t->column[column].kind == TABLE_TEXT ? pad : 0);
    }
}

/* ---- output ---- */

static void print_out(struct table *t)
{
    bool good = t->out.len == 0 || fwrite(t->out.data, 1, t->out.len, stdout) == t->out.len;

    if (!good || fflush(stdout) != 0)
        t->error = errno ? errno : EIO;
}

static void write_out(struct table *t)
{
    if (!t->to)
        print_out(t);
    else if (t->out.len > 0)
        buf_add(t->to, t->out.data, t->out.len);
    t->no_memory |= t->out.failed || (t->to && t->to->failed);
    buf_reset(&t->out);
}

/* Writes the rows that are kept. */
static void put_rows(struct table *t)
{
    size_t i;

    for (i = 0; i < t->cells && !table_broken(t); i++) {
        put_cell(t, i % t->columns, &t->cell[i]);
        if (t->out.len >= OUT_AT_ONCE)
            write_out(t);
    }
    t->cells = 0;
    buf_reset(&t->text);
}

static size_t all_widths(const struct table *t)
{
    size_t i, sum = GAP * (t->columns - 1);

    for (i = 0; i < t->columns; i++)
        sum += t->width[i];
    return sum;
}

/* The widest column that may still become narrower; columns: there is none. The first one names
 * the row: of what is not more than half the screen it gives only when nothing else can. */
static size_t widest(const struct table *t)
{
    size_t i, found = t->columns;

    for (i = t->columns; i-- > 0;) {
        bool spared = i == 0 && t->width[0] <= (size_t)t->screen.width / 2;

        if (t->column[i].cut && t->width[i] > NARROWEST &&
            (found == t->columns || (!spared && t->width[i] > t->width[found])))
            found = i;
    }
    return found;
}

/* Makes the columns as narrow as the screen asks, the widest first. */
static void squeeze(struct table *t)
{
    size_t i, screen = (size_t)t->screen.width;

    for (i = 0; i < t->columns; i++) {
        if (t->column[i].cut && t->width[i] > screen + NARROWEST)
            t->width[i] = screen + NARROWEST;
    }
    while (all_widths(t) > screen && (i = widest(t)) < t->columns)
        t->width[i]--;
    for (i = 0; i < t->columns; i++)
        t->width[i] += t->width[i] == 0; /* so that there is room for "…" */
    i = t->columns - 1;
    if (t->column[i].cut && t->column[i].kind == TABLE_TEXT && all_widths(t) < screen)
        t->width[i] += screen - all_widths(t); /* nothing stands behind it */
}

static void put_titles(struct table *t)
{
    size_t i;

    if (!t->column[0].title)
        return;
    for (i = 0; i < t->columns; i++) {
        struct str title = str_of(t->column[i].title);
        struct cell c = {t->text.len, title.n, seen_width(title), TABLE_STRONG};

        buf_add(&t->text, title.p, title.n);
        if (!t->text.failed)
            put_cell(t, i, &c);
    }
}

static void flow(struct table *t)
{
    if (t->flowing || table_broken(t))
        return;
    t->flowing = true;
    if (t->screen.width > 0)
        squeeze(t);
    put_titles(t);
    put_rows(t);
}

/* ---- from outside ---- */

struct table *table_new(const struct table_screen *screen, const struct table_column *column,
                        size_t columns)
{
    struct table *t = calloc(1, sizeof *t);
    size_t i;

    if (!t)
        return NULL;
    t->screen = *screen;
    t->columns = columns;
    t->text = BUF_INIT(OUT_MAX);
    t->out = BUF_INIT(OUT_MAX);
    for (i = 0; i < columns; i++) {
        t->column[i] = column[i];
        if (column[0].title)
            t->width[i] = seen_width(str_of(column[i].title));
    }
    return t;
}

void table_into(struct table *t, struct buf *to)
{
    t->to = to;
}

bool table_broken(const struct table *t)
{
    return t->no_memory || t->error != 0;
}

static struct cell *new_cell(struct table *t)
{
    size_t room = t->room ? 2 * t->room : 4 * TABLE_COLUMNS_MAX;
    struct cell *cell;

    if (t->cells < t->room)
        return &t->cell[t->cells++];
    cell = realloc(t->cell, room * sizeof *cell);
    if (!cell) {
        t->no_memory = true;
        return NULL;
    }
    t->cell = cell;
    t->room = room;
    return &t->cell[t->cells++];
}

static void row_ends(struct table *t)
{
    if (t->flowing)
        put_rows(t);
    else if (t->cells >= TABLE_LOOKED_AT * t->columns || t->text.len >= TABLE_TEXT_MAX)
        flow(t);
}

void table_text(struct table *t, enum table_tone tone, struct str text)
{
    size_t column = t->cells % t->columns;
    struct cell *c;

    if (table_broken(t) || !(c = new_cell(t)))
        return;
    c->at = t->text.len;
    c->tone = tone;
    seen_put(&t->text, text);
    if (t->text.failed) {
        t->no_memory = true;
        return;
    }
    c->n = t->text.len - c->at;
    c->width = seen_width((struct str){c->n ? t->text.data + c->at : "", c->n});
    if (!t->flowing && c->width > t->width[column])
        t->width[column] = c->width;
    if (column + 1 == t->columns)
        row_ends(t);
}

void table_buf(struct table *t, enum table_tone tone, const struct buf *text)
{
    t->no_memory = t->no_memory || text->no_memory;
    table_text(t, tone, buf_span(text));
}

void table_number(struct table *t, enum table_tone tone, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)v);

    table_text(t, tone, (struct str){text, (size_t)n});
}

void table_free(struct table *t)
{
    if (!t)
        return;
    buf_free(&t->text);
    buf_free(&t->out);
    free(t->cell);
    free(t);
}

int table_end(struct table *t, struct err *e)
{
    int rc = 0, error;
    bool no_memory;

    flow(t);
    if (!table_broken(t))
        write_out(t);
    error = t->error;
    no_memory = t->no_memory;
    table_free(t);
    if (no_memory)
        rc = err_set(e, ERR_INTERNAL, "no memory for the table");
    else if (error == EPIPE)
        rc = err_set(e, ERR_UNAVAILABLE, "%s", "");
    else if (error) {
        errno = error;
        rc = err_errno(e, ERR_UNAVAILABLE, "the output could not be written");
    }
    return rc;
}
