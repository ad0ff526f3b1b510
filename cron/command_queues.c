/* SPDX-License-Identifier: MIT */
/* anteroom queues: every queue at a glance. */
#include "command.h"
#include "queue_table.h"

enum { OUTPUT_MAX = 256 << 20 };

static const struct option options[] = {COMMAND_OPTIONS};

static int show(struct command_env *env, struct buf *b, struct err *e)
{
    struct queue_sums sums;
    int rc;

    if (store_read_begin(env->store, e) != 0)
        return -1;
    rc = env->json ? queue_table_json(env->store, b, e)
                   : queue_table_print(env->store, &env->screen, INT64_MAX, &sums, b, e);
    store_read_end(env->store);
    return rc;
}

int command_queues(struct command_env *env)
{
    struct buf b = BUF_INIT(OUTPUT_MAX);
    struct err e;
    int status;

    if (command_option(env, options) == 0)
        return COMMAND_USAGE;
    if (optind != env->argc)
        return command_misused(env, "there is an argument too many: %s", env->argv[optind]);
    status = show(env, &b, &e) == 0 ? command_print(&b) : command_failed(&e);
    buf_free(&b);
    return status;
}
