/* SPDX-License-Identifier: MIT */
/* anteroom submit: puts jobs into a queue, from a file or as options say. Either way it is the text
 * that a client would post, and is checked as that is. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "command_jobs.h"
#include "job_batch.h"
#include "seen.h"
#include "wake.h"

const char command_submit_help[] =
    "FILE, or - for standard input, holds one job as JSON, or an array of up to 1000 of which all\n"
    "are created or none. Without it the job is what these options say:\n"
    "  --request-id ID    its name (required)\n"
    "  --owner ID         whose it is (required)\n"
    "  --callback URL     what is called once it has its resources (required)\n"
    "  --data JSON        what it asks for, an object (required)\n"
    "  --priority N       the smallest is served first; else behind all others\n"
    "  --not-before TIME  it sleeps until then, as 2030-01-31T00:00:00Z\n"
    "  --valid-until TIME then it expires, if it still waits\n"
    "Options: --json prints the job, or the array of jobs, as it was created.\n";

enum {
    OPT_TEXT = COMMAND_OWN, /* and one more for each row of members */
    OUTPUT_MAX = 256 << 20,
    PIECE = 64 << 10,
};

enum kind { TEXT, NUMBER, JSON };

static const struct member {
    const char *option, *name;
    enum kind kind;
} members[] = {
    {"request-id", "request_id", TEXT},   {"owner", "owner_id", TEXT},
    {"callback", "callback", TEXT},       {"data", "data", JSON},
    {"priority", "priority", NUMBER},     {"not-before", "not_before", TEXT},
    {"valid-until", "valid_until", TEXT},
};

static const struct option options[] = {
    {"request-id", required_argument, NULL, OPT_TEXT},
    {"owner", required_argument, NULL, OPT_TEXT + 1},
    {"callback", required_argument, NULL, OPT_TEXT + 2},
    {"data", required_argument, NULL, OPT_TEXT + 3},
    {"priority", required_argument, NULL, OPT_TEXT + 4},
    {"not-before", required_argument, NULL, OPT_TEXT + 5},
    {"valid-until", required_argument, NULL, OPT_TEXT + 6},
    COMMAND_OPTIONS,
};

struct wish {
    struct str type;
    const char *value[ARRAY_LEN(members)]; /* as the options say; NULL: it does not */
    size_t values;
    const char *file;
};

/* ---- the text ---- */

static int put_json(struct json_out *o, const struct member *m, const char *text, struct err *e)
{
    struct json_doc *doc;

    if (json_in_parse(str_of(text), &doc, e) != 0)
        return err_wrap(e, "--%s", m->option);
    json_in_free(doc);
    json_key(o, m->name);
    json_put_raw(o, str_of(text));
    return 0;
}

static int put_members(const struct wish *w, struct buf *b, struct err *e)
{
    struct json_out o = JSON_OUT(b);
    size_t i;

    json_open(&o, '{');
    for (i = 0; i < ARRAY_LEN(members); i++) {
        const struct member *m = &members[i];

        if (!w->value[i])
            continue;
        if (m->kind == JSON && put_json(&o, m, w->value[i], e) != 0)
            return -1;
        if (m->kind == NUMBER)
            command_put_number(&o, m->name, w->value[i]);
        if (m->kind == TEXT) {
            json_key(&o, m->name);
            json_put_str(&o, str_of(w->value[i]));
        }
    }
    json_close(&o, '}');
    return 0;
}

static int read_file(const char *name, struct buf *b, struct err *e)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *f = standard ? stdin : fopen(name, "re");
    size_t n = PIECE;
    char *room;

    if (!f)
        return err_errno(e, ERR_UNAVAILABLE, "%s", name);
    while (n > 0 && (room = buf_room(b, PIECE)) != NULL) {
        n = fread(room, 1, PIECE, f);
        b->len += n;
    }
    n = ferror(f) ? 1 : 0;
    if (n)
        (void)err_errno(e, ERR_UNAVAILABLE, "%s", standard ? "standard input" : name);
    if (!standard)
        (void)fclose(f);
    return n ? -1 : 0;
}

static int make_text(const struct wish *w, struct buf *b, struct err *e)
{
    int rc = w->file ? read_file(w->file, b, e) : put_members(w, b, e);

    return rc == 0 ? buf_check(b, "what is to be created", e) : -1;
}

/* ---- creating ---- */

static int create(struct store *s, const struct job_batch *batch, struct buf *b, struct err *e)
{
    struct json_out o = JSON_OUT(b);
    struct clock_zone zone = {0};
    struct job last;
    int wake_fd = -1;

    if (store_begin(s, COMMAND_LOCK_WAIT_S * NS_PER_S, e) != 0)
        return -1;
    if (job_batch_create(s, batch, &o, &zone, &last, e) != 0 ||
        buf_check(b, "the answer", e) != 0) {
        store_rollback(s);
        return -1;
    }
    if (store_commit(s, e) != 0)
        return -1;
    wake_send(store_wake_path(s), &wake_fd);
    if (wake_fd >= 0)
        (void)close(wake_fd);
    return 0;
}

static void name_jobs(const struct job_batch *batch, struct buf *b)
{
    size_t i;

    buf_reset(b);
    for (i = 0; i < batch->jobs; i++) {
        seen_put(b, batch->job[i].type);
        buf_char(b, '/');
        seen_put(b, batch->job[i].request_id);
        buf_str(b, ": queued\n");
    }
}

static int submit(const struct command_env *env, const struct wish *w, struct str text,
                  struct err *e)
{
    struct job_batch batch = {0};
    struct buf b = BUF_INIT(OUTPUT_MAX);
    struct ownaddr *own;
    int status = COMMAND_FAILED, rc;

    if (ownaddr_open(&own, e) != 0)
        return command_failed(e);
    rc = job_batch_parse(env->conf, own, w->type, text, &batch, e);
    ownaddr_close(own);
    if (rc == 0)
        rc = create(env->store, &batch, &b, e);
    if (rc != 0) {
        status = command_failed(e);
    } else {
        if (env->json)
            buf_char(&b, '\n');
        else
            name_jobs(&batch, &b);
        status = command_print(&b);
    }
    job_batch_free(&batch);
    buf_free(&b);
    return status;
}

/* ---- the command line ---- */

static int read_wish(struct command_env *env, struct wish *w)
{
    int option, status;

    while ((option = command_option(env, options)) >= OPT_TEXT) {
        w->values += !w->value[option - OPT_TEXT];
        w->value[option - OPT_TEXT] = optarg;
    }
    if (option == 0)
        return COMMAND_USAGE;
    status = command_take_type(env, &w->type);
    if (status != COMMAND_OK)
        return status;
    if (optind < env->argc)
        w->file = env->argv[optind++];
    if (optind < env->argc)
        return command_misused(env, "there is an argument too many: %s", env->argv[optind]);
    if (!w->file && w->values == 0)
        return command_misused(env, "a FILE is missing (- is standard input), or the options that "
                                    "say what the job is");
    if (w->file && w->values > 0)
        return command_misused(env, "a job is in a FILE or in options, not in both");
    return COMMAND_OK;
}

int command_submit(struct command_env *env)
{
    struct buf text = BUF_INIT(JSON_TEXT_MAX);
    struct wish w = {0};
    struct err e;
    int status = read_wish(env, &w);

    if (status == COMMAND_OK)
        status = make_text(&w, &text, &e) == 0 ? submit(env, &w, buf_span(&text), &e)
                                               : command_failed(&e);
    buf_free(&text);
    return status;
}
