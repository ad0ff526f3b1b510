/* SPDX-License-Identifier: MIT */
/* For the tests of fit: small questions, and what makes a placement a good one. */
#ifndef AR_FIT_QUESTION_H
#define AR_FIT_QUESTION_H

#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "prop.h"

enum { HOSTS = 8, COLUMNS = 4, KINDS = 16, MANY = 1 << 24 };

/* A small question. */
struct question {
    struct fit_hosts hosts;
    struct fit_subset use;
    struct fit_demand demand;
    int64_t free[HOSTS * COLUMNS];
    int64_t amount[KINDS][COLUMNS];
    size_t host[HOSTS];
    struct fit_kind kind[KINDS];
    bool on[KINDS][HOSTS];
};

static inline void question_begin(struct question *q, size_t hosts, size_t resources)
{
    memset(q, 0, sizeof(*q));
    q->hosts = (struct fit_hosts){hosts, resources, q->free};
    q->use = (struct fit_subset){hosts, q->host};
    q->demand.kind = q->kind;
    for (size_t i = 0; i < hosts; i++)
        q->host[i] = i;
}

static inline void question_kind(struct question *q, int64_t count, const int64_t *amount)
{
    size_t k = q->demand.kinds++;

    assert_true(k < KINDS);
    memcpy(q->amount[k], amount, q->hosts.resources * sizeof(*amount));
    q->kind[k] = (struct fit_kind){.count = count, .amount = q->amount[k]};
}

/* The last kind may only go on the hosts that are bits of `mask`. */
static inline void question_mask(struct question *q, unsigned mask)
{
    size_t k = q->demand.kinds - 1;

    for (size_t h = 0; h < HOSTS; h++)
        q->on[k][h] = mask & 1U << h;
    q->kind[k].on = q->on[k];
}

/* Sometimes a mask: any, or the very same as the kind before has, in a place of its own. */
static inline void random_mask(struct prop *r, struct question *q)
{
    size_t k = q->demand.kinds - 1;

    if (!prop_one_in(r, 3))
        return;
    question_mask(q, (unsigned)(prop_bits(r) | (prop_one_in(r, 2) ? 0 : prop_bits(r))));
    if (k > 0 && q->kind[k - 1].on && prop_one_in(r, 3))
        memcpy(q->on[k], q->on[k - 1], sizeof(q->on[k]));
}

/* Does what the kind says of its hosts, the slow way. */
static inline bool may_take(const struct fit_kind *kind, size_t host)
{
    return kind->on == NULL || kind->on[host];
}

/* One resource: the hosts' free amounts, then pairs of count and amount; both lists end with 0. */
static inline void question_line(struct question *q, const int64_t *free, const int64_t *pairs)
{
    size_t n = 0;

    while (free[n] > 0)
        n++;
    question_begin(q, n, 1);
    memcpy(q->free, free, n * sizeof(*free));
    for (; pairs[0] > 0; pairs += 2)
        question_kind(q, pairs[0], &pairs[1]);
}

#define LINE(q, free, ...)                                                                         \
    question_line(q, (const int64_t[]){free, 0}, (const int64_t[]){__VA_ARGS__, 0})
#define FREE(...) __VA_ARGS__

/* All instances placed, on hosts of the subset that may take them, no host over its capacity, no
 * pair twice. */
static inline void check_placement(const struct fit_hosts *hosts, struct fit_subset use,
                                   const struct fit_demand *demand, const struct fit_placement *p)
{
    int64_t *left = calloc(hosts->hosts * hosts->resources + 1, sizeof(*left));
    int64_t *placed = calloc(demand->kinds + 1, sizeof(*placed));
    bool *usable = calloc(hosts->hosts + 1, sizeof(*usable));
    bool *seen = calloc(demand->kinds * hosts->hosts + 1, sizeof(*seen));

    memcpy(left, hosts->free, hosts->hosts * hosts->resources * sizeof(*left));
    for (size_t i = 0; i < use.n; i++)
        usable[use.host[i]] = true;
    for (size_t i = 0; i < p->n; i++) {
        const struct fit_place *place = &p->place[i];

        assert_true(place->kind < demand->kinds && place->host < hosts->hosts);
        assert_true(usable[place->host] && place->count >= 1);
        assert_true(may_take(&demand->kind[place->kind], place->host));
        assert_false(seen[place->kind * hosts->hosts + place->host]);
        seen[place->kind * hosts->hosts + place->host] = true;
        placed[place->kind] += place->count;
        for (size_t r = 0; r < hosts->resources; r++) {
            int64_t *free = &left[place->host * hosts->resources + r];

            *free -= place->count * demand->kind[place->kind].amount[r];
            assert_true(*free >= 0);
        }
    }
    for (size_t k = 0; k < demand->kinds; k++)
        assert_int_equal(placed[k], demand->kind[k].count);
    free(left);
    free(placed);
    free(usable);
    free(seen);
}

static inline void random_subset(struct prop *r, struct question *q)
{
    q->use.n = 0;
    for (size_t i = 0; i < q->hosts.hosts; i++)
        if (!prop_one_in(r, 6))
            q->host[q->use.n++] = i;
}

#endif
