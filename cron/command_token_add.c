/* SPDX-License-Identifier: MIT */
/* anteroom token add: makes a token. It is printed once and kept nowhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "command_token.h"
#include "num.h"

enum { LOCK_WAIT_S = 10, OPT_ROLE = COMMAND_OWN, OPT_OWNER, OPT_EXPIRES };

static const struct option options[] = {
    {"role", required_argument, NULL, OPT_ROLE},
    {"owner", required_argument, NULL, OPT_OWNER},
    {"expires", required_argument, NULL, OPT_EXPIRES},
    COMMAND_OPTIONS,
};

static const char *const roles[] = {"admin", "reader", "owner"};

struct wish {
    const char *name, *role, *expires;
    size_t owners;
    struct str owner[WHO_OWNERS_MAX];
};

static int compare(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static void sort_owners(struct wish *w)
{
    size_t i, n = 0;

    qsort(w->owner, w->owners, sizeof w->owner[0], compare);
    for (i = 0; i < w->owners; i++) {
        if (n == 0 || !str_eq(w->owner[n - 1], w->owner[i]))
            w->owner[n++] = w->owner[i];
    }
    w->owners = n;
}

static int take_owner(const struct command_env *env, struct wish *w)
{
    struct err e;

    if (w->owners == WHO_OWNERS_MAX)
        return command_misused(env, "a token is for at most %d owners", WHO_OWNERS_MAX);
    if (job_check_name(str_of(optarg), "--owner", &e) != 0)
        return command_misused(env, "%s", e.text);
    w->owner[w->owners++] = str_of(optarg);
    return 0;
}

static int take_option(const struct command_env *env, int option, struct wish *w)
{
    switch (option) {
    case OPT_ROLE:
        w->role = optarg;
        return 0;
    case OPT_OWNER:
        return take_owner(env, w);
    case OPT_EXPIRES:
        w->expires = optarg;
        return 0;
    default:
        return COMMAND_USAGE;
    }
}

static bool is_role(const char *word)
{
    size_t i;

    for (i = 0; word && i < ARRAY_LEN(roles); i++) {
        if (strcmp(roles[i], word) == 0)
            return true;
    }
    return false;
}

static int check(const struct command_env *env, const struct wish *w)
{
    if (!w->name || !command_token_named(str_of(w->name)))
        return command_misused(env, "it needs one NAME, of at most %d letters, digits and . _ - @",
                               STORE_TOKEN_NAME_MAX);
    if (!is_role(w->role))
        return command_misused(env, "--role must be admin, reader or owner");
    if ((strcmp(w->role, "owner") == 0) != (w->owners > 0))
        return command_misused(env, "--owner goes with --role owner, which needs at least one");
    return 0;
}

static int read_wish(struct command_env *env, struct wish *w)
{
    int option, rc = 0;

    while (rc == 0 && (option = command_option(env, options)) != -1)
        rc = take_option(env, option, w);
    if (rc != 0)
        return rc;
    if (optind == env->argc - 1)
        w->name = env->argv[optind];
    sort_owners(w);
    return check(env, w);
}

/* A duration from now on, or a moment. */
static int read_end(const struct command_env *env, const struct wish *w, int64_t now, int64_t *end)
{
    int64_t ns;

    *end = 0;
    if (!w->expires)
        return 0;
    if (num_duration(str_of(w->expires), &ns) == 0) {
        if (ns == 0 || num_add(now, ns, end) != 0)
            return command_misused(env, "--expires must be later than now");
        return 0;
    }
    if (clock_parse(str_of(w->expires), end) != 0 || *end <= now)
        return command_misused(env, "--expires must be a duration (90d, 12h) or a time to come "
                                    "(2030-01-31T00:00:00Z)");
    return 0;
}

static int add(struct store *s, const struct store_token *t, char token[STORE_TOKEN_MAX],
               struct err *e)
{
    if (store_begin(s, LOCK_WAIT_S * NS_PER_S, e) != 0)
        return -1;
    if (store_token_add(s, t, token, e) != 0) {
        store_rollback(s);
        return -1;
    }
    return store_commit(s, e);
}

static int print(const struct store_token *t, const char *token, bool as_json)
{
    struct buf b = BUF_INIT(1 << 20);
    struct json_out o = JSON_OUT(&b);
    int status;

    if (as_json) {
        command_token_write(&o, t);
        json_key(&o, "token");
        json_put_str(&o, str_of(token));
        json_close(&o, '}');
    } else {
        buf_str(&b, token);
    }
    buf_char(&b, '\n');
    status = command_print(&b);
    buf_free(&b);
    return status;
}

static int make(const struct command_env *env, const struct wish *w, struct store_token *t,
                struct buf *owners)
{
    struct who like = {.owners = w->owners, .owner = w->owner};
    char token[STORE_TOKEN_MAX];
    struct err e;

    who_write_sight(&like, owners);
    t->name = str_of(w->name);
    t->role = str_of(w->role);
    t->owners = buf_span(owners);
    if (buf_check(owners, "the owners", &e) != 0 || add(env->store, t, token, &e) != 0)
        return command_failed(&e);
    return print(t, token, env->json);
}

int command_token_add(struct command_env *env)
{
    struct store_token t = {.created_at = clock_now()};
    struct buf owners = BUF_INIT(1 << 20);
    struct wish w = {0};
    int status = read_wish(env, &w);

    if (status == 0)
        status = read_end(env, &w, t.created_at, &t.expires_at);
    if (status == 0)
        status = make(env, &w, &t, &owners);
    buf_free(&owners);
    return status;
}
