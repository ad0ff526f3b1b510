/* SPDX-License-Identifier: MIT */
/* anteroom show: one job with what happened to it and how its callback went, as a page for people
 * or as the JSON of the API's three answers about it. */
#include <stdio.h>

#include "ago.h"
#include "command_jobs.h"
#include "command_page.h"
#include "store_history.h"

const char command_show_help[] =
    "Without these options, the job with all of it; --json prints one thing at a time, as\n"
    "GET /v1/TYPE/REQUEST_ID does, or …/events, or …/deliveries:\n"
    "  --events       what happened to it: who did what, and when\n"
    "  --deliveries   the tries of its callback\n"
    "  --json         as JSON\n"
    "  --color WHEN   auto, always or never\n";

enum { OPT_EVENTS = COMMAND_OWN, OPT_DELIVERIES, OUTPUT_MAX = 64 << 20, TABLE_MAX = 512 << 20 };

static const struct option options[] = {
    {"events", no_argument, NULL, OPT_EVENTS},
    {"deliveries", no_argument, NULL, OPT_DELIVERIES},
    COMMAND_OPTIONS,
};

/* What is shown: any of them for people, one of them as JSON. */
enum { JOB = 1, EVENTS = 2, DELIVERIES = 4 };

struct show {
    struct command_env *env;
    struct str type, request_id;
    unsigned what;
    int64_t now, job_id;
    struct clock_zone zone;
    char instance[17];
    struct buf b; /* JSON, and the page's first lines */
    struct json_out o;
    struct table *member, *event, *delivery;
    struct buf text[3]; /* of these: a long one begins before the snapshot is over */
    size_t deliveries;
};

/* ---- the job ---- */

static void put_text(struct show *w, const char *name, struct str text)
{
    command_page_text(w->member, name, text);
}

static void put_time(struct show *w, const char *name, int64_t at)
{
    command_page_time(w->member, name, w->now, at, &w->zone);
}

static void put_job(struct show *w, const struct job *j)
{
    char priority[24];

    (void)snprintf(priority, sizeof priority, "%lld", (long long)j->priority);
    command_page_title(&w->b, &w->env->screen, j);
    put_text(w, "Owner", j->owner_id);
    put_text(w, "Callback", j->callback);
    put_text(w, "Priority", str_of(priority));
    put_time(w, "Created", j->created_at);
    put_time(w, "Changed", j->updated_at);
    put_time(w, "Not before", j->not_before);
    put_time(w, "Valid until", j->valid_until);
    put_time(w, "Admitted", j->admitted_at);
    put_time(w, "Started", j->started_at);
    put_time(w, "Over", j->finished_at);
    put_text(w, "Hosts", j->hosts);
    put_text(w, "Data", j->data);
}

/* ---- its history ---- */

static void put_ago(struct show *w, struct table *t, int64_t at)
{
    struct buf b = BUF_INIT(64);

    ago_write(&b, w->now, at);
    table_buf(t, TABLE_FAINT, &b);
    buf_free(&b);
}

/* "queued → held", "5 → 4", or the bare word. */
static void name_event(const struct store_event *ev, struct buf *b)
{
    if (ev->to_status.p)
        buf_printf(b, "%.*s → %.*s", (int)ev->from_status.n, ev->from_status.p,
                   (int)ev->to_status.n, ev->to_status.p);
    else if (ev->has_priority)
        buf_printf(b, "%.*s %lld → %lld", (int)ev->event.n, ev->event.p,
                   (long long)ev->from_priority, (long long)ev->to_priority);
    else
        buf_add(b, ev->event.p, ev->event.n);
}

static int put_event(void *ctx, const struct store_event *ev, struct err *e)
{
    struct show *w = ctx;
    struct buf b = BUF_INIT(1024);

    (void)e;
    if (w->env->json) {
        store_event_write(&w->o, ev, &w->zone);
        return 0;
    }
    name_event(ev, &b);
    put_ago(w, w->event, ev->at);
    table_text(w->event, TABLE_PLAIN, ev->who.p ? ev->who : STR_LIT("?"));
    table_buf(w->event, TABLE_STRONG, &b);
    table_text(w->event, TABLE_PLAIN, ev->message);
    buf_free(&b);
    return 0;
}

static enum table_tone outcome_tone(struct str outcome)
{
    if (str_is(outcome, "accepted"))
        return TABLE_GOOD;
    return str_is(outcome, "failed") ? TABLE_BAD : TABLE_BUSY;
}

static int put_delivery(void *ctx, const struct store_delivery *d, struct err *e)
{
    struct show *w = ctx;
    struct table *t = w->delivery;
    char took[32], status[16] = "-";

    (void)e;
    if (w->env->json) {
        store_delivery_write(&w->o, d, w->instance, w->job_id, &w->zone);
        return 0;
    }
    (void)snprintf(took, sizeof took, "%lld ms", (long long)((d->ns + NS_PER_MS / 2) / NS_PER_MS));
    if (d->status != 0)
        (void)snprintf(status, sizeof status, "%d", d->status);
    w->deliveries++;
    table_number(t, TABLE_PLAIN, d->n);
    put_ago(w, t, d->at);
    table_text(t, TABLE_PLAIN, str_of(took));
    table_text(t, TABLE_PLAIN, str_of(status));
    table_text(t, outcome_tone(d->outcome), d->outcome);
    put_ago(w, t, d->next_try);
    table_text(t, TABLE_PLAIN, d->address);
    table_text(t, TABLE_PLAIN, d->error.p ? d->error : d->answer);
    return 0;
}

/* ---- all of it ---- */

static int read_job(struct show *w, struct job *j, struct err *e)
{
    struct store *s = w->env->store;

    if (store_show(s, w->type, w->request_id, j, e) != 0)
        return -1;
    w->job_id = j->id;
    if ((w->what & JOB) && w->env->json)
        job_write(&w->o, j, &w->zone);
    else if (w->what & JOB)
        put_job(w, j);
    return 0;
}

/* The array of JSON is opened here, as there is just one thing then. */
static int read_rows(struct show *w, const struct job *j, struct err *e)
{
    struct store *s = w->env->store;
    int rc = 0;

    if (w->env->json && !(w->what & JOB))
        json_open(&w->o, '[');
    if (w->what & EVENTS)
        rc = store_events(s, j, -1, INT64_MAX, put_event, w, e);
    if (rc == 0 && (w->what & DELIVERIES))
        rc = store_instance(s, w->instance, e);
    if (rc == 0 && (w->what & DELIVERIES))
        rc = store_deliveries(s, w->job_id, 0, INT64_MAX, put_delivery, w, e);
    if (w->env->json && !(w->what & JOB))
        json_close(&w->o, ']');
    return rc;
}

/* Of one moment; what is printed waits until the snapshot is over. */
static int read_all(struct show *w, struct err *e)
{
    struct job j;
    int rc;

    if (store_read_begin(w->env->store, e) != 0)
        return -1;
    rc = read_job(w, &j, e);
    if (rc == 0)
        rc = read_rows(w, &(struct job){.id = j.id, .created_at = j.created_at}, e);
    store_read_end(w->env->store);
    return rc;
}

static int make_tables(struct show *w)
{
    static const struct table_column events[] = {
        {"WHEN", TABLE_TEXT, false},
        {"WHO", TABLE_TEXT, true},
        {"WHAT", TABLE_TEXT, false},
        {"MESSAGE", TABLE_TEXT, true},
    };
    static const struct table_column deliveries[] = {
        {"TRY", TABLE_NUMBER, false},   {"WHEN", TABLE_TEXT, false},
        {"TOOK", TABLE_NUMBER, false},  {"STATUS", TABLE_NUMBER, false},
        {"OUTCOME", TABLE_TEXT, false}, {"NEXT", TABLE_TEXT, false},
        {"ADDRESS", TABLE_TEXT, false}, {"SAID", TABLE_TEXT, true},
    };

    w->member = command_page_new(&w->env->screen);
    w->event = table_new(&w->env->screen, events, ARRAY_LEN(events));
    w->delivery = table_new(&w->env->screen, deliveries, ARRAY_LEN(deliveries));
    if (!w->member || !w->event || !w->delivery)
        return -1;
    table_into(w->member, &w->text[0]);
    table_into(w->event, &w->text[1]);
    table_into(w->delivery, &w->text[2]);
    return 0;
}

/* The tables end one after the other; the first one that can't is the last. */
static int print_page(struct show *w, struct err *e)
{
    struct {
        struct table **table;
        const char *heading;
        bool wanted;
    } parts[] = {
        {&w->member, NULL, (w->what & JOB) != 0},
        {&w->event, "Events", (w->what & EVENTS) != 0},
        {&w->delivery, "Deliveries", (w->what & DELIVERIES) != 0 && w->deliveries > 0},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(parts); i++) {
        struct table *t = *parts[i].table;

        if (!parts[i].wanted)
            continue;
        if (parts[i].heading && (w->what & JOB))
            command_page_heading(&w->b, &w->env->screen, parts[i].heading);
        if (command_print(&w->b) != COMMAND_OK)
            return err_set(e, ERR_UNAVAILABLE, "%s", ""); /* it has been said */
        buf_reset(&w->b);
        *parts[i].table = NULL;
        if (table_end(t, e) != 0)
            return -1;
        if (command_print(&w->text[i]) != COMMAND_OK)
            return err_set(e, ERR_UNAVAILABLE, "%s", "");
    }
    return 0;
}

static int show(struct show *w, struct err *e)
{
    if (make_tables(w) != 0)
        return err_set(e, ERR_INTERNAL, "no memory for the page");
    if (read_all(w, e) != 0 || buf_check(&w->b, "the page", e) != 0)
        return -1;
    if (!w->env->json)
        return print_page(w, e);
    buf_char(&w->b, '\n');
    return command_print(&w->b) == COMMAND_OK ? 0 : err_set(e, ERR_UNAVAILABLE, "%s", "");
}

static int read_wish(struct show *w)
{
    struct command_env *env = w->env;
    int option, status;

    while ((option = command_option(env, options)) > 0)
        w->what |= option == OPT_EVENTS ? EVENTS : DELIVERIES;
    if (option == 0)
        return COMMAND_USAGE;
    if (env->json && w->what == (EVENTS | DELIVERIES))
        return command_misused(env, "--json prints one thing: --events or --deliveries");
    if (w->what == 0)
        w->what = env->json ? JOB : JOB | EVENTS | DELIVERIES;
    status = command_take_type(env, &w->type);
    return status == COMMAND_OK ? command_take_id(env, &w->request_id) : status;
}

int command_show(struct command_env *env)
{
    struct show w = {.env = env, .now = clock_now(), .b = BUF_INIT(OUTPUT_MAX)};
    struct err e;
    int status = read_wish(&w);
    size_t i;

    w.o = JSON_OUT(&w.b);
    for (i = 0; i < ARRAY_LEN(w.text); i++)
        w.text[i] = BUF_INIT(TABLE_MAX);
    if (status == COMMAND_OK && show(&w, &e) != 0)
        status = command_failed(&e);
    table_free(w.member);
    table_free(w.event);
    table_free(w.delivery);
    for (i = 0; i < ARRAY_LEN(w.text); i++)
        buf_free(&w.text[i]);
    buf_free(&w.b);
    return status;
}
