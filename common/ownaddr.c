/* SPDX-License-Identifier: MIT */
/* This machine's own addresses: a list that is made anew every few seconds, and freed with its last
 * user. */
#include "ownaddr.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"

struct ownaddr {
    pthread_mutex_t lock;
    struct ownaddr_list *now; /* guarded by lock, as are all refs; one of them is ours */
    int64_t asked;            /* clock_mono's, guarded by lock */
};

/* Is it an address of IPv4 or IPv6? Then *a is it. */
static bool copy_address(const struct sockaddr *from, struct netguard_address *a)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (from && from->sa_family == AF_INET) {
        memcpy(&v4, from, sizeof v4);
        *a = (struct netguard_address){{[10] = 0xff, [11] = 0xff}};
        memcpy(a->byte + 12, &v4.sin_addr, 4);
        return true;
    }
    if (from && from->sa_family == AF_INET6) {
        memcpy(&v6, from, sizeof v6);
        memcpy(a->byte, &v6.sin6_addr, sizeof a->byte);
        return true;
    }
    return false;
}

/* A list with one reference, or NULL and errno. */
static struct ownaddr_list *ask(void)
{
    struct ifaddrs *all, *i;
    struct ownaddr_list *list;
    size_t n = 0;

    if (getifaddrs(&all) != 0)
        return NULL;
    for (i = all; i; i = i->ifa_next)
        n++;
    list = malloc(sizeof *list + n * sizeof list->address[0]);
    if (list) {
        *list = (struct ownaddr_list){.refs = 1};
        for (i = all; i; i = i->ifa_next)
            list->n += copy_address(i->ifa_addr, &list->address[list->n]);
    }
    freeifaddrs(all);
    return list;
}

int ownaddr_open(struct ownaddr **out, struct err *e)
{
    struct ownaddr *o = calloc(1, sizeof *o);

    if (!o)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    o->now = ask();
    if (!o->now) {
        (void)err_errno(e, ERR_INTERNAL, "this machine's own addresses cannot be read");
        free(o);
        return -1;
    }
    o->asked = clock_mono();
    (void)pthread_mutex_init(&o->lock, NULL);
    *out = o;
    return 0;
}

static void drop(struct ownaddr_list *list)
{
    if (--list->refs == 0)
        free(list);
}

void ownaddr_close(struct ownaddr *o)
{
    if (!o)
        return;
    drop(o->now);
    (void)pthread_mutex_destroy(&o->lock);
    free(o);
}

const struct ownaddr_list *ownaddr_take(struct ownaddr *o)
{
    struct ownaddr_list *fresh, *list;

    (void)pthread_mutex_lock(&o->lock);
    if (clock_mono() - o->asked >= OWNADDR_SECONDS * NS_PER_S) {
        o->asked = clock_mono();
        fresh = ask();
        if (fresh) {
            drop(o->now);
            o->now = fresh;
        }
    }
    list = o->now;
    list->refs++;
    (void)pthread_mutex_unlock(&o->lock);
    return list;
}

void ownaddr_give(struct ownaddr *o, const struct ownaddr_list *list)
{
    (void)pthread_mutex_lock(&o->lock);
    drop((struct ownaddr_list *)(uintptr_t)list);
    (void)pthread_mutex_unlock(&o->lock);
}
