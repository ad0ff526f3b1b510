/* SPDX-License-Identifier: MIT */
/* anteroom move: puts a job elsewhere in its queue. The wish becomes the body that a client would
 * send, so that the same things are right and wrong. */
#include "command_jobs.h"

const char command_move_help[] =
    "Where to (one of these):\n"
    "  --front, --back  before or behind all others of the queue\n"
    "  --before OTHER   right before that job (its REQUEST_ID)\n"
    "  --after OTHER    right behind it\n"
    "  --priority N     to this priority: the smallest is served first; 83334.5 is between 83334\n"
    "                   and 83335\n"
    "Options: --json prints an array that says whether it was done.\n";

enum { OPT_FRONT = COMMAND_OWN, OPT_BACK, OPT_BEFORE, OPT_AFTER, OPT_PRIORITY, BODY_MAX = 8192 };

static const struct option options[] = {
    {"front", no_argument, NULL, OPT_FRONT},
    {"back", no_argument, NULL, OPT_BACK},
    {"before", required_argument, NULL, OPT_BEFORE},
    {"after", required_argument, NULL, OPT_AFTER},
    {"priority", required_argument, NULL, OPT_PRIORITY},
    COMMAND_OPTIONS,
};

static void put_beside(struct json_out *o, const char *side, const char *other)
{
    json_key(o, "move");
    json_open(o, '{');
    json_key(o, side);
    json_put_str(o, str_of(other));
    json_close(o, '}');
}

static void put_wish(struct json_out *o, int option, const char *value)
{
    json_open(o, '{');
    if (option == OPT_PRIORITY) {
        command_put_number(o, "priority", value);
    } else if (option == OPT_BEFORE || option == OPT_AFTER) {
        put_beside(o, option == OPT_BEFORE ? "before" : "after", value);
    } else {
        json_key(o, "move");
        json_put_str(o, str_of(option == OPT_FRONT ? "front" : "back"));
    }
    json_close(o, '}');
}

/* A client's body is wrong where it names a job that is not there; the command line named two. */
static int move(const void *ctx, struct store *s, struct str type, struct str request_id,
                int64_t now, struct err *e)
{
    static const struct store_match no_match = {0};
    const struct job_change *c = ctx;
    struct job other;
    struct err why;

    if (store_change(s, type, request_id, c, &no_match, now, e) == 0)
        return 0;
    if (e->code == ERR_INVALID && c->beside.p &&
        store_show(s, type, c->beside, &other, &why) != 0 && why.code == ERR_NOT_FOUND)
        e->code = ERR_NOT_FOUND;
    return -1;
}

static int take_job(const struct command_env *env, struct str *type)
{
    struct str request_id;
    int at, status = command_take_type(env, type);

    if (status != COMMAND_OK)
        return status;
    at = optind;
    status = command_take_id(env, &request_id);
    optind = at; /* it is taken once more */
    return status;
}

static int move_one(const struct command_env *env, struct str type, const struct buf *body)
{
    struct json_doc *doc;
    struct job_change c;
    struct err e;
    int status;

    if (command_read_change(env, type, body, &doc, &c, &e) != 0)
        return command_failed(&e);
    status = command_each_job(env, type, "moved", move, &c);
    job_change_free(&c);
    json_in_free(doc);
    return status;
}

int command_move(struct command_env *env)
{
    struct buf body = BUF_INIT(BODY_MAX);
    struct json_out o = JSON_OUT(&body);
    int option, wishes = 0, status;
    struct str type;

    while ((option = command_option(env, options)) > 0) {
        if (wishes++ == 0)
            put_wish(&o, option, optarg);
    }
    status = option == 0 ? COMMAND_USAGE : take_job(env, &type);
    if (status == COMMAND_OK && wishes != 1)
        status = command_misused(env, "it needs one of --front, --back, --before, --after and "
                                      "--priority");
    if (status == COMMAND_OK)
        status = move_one(env, type, &body);
    buf_free(&body);
    return status;
}
