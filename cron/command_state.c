/* SPDX-License-Identifier: MIT */
/* anteroom hold, resume, cancel, requeue, resend: what is done to each of several jobs. */
#include "command_jobs.h"
#include "store_history.h"

const char command_state_help[] =
    "Several jobs are taken in order, each by itself: one that is refused leaves the others "
    "done.\n"
    "Options: --json prints an array that says for each request_id whether it was done.\n";

const char command_cancel_help[] =
    "With --delete it is also forgotten: its request_id and its callback are free again; so also "
    "what\nis over already can be removed.\n"
    "Options: --json prints an array that says for each request_id whether it was done.\n";

enum { OPT_DELETE = COMMAND_OWN };

static const struct option usual[] = {COMMAND_OPTIONS};
static const struct option of_cancel[] = {{"delete", no_argument, NULL, OPT_DELETE},
                                          COMMAND_OPTIONS};

/* States as bits. */
enum {
    ANY = -1,
    HELD = 1 << JOB_HELD,
    USED = 1 << JOB_ADMITTED | 1 << JOB_RUNNING | 1 << JOB_FAILED,
};

static const struct verb {
    const char *name, *done;
    int from; /* what else may become `to` is another verb's */
    enum job_status to;
    const char *instead; /* that other verb */
} verbs[] = {
    {"hold", "held", ANY, JOB_HELD, NULL},
    {"resume", "queued", HELD, JOB_QUEUED, "requeue is for one that was admitted"},
    {"cancel", "cancelled", ANY, JOB_CANCELLED, NULL},
    {"requeue", "queued", USED, JOB_QUEUED, "resume is for one that is held"},
};

static const struct store_match no_match = {0};

static int become(const void *ctx, struct store *s, struct str type, struct str request_id,
                  int64_t now, struct err *e)
{
    const struct verb *v = ctx;
    const struct job_change c = {.has_status = true, .status = v->to};
    struct job j;

    if (store_show(s, type, request_id, &j, e) != 0)
        return -1;
    if ((v->from & 1 << j.status) == 0 && job_may_become(j.status, v->to, JOB_BY_CLIENT))
        return err_set(e, ERR_INVALID_TRANSITION, "it is %s; %s", job_status_word(j.status),
                       v->instead);
    return store_change(s, type, request_id, &c, &no_match, now, e);
}

static int forget(const void *ctx, struct store *s, struct str type, struct str request_id,
                  int64_t now, struct err *e)
{
    (void)ctx;
    return store_delete(s, type, request_id, &no_match, now, e);
}

static int send_again(const void *ctx, struct store *s, struct str type, struct str request_id,
                      int64_t now, struct err *e)
{
    (void)ctx;
    return store_resend(s, type, request_id, &no_match, now, e);
}

static const struct verb *find(const char *name)
{
    size_t i = 0;

    while (strcmp(verbs[i].name, name) != 0)
        i++; /* command.c's table names no other */
    return &verbs[i];
}

int command_state(struct command_env *env)
{
    const struct verb *v = find(env->name);
    struct str type;
    int status;

    if (command_option(env, usual) != -1)
        return COMMAND_USAGE;
    status = command_take_type(env, &type);
    return status == COMMAND_OK ? command_each_job(env, type, v->done, become, v) : status;
}

int command_cancel(struct command_env *env)
{
    const struct verb *v = find(env->name);
    bool delete = false;
    struct str type;
    int option, status;

    while ((option = command_option(env, of_cancel)) != -1) {
        if (option != OPT_DELETE)
            return COMMAND_USAGE;
        delete = true;
    }
    status = command_take_type(env, &type);
    if (status != COMMAND_OK)
        return status;
    return delete ? command_each_job(env, type, "deleted", forget, NULL)
                  : command_each_job(env, type, v->done, become, v);
}

int command_resend(struct command_env *env)
{
    struct str type;
    int status;

    if (command_option(env, usual) != -1)
        return COMMAND_USAGE;
    status = command_take_type(env, &type);
    return status == COMMAND_OK ? command_each_job(env, type, "is called again", send_again, NULL)
                                : status;
}
