/* SPDX-License-Identifier: MIT */
/* Interned names: a hash table with open addressing, at most half full. The seed is drawn anew for
 * each table, so that no client can choose names that collide. */
#include "intern.h"

#include <sys/random.h>

enum { SLOTS_FIRST = 64 };

static uint64_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 32;
    return h;
}

uint64_t intern_hash(uint64_t seed, struct str text)
{
    uint64_t h = seed ^ text.n, word;
    size_t i;

    for (i = 0; i + sizeof word <= text.n; i += sizeof word) {
        memcpy(&word, text.p + i, sizeof word);
        h = mix(h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    }
    word = 0;
    if (i < text.n)
        memcpy(&word, text.p + i, text.n - i);
    return mix(mix(h ^ word) + seed);
}

/* The slot that holds the text, or the empty one where it belongs. */
static size_t *slot_of(const struct intern *t, struct str text)
{
    size_t i = (size_t)intern_hash(t->seed, text) & (t->slots - 1);

    while (t->slot[i] && !str_eq(t->text[t->slot[i] - 1], text))
        i = (i + 1) & (t->slots - 1);
    return &t->slot[i];
}

static int grow_slots(struct intern *t)
{
    size_t slots = t->slots ? t->slots * 2 : SLOTS_FIRST, i;
    size_t *slot = calloc(slots, sizeof *slot);

    if (!slot)
        return -1;
    if (!t->slots && getrandom(&t->seed, sizeof t->seed, 0) < 0)
        t->seed = (uintptr_t)slot; /* an old kernel: at least another one each time */
    free(t->slot);
    t->slot = slot;
    t->slots = slots;
    for (i = 0; i < t->n; i++)
        *slot_of(t, t->text[i]) = i + 1;
    return 0;
}

static int grow_texts(struct intern *t)
{
    size_t cap = t->cap ? t->cap * 2 : SLOTS_FIRST / 2;
    struct str *text = reallocarray(t->text, cap, sizeof *text);

    if (!text)
        return -1;
    t->text = text;
    t->cap = cap;
    return 0;
}

size_t intern_add(struct intern *t, struct str text)
{
    size_t *slot, found = intern_find(t, text);

    if (found != INTERN_NONE)
        return found;
    if (t->slots < 2 * (t->n + 1) && grow_slots(t) != 0)
        return INTERN_NONE;
    if (t->n == t->cap && grow_texts(t) != 0)
        return INTERN_NONE;
    slot = slot_of(t, text);
    if (arena_copy(t->arena, text, &t->text[t->n]) != 0)
        return INTERN_NONE;
    *slot = ++t->n;
    return t->n - 1;
}

size_t intern_find(const struct intern *t, struct str text)
{
    size_t slot;

    if (!t->slots)
        return INTERN_NONE;
    slot = *slot_of(t, text);
    return slot ? slot - 1 : INTERN_NONE;
}

void intern_free(struct intern *t)
{
    free(t->text);
    free(t->slot);
    *t = (struct intern){.arena = t->arena};
}
