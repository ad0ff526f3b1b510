/* SPDX-License-Identifier: MIT */
/* The merge over the groups: a binary heap of the jobs whose turn comes next. */
#include "plan_inner.h"

static bool earlier(const struct plan_turn *a, const struct plan_turn *b)
{
    if (a->job.priority != b->job.priority)
        return a->job.priority < b->job.priority;
    return a->job.id < b->job.id;
}

void turns_add(struct plan_turns *turns, struct plan_turn turn)
{
    size_t i = turns->n++;

    while (i > 0 && earlier(&turn, &turns->turn[(i - 1) / 2])) {
        turns->turn[i] = turns->turn[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    turns->turn[i] = turn;
}

struct plan_turn turns_take(struct plan_turns *turns)
{
    struct plan_turn *heap = turns->turn, top = heap[0], last = heap[--turns->n];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < turns->n) {
        if (child + 1 < turns->n && earlier(&heap[child + 1], &heap[child]))
            child++;
        if (!earlier(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}
