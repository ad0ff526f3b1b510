/* SPDX-License-Identifier: MIT */
/* Capacity by a program of the operator's own: it is handed the demand that waits, and writes the
 * document (document.h). */
#include "child.h"
#include "document.h"

enum { ENV_MAX = 5, ENV_TEXT_MAX = 8192 };

/* The environment is ours, not that of cron or of whoever tries a run by hand: what works there
 * works everywhere. */
struct environment {
    char home[ENV_TEXT_MAX], queue[ENV_TEXT_MAX];
    const char *all[ENV_MAX];
};

static void set_environment(struct environment *env, const struct conf_queue *queue)
{
    const char *home = getenv("HOME");
    size_t n = 0;

    env->all[n++] = "PATH=/usr/local/bin:/usr/bin:/bin";
    env->all[n++] = "LANG=C.UTF-8";
    (void)snprintf(env->queue, sizeof env->queue, "ANTEROOM_QUEUE=%s", queue->type.p);
    env->all[n++] = env->queue;
    if (home && strlen(home) < sizeof env->home - sizeof "HOME=") {
        (void)snprintf(env->home, sizeof env->home, "HOME=%s", home);
        env->all[n++] = env->home;
    }
    env->all[n] = NULL;
}

static int exec_read(void *ctx, struct str waiting, const struct until *until,
                     struct source_reading *r, struct err *e)
{
    const struct conf_source *source = &r->queue->source;
    const char *argv[CONF_ARGS_MAX + 1];
    struct environment env;
    struct child_options o = {
        .argv = argv, .env = env.all, .input = waiting.p ? waiting : STR_LIT("{}")};
    struct buf out = BUF_INIT(JSON_TEXT_MAX);
    struct child_end end;
    size_t i;
    int rc;

    (void)ctx;
    for (i = 0; i < source->args; i++)
        argv[i] = source->program[i].p;
    argv[i] = NULL;
    set_environment(&env, r->queue);
    rc = child_run(&o, until, &out, &end, e);
    if (rc == 0 && document_read(buf_span(&out), r, e) != 0)
        rc = err_wrap(e, "%s", argv[0]);
    buf_free(&out);
    return rc;
}

const struct source_kind source_exec = {.word = "exec", .waits = true, .read = exec_read};
