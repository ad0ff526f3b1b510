/* SPDX-License-Identifier: MIT */
/* The door: the table of methods, and what a refusal says besides its sentence. */
#include "auth.h"

#include "auth_inner.h"
#include "auth_keystone.h"
#include "auth_rate.h"
#include "httpc.h"
#include "origin.h"

static auth_method *const methods[] = {
    [CONF_AUTH_NONE] = auth_none,
    [CONF_AUTH_TOKENS] = auth_tokens,
    [CONF_AUTH_KEYSTONE] = auth_keystone,
};

int auth_open(const struct conf *conf, bool service, struct auth **out, struct err *e)
{
    struct auth *a = calloc(1, sizeof *a);

    if (!a)
        return err_set(e, ERR_INTERNAL, "no memory for the door");
    a->conf = conf;
    if ((service && conf->owner.requests > 0 &&
         auth_rate_open(conf->owner.requests, &a->rate, e) != 0) ||
        (conf->auth == CONF_AUTH_KEYSTONE && auth_keystone_open(conf, &a->keystone, e) != 0)) {
        auth_close(a);
        return -1;
    }
    *out = a;
    return 0;
}

void auth_close(struct auth *a)
{
    if (!a)
        return;
    auth_rate_close(a->rate);
    auth_keystone_close(a->keystone);
    free(a);
}

void auth_stop(struct auth *a)
{
    if (a && a->keystone)
        auth_keystone_stop(a->keystone);
}

void auth_seat_free(struct auth_seat *seat)
{
    if (seat->httpc)
        httpc_close(seat->httpc);
    *seat = (struct auth_seat){0};
}

bool auth_reads(const struct conf *conf)
{
    return conf->auth == CONF_AUTH_TOKENS;
}

/* How to be let in (RFC 9110, 11.6.1). */
static void challenge(const struct conf *conf, struct http *x)
{
    if (conf->auth == CONF_AUTH_KEYSTONE) {
        struct buf b = BUF_INIT(4096);

        buf_printf(&b, "Keystone uri=\"%s\"", conf->keystone.url.p);
        http_add_header(x, "WWW-Authenticate", buf_span(&b));
        buf_free(&b);
    } else {
        http_add_header(x, "WWW-Authenticate", STR_LIT("Bearer realm=\"anteroom\""));
    }
}

/* Who sees everything is no owner, and is not counted. */
static int check_rate(struct auth *a, struct http *x, struct err *e)
{
    return a->rate ? auth_rate_take(a->rate, x->who, clock_mono(), &x->retry_after, e) : 0;
}

/* Whoever asks: a page from elsewhere in his browser does not speak for him. */
static int check_origin(const struct auth *a, const struct http *x, struct err *e)
{
    struct origin o = {.origin = http_header(x, "HTTP_ORIGIN"),
                       .site = http_header(x, "HTTP_SEC_FETCH_SITE"),
                       .host = http_header(x, "HTTP_HOST")};

    return x->method == HTTP_GET ? 0 : origin_check(&o, a->conf->auth == CONF_AUTH_NONE, e);
}

int auth_admit(struct auth_seat *seat, enum who_need need, struct http *x, struct err *e)
{
    struct auth *a = seat->auth;

    if (need == WHO_OPEN)
        return 0;
    if (check_origin(a, x, e) != 0)
        return -1;
    if (methods[a->conf->auth](seat, x, e) != 0) {
        if (e->code == ERR_UNAUTHORIZED)
            challenge(a->conf, x);
        return -1;
    }
    return check_rate(a, x, e) == 0 ? who_may(x->who, need, e) : -1;
}
