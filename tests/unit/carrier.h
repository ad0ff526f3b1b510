/* SPDX-License-Identifier: MIT */
/* For the tests of fcgi/: an exchange that comes from a table and goes into a buffer. */
#ifndef AR_CARRIER_H
#define AR_CARRIER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http.h"

enum { WIRE_PARAMS = 8 };

/* What came, and what went. */
struct wire {
    struct {
        const char *name, *value;
    } param[WIRE_PARAMS]; /* to the first NULL */
    struct str body;
    size_t taken; /* bytes of the body that were read */
    size_t room;  /* bytes after which the peer is gone; 0: it stays */
    struct buf sent;
};

static inline const char *wire_param(void *link, const char *name)
{
    const struct wire *w = link;
    size_t i;

    for (i = 0; i < WIRE_PARAMS && w->param[i].name; i++) {
        if (strcmp(w->param[i].name, name) == 0)
            return w->param[i].value;
    }
    return NULL;
}

static inline size_t wire_read(void *link, char *room, size_t n)
{
    struct wire *w = link;
    size_t some = w->body.n - w->taken < n ? w->body.n - w->taken : n;

    if (some > 0)
        memcpy(room, w->body.p + w->taken, some);
    w->taken += some;
    return some;
}

static inline int wire_send(void *link, const char *p, size_t n)
{
    struct wire *w = link;

    if (w->room > 0 && w->sent.len + n > w->room)
        return -1;
    buf_add(&w->sent, p, n);
    return w->sent.failed ? -1 : 0;
}

static const struct http_carrier wire_framed = {
    .param = wire_param, .read = wire_read, .send = wire_send, .framed = true};

/* A wire with a request of this method and target. */
static inline struct wire wire_of(const char *method, const char *target)
{
    struct wire w = {.sent = BUF_INIT(1 << 26)};

    w.param[0].name = "REQUEST_METHOD";
    w.param[0].value = method;
    w.param[1].name = "REQUEST_URI";
    w.param[1].value = target;
    w.param[2].name = "REQUEST_ID";
    w.param[2].value = "r1";
    return w;
}

static inline void wire_add(struct wire *w, const char *name, const char *value)
{
    size_t i = 0;

    while (w->param[i].name)
        i++;
    assert_true(i < WIRE_PARAMS);
    w->param[i].name = name;
    w->param[i].value = value;
}

#endif
