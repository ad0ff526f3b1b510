/* SPDX-License-Identifier: MIT */
/*
 * What must be asked before an admission can be written: the quota of a project that has a job
 * which fits, and whether the hosts of the placement take the very shape, where its amounts alone
 * do not tell. The admission waits for the answers; what it would take stays taken in this plan, so
 * that nobody passes it meanwhile.
 */
#include "pass_inner.h"

enum { TEXT_MAX = 64 << 10 };

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while asking a source further");
}

/* Adds a question unless it, by its text, is there already. A pass asks so many at the most; those
 * left over come up again in the next. */
static int add(struct pass_queue *q, struct str text, const struct source_question *question,
               struct err *e)
{
    size_t before = q->asked.n;

    if (intern_find(&q->asked, text) != INTERN_NONE || q->questions == PASS_QUESTIONS_MAX)
        return 0;
    if (intern_add(&q->asked, text) == INTERN_NONE)
        return no_memory(e);
    q->question[q->questions] = *question;
    q->questions += q->asked.n > before;
    return 0;
}

static int ask_quota(struct pass_queue *q, struct str scope, struct err *e)
{
    struct source_question question = {.project = pool_project(scope)};

    return add(q, question.project, &question, e);
}

/* ---- exact shapes ---- */

/* Does one of the answers to this kind say something of the host? The same kind may have been asked
 * for in several places. */
static bool is_known(const struct source_reading *r, struct str text, size_t host)
{
    size_t i;

    for (i = 0; i < r->exacts; i++) {
        if (r->exact[i].host[host] != SOURCE_HOST_UNKNOWN && str_eq(r->exact[i].kind, text))
            return true;
    }
    return false;
}

/* May one instance ask for so much without a question? */
static bool is_sure(const struct source_amount *a, int64_t asked)
{
    return a->sure == 0 || asked <= (a->sure > 0 ? a->sure : 0);
}

static int64_t asked_of(const struct demand_kind *kind, struct str resource)
{
    size_t i;

    for (i = 0; i < kind->amounts; i++) {
        if (str_eq(kind->amount[i].resource, resource))
            return kind->amount[i].amount;
    }
    return 0;
}

static bool has_perhaps(const struct source_host *h)
{
    size_t i = 0;

    while (i < h->labels && !h->label[i].perhaps)
        i++;
    return i < h->labels;
}

/* Do the amounts alone not tell whether the host takes one instance? */
static bool needs_asking(const struct source_host *h, const struct demand_kind *kind)
{
    size_t i;

    for (i = 0; i < h->amounts && !h->exact; i++) {
        if (!is_sure(&h->amount[i], asked_of(kind, h->amount[i].resource)))
            return true;
    }
    return h->exact || (kind->constraint.p && has_perhaps(h));
}

/* Is there a host of the placement that nothing is known of? */
static bool has_unknown(const struct pass_queue *q, const struct plan_admission *a, size_t number,
                        const struct demand_kind *kind, struct str text)
{
    size_t i, host;

    for (i = 0; i < a->placement.n; i++) {
        host = a->placement.place[i].host;
        if (a->placement.place[i].kind == number && needs_asking(&q->reading.host[host], kind) &&
            !is_known(&q->reading, text, host))
            return true;
    }
    return false;
}

/* The key tells kinds and places apart: the same kind may be asked for in two pools. */
static int ask_kind(struct pass *p, struct pass_queue *q, size_t scope,
                    const struct demand_kind *kind, struct str text, struct err *e)
{
    struct str pools = q->waiting.pools.text[scope];
    struct source_question asked = {.text = text, .kind = kind}, question;
    size_t *pool = arena_array(p->arena, pools.n / sizeof *pool, sizeof *pool);
    struct buf key = BUF_INIT(TEXT_MAX);
    int rc = -1;

    if (pool && pools.n)
        memcpy(pool, pools.p, pools.n);
    asked.pools = pools.n / sizeof *pool;
    asked.pool = pool;
    buf_printf(&key, "%zu ", scope);
    buf_add(&key, text.p, text.n);
    if (!pool || key.failed || source_question_copy(p->arena, &asked, &question) != 0)
        (void)no_memory(e);
    else
        rc = add(q, buf_span(&key), &question, e);
    buf_free(&key);
    return rc;
}

static int look_at_kind(struct pass *p, struct pass_queue *q, const struct plan_admission *a,
                        size_t number, const struct demand_kind *kind, struct err *e)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    int sure = 1;

    demand_write_kind(kind, &text);
    if (text.failed)
        sure = no_memory(e);
    else if (has_unknown(q, a, number, kind, buf_span(&text)))
        sure = ask_kind(p, q, q->waiting.group[a->group].scope, kind, buf_span(&text), e);
    buf_free(&text);
    return sure;
}

/* The kinds by name: the plan knows only columns. */
static int look_at_kinds(struct pass *p, struct pass_queue *q, const struct plan_admission *a,
                         struct err *e)
{
    struct demand *d;
    size_t k;
    int sure = 1, rc = 0;

    if (demand_from_shape(q->waiting.shape_text.text[q->waiting.group[a->group].shape], &d, e) != 0)
        return -1;
    for (k = 0; k < d->kinds && rc >= 0; k++) {
        rc = look_at_kind(p, q, a, k, &d->kind[k], e);
        sure = sure && rc;
    }
    demand_free(d);
    return rc < 0 ? -1 : sure;
}

/* Does the placement have a host of which more must be known than its amounts? Quick: most have
 * none. */
static bool may_need_asking(const struct pass_queue *q, const struct plan_admission *a)
{
    const struct source_host *h;
    size_t i, j;

    for (i = 0; i < a->placement.n; i++) {
        h = &q->reading.host[a->placement.place[i].host];
        if (h->exact || h->labels > 0)
            return true;
        for (j = 0; j < h->amounts; j++) {
            if (h->amount[j].sure != 0)
                return true;
        }
    }
    return false;
}

int pass_is_sure(struct pass *p, struct pass_queue *q, const struct plan_admission *a,
                 struct err *e)
{
    struct str scope = q->waiting.scope_text.text[q->waiting.info[a->group].scope_text];
    int sure = may_need_asking(q, a) ? look_at_kinds(p, q, a, e) : 1;

    if (sure < 0 || !limits_unknown(&q->reading, scope))
        return sure;
    return ask_quota(q, scope, e);
}
