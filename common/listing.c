/* SPDX-License-Identifier: MIT */
/* Lists of jobs as they are asked for. */
#include "listing.h"

int listing_statuses(struct str words, unsigned *statuses, struct err *e)
{
    const char *p = words.p, *end = p + words.n, *comma;
    enum job_status status;

    for (;;) {
        comma = memchr(p, ',', (size_t)(end - p));
        if (!comma)
            comma = end;
        if (job_status_parse((struct str){p, (size_t)(comma - p)}, &status) != 0)
            return err_set(e, ERR_BAD_REQUEST, "status: \"%.*s\" is no status of a job",
                           (int)(comma - p), p);
        *statuses |= 1U << status;
        if (comma == end)
            return 0;
        p = comma + 1;
    }
}

/* Lengths go first, so that no two lists have the same name. */
int listing_name(const struct store_filter *f, const struct who *who, struct buf *b, struct err *e)
{
    buf_printf(b, "%zu %u %d %zu ", f->type.n, f->statuses, f->owner_id.p != NULL, f->owner_id.n);
    buf_add(b, f->type.p, f->type.n);
    if (f->owner_id.n > 0)
        buf_add(b, f->owner_id.p, f->owner_id.n);
    who_write_sight(who, b);
    return buf_check(b, "the query", e);
}
