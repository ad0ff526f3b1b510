/* SPDX-License-Identifier: MIT */
/* anteroom top: the queues and who is first in line, drawn again and again; q ends it. */
#include <stdio.h>
#include <string.h>

#include "ago.h"
#include "clock.h"
#include "command.h"
#include "num.h"
#include "queue_table.h"
#include "screen.h"

enum {
    OPT_INTERVAL = COMMAND_OWN,
    OPT_ONCE,
    OUTPUT_MAX = 64 << 20,
    HEAD_LINES = 2,  /* above the queues, the empty one too */
    FRAME_LINES = 6, /* all that are neither queues nor jobs */
    JOBS_LEAST = 5,
    ONCE_LINES = 50
};

static const struct option options[] = {{"interval", required_argument, NULL, OPT_INTERVAL},
                                        {"once", no_argument, NULL, OPT_ONCE},
                                        COMMAND_OPTIONS};

struct top {
    struct command_env *env;
    struct table_screen screen;
    int64_t interval;
    int lines; /* that there are to draw on */
    bool once;
};

/* ---- the first in line ---- */

static const struct table_column columns[] = {
    {"NEXT", TABLE_TEXT, true},     {"REQUEST ID", TABLE_TEXT, true}, {"OWNER", TABLE_TEXT, true},
    {"WAITS", TABLE_NUMBER, false}, {"REASON", TABLE_TEXT, false},    {"MESSAGE", TABLE_TEXT, true},
};

struct line {
    struct store *s;
    struct table *t;
    int64_t now;
    int64_t each; /* jobs of one queue at the most */
};

static void put_job(struct line *l, const struct job *j, bool first)
{
    struct buf waits = BUF_INIT(64);

    ago_span(&waits, l->now - j->queued_at);
    table_text(l->t, TABLE_STRONG, first ? j->type : STR_LIT(""));
    table_text(l->t, TABLE_PLAIN, j->request_id);
    table_text(l->t, TABLE_PLAIN, j->owner_id);
    table_buf(l->t, TABLE_PLAIN, &waits);
    buf_free(&waits);
    table_text(l->t, TABLE_BUSY, j->reason.p ? j->reason : STR_LIT(""));
    table_text(l->t, TABLE_FAINT, j->message.p ? j->message : STR_LIT(""));
}

static int put_first(struct line *l, struct str type, struct err *e)
{
    struct store_filter f = {.type = type, .statuses = 1U << JOB_QUEUED};
    struct job j;
    int64_t n = 0;
    int rc = store_list_begin(l->s, &f, e);

    while (rc == 0 && n < l->each && (rc = store_list_next(l->s, &j, e)) == 1) {
        put_job(l, &j, n++ == 0);
        rc = 0;
    }
    store_list_end(l->s);
    return rc < 0 ? -1 : 0;
}

/* The types of the queues in which somebody waits. */
struct types {
    size_t n;
    char type[16][JOB_NAME_MAX + 1];
};

static int note_type(void *ctx, const struct store_queue *q, struct err *e)
{
    struct types *t = ctx;

    (void)e;
    if (q->jobs[JOB_QUEUED] > 0 && t->n < ARRAY_LEN(t->type))
        (void)snprintf(t->type[t->n++], sizeof t->type[0], "%.*s", (int)q->type.n, q->type.p);
    return 0;
}

static int put_line(const struct top *top, int64_t room, struct buf *b, struct err *e)
{
    struct line l = {.s = top->env->store, .now = clock_now()};
    struct types types = {0};
    struct err ignored;
    size_t i;
    int rc;

    if (store_queues(l.s, l.now, note_type, &types, e) < 0)
        return -1;
    if (types.n == 0 || room < 1)
        return 0;
    l.each = room / (int64_t)types.n > 0 ? room / (int64_t)types.n : 1;
    l.t = table_new(&top->screen, columns, ARRAY_LEN(columns));
    if (!l.t)
        return err_set(e, ERR_INTERNAL, "no memory for a table");
    buf_char(b, '\n');
    table_into(l.t, b);
    for (i = 0, rc = 0; rc == 0 && i < types.n && (int64_t)i * l.each < room; i++)
        rc = put_first(&l, str_of(types.type[i]), e);
    if (rc == 0)
        return table_end(l.t, e);
    (void)!table_end(l.t, &ignored);
    return -1;
}

/* ---- a frame ---- */

static void put_head(const struct top *top, struct buf *b)
{
    struct buf text = BUF_INIT(1024);
    size_t most = top->screen.width > 1 ? (size_t)top->screen.width - 1 : SIZE_MAX;
    struct clock_zone zone = {0};

    buf_str(&text, "anteroom ");
    ago_clock(&text, &zone, clock_now());
    if (!top->once)
        buf_str(&text, "  q ends it");
    buf_printf(&text, "  %.200s", top->env->conf->database.p);
    text.len = text.len > most ? most : text.len;
    table_paint(b, &top->screen, TABLE_STRONG, buf_span(&text));
    buf_str(b, "\n\n");
    buf_free(&text);
}

static void put_sums(const struct queue_sums *sums, struct buf *b)
{
    if (sums->shown < sums->queues)
        buf_printf(b, "… and %lld more queues\n", (long long)(sums->queues - sums->shown));
    buf_printf(b, "%lld waiting, %lld admitted, %lld running\n", (long long)sums->waiting,
               (long long)sums->admitted, (long long)sums->running);
}

/* In a snapshot, which is over before anything is printed: a terminal that is stopped keeps no old
 * one open. */
static int make_frame(const struct top *top, struct buf *b, struct err *e)
{
    struct store *s = top->env->store;
    struct queue_sums sums;
    int64_t most = top->lines - FRAME_LINES - HEAD_LINES - JOBS_LEAST, room;
    int rc;

    if (store_read_begin(s, e) != 0)
        return -1;
    put_head(top, b);
    rc = queue_table_print(s, &top->screen, most > 1 ? most : 1, &sums, b, e);
    if (rc == 0) {
        put_sums(&sums, b);
        room = top->lines - FRAME_LINES - HEAD_LINES - sums.shown;
        rc = put_line(top, room, b, e);
    }
    store_read_end(s);
    return rc == 0 ? buf_check(b, "the frame", e) : -1;
}

static int put_frame(const struct top *top, struct err *e)
{
    struct buf b = BUF_INIT(OUTPUT_MAX);
    int rc = make_frame(top, &b, e);

    if (rc == 0 && command_print(&b) != COMMAND_OK) {
        *e = (struct err){.code = ERR_UNAVAILABLE}; /* said already */
        rc = -1;
    }
    buf_free(&b);
    return rc;
}

/* ---- again and again ---- */

static int draw(struct top *top, struct err *e)
{
    int width;

    screen_size(&width, &top->lines);
    top->screen.width = width;
    screen_draw(); /* it goes out with the frame */
    return put_frame(top, e);
}

static int watch(struct top *top)
{
    enum screen_news news = SCREEN_NOTHING;
    struct screen screen;
    struct err e;
    int rc = 0;

    if (screen_begin(&screen, &e) != 0)
        return command_failed(&e);
    while (rc == 0 && news != SCREEN_QUIT) {
        rc = draw(top, &e);
        if (rc == 0)
            news = screen_wait(&screen, top->interval);
    }
    screen_end(&screen);
    return rc == 0 ? COMMAND_OK : command_failed(&e);
}

static int print_json(struct command_env *env)
{
    struct buf b = BUF_INIT(OUTPUT_MAX);
    struct err e;
    int status, rc = store_read_begin(env->store, &e);

    if (rc == 0) {
        rc = queue_table_json(env->store, &b, &e);
        store_read_end(env->store);
    }
    status = rc == 0 ? command_print(&b) : command_failed(&e);
    buf_free(&b);
    return status;
}

static int take_interval(const struct command_env *env, struct top *top)
{
    if (num_duration(str_of(optarg), &top->interval) == 0 && top->interval >= 100 * NS_PER_MS &&
        top->interval <= 3600 * NS_PER_S)
        return 0;
    return command_misused(env, "--interval must be a duration from 100ms to 1h (2s)");
}

static int read_wish(struct command_env *env, struct top *top)
{
    int option, rc = 0;

    while (rc == 0 && (option = command_option(env, options)) > 0) {
        if (option == OPT_ONCE)
            top->once = true;
        else
            rc = take_interval(env, top);
    }
    if (rc == 0 && option == 0)
        rc = COMMAND_USAGE;
    if (rc == 0 && optind != env->argc)
        rc = command_misused(env, "there is an argument too many: %s", env->argv[optind]);
    return rc;
}

int command_top(struct command_env *env)
{
    struct top top = {.env = env, .interval = NS_PER_S, .lines = ONCE_LINES};
    struct err e;
    int status = read_wish(env, &top);

    if (status != 0)
        return status;
    if (env->json)
        return print_json(env);
    top.screen = env->screen;
    top.once = top.once || !env->screen.terminal;
    if (!top.once)
        return watch(&top);
    return put_frame(&top, &e) == 0 ? COMMAND_OK : command_failed(&e);
}
