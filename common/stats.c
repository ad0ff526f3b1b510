/* SPDX-License-Identifier: MIT */
/*
 * Numbers that are counted.
 *
 * A type's slot is found by a hash of its name, in an open table. Claiming one is exchanging a 0
 * for that hash; the name is written after it, by everybody who finds it missing (they write the
 * same bytes), so that one who is killed half-way leaves nothing that others would have to wait
 * for.
 */
#include "stats.h"

#include <string.h>

#include "log.h"
#include "stats_inner.h"

#define MS 1000LL /* in us */
#define S  (1000 * MS)
const int64_t stats_limits[STATS_SCALES][STATS_BUCKETS - 1] = {
    [STATS_SHORT] = {100, 250, 500, 1 * MS, 2500, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS,
                     250 * MS, 500 * MS, 1 * S, 2500 * MS, 5 * S, 10 * S, 30 * S, 60 * S, 120 * S},
    [STATS_LONG] = {100 * MS, 1 * S, 5 * S, 15 * S, 30 * S, 60 * S, 120 * S, 300 * S, 600 * S,
                    1200 * S, 1800 * S, 3600 * S, 7200 * S, 14400 * S, 28800 * S, 86400 * S,
                    172800 * S, 604800 * S, 2592000 * S},
    [STATS_SIZE] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768,
                    65536, 131072, 262144},
};

/* How long a bucket of a ring lasts, in s. The running one counts, so the window is up to one
 * bucket short. */
static const int64_t ring_step[STATS_RINGS] = {
    [STATS_MINUTE] = 3, [STATS_HOUR] = 180, [STATS_DAY] = 3600};
static const int64_t ring_used[STATS_RINGS] = {
    [STATS_MINUTE] = 20, [STATS_HOUR] = 20, [STATS_DAY] = 24};

/* ---- numbers ---- */

static void add(stats_number *n, int64_t v)
{
    (void)atomic_fetch_add_explicit(n, v, memory_order_relaxed);
}

/* A number that never was counted, of a file that was damaged, is none. */
static int64_t get(const stats_number *n)
{
    int64_t v = atomic_load_explicit(n, memory_order_relaxed);

    return v < 0 ? 0 : v;
}

static void count(struct stats_counted *h, enum stats_scale scale, int64_t v)
{
    size_t i = 0;

    v = v < 0 ? 0 : v;
    while (i < STATS_BUCKETS - 1 && v > stats_limits[scale][i])
        i++;
    add(&h->count[i], 1);
    add(&h->sum, v);
}

static int64_t in_us(int64_t ns)
{
    return ns < 0 ? 0 : ns / 1000 + (ns % 1000 >= 500);
}

static void read_counted(const struct stats_counted *h, struct stats_histogram *out)
{
    size_t i;

    for (i = 0; i < STATS_BUCKETS; i++)
        out->count[i] = get(&h->count[i]);
    out->sum = get(&h->sum);
}

/* ---- counting ---- */

/* By whoever counts, now and then. */
static void look_after(struct stats *s)
{
    int64_t now = clock_mono();

    if (stats_file_was_cut()) /* a signal's handler cannot say it */
        log_warn("stats", "error=\"the file was cut short by somebody else\" kept=memory");
    if (now < get(&s->look_at))
        return;
    atomic_store_explicit(&s->look_at, now + NS_PER_S, memory_order_relaxed);
    stats_follow(s);
}

static size_t route_of(size_t route)
{
    return route < STATS_NO_ROUTE ? route : STATS_NO_ROUTE;
}

static bool is_status(int status)
{
    return status >= STATS_STATUS_LEAST && status < STATS_STATUS_LEAST + STATS_STATUSES;
}

void stats_http(struct stats *s, size_t route, int status, int64_t ns)
{
    if (!s || !is_status(status))
        return;
    route = route_of(route);
    add(&s->file->route[route].status[status - STATS_STATUS_LEAST], 1);
    count(&s->file->route[route].took, STATS_SHORT, in_us(ns));
    look_after(s);
}

static void forget(stats_number *n, size_t count_of)
{
    size_t i;

    for (i = 0; i < count_of; i++)
        atomic_store_explicit(&n[i], 0, memory_order_relaxed);
}

void stats_routes(struct stats *s, uint64_t table)
{
    struct stats_route *r;
    size_t i;

    if (!s || atomic_exchange(&s->file->routes, table) == table)
        return;
    for (i = 0; i < STATS_ROUTES_MAX; i++) {
        r = &s->file->route[i];
        forget(r->status, STATS_STATUSES);
        forget(r->took.count, STATS_BUCKETS);
        forget(&r->took.sum, 1);
    }
}

void stats_commit(struct stats *s, enum stats_program program, int64_t changes, int64_t ns)
{
    if (!s)
        return;
    count(&s->file->commits[program].size, STATS_SIZE, changes);
    count(&s->file->commits[program].took, STATS_SHORT, in_us(ns));
}

void stats_delivery(struct stats *s, enum stats_outcome outcome, int64_t ns)
{
    if (s)
        count(&s->file->deliveries[outcome], STATS_SHORT, in_us(ns));
}

void stats_pass(struct stats *s, int64_t at, int64_t ns)
{
    if (!s)
        return;
    count(&s->file->passes, STATS_SHORT, in_us(ns));
    look_after(s);
    atomic_store_explicit(&s->file->pass_ended, at + ns, memory_order_relaxed);
}

/* ---- slots of queues ---- */

/* FNV-1a, never 0. Whoever makes two types collide makes them take one place more. */
static uint64_t hash_of(struct str type)
{
    uint64_t h = 0xcbf29ce484222325ULL;
    size_t i;

    for (i = 0; i < type.n; i++)
        h = (h ^ (unsigned char)type.p[i]) * 0x100000001b3ULL;
    return h ? h : 1;
}

static uint64_t word_of(struct str type, size_t i)
{
    uint64_t w = 0;

    memcpy(&w, type.p + i * 8, type.n - i * 8 < 8 ? type.n - i * 8 : 8);
    return w;
}

/* The slot has this type's hash: is it this type's? Names it where nobody has yet. */
static bool is_slot_of(struct stats_slot *slot, struct str type)
{
    uint64_t named = atomic_load_explicit(&slot->named, memory_order_acquire);
    size_t i;

    if (named == 0) {
        for (i = 0; i * 8 < type.n; i++)
            atomic_store_explicit(&slot->name[i], word_of(type, i), memory_order_relaxed);
        atomic_store_explicit(&slot->named, type.n, memory_order_release);
        return true;
    }
    if (named != type.n)
        return false;
    for (i = 0; i * 8 < type.n; i++) {
        if (atomic_load_explicit(&slot->name[i], memory_order_relaxed) != word_of(type, i))
            return false;
    }
    return true;
}

/* The slot of a type. NULL: it has none, and gets none unless `claim`; then all are taken. */
static struct stats_slot *find_slot(struct stats_file *f, struct str type, bool claim)
{
    uint64_t hash = hash_of(type), owner;
    size_t i, at;

    for (i = 0; i < STATS_QUEUES_MAX; i++) {
        at = (hash + i) % STATS_QUEUES_MAX;
        owner = atomic_load_explicit(&f->owner[at], memory_order_relaxed);
        if (owner == 0) {
            if (!claim || atomic_compare_exchange_strong(&f->owner[at], &owner, hash))
                owner = claim ? hash : 0;
            if (owner == 0)
                return NULL;
        }
        if (owner == hash && is_slot_of(&f->slot[at], type))
            return &f->slot[at];
    }
    return NULL;
}

static struct stats_slot *slot_for(struct stats_file *f, struct str type)
{
    struct stats_slot *slot = NULL;

    if (type.n > 0 && type.n <= JOB_NAME_MAX)
        slot = find_slot(f, type, true);
    return slot ? slot : &f->slot[STATS_QUEUES_MAX];
}

/* ---- rings ---- */

static uint32_t step_of(int ring, int64_t now)
{
    return (uint32_t)(now / NS_PER_S / ring_step[ring]);
}

/* Whatever else than the running span a bucket held, later ones too after the clock was put back,
 * gives way. */
static void ring_add(struct stats_slot *slot, int ring, int64_t now)
{
    uint64_t step = step_of(ring, now), old, new;
    stats_word *bucket = &slot->ring[ring][step % (uint64_t)ring_used[ring]];

    old = atomic_load_explicit(bucket, memory_order_relaxed);
    do {
        new = old >> 32 != step ? step << 32 | 1 : (uint32_t)old == UINT32_MAX ? old : old + 1;
    } while (!atomic_compare_exchange_weak_explicit(bucket, &old, new, memory_order_relaxed,
                                                    memory_order_relaxed));
}

static int64_t ring_sum(const struct stats_slot *slot, int ring, int64_t now)
{
    int64_t step = step_of(ring, now), of, sum = 0;
    uint64_t bucket;
    int64_t i;

    for (i = 0; i < ring_used[ring]; i++) {
        bucket = atomic_load_explicit(&slot->ring[ring][i], memory_order_relaxed);
        of = (int64_t)(bucket >> 32);
        if (of <= step && of > step - ring_used[ring])
            sum += (uint32_t)bucket;
    }
    return sum;
}

/* ---- queues ---- */

void stats_created(struct stats *s, struct str type, int64_t jobs)
{
    if (s)
        add(&slot_for(s->file, type)->created, jobs);
}

void stats_admitted(struct stats *s, struct str type, int64_t waited, int64_t now)
{
    struct stats_slot *slot;
    int ring;

    if (!s)
        return;
    slot = slot_for(s->file, type);
    add(&slot->admitted, 1);
    count(&slot->wait, STATS_LONG, in_us(waited));
    for (ring = 0; ring < STATS_RINGS; ring++)
        ring_add(slot, ring, now);
}

void stats_reading(struct stats *s, struct str type, bool good)
{
    struct stats_slot *slot;

    if (!s)
        return;
    slot = slot_for(s->file, type);
    add(&slot->readings, 1);
    add(&slot->failed, !good);
}

/* Whoever sees what is stored so, and reads so, sees too how far the turn was before. */
static void put(stats_number *n, int64_t v)
{
    atomic_store_explicit(n, v, memory_order_release);
}

static int64_t take(const stats_number *n)
{
    int64_t v = atomic_load_explicit(n, memory_order_acquire);

    return v < 0 ? 0 : v;
}

void stats_queue_pass(struct stats *s, struct str type, const struct stats_last_pass *p)
{
    struct stats_slot *slot;
    uint64_t turn;
    size_t at;

    if (!s)
        return;
    slot = slot_for(s->file, type);
    turn = atomic_load_explicit(&slot->turn, memory_order_relaxed) + 1;
    at = turn % STATS_TURNS;
    put(&slot->last[at].at, p->at);
    put(&slot->last[at].ns, p->ns);
    put(&slot->last[at].admitted, p->admitted);
    put(&slot->last[at].groups, p->groups);
    put(&slot->last[at].reasons, p->reasons);
    atomic_store_explicit(&slot->turn, turn, memory_order_release);
}

/* Reads again when its place was perhaps overwritten meanwhile: when its writer came round. */
static void read_last(const struct stats_slot *slot, struct stats_last_pass *p)
{
    enum { LOOKS = 1000 };
    uint64_t turn, after;
    size_t at;
    int i = 0;

    do {
        turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
        at = turn % STATS_TURNS;
        p->at = take(&slot->last[at].at);
        p->ns = take(&slot->last[at].ns);
        p->admitted = take(&slot->last[at].admitted);
        p->groups = take(&slot->last[at].groups);
        p->reasons = take(&slot->last[at].reasons);
        after = atomic_load_explicit(&slot->turn, memory_order_relaxed);
    } while (after - turn > STATS_TURNS - 2 && ++i < LOOKS);
}

void stats_queue(struct stats *s, struct str type, int64_t now, struct stats_queue *q)
{
    const struct stats_slot *slot;

    memset(q, 0, sizeof *q);
    if (!s || type.n > JOB_NAME_MAX)
        return;
    slot = type.n > 0 ? find_slot(s->file, type, false) : &s->file->slot[STATS_QUEUES_MAX];
    if (!slot)
        return;
    q->created = get(&slot->created);
    q->admitted = get(&slot->admitted);
    q->readings = get(&slot->readings);
    q->failed = get(&slot->failed);
    q->last_minute = ring_sum(slot, STATS_MINUTE, now);
    q->last_hour = ring_sum(slot, STATS_HOUR, now);
    q->last_day = ring_sum(slot, STATS_DAY, now);
    read_counted(&slot->wait, &q->wait);
    read_last(slot, &q->last);
}

/* ---- reading the rest ---- */

int64_t stats_read_status(struct stats *s, size_t route, int status)
{
    if (!s || !is_status(status))
        return 0;
    return get(&s->file->route[route_of(route)].status[status - STATS_STATUS_LEAST]);
}

void stats_read_http(struct stats *s, size_t route, struct stats_histogram *took)
{
    memset(took, 0, sizeof *took);
    if (s)
        read_counted(&s->file->route[route_of(route)].took, took);
}

void stats_read_commits(struct stats *s, enum stats_program program, struct stats_histogram *size,
                        struct stats_histogram *took)
{
    memset(size, 0, sizeof *size);
    memset(took, 0, sizeof *took);
    if (!s)
        return;
    read_counted(&s->file->commits[program].size, size);
    read_counted(&s->file->commits[program].took, took);
}

void stats_read_deliveries(struct stats *s, enum stats_outcome outcome,
                           struct stats_histogram *took)
{
    memset(took, 0, sizeof *took);
    if (s)
        read_counted(&s->file->deliveries[outcome], took);
}

int64_t stats_read_passes(struct stats *s, struct stats_histogram *took)
{
    memset(took, 0, sizeof *took);
    if (!s)
        return 0;
    read_counted(&s->file->passes, took);
    return get(&s->file->pass_ended);
}

int64_t stats_since(struct stats *s)
{
    return s ? s->file->since : 0;
}
