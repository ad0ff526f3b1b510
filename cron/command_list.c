/* SPDX-License-Identifier: MIT */
/*
 * anteroom list: a queue in serving order. It is read a page at a time, each in a snapshot of its
 * own that is over before anything of it is printed: a reader who takes his time (a pager) keeps no
 * old snapshot open, and a million jobs take no more memory than a page.
 */
#include <stdio.h>

#include "ago.h"
#include "arena.h"
#include "command_jobs.h"
#include "listing.h"
#include "num.h"

const char command_list_help[] =
    "  --owner ID     only this owner's\n"
    "  --status A,B   only those in these states: queued, held, admitted, running, finished,\n"
    "                 failed, cancelled, expired\n"
    "  --limit N      at most so many; where there are more, standard error says how to go on\n"
    "  --after CURSOR go on behind an earlier list\n"
    "  --json         print them as GET /v1/TYPE/ does, an array\n"
    "  --color WHEN   auto, always or never\n";

enum {
    OPT_OWNER = COMMAND_OWN,
    OPT_STATUS,
    OPT_LIMIT,
    OPT_AFTER,
    PAGE_ROWS = 500,
    PAGE_BYTES = 1 << 20, /* of JSON, after which a page ends */
    PAGE_MAX = 8 << 20,   /* with one more job, however large */
    ROWS_MAX = 16 << 20,  /* bytes of the texts of a page */
};

static const struct option options[] = {
    {"owner", required_argument, NULL, OPT_OWNER},
    {"status", required_argument, NULL, OPT_STATUS},
    {"limit", required_argument, NULL, OPT_LIMIT},
    {"after", required_argument, NULL, OPT_AFTER},
    COMMAND_OPTIONS,
};

/* The last one but one is left out where the screen is narrow: a message says more. */
static const struct table_column columns[] = {
    {"REQUEST ID", TABLE_TEXT, true}, {"OWNER", TABLE_TEXT, true},  {"STATUS", TABLE_TEXT, false},
    {"AGE", TABLE_TEXT, false},       {"REASON", TABLE_TEXT, true}, {"MESSAGE", TABLE_TEXT, true},
};
enum { COLUMNS = ARRAY_LEN(columns), WIDE = 110 };

/* What a line of the table needs of a job. */
struct row {
    enum job_status status;
    int64_t created_at;
    struct str request_id, owner_id, reason, message;
};

struct listing {
    struct command_env *env;
    struct store_filter filter; /* `after` is where the last page ended */
    int64_t left;               /* jobs that may still be shown */
    int64_t now;
    bool more; /* there is at least one behind the last page */
    size_t rows;
    struct row row[PAGE_ROWS]; /* in memory, without --json */
    struct arena *memory;
    struct buf b; /* with --json: the page */
    struct json_out o;
    struct clock_zone zone;
    struct table *table;
    bool narrow; /* the table is without reasons */
    int64_t shown;
};

/* ---- reading ---- */

static int keep_text(struct listing *l, struct str text, struct str *copy)
{
    *copy = (struct str){0};
    return text.p ? arena_copy(l->memory, text, copy) : 0;
}

static int keep_row(struct listing *l, const struct job *j, struct err *e)
{
    struct row *r = &l->row[l->rows];

    r->status = j->status;
    r->created_at = j->created_at;
    if (keep_text(l, j->request_id, &r->request_id) != 0 ||
        keep_text(l, j->owner_id, &r->owner_id) != 0 || keep_text(l, j->reason, &r->reason) != 0 ||
        keep_text(l, j->message, &r->message) != 0)
        return err_set(e, ERR_INTERNAL, "no memory for the list");
    return 0;
}

static int take_row(struct listing *l, const struct job *j, struct err *e)
{
    if (l->env->json) {
        job_write(&l->o, j, &l->zone);
        if (buf_check(&l->b, "a page of the list", e) != 0)
            return -1;
    } else if (keep_row(l, j, e) != 0) {
        return -1;
    }
    l->filter.has_after = true;
    l->filter.after = (struct page_place){j->priority, j->id};
    l->rows++;
    l->left--;
    return 0;
}

static int read_rows(struct listing *l, struct err *e)
{
    struct job j;
    int rc;

    l->more = false;
    if (store_list_begin(l->env->store, &l->filter, e) != 0)
        return -1;
    while ((rc = store_list_next(l->env->store, &j, e)) == 1) {
        l->more = l->rows == PAGE_ROWS || l->left == 0 || l->b.len >= PAGE_BYTES;
        if (l->more)
            return 0;
        if (take_row(l, &j, e) != 0)
            return -1;
    }
    return rc;
}

static int read_page(struct listing *l, struct err *e)
{
    int rc;

    l->rows = 0;
    buf_reset(&l->b);
    arena_free(l->memory);
    l->memory = arena_new(ROWS_MAX);
    if (!l->memory)
        return err_set(e, ERR_INTERNAL, "no memory for the list");
    if (store_read_begin(l->env->store, e) != 0)
        return -1;
    rc = read_rows(l, e);
    store_list_end(l->env->store);
    store_read_end(l->env->store);
    return rc;
}

/* ---- printing ---- */

static void put_row(struct listing *l, const struct row *r)
{
    enum table_tone tone = command_status_tone(r->status);
    struct buf b = BUF_INIT(64);

    ago_span(&b, l->now - r->created_at);
    table_text(l->table, TABLE_PLAIN, r->request_id);
    table_text(l->table, TABLE_PLAIN, r->owner_id);
    table_text(l->table, tone, str_of(job_status_word(r->status)));
    table_buf(l->table, TABLE_FAINT, &b);
    if (!l->narrow)
        table_text(l->table, TABLE_PLAIN, r->reason);
    table_text(l->table, TABLE_FAINT, r->message);
    buf_free(&b);
}

/* False: nobody reads on. */
static bool put_page(struct listing *l)
{
    size_t i;

    l->shown += (int64_t)l->rows;
    if (l->env->json)
        return fwrite(l->b.data, 1, l->b.len, stdout) == l->b.len;
    for (i = 0; i < l->rows; i++)
        put_row(l, &l->row[i]);
    return !table_broken(l->table);
}

static int list(struct listing *l, struct err *e)
{
    do {
        if (read_page(l, e) != 0)
            return -1;
        if (l->rows > 0 && !put_page(l))
            return 0; /* the end of the output says why */
    } while (l->more && l->left > 0);
    return 0;
}

static int list_json(struct listing *l, struct err *e)
{
    struct buf end = BUF_INIT(8);
    int status, rc;

    if (fputs("[", stdout) == EOF)
        return command_print(&end);
    rc = list(l, e);
    if (rc != 0)
        return command_failed(e);
    buf_str(&end, "]\n");
    status = command_print(&end);
    buf_free(&end);
    return status;
}

static struct table *new_table(struct listing *l)
{
    struct table_column some[COLUMNS];

    memcpy(some, columns, sizeof some);
    l->narrow = l->env->screen.width > 0 && l->env->screen.width < WIDE;
    if (l->narrow)
        some[COLUMNS - 2] = some[COLUMNS - 1];
    return table_new(&l->env->screen, some, COLUMNS - l->narrow);
}

static int list_table(struct listing *l, struct err *e)
{
    struct err broken;
    int rc, printed;

    l->table = new_table(l);
    if (!l->table) {
        (void)err_set(e, ERR_INTERNAL, "no memory for the table");
        return command_failed(e);
    }
    rc = list(l, e);
    if (l->shown == 0) { /* titles above nothing say nothing */
        table_free(l->table);
        return rc == 0 ? COMMAND_OK : command_failed(e);
    }
    printed = table_end(l->table, &broken);
    if (rc != 0)
        return command_failed(e);
    return printed == 0 ? COMMAND_OK : command_failed(&broken);
}

/* ---- how it goes on ---- */

static int name_list(const struct listing *l, struct buf *name, struct err *e)
{
    static const struct who operator= {.everything = true, .changes = true};

    return listing_name(&l->filter, &operator, name, e);
}

static void say_more(const struct listing *l)
{
    struct buf name = BUF_INIT(LISTING_NAME_MAX), cursor = BUF_INIT(PAGE_CURSOR_MAX);
    struct err e;

    if (name_list(l, &name, &e) == 0)
        page_encode(l->filter.after, buf_span(&name), &cursor);
    if (cursor.data)
        fprintf(stderr, "anteroom: there are more; --after %s goes on\n", cursor.data);
    else
        fputs("anteroom: there are more\n", stderr);
    buf_free(&name);
    buf_free(&cursor);
}

static int take_after(struct listing *l, const char *after)
{
    struct buf name = BUF_INIT(LISTING_NAME_MAX);
    struct err e;
    int rc = name_list(l, &name, &e);

    if (rc == 0)
        rc = page_decode(str_of(after), buf_span(&name), &l->filter.after, &e);
    l->filter.has_after = rc == 0;
    buf_free(&name);
    return rc == 0 ? COMMAND_OK : command_misused(l->env, "--after: %s", e.text);
}

/* ---- the command line ---- */

static int take_option(struct listing *l, int option, const char **after)
{
    struct err e;

    switch (option) {
    case OPT_OWNER:
        l->filter.owner_id = str_of(optarg);
        return COMMAND_OK;
    case OPT_STATUS:
        return listing_statuses(str_of(optarg), &l->filter.statuses, &e) == 0
                   ? COMMAND_OK
                   : command_misused(l->env, "--%s", e.text);
    case OPT_LIMIT:
        return num_i64(str_of(optarg), 1, INT64_MAX, &l->left) == 0
                   ? COMMAND_OK
                   : command_misused(l->env, "--limit must be a whole number from 1 on");
    case OPT_AFTER:
        *after = optarg;
        return COMMAND_OK;
    default:
        return COMMAND_USAGE;
    }
}

static int read_wish(struct listing *l)
{
    const char *after = NULL;
    int option, status = COMMAND_OK;

    while (status == COMMAND_OK && (option = command_option(l->env, options)) != -1)
        status = take_option(l, option, &after);
    if (status == COMMAND_OK)
        status = command_take_type(l->env, &l->filter.type);
    if (status == COMMAND_OK && optind < l->env->argc)
        return command_misused(l->env, "there is an argument too many: %s", l->env->argv[optind]);
    return status == COMMAND_OK && after ? take_after(l, after) : status;
}

int command_list(struct command_env *env)
{
    struct listing *l = calloc(1, sizeof *l);
    struct err e;
    int status;

    if (!l) {
        (void)err_set(&e, ERR_INTERNAL, "no memory for the list");
        return command_failed(&e);
    }
    *l = (struct listing){
        .env = env, .left = INT64_MAX, .now = clock_now(), .b = BUF_INIT(PAGE_MAX)};
    l->o = (struct json_out){.b = &l->b};
    status = read_wish(l);
    if (status == COMMAND_OK)
        status = env->json ? list_json(l, &e) : list_table(l, &e);
    if (status == COMMAND_OK && l->more)
        say_more(l);
    else if (status == COMMAND_OK && l->shown == 0 && !env->json)
        fputs("anteroom: there is no such job\n", stderr);
    arena_free(l->memory);
    buf_free(&l->b);
    free(l);
    return status;
}
