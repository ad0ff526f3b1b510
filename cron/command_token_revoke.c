/* SPDX-License-Identifier: MIT */
/* anteroom token revoke: from the moment that this returns, nobody is let in with it. */
#include "command.h"
#include "command_token.h"

enum { LOCK_WAIT_S = 10 };

static const struct option options[] = {COMMAND_OPTIONS};

static int revoke(struct store *s, struct str name, struct err *e)
{
    if (store_begin(s, LOCK_WAIT_S * NS_PER_S, e) != 0)
        return -1;
    if (store_token_revoke(s, name, e) != 0) {
        store_rollback(s);
        return -1;
    }
    return store_commit(s, e);
}

int command_token_revoke(struct command_env *env)
{
    struct err e;

    if (command_option(env, options) != -1)
        return COMMAND_USAGE;
    if (optind != env->argc - 1)
        return command_misused(env, "it needs one NAME");
    return revoke(env->store, str_of(env->argv[optind]), &e) == 0 ? COMMAND_OK : command_failed(&e);
}
