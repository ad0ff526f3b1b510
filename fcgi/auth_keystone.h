/* SPDX-License-Identifier: MIT */
/*
 * auth: keystone. Keystone is asked who a token is of, and its answer is believed for a while by
 * all threads of the process. One thread asks about one token at a time, and not all threads wait
 * for Keystone at once: who is known already is served also while it is dead.
 */
#ifndef AR_AUTH_KEYSTONE_H
#define AR_AUTH_KEYSTONE_H

#include "conf.h"
#include "until.h"
#include "who.h"

struct auth_keystone;
struct httpc;

/* 0 and *k (auth_keystone_close), or -1: ERR_INTERNAL. *conf must outlive it. Asks nobody. */
int auth_keystone_open(const struct conf *conf, struct auth_keystone **k,
                       struct err *e) AR_MUST_CHECK;
void auth_keystone_close(struct auth_keystone *k);
/* Gives up what is being asked, and asks no more. Any thread. */
void auth_keystone_stop(struct auth_keystone *k);

/* ---- for its own files ---- */

/* What Keystone said of a token. */
struct auth_answer {
    struct err err;  /* code ERR_NONE: good; ERR_UNAUTHORIZED, ERR_FORBIDDEN: no; ERR_UNAVAILABLE,
                        ERR_INTERNAL: not known */
    struct who *who; /* of a good one; free() */
    int64_t expires_at; /* ns since 1970; of a good one and of ERR_FORBIDDEN */
};

/* What is asked: Keystone, at the URL of its tokens, until *stop. */
struct auth_keystone_server {
    const struct conf_keystone *conf;
    char *url;
    atomic_bool stop;
};

/* Asks it about a token, which is visible ASCII. Any thread, with its own *h, which is made when it
 * is NULL. */
void auth_keystone_ask(const struct auth_keystone_server *server, struct httpc **h,
                       struct str token, struct auth_answer *a);

/* Reads the body of Keystone's 200. Pure; any thread. */
void auth_keystone_read(const struct conf_keystone *conf, struct str body, struct auth_answer *a);

#endif
