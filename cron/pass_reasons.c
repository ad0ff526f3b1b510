/* SPDX-License-Identifier: MIT */
/* Why the groups of a pass wait, where that is not what is written already. A house that is full
 * says the same to all who ask for the same: each text is put together once. */
#include "pass_inner.h"

/* What the groups of one of the plan's questions are told, and all that it depends on. Without
 * `known` nothing has been said yet. */
struct saying {
    bool known;
    size_t scope, scope_text, limit;
    int64_t blocker;
    enum plan_verdict verdict;
    const char *reason; /* NULL: nothing is to be said */
    uint64_t digest;
    struct str message; /* absent: nobody had to be told so far */
};

struct sayer {
    struct pass *pass;
    struct pass_queue *queue;
    struct reason_sums *sums;
    struct saying *saying; /* [groups], by question */
    struct buf text;
};

/* Of a group for which there is no memory more: is there a next pass that gets further? */
static void lose(struct pass *p)
{
    p->more = p->more || p->reasons > 0;
}

static void note(struct pass *p, const struct waiting *w, size_t g, const char *reason,
                 struct str message)
{
    p->reason[p->reasons++] =
        (struct pass_reason){w->group[g].id, w->group[g].head.id, reason, message};
}

/* The same text for all groups. */
static void tell_all(struct pass *p, const struct waiting *w, const char *reason,
                     const struct buf *text)
{
    uint64_t digest = waiting_digest(str_of(reason), buf_span(text));
    struct str message = {0};
    size_t g;

    for (g = 0; g < w->groups; g++) {
        if (!p->show && digest == w->info[g].told)
            continue;
        if (text->no_memory || (!message.p && arena_copy(p->told, buf_span(text), &message) != 0)) {
            lose(p);
            return;
        }
        note(p, w, g, reason, message);
    }
}

/* The scope as the group names it is only told to whom no pool serves. */
static bool is_known(const struct sayer *s, const struct saying *said, size_t g)
{
    const struct waiting *w = &s->queue->waiting;
    const struct plan_out *plan = &s->queue->plan;

    return said->known && said->verdict == plan->verdict[g] && said->limit == plan->limit[g] &&
           said->blocker == plan->blocker[g] && said->scope == w->group[g].scope &&
           (said->verdict != PLAN_NO_POOL || said->scope_text == w->info[g].scope_text);
}

static const char *put_together(struct sayer *s, size_t g)
{
    struct pass_queue *q = s->queue;

    buf_reset(&s->text);
    return reason_of(&q->waiting, s->sums, &q->limits, &q->plan, g, &s->text);
}

static void learn(struct sayer *s, struct saying *said, size_t g)
{
    const struct waiting *w = &s->queue->waiting;
    const struct plan_out *plan = &s->queue->plan;

    *said = (struct saying){.scope = w->group[g].scope,
                            .scope_text = w->info[g].scope_text,
                            .limit = plan->limit[g],
                            .blocker = plan->blocker[g],
                            .verdict = plan->verdict[g],
                            .reason = put_together(s, g)};
    said->known = !s->text.no_memory;
    if (said->known && said->reason)
        said->digest = waiting_digest(str_of(said->reason), buf_span(&s->text));
}

static void tell(struct sayer *s, size_t g)
{
    const struct waiting *w = &s->queue->waiting;
    struct saying *said = &s->saying[s->queue->plan.question[g]];
    struct pass *p = s->pass;
    bool fresh = !is_known(s, said, g);

    if (fresh)
        learn(s, said, g);
    if (!said->known) {
        lose(p);
        return;
    }
    if (!said->reason || (!p->show && said->digest == w->info[g].told))
        return;
    if (!said->message.p) {
        if (!fresh)
            (void)put_together(s, g);
        if (s->text.no_memory || arena_copy(p->told, buf_span(&s->text), &said->message) != 0) {
            lose(p); /* where none was told the next pass would get no further either */
            return;
        }
    }
    note(p, w, g, said->reason, said->message);
}

static int tell_each(struct pass *p, struct pass_queue *q, struct err *e)
{
    struct sayer s = {.pass = p, .queue = q, .text = BUF_INIT(REASON_MESSAGE_MAX)};
    size_t g;
    bool enough;

    s.sums = reason_sums_new(&q->waiting);
    s.saying = calloc(q->waiting.groups + 1, sizeof *s.saying);
    enough = s.sums && s.saying;
    for (g = 0; enough && g < q->waiting.groups; g++)
        tell(&s, g);
    reason_sums_free(s.sums);
    free(s.saying);
    buf_free(&s.text);
    return enough ? 0 : err_set(e, ERR_INTERNAL, "out of memory while planning a pass");
}

int pass_reasons(struct pass *p, struct pass_queue *q, struct err *e)
{
    struct buf b = BUF_INIT(REASON_MESSAGE_MAX);
    size_t before = p->reasons;
    int rc = 0;

    if (q->planned)
        rc = tell_each(p, q, e);
    else if (q->reading.state != SOURCE_GOOD)
        tell_all(p, &q->waiting, reason_no_capacity(&q->reading, &b), &b);
    q->told = (int64_t)(p->reasons - before);
    buf_free(&b);
    return rc;
}

/* What the store says by itself of those whose queue is paused; only a dry run says it here. */
void pass_show_paused(struct pass *p)
{
    struct buf b = BUF_INIT(REASON_MESSAGE_MAX);

    buf_str(&b, STORE_PAUSED);
    tell_all(p, &p->paused, JOB_REASON_PAUSED, &b);
    buf_free(&b);
}
