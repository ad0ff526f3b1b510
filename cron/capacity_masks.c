/* SPDX-License-Identifier: MIT */
/*
 * Masks of hosts. They are interned by their contents, constraints by their text, and answers by
 * the text of their kind: however many shapes there are, there is one mask for each set of hosts.
 */
#include "capacity_masks.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "intern.h"

/* A text, and the hosts that take it. */
struct known {
    struct intern text;
    struct capacity_mask *mask; /* [text.n] */
    size_t cap;
};

struct capacity_masks {
    const struct source_reading *reading;
    bool *work;           /* [hosts] */
    const bool *none;     /* once it was asked for */
    struct intern sets;   /* the masks, as bytes */
    struct known wanted;  /* constraints */
    struct known answers; /* kinds that were asked about, over all answers to the same */
    size_t seen;          /* how many of reading->exact are in `answers` */
};

struct capacity_masks *masks_new(const struct source_reading *r, struct arena *a)
{
    struct capacity_masks *m = arena_array(a, 1, sizeof *m);

    if (!m)
        return NULL;
    *m = (struct capacity_masks){.reading = r,
                                 .work = arena_array(a, r->hosts, sizeof *m->work),
                                 .sets.arena = a,
                                 .wanted.text.arena = a,
                                 .answers.text.arena = a};
    return m->work ? m : NULL;
}

void masks_free(struct capacity_masks *m)
{
    if (!m)
        return;
    intern_free(&m->sets);
    intern_free(&m->wanted.text);
    intern_free(&m->answers.text);
    free(m->wanted.mask);
    free(m->answers.mask);
}

/* The set that m->work holds; also when that is all of the hosts. */
static int keep(struct capacity_masks *m, const bool **on)
{
    size_t i = intern_add(&m->sets, (struct str){(const char *)m->work, m->reading->hosts});

    if (i == INTERN_NONE)
        return -1;
    *on = (const bool *)m->sets.text[i].p;
    return 0;
}

static int keep_unless_all(struct capacity_masks *m, const bool **on)
{
    *on = NULL;
    return memchr(m->work, 0, m->reading->hosts) ? keep(m, on) : 0;
}

int masks_none(struct capacity_masks *m, const bool **on)
{
    if (!m->none) {
        memset(m->work, false, m->reading->hosts);
        if (keep(m, &m->none) != 0)
            return -1;
    }
    *on = m->none;
    return 0;
}

/* The place of a text, with room for its mask. A new one's is every host. */
static int known_add(struct known *k, struct str text, size_t *index)
{
    size_t before = k->text.n;

    if (before == k->cap) {
        size_t cap = k->cap ? 2 * k->cap : 16;
        struct capacity_mask *grown = reallocarray(k->mask, cap, sizeof *grown);

        if (!grown)
            return -1;
        k->mask = grown;
        k->cap = cap;
    }
    *index = intern_add(&k->text, text);
    if (*index == INTERN_NONE)
        return -1;
    if (*index == before)
        k->mask[before] = (struct capacity_mask){NULL, CONSTRAINT_MET};
    return 0;
}

int masks_constraint(struct capacity_masks *m, struct str constraint, struct capacity_mask *mask)
{
    struct str text = constraint.p ? constraint : STR_LIT("{}"); /* which ask for the same */
    size_t i = intern_find(&m->wanted.text, text);
    struct capacity_mask made;

    if (i == INTERN_NONE) {
        if (constraint_hosts(text, m->reading, m->work, &made.answer) != 0 ||
            keep_unless_all(m, &made.on) != 0 || known_add(&m->wanted, text, &i) != 0)
            return -1;
        m->wanted.mask[i] = made;
    }
    *mask = m->wanted.mask[i];
    return 0;
}

/* *on less the hosts that are off in `other`, which is never all there are. */
static int meet(struct capacity_masks *m, const bool *other, const bool **on)
{
    size_t i;

    if (!other)
        return 0;
    for (i = 0; i < m->reading->hosts; i++)
        m->work[i] = other[i] && (!*on || (*on)[i]);
    return keep(m, on);
}

static int take_answer(struct capacity_masks *m, const struct source_exact *exact)
{
    const bool *takes;
    size_t i, h;

    if (known_add(&m->answers, exact->kind, &i) != 0)
        return -1;
    for (h = 0; h < m->reading->hosts; h++)
        m->work[h] = exact->host[h] != SOURCE_HOST_REFUSES;
    if (keep_unless_all(m, &takes) != 0)
        return -1;
    return meet(m, takes, &m->answers.mask[i].on);
}

int masks_exact(struct capacity_masks *m, const struct demand_kind *kind, const bool **on)
{
    struct buf text = BUF_INIT(JSON_TEXT_MAX);
    size_t i = INTERN_NONE;
    int rc = 0;

    for (; m->seen < m->reading->exacts; m->seen++)
        if (take_answer(m, &m->reading->exact[m->seen]) != 0)
            return -1;
    if (m->seen == 0)
        return 0;
    demand_write_kind(kind, &text);
    if (text.failed)
        rc = -1;
    else
        i = intern_find(&m->answers.text, buf_span(&text));
    if (i != INTERN_NONE)
        rc = meet(m, m->answers.mask[i].on, on);
    buf_free(&text);
    return rc;
}
