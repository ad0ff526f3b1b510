/* SPDX-License-Identifier: MIT */
/* A page about one job, for people. */
#include "command_page.h"

#include "ago.h"
#include "command_jobs.h"

void command_page_title(struct buf *b, const struct table_screen *screen, const struct job *j)
{
    table_paint(b, screen, TABLE_STRONG, j->type);
    table_paint(b, screen, TABLE_STRONG, STR_LIT("/"));
    table_paint(b, screen, TABLE_STRONG, j->request_id);
    buf_str(b, "  ");
    table_paint(b, screen, command_status_tone(j->status), str_of(job_status_word(j->status)));
    if (j->reason.p) {
        buf_str(b, "  ");
        table_paint(b, screen, TABLE_PLAIN, j->reason);
    }
    buf_char(b, '\n');
    if (j->message.p) {
        table_paint(b, screen, TABLE_PLAIN, j->message);
        buf_char(b, '\n');
    }
}

void command_page_heading(struct buf *b, const struct table_screen *screen, const char *text)
{
    buf_char(b, '\n');
    table_paint(b, screen, TABLE_STRONG, str_of(text));
    buf_char(b, '\n');
}

struct table *command_page_new(const struct table_screen *screen)
{
    static const struct table_column columns[] = {{NULL, TABLE_TEXT, false},
                                                  {NULL, TABLE_TEXT, false}};

    return table_new(screen, columns, ARRAY_LEN(columns));
}

void command_page_text(struct table *t, const char *name, struct str text)
{
    if (!text.p)
        return;
    table_text(t, TABLE_FAINT, str_of(name));
    table_text(t, TABLE_PLAIN, text);
}

void command_page_time(struct table *t, const char *name, int64_t now, int64_t at,
                       struct clock_zone *zone)
{
    struct buf b = BUF_INIT(128);

    if (at == 0)
        return;
    ago_write(&b, now, at);
    buf_str(&b, " (");
    ago_clock(&b, zone, at);
    buf_char(&b, ')');
    table_text(t, TABLE_FAINT, str_of(name));
    table_buf(t, TABLE_PLAIN, &b);
    buf_free(&b);
}
