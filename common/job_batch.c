/* SPDX-License-Identifier: MIT */
/* What is posted to a queue: one job, or an array of them. */
#include "job_batch.h"

#include "callback.h"
#include "store_clock.h"

void job_batch_free(struct job_batch *b)
{
    size_t i;

    for (i = 0; i < b->jobs; i++)
        job_new_free(&b->job[i]);
    free(b->job);
    json_in_free(b->doc);
    *b = (struct job_batch){0};
}

/* How many jobs the text has. */
static int count_jobs(const json_value *root, struct job_batch *b, size_t *count, struct err *e)
{
    enum json_kind kind = json_kind(root);

    b->array = kind == JSON_ARRAY;
    *count = b->array ? json_length(root) : 1;
    if (kind != JSON_ARRAY && kind != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "the body must be an object or an array of objects, not %s",
                       json_kind_word(kind));
    if (*count < 1 || *count > JOB_BATCH_MAX)
        return err_set(e, ERR_INVALID, "an array must have 1 to %d jobs, not %zu", JOB_BATCH_MAX,
                       *count);
    return 0;
}

/* Whose queue it is for, and how its callbacks are judged. */
struct target {
    const struct conf *conf;
    struct ownaddr *own;
    const struct conf_queue *queue;
    struct str type;
};

static int parse_job(const struct target *t, json_value *v, struct job_new *n, struct err *e)
{
    if (json_kind(v) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "a job must be an object, not %s",
                       json_kind_word(json_kind(v)));
    if (job_parse_new(t->queue, t->type, v, n, e) != 0)
        return -1;
    if (callback_judge(t->conf, t->own, t->queue, &n->target, e) == 0)
        return 0;
    job_new_free(n);
    return -1;
}

static int parse_jobs(const struct target *t, struct job_batch *b, struct err *e)
{
    json_value *root = json_in_root(b->doc);
    size_t count;

    if (count_jobs(root, b, &count, e) != 0)
        return -1;
    b->job = calloc(count, sizeof *b->job);
    if (!b->job)
        return err_set(e, ERR_INTERNAL, "no memory for %zu jobs", count);
    for (; b->jobs < count; b->jobs++) {
        json_value *v = b->array ? json_at(root, b->jobs) : root;

        if (parse_job(t, v, &b->job[b->jobs], e) != 0)
            return b->array ? err_under(e, "/%zu", b->jobs) : -1;
    }
    return 0;
}

int job_batch_parse(const struct conf *conf, struct ownaddr *own, struct str type, struct str text,
                    struct job_batch *b, struct err *e)
{
    struct target t = {conf, own, conf_queue(conf, type), type};

    if (job_check_new_name(type, "the type", e) != 0) {
        e->code = ERR_BAD_REQUEST;
        return -1;
    }
    if (json_in_parse_many(text, &b->doc, e) != 0)
        return -1;
    return parse_jobs(&t, b, e);
}

int job_batch_create(struct store *s, const struct job_batch *b, struct json_out *o,
                     struct clock_zone *zone, struct job *last, struct err *e)
{
    size_t i;

    if (b->array)
        json_open(o, '[');
    for (i = 0; i < b->jobs; i++) {
        if (store_create(s, &b->job[i], store_now(s), last, e) != 0)
            return b->array ? err_under(e, "/%zu", i) : -1;
        job_write(o, last, zone);
    }
    if (b->array)
        json_close(o, ']');
    return 0;
}
