/* SPDX-License-Identifier: MIT */
/*
 * Who is called next. A lane is ready (in the ring of those who take turns), rests until a time (in
 * a heap), stands aside (nothing to say), or waits for its host or its owner (in a list of theirs).
 *
 * What must hold: while a host or an owner could have one more try, and lanes wait for it, one of
 * its lanes is ready or has its turn. So whenever room may have come, one waiting lane is let go;
 * and whatever comes of a lane's turn, the next one that waits for the same is let go, until the
 * room is used or nobody waits. A lane may thus go from one list to the other, but each step of
 * this is paid for by a try that began or ended.
 */
#include "lanes.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>

#include "timers.h"

enum where { ASIDE, READY, RESTING, AT_HOST, AT_OWNER, TAKEN };

struct link {
    struct link *next, *prev;
};

/* A host or an owner. */
struct party {
    char *name;
    size_t lanes, tries;
    struct link waiting; /* lanes, by `link` */
    struct link members; /* of a host: all its lanes, by `host_link` */
    int64_t paused_until;
    struct timer timer; /* of a host: the end of its pause */
};

struct own {
    struct lane lane;
    struct party *host, *owner;
    enum where where;
    struct link link, all_link, host_link;
    struct timer timer;
    uint64_t seen; /* the last scan that saw it */
};

struct lanes {
    struct lanes_limits limits;
    void *by_name, *hosts, *owners; /* tsearch's */
    struct link ready, all;
    size_t lanes, tries, parties;
    uint64_t scan;
    int64_t now;                 /* as lanes_next was last told */
    struct timers rests, pauses; /* of lanes, of hosts */
};

#define OWN(l, member) ((struct own *)(void *)((char *)(l)-offsetof(struct own, member)))

#define HOST(t) ((struct party *)(void *)((char *)(t)-offsetof(struct party, timer)))

static struct own *own_of(const struct lane *lane)
{
    return (struct own *)(uintptr_t)lane;
}

/* ---- lists ---- */

static void list_init(struct link *l)
{
    l->next = l->prev = l;
}

static bool list_empty(const struct link *l)
{
    return l->next == l;
}

/* Before `at`: at the end of the list that `at` is the head of. */
static void list_add(struct link *at, struct link *l)
{
    l->next = at;
    l->prev = at->prev;
    at->prev->next = l;
    at->prev = l;
}

static void list_remove(struct link *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
}

/* ---- room ---- */

static bool host_has_room(const struct lanes *l, const struct party *host, bool urgent)
{
    if (host->paused_until == 0 || urgent)
        return host->tries < l->limits.per_host;
    return host->paused_until <= l->now && host->tries == 0;
}

static bool owner_has_room(const struct lanes *l, const struct party *owner)
{
    return owner->tries < l->limits.per_owner;
}

static void make_ready(struct lanes *l, struct own *o)
{
    if (o->where == AT_HOST || o->where == AT_OWNER)
        list_remove(&o->link);
    timers_stop(&l->rests, &o->timer);
    o->where = READY;
    list_add(&l->ready, &o->link);
}

/* Lets the first lane go that waits for the host, if it could start something. */
static void release_host(struct lanes *l, struct party *host)
{
    struct own *o;

    if (list_empty(&host->waiting))
        return;
    o = OWN(host->waiting.next, link);
    if (host_has_room(l, host, o->lane.urgent))
        make_ready(l, o);
}

static void release_owner(struct lanes *l, struct party *owner)
{
    if (!list_empty(&owner->waiting) && owner_has_room(l, owner))
        make_ready(l, OWN(owner->waiting.next, link));
}

static void release(struct lanes *l, struct own *o)
{
    release_host(l, o->host);
    release_owner(l, o->owner);
}

/* Those that were asked for wait before the others. The end of a pause may come a second time: the
 * clock was set back. */
static void wait_for(struct lanes *l, struct party *p, struct own *o, enum where where)
{
    o->where = where;
    list_add(o->lane.urgent ? p->waiting.next : &p->waiting, &o->link);
    if (p->paused_until > l->now)
        timers_set(&l->pauses, &p->timer, p->paused_until);
}

/* ---- lanes and parties ---- */

static int by_lane(const void *a, const void *b)
{
    const struct lane *x = a, *y = b;
    int rc = str_cmp(x->receiver, y->receiver);

    return rc ? rc : str_cmp(x->owner_id, y->owner_id);
}

static int by_party(const void *a, const void *b)
{
    return strcmp(((const struct party *)a)->name, ((const struct party *)b)->name);
}

static struct party *party_get(struct lanes *l, void **tree, struct str name)
{
    struct party *p = calloc(1, sizeof *p), **found;

    if (!p)
        return NULL;
    p->name = strndup(name.p, name.n);
    found = p->name ? tsearch(p, tree, by_party) : NULL;
    if (!found || *found != p) {
        free(p->name);
        free(p);
        return found ? *found : NULL;
    }
    list_init(&p->waiting);
    list_init(&p->members);
    l->parties++;
    return p;
}

static void party_leave(struct lanes *l, void **tree, struct party *p)
{
    if (!p || p->lanes > 0)
        return;
    timers_stop(&l->pauses, &p->timer);
    (void)tdelete(p, tree, by_party);
    free(p->name);
    free(p);
    l->parties--;
}

static void free_own(struct own *o)
{
    free((void *)(uintptr_t)o->lane.receiver.p);
    free((void *)(uintptr_t)o->lane.owner_id.p);
    free(o);
}

static void drop(struct lanes *l, struct own *o)
{
    if (o->where == AT_HOST || o->where == AT_OWNER || o->where == READY)
        list_remove(&o->link);
    timers_stop(&l->rests, &o->timer);
    list_remove(&o->all_link);
    list_remove(&o->host_link);
    (void)tdelete(&o->lane, &l->by_name, by_lane);
    l->lanes--;
    o->host->lanes--;
    o->owner->lanes--;
    release(l, o);
    party_leave(l, &l->hosts, o->host);
    party_leave(l, &l->owners, o->owner);
    free_own(o);
}

static struct own *new_own(struct str receiver, struct str owner_id)
{
    struct own *o = calloc(1, sizeof *o);

    if (!o)
        return NULL;
    o->lane.receiver = (struct str){strndup(receiver.p, receiver.n), receiver.n};
    o->lane.owner_id = (struct str){strndup(owner_id.p, owner_id.n), owner_id.n};
    if (o->lane.receiver.p && o->lane.owner_id.p)
        return o;
    free_own(o);
    return NULL;
}

static struct own *add(struct lanes *l, struct own *o, const char *origin)
{
    o->host = party_get(l, &l->hosts, str_of(origin));
    o->owner = party_get(l, &l->owners, o->lane.owner_id);
    if (!o->host || !o->owner || !timers_room(&l->rests, l->lanes + 1) ||
        !timers_room(&l->pauses, l->parties) || !tsearch(&o->lane, &l->by_name, by_lane)) {
        party_leave(l, &l->hosts, o->host);
        party_leave(l, &l->owners, o->owner);
        free_own(o);
        return NULL;
    }
    o->lane.origin = o->host->name;
    o->host->lanes++;
    o->owner->lanes++;
    l->lanes++;
    list_add(&l->all, &o->all_link);
    list_add(&o->host->members, &o->host_link);
    return o;
}

int lanes_open(const struct lanes_limits *limits, struct lanes **out, struct err *e)
{
    struct lanes *l = calloc(1, sizeof *l);

    if (!l)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    l->limits = *limits;
    l->now = INT64_MIN;
    list_init(&l->ready);
    list_init(&l->all);
    *out = l;
    return 0;
}

void lanes_close(struct lanes *l)
{
    if (!l)
        return;
    while (!list_empty(&l->all))
        drop(l, OWN(l->all.next, all_link));
    timers_free(&l->rests);
    timers_free(&l->pauses);
    free(l);
}

/* ---- a scan ---- */

void lanes_scan(struct lanes *l)
{
    l->scan++;
}

struct lane *lanes_put(struct lanes *l, struct str receiver, struct str owner_id,
                       const char *origin, bool *fresh)
{
    struct lane key = {.receiver = receiver, .owner_id = owner_id};
    struct lane *const *found = tfind(&key, &l->by_name, by_lane);
    struct own *o = found ? own_of(*found) : NULL;

    *fresh = !found;
    if (!found && l->lanes < LANES_MAX) {
        o = new_own(receiver, owner_id);
        o = o ? add(l, o, origin) : NULL;
    }
    if (!o)
        return NULL;
    o->seen = l->scan;
    return &o->lane;
}

void lanes_sweep(struct lanes *l)
{
    struct link *at, *next;

    for (at = l->all.next; at != &l->all; at = next) {
        struct own *o = OWN(at, all_link);

        next = at->next;
        if (o->seen != l->scan && o->lane.tries == 0)
            drop(l, o);
    }
}

void lanes_each(struct lanes *l, lanes_fn *fn, void *ctx)
{
    struct link *at;

    for (at = l->all.next; at != &l->all; at = at->next)
        fn(ctx, &OWN(at, all_link)->lane);
}

void lanes_each_of_host(const struct lane *lane, lanes_fn *fn, void *ctx)
{
    struct party *host = own_of(lane)->host;
    struct link *at;

    for (at = host->members.next; at != &host->members; at = at->next)
        fn(ctx, &OWN(at, host_link)->lane);
}

/* ---- turns ---- */

/* Whose time has come? */
static void fire(struct lanes *l)
{
    struct timer *t;

    while ((t = timers_first(&l->rests)) && t->when <= l->now)
        make_ready(l, OWN(t, timer));
    while ((t = timers_first(&l->pauses)) && t->when <= l->now) {
        timers_stop(&l->pauses, t);
        release_host(l, HOST(t));
    }
}

struct lane *lanes_next(struct lanes *l, int64_t now)
{
    struct own *o;

    l->now = now;
    fire(l);
    while (l->tries < l->limits.total && !list_empty(&l->ready)) {
        o = OWN(l->ready.next, link);
        list_remove(&o->link);
        if (!host_has_room(l, o->host, o->lane.urgent)) {
            wait_for(l, o->host, o, AT_HOST);
            release_owner(l, o->owner);
        } else if (!owner_has_room(l, o->owner)) {
            wait_for(l, o->owner, o, AT_OWNER);
            release_host(l, o->host);
        } else {
            o->where = TAKEN;
            return &o->lane;
        }
    }
    return NULL;
}

int64_t lanes_when(const struct lanes *l)
{
    const struct timer *rest = timers_first(&l->rests), *pause = timers_first(&l->pauses);

    if (!pause || (rest && rest->when < pause->when))
        return rest ? rest->when : INT64_MAX;
    return pause->when;
}

void lanes_started(struct lanes *l, struct lane *lane)
{
    struct own *o = own_of(lane);

    assert(o->where == TAKEN);
    l->tries++;
    lane->tries++;
    o->host->tries++;
    o->owner->tries++;
    make_ready(l, o);
    release(l, o);
}

/* The lane, which is in no list, has something to say at `when`. */
static void settle(struct lanes *l, struct own *o, int64_t when)
{
    o->lane.urgent = when < 0;
    if (when <= l->now) {
        make_ready(l, o);
    } else if (when == INT64_MAX) {
        timers_stop(&l->rests, &o->timer);
        o->where = ASIDE;
    } else {
        o->where = RESTING;
        timers_set(&l->rests, &o->timer, when);
    }
}

void lanes_rest(struct lanes *l, struct lane *lane, int64_t when)
{
    struct own *o = own_of(lane);

    assert(o->where == TAKEN);
    settle(l, o, when);
    release(l, o);
}

void lanes_look(struct lanes *l, struct lane *lane, int64_t when)
{
    struct own *o = own_of(lane);

    assert(o->where != TAKEN);
    if (o->where == ASIDE || (o->where == RESTING && when < o->timer.when)) {
        settle(l, o, when);
    } else if (when < 0 && !lane->urgent) {
        lane->urgent = true;
        if (o->where == AT_HOST)
            make_ready(l, o);
    }
}

void lanes_ended(struct lanes *l, struct lane *lane)
{
    struct own *o = own_of(lane);

    assert(lane->tries > 0);
    l->tries--;
    lane->tries--;
    o->host->tries--;
    o->owner->tries--;
    release(l, o);
}

void lanes_pause(struct lanes *l, const struct lane *lane, int64_t until)
{
    struct party *host = own_of(lane)->host;

    host->paused_until = until;
    timers_stop(&l->pauses, &host->timer);
    if (until > l->now)
        timers_set(&l->pauses, &host->timer, until);
    if (until == 0) {
        while (!list_empty(&host->waiting))
            make_ready(l, OWN(host->waiting.next, link));
    } else {
        release_host(l, host);
    }
}

int64_t lanes_paused(const struct lane *lane)
{
    return own_of(lane)->host->paused_until;
}

void lanes_move(struct lanes *l, int64_t by)
{
    struct link *at;

    timers_move(&l->rests, by);
    timers_move(&l->pauses, by);
    l->now = l->now == INT64_MIN ? l->now : l->now + by;
    for (at = l->all.next; at != &l->all; at = at->next) {
        struct party *host = OWN(at, all_link)->host;

        /* once, though several lanes may have it */
        if (host->paused_until != 0 && OWN(host->members.next, host_link) == OWN(at, all_link))
            host->paused_until = host->paused_until + by > 1 ? host->paused_until + by : 1;
    }
}

size_t lanes_under_way(const struct lanes *l)
{
    return l->tries;
}
