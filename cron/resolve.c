/* SPDX-License-Identifier: MIT */
/*
 * Names looked up fairly. Questions stand in the line of their group; the groups stand in a ring.
 * When a thread is free, the first group that may have one more gives its first question whose name
 * is not being looked up already. A lookup that ends answers all who asked for its name, in
 * whatever line they stand. A lookup cannot be stopped: one that nobody waits for any more still
 * counts for the group that began it, until it ends.
 */
#include "resolve.h"

#include <stdlib.h>

#include "clock.h"

struct question {
    struct question *next;
    char name[CREW_NAME_MAX];
    int64_t until;
    size_t tag;
    struct lookup_answer answer; /* once it has ended */
};

struct line {
    struct question *first, **end;
};

struct group {
    struct group *next;
    size_t looking; /* lookups that it has begun */
    struct line line;
    size_t n;
    char id[]; /* [n] */
};

struct kept {
    int64_t at; /* when it was answered; 0: the place is free */
    char name[CREW_NAME_MAX];
    struct lookup_answer answer;
};

struct resolver {
    struct crew *crew;
    struct group *first, **end;              /* the ring; who began a lookup goes to its end */
    struct crew_task *task[RESOLVE_THREADS]; /* under way; NULL: a thread is free */
    struct line ended;                       /* questions with their answers */
    int64_t due;                             /* no question's time is over before this */
    size_t oldest;                           /* of `kept` */
    struct kept kept[RESOLVE_KEPT_MAX];
};

static void add(struct line *l, struct question *q)
{
    q->next = NULL;
    *l->end = q;
    l->end = &q->next;
}

/* Takes out the one that *link points at. */
static struct question *take_out(struct line *l, struct question **link)
{
    struct question *q = *link;

    *link = q->next;
    if (!*link)
        l->end = link;
    return q;
}

int resolve_open(const struct resolve_options *o, struct resolver **out, struct err *e)
{
    struct crew_options crew = {.threads = RESOLVE_THREADS, .look_up = o->look_up};
    struct resolver *r;

    if (lookup_server_parse(o->nameserver, &crew.server, e) != 0)
        return -1;
    r = calloc(1, sizeof *r);
    if (!r)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    r->end = &r->first;
    r->ended.end = &r->ended.first;
    r->due = INT64_MAX;
    if (crew_open(&crew, &r->crew, e) != 0) {
        free(r);
        return -1;
    }
    *out = r;
    return 0;
}

static void free_line(struct line *l)
{
    while (l->first)
        free(take_out(l, &l->first));
}

static void free_tasks(struct crew_task *t)
{
    struct crew_task *next;

    for (; t; t = next) {
        next = t->next;
        free(t);
    }
}

void resolve_close(struct resolver *r)
{
    struct group *g;

    if (!r)
        return;
    free_tasks(crew_take(r->crew));
    crew_close(r->crew);
    while ((g = r->first)) {
        r->first = g->next;
        free_line(&g->line);
        free(g);
    }
    free_line(&r->ended);
    free(r);
}

int resolve_fd(const struct resolver *r)
{
    return crew_fd(r->crew);
}

int64_t resolve_due(const struct resolver *r)
{
    return r->ended.first ? 0 : r->due;
}

/* ---- what is kept ---- */

static const struct lookup_answer *find_kept(const struct resolver *r, const char *name)
{
    int64_t now = clock_mono();
    size_t i;

    for (i = 0; i < RESOLVE_KEPT_MAX; i++) {
        if (r->kept[i].at != 0 && now - r->kept[i].at < RESOLVE_KEPT_SECONDS * NS_PER_S &&
            strcmp(r->kept[i].name, name) == 0)
            return &r->kept[i].answer;
    }
    return NULL;
}

static void keep(struct resolver *r, const struct crew_task *t)
{
    struct kept *k = &r->kept[r->oldest];

    r->oldest = (r->oldest + 1) % RESOLVE_KEPT_MAX;
    k->at = clock_mono();
    memcpy(k->name, t->name, sizeof k->name);
    k->answer = t->answer;
}

/* ---- the ring ---- */

static void to_the_end(struct resolver *r, struct group **link)
{
    struct group *g = *link;

    *link = g->next;
    if (!*link)
        r->end = link;
    g->next = NULL;
    *r->end = g;
    r->end = &g->next;
}

/* The group of this id, made if need be; NULL: no memory. */
static struct group *group_of(struct resolver *r, struct str id)
{
    struct group *g;

    for (g = r->first; g; g = g->next) {
        if (g->n == id.n && (id.n == 0 || memcmp(g->id, id.p, id.n) == 0))
            return g;
    }
    g = calloc(1, sizeof *g + id.n);
    if (!g)
        return NULL;
    g->n = id.n;
    if (id.n)
        memcpy(g->id, id.p, id.n);
    g->line.end = &g->line.first;
    *r->end = g;
    r->end = &g->next;
    return g;
}

/* Forgets the groups that neither ask nor look. */
static void sweep(struct resolver *r)
{
    struct group **link = &r->first, *g;

    while ((g = *link)) {
        if (g->line.first || g->looking > 0) {
            link = &g->next;
            continue;
        }
        *link = g->next;
        free(g);
    }
    r->end = link;
}

/* ---- lookups ---- */

static bool is_looked_up(const struct resolver *r, const char *name)
{
    size_t i;

    for (i = 0; i < RESOLVE_THREADS; i++) {
        if (r->task[i] && strcmp(r->task[i]->name, name) == 0)
            return true;
    }
    return false;
}

/* The first question of the line that needs a lookup of its own. */
static struct question *first_without(const struct resolver *r, const struct group *g)
{
    struct question *q = g->line.first;

    while (q && is_looked_up(r, q->name))
        q = q->next;
    return q;
}

/* The first group of the ring that may begin a lookup, and for which question. */
static struct group **whose_turn(struct resolver *r, struct question **q)
{
    struct group **link;

    for (link = &r->first; *link; link = &(*link)->next) {
        if ((*link)->looking >= RESOLVE_SHARE)
            continue;
        *q = first_without(r, *link);
        if (*q)
            return link;
    }
    return NULL;
}

/* Answers all who asked for this name. */
static void answer(struct resolver *r, const char *name, const struct lookup_answer *a)
{
    struct question **link, *q;
    struct group *g;

    for (g = r->first; g; g = g->next) {
        for (link = &g->line.first; (q = *link);) {
            if (strcmp(q->name, name) != 0) {
                link = &q->next;
                continue;
            }
            q->answer = *a;
            add(&r->ended, take_out(&g->line, link));
        }
    }
}

static void answer_failed(struct resolver *r, const char *name, const char *why)
{
    struct lookup_answer a = {0};

    (void)snprintf(a.error, sizeof a.error, "the name cannot be looked up: %s", why);
    answer(r, name, &a);
}

static void look_up(struct resolver *r, struct group *g, const struct question *q, size_t place)
{
    struct crew_task *t = malloc(sizeof *t);
    char name[CREW_NAME_MAX];

    memcpy(name, q->name, sizeof name);
    if (t) {
        *t = (struct crew_task){.owner = g};
        memcpy(t->name, name, sizeof name);
        if (crew_give(r->crew, t) == 0) {
            r->task[place] = t;
            g->looking++;
            return;
        }
        free(t);
    }
    answer_failed(r, name, "no thread can be started");
}

/* Gives all free threads something to do, as far as the groups' shares allow. */
static void begin_lookups(struct resolver *r)
{
    struct question *q;
    struct group **link;
    size_t place = 0;

    for (;;) {
        while (place < RESOLVE_THREADS && r->task[place])
            place++;
        link = place < RESOLVE_THREADS ? whose_turn(r, &q) : NULL;
        if (!link)
            return;
        look_up(r, *link, q, place);
        to_the_end(r, link);
    }
}

static void end_lookup(struct resolver *r, struct crew_task *t)
{
    struct group *g = t->owner;
    size_t i;

    for (i = 0; i < RESOLVE_THREADS && r->task[i] != t; i++)
        ;
    if (i < RESOLVE_THREADS) /* it always is */
        r->task[i] = NULL;
    g->looking--;
    keep(r, t);
    answer(r, t->name, &t->answer);
}

/* ---- questions ---- */

int resolve_start(struct resolver *r, const struct resolve_question *q, struct err *e)
{
    const struct lookup_answer *kept = find_kept(r, q->name);
    struct question *new = calloc(1, sizeof *new);
    struct group *g = new && !kept ? group_of(r, q->group) : NULL;

    if (!new || (!kept && !g)) {
        free(new);
        return err_set(e, ERR_INTERNAL, "out of memory for a name to look up");
    }
    (void)snprintf(new->name, sizeof new->name, "%s", q->name);
    new->until = q->until;
    new->tag = q->tag;
    if (kept) {
        new->answer = *kept;
        add(&r->ended, new);
        return 0;
    }
    add(&g->line, new);
    r->due = new->until < r->due ? new->until : r->due;
    begin_lookups(r);
    return 0;
}

/* Ends the questions whose time is over, and finds when the next one's is. */
static void end_late(struct resolver *r)
{
    static const char late[] = "the name was not looked up in time";
    int64_t now = clock_mono();
    struct question **link, *q;
    struct group *g;

    if (now < r->due)
        return;
    r->due = INT64_MAX;
    for (g = r->first; g; g = g->next) {
        for (link = &g->line.first; (q = *link);) {
            if (q->until > now) {
                r->due = q->until < r->due ? q->until : r->due;
                link = &q->next;
                continue;
            }
            memcpy(q->answer.error, late, sizeof late);
            add(&r->ended, take_out(&g->line, link));
        }
    }
}

void resolve_turn(struct resolver *r, resolve_done_fn *fn, void *ctx)
{
    struct crew_task *done = crew_take(r->crew), *t;
    struct line ended;
    struct question *q;

    for (t = done; t; t = t->next)
        end_lookup(r, t);
    free_tasks(done);
    end_late(r);
    begin_lookups(r);
    sweep(r);
    ended = r->ended;
    r->ended = (struct line){.end = &r->ended.first};
    while ((q = ended.first)) {
        ended.first = q->next;
        fn(ctx, q->tag, &q->answer);
        free(q);
    }
}
