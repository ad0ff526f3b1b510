/* SPDX-License-Identifier: MIT */
/*
 * The plan of a pass: which waiting jobs are admitted now, and where.
 *
 * The heads of the groups stand in a heap. The earliest is taken out and decided:
 * - admitted: the next job of its group takes its place in the heap;
 * - refused: its group is done, and where it has waited long enough, it holds the line, and what it
 *   needs of its limits is kept for it; otherwise the first job of its group that has waited so
 *   long comes into the heap as a marker, which does nothing but hold the line when its turn comes;
 * - short of quota, or of what hosts share: the same, but no line of hosts is held;
 * - blocked, or one too many of the jobs that may run: its group is done.
 *
 * Invariants: a group stands in the heap at most once. Free amounts and what is left of limits only
 * shrink, lines are never let go: so a refusal holds for the group, and one by the hosts for every
 * group that asks the same question. What has been admitted has been taken off the hosts and the
 * limits. A verdict is PLAN_ENOUGH until the group's turn has come.
 */
#include "plan_inner.h"

#include <assert.h>
#include <stdlib.h>

struct pass {
    struct plan_in *in;
    struct plan_out *out;
    struct err *e;
    struct plan_lanes lanes;
    struct plan_questions questions;
    struct plan_turns turns;
    struct plan_kept *kept; /* [limits] */
    size_t cap;             /* of out->admission */
    int64_t cutoff;         /* queued at or before it: past the guard */
    bool guard;             /* some job may be past it */
    int64_t pot;            /* steps of search that the pass has left */
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while planning");
}

static int unreadable(struct err *e)
{
    return err_set(e, ERR_UNAVAILABLE, "the queue could not be read while planning");
}

/* Does the demand fit on those of the `hosts` that `lane` has, in the policy's way? */
static enum fit_answer ask(struct pass *pass, const struct fit_hosts *hosts, size_t lane,
                           const struct fit_demand *demand, struct fit_placement *placement)
{
    const struct plan_in *in = pass->in;
    struct fit_subset use = pass->lanes.lane[lane].use;
    int64_t allowed = in->budget < pass->pot ? in->budget : pass->pot, steps = allowed;
    enum fit_answer answer;

    if (in->policy == PLAN_SPREAD)
        return fit_spread(hosts, use, demand, placement);
    answer = fit_pack(hosts, use, demand, &steps, placement);
    pass->pot -= allowed - steps;
    return answer;
}

static bool is_unsure(const struct plan_in *in, const struct plan_group *group)
{
    return in->unsure && in->unsure[group->scope];
}

static struct plan_question *question_of(struct pass *pass, size_t group)
{
    return &pass->questions.question[pass->out->question[group]];
}

/* Does it not even fit on the empty hosts? 1, 0, or -1 without memory. Not known is no. */
static int never_on_hosts(struct pass *pass, struct plan_question *question)
{
    const struct plan_in *in = pass->in;
    const struct fit_demand *shape = in->empty_shape ? in->empty_shape : in->shape;

    if (!question->judged) {
        /* fit only reads the hosts; the type is shared with what the plan takes from */
        struct fit_hosts empty = {in->hosts.hosts, in->hosts.resources,
                                  (int64_t *)(uintptr_t)in->total};
        enum fit_answer answer = ask(pass, &empty, question->lane, &shape[question->shape], NULL);

        if (answer == FIT_NO_MEMORY)
            return no_memory(pass->e);
        question->judged = true;
        question->empty = answer;
    }
    return question->empty == FIT_NO;
}

/* Can a job of the group not even run on the hosts of the table when they are empty? 1, 0, or -1
 * without memory. *over: the limit that is too small, or SIZE_MAX. */
static int never_here(struct pass *pass, size_t group, size_t *over)
{
    *over = limits_never(pass->in, &pass->in->group[group]);
    return *over != SIZE_MAX ? 1 : never_on_hosts(pass, question_of(pass, group));
}

/* The verdict on the first job of the group that is not admitted: PLAN_NEVER_FITS when that is
 * known, which is told before all else; otherwise `verdict`, with the limit that is too small.
 * 1: it never fits; 0, or -1 without memory. */
static int judge(struct pass *pass, size_t group, enum plan_verdict verdict, size_t limit)
{
    bool unsure = is_unsure(pass->in, &pass->in->group[group]);
    size_t over;
    int never = unsure ? 0 : never_here(pass, group, &over);

    if (never < 0)
        return -1;
    pass->out->verdict[group] = never ? PLAN_NEVER_FITS : verdict;
    pass->out->limit[group] = never ? over : limit;
    return never;
}

static int admit(struct pass *pass, const struct plan_turn *turn, struct fit_placement *placement)
{
    struct plan_out *out = pass->out;
    const struct plan_group *group = &pass->in->group[turn->group];
    struct plan_turn next = {.group = turn->group};
    int found;

    if (out->n == pass->cap) {
        size_t cap = pass->cap ? 2 * pass->cap : 16;
        struct plan_admission *grown = reallocarray(out->admission, cap, sizeof(*grown));

        if (!grown)
            return no_memory(pass->e);
        out->admission = grown;
        pass->cap = cap;
    }
    fit_take(&pass->in->hosts, &pass->in->shape[group->shape], placement);
    limits_take(pass->in, group);
    out->admission[out->n++] = (struct plan_admission){turn->group, turn->job, *placement};
    *placement = (struct fit_placement){0};
    found = pass->in->queue.next(pass->in->queue.ctx, group, &turn->job, &next.job);
    if (found < 0)
        return unreadable(pass->e);
    if (found > 0)
        turns_add(&pass->turns, next);
    else
        out->verdict[turn->group] = PLAN_ALL_ADMITTED;
    return 0;
}

/* A job past the guard, behind nobody's line, keeps others from what it waits for, and from what it
 * would take then: else it would lose the one while it waits for the other, in turns and for ever.
 * What comes last, its hosts, it leaves to others while it is short of anything else. */
static int hold(struct pass *pass, const struct plan_turn *turn)
{
    const struct plan_in *in = pass->in;
    const struct plan_group *group = &in->group[turn->group];
    bool quota = limits_short(in, group, false) != SIZE_MAX;

    if (quota && !limits_worth(in, group))
        return 0;
    limits_keep(in, pass->kept, group, turn->job.id, !quota);
    if (quota || limits_short(in, group, true) != SIZE_MAX)
        return 0;
    return lanes_hold(&pass->lanes, pass->lanes.of_scope[group->scope], turn->job.id) == 0
               ? 0
               : no_memory(pass->e);
}

/* A job that does not fit, and would on empty hosts: who holds the line for it? */
static int refuse(struct pass *pass, const struct plan_turn *turn)
{
    struct plan_group group = pass->in->group[turn->group];
    struct plan_turn marker = {.group = turn->group, .marker = true};
    int found;

    if (!pass->guard)
        return 0;
    if (turn->job.queued_at <= pass->cutoff)
        return hold(pass, turn);
    group.head = turn->job;
    found = pass->in->queue.guarded(pass->in->queue.ctx, &group, pass->cutoff, &marker.job);
    if (found < 0)
        return unreadable(pass->e);
    if (found > 0)
        turns_add(&pass->turns, marker);
    return 0;
}

/* There is no room for the job, or no quota: the verdict, and the line. If it can only run on hosts
 * that are missing from the table, or nobody knows whether it can at all, it would be of no use to
 * hold anything for it. */
static int no_room(struct pass *pass, const struct plan_turn *turn, enum plan_verdict verdict,
                   size_t limit)
{
    size_t over;
    int never = judge(pass, turn->group, verdict, limit);

    if (never == 0)
        never = never_here(pass, turn->group, &over);
    if (never != 0)
        return never < 0 ? -1 : 0;
    return question_of(pass, turn->group)->empty == FIT_YES ? refuse(pass, turn) : 0;
}

/* Finds room for the job on the hosts, unless its question was answered before. */
static int find_room(struct pass *pass, const struct plan_turn *turn)
{
    struct plan_question *question = question_of(pass, turn->group);
    struct fit_placement placement = {0};
    enum fit_answer answer;
    int rc;

    if (!question->refused) {
        answer = ask(pass, &pass->in->hosts, question->lane, &pass->in->shape[question->shape],
                     &placement);
        if (answer == FIT_YES) {
            rc = admit(pass, turn, &placement);
            fit_placement_free(&placement);
            return rc;
        }
        fit_placement_free(&placement);
        if (answer == FIT_NO_MEMORY)
            return no_memory(pass->e);
        question->refused = true;
        question->room = answer == FIT_NO ? PLAN_NO_ROOM : PLAN_UNDECIDED;
    }
    return no_room(pass, turn, question->room, SIZE_MAX);
}

/* limit: of which too much is kept for the blocker; SIZE_MAX: the hosts are. */
static int block(struct pass *pass, size_t group, int64_t blocker, size_t limit)
{
    int never = judge(pass, group, PLAN_BLOCKED, limit);

    if (never == 0)
        pass->out->blocker[group] = blocker;
    return never < 0 ? -1 : 0;
}

/* Its group is short of quota. Behind the line of its hosts it holds nothing. */
static int no_quota(struct pass *pass, const struct plan_turn *turn, size_t quota)
{
    const struct plan_group *group = &pass->in->group[turn->group];
    bool holds = !pass->lanes.lane[pass->lanes.of_scope[group->scope]].blocked &&
                 limits_worth(pass->in, group);

    if (holds)
        return no_room(pass, turn, PLAN_NO_QUOTA, quota);
    return judge(pass, turn->group, PLAN_NO_QUOTA, quota) < 0 ? -1 : 0;
}

/* A job that needs nothing: it asks no host, and only the number of jobs keeps it out. */
static int decide_nothing(struct pass *pass, const struct plan_turn *turn, size_t quota,
                          size_t held)
{
    struct plan_out *out = pass->out;

    if (held != SIZE_MAX) {
        out->verdict[turn->group] = PLAN_BLOCKED;
        out->limit[turn->group] = held;
        out->blocker[turn->group] = pass->kept[held].job;
        return 0;
    }
    if (quota == SIZE_MAX)
        return admit(pass, turn, &(struct fit_placement){0});
    out->verdict[turn->group] = PLAN_NO_QUOTA;
    out->limit[turn->group] = quota;
    return 0;
}

/* Decides the job whose turn it is. */
static int decide(struct pass *pass, const struct plan_turn *turn)
{
    const struct plan_group *group = &pass->in->group[turn->group];
    size_t number = pass->lanes.of_scope[group->scope];
    const struct plan_lane *lane = &pass->lanes.lane[number];
    size_t quota = limits_short(pass->in, group, false), shared;
    size_t held = limits_held(pass->in, pass->kept, group);

    if (turn->marker) /* its job is known not to fit */
        return lane->blocked || held != SIZE_MAX ? 0 : hold(pass, turn);
    if (pass->in->shape[group->shape].kinds == 0)
        return decide_nothing(pass, turn, quota, held);
    if (lane->use.n == 0 && !is_unsure(pass->in, group)) {
        pass->out->verdict[turn->group] = PLAN_NO_POOL;
        return 0;
    }
    if (held != SIZE_MAX)
        return block(pass, turn->group, pass->kept[held].job, held);
    if (quota != SIZE_MAX)
        return no_quota(pass, turn, quota);
    if (lane->blocked)
        return block(pass, turn->group, lane->blocker, SIZE_MAX);
    shared = limits_short(pass->in, group, true);
    if (shared != SIZE_MAX)
        return no_room(pass, turn, PLAN_NO_ROOM, shared);
    return find_room(pass, turn);
}

/* Who is past the guard. overtake 0 means everybody, whatever the clock says. */
static void guard_set(struct pass *pass)
{
    const struct plan_in *in = pass->in;

    assert(in->overtake >= 0 && in->budget >= 0);
    pass->cutoff = INT64_MAX;
    if (in->overtake > 0 && __builtin_sub_overflow(in->now, in->overtake, &pass->cutoff))
        pass->cutoff = INT64_MIN;
    pass->guard = in->overtake != PLAN_FOREVER && in->oldest <= pass->cutoff;
}

static int pass_begin(struct pass *pass)
{
    const struct plan_in *in = pass->in;
    struct plan_out *out = pass->out;

    guard_set(pass);
    if (__builtin_mul_overflow(in->budget, (int64_t)PLAN_QUESTIONS, &pass->pot))
        pass->pot = INT64_MAX;
    out->verdict = calloc(in->groups + 1, sizeof(*out->verdict));
    out->blocker = calloc(in->groups + 1, sizeof(*out->blocker));
    out->limit = calloc(in->groups + 1, sizeof(*out->limit));
    out->question = calloc(in->groups + 1, sizeof(*out->question));
    pass->turns.turn = calloc(in->groups + 1, sizeof(*pass->turns.turn));
    pass->kept = calloc(in->limits + 1, sizeof(*pass->kept));
    if (!out->verdict || !out->blocker || !out->limit || !out->question || !pass->turns.turn ||
        !pass->kept || lanes_make(&pass->lanes, in) != 0 ||
        questions_make(&pass->questions, in, &pass->lanes, out->question) != 0)
        return no_memory(pass->e);
    for (size_t g = 0; g < in->groups; g++) {
        out->verdict[g] = PLAN_ENOUGH;
        out->limit[g] = SIZE_MAX;
        turns_add(&pass->turns, (struct plan_turn){.job = in->group[g].head, .group = g});
    }
    return 0;
}

int plan_make(struct plan_in *in, struct plan_out *out, struct err *e)
{
    struct pass pass = {.in = in, .out = out, .e = e};
    int rc;

    *out = (struct plan_out){0};
    rc = pass_begin(&pass);
    while (rc == 0 && pass.turns.n > 0 && out->n < in->most) {
        struct plan_turn turn = turns_take(&pass.turns);

        rc = decide(&pass, &turn);
    }
    lanes_free(&pass.lanes);
    questions_free(&pass.questions);
    free(pass.turns.turn);
    free(pass.kept);
    if (rc != 0)
        plan_out_free(out, in->groups);
    return rc;
}

void plan_out_free(struct plan_out *out, size_t groups)
{
    (void)groups;
    for (size_t i = 0; i < out->n; i++)
        fit_placement_free(&out->admission[i].placement);
    free(out->admission);
    free(out->verdict);
    free(out->blocker);
    free(out->limit);
    free(out->question);
    *out = (struct plan_out){0};
}
