/* SPDX-License-Identifier: MIT */
/* Who asks, and what he may. */
#include "who.h"

bool who_is_admin(const struct who *w)
{
    return w->everything && w->changes;
}

bool who_sees(const struct who *w, struct str owner_id)
{
    size_t i;

    for (i = 0; i < w->owners && !w->everything; i++) {
        if (str_eq(w->owner[i], owner_id))
            return true;
    }
    return w->everything;
}
