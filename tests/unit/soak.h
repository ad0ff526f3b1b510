/* SPDX-License-Identifier: MIT */
/* The short and the long form of a unit test: ANTEROOM_SOAK says how many seconds a long form may
 * take; without it, or empty, a test takes its short form (`make soak`). */
#ifndef AR_SOAK_H
#define AR_SOAK_H

#include <stdlib.h>

#include "clock.h"
#include "num.h"

struct soak {
    int64_t left; /* rounds */
    int64_t end;  /* on the monotonic clock; 0: the short form */
};

static inline struct soak soak_begin(int64_t rounds_short, int64_t rounds_long)
{
    const char *text = getenv("ANTEROOM_SOAK");
    int64_t seconds = 0;

    if (!text || !*text)
        return (struct soak){rounds_short, 0};
    if (num_i64(str_of(text), 1, 1000000, &seconds) != 0)
        abort();
    return (struct soak){rounds_long, clock_mono() + seconds * NS_PER_S};
}

/* for (struct soak s = soak_begin(1000, 1000000); soak_more(&s);) … */
static inline bool soak_more(struct soak *s)
{
    return s->left-- > 0 && (!s->end || clock_mono() < s->end);
}

#endif
