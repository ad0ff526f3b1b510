/* SPDX-License-Identifier: MIT */
/* Spreading against a plain simulation of what fit.h says. */
#include "fit_question.h"

static double plain_score(const struct question *q, const int64_t *free, size_t kind, size_t host)
{
    size_t columns = q->hosts.resources;
    double score = 0;

    for (size_t r = 0; r < columns; r++) {
        double least = -1, most = -1, mine = (double)free[host * columns + r];

        if (q->amount[kind][r] == 0)
            continue;
        for (size_t i = 0; i < q->use.n; i++) {
            const int64_t *other = free + q->host[i] * columns;
            bool can = may_take(&q->kind[kind], q->host[i]);

            for (size_t c = 0; c < columns; c++)
                can = can && other[c] >= q->amount[kind][c];
            if (can && (least < 0 || (double)other[r] < least))
                least = (double)other[r];
            if (can && (double)other[r] > most)
                most = (double)other[r];
        }
        score += most > least ? (mine - least) / (most - least) : 0;
    }
    return score;
}

/* The host for one more instance; HOSTS when none can take it. */
static size_t plain_choice(const struct question *q, const int64_t *free, size_t kind)
{
    size_t columns = q->hosts.resources, best = HOSTS;
    double top = 0;

    for (size_t i = 0; i < q->use.n; i++) {
        size_t host = q->host[i];
        bool can = may_take(&q->kind[kind], host);

        for (size_t c = 0; c < columns; c++)
            can = can && free[host * columns + c] >= q->amount[kind][c];
        if (can && (best == HOSTS || plain_score(q, free, kind, host) > top)) {
            best = host;
            top = plain_score(q, free, kind, host);
        }
    }
    return best;
}

static bool plain_spread(const struct question *q, int64_t placed[KINDS][HOSTS])
{
    int64_t free[HOSTS * COLUMNS];

    memcpy(free, q->free, sizeof(free));
    memset(placed, 0, sizeof(int64_t[KINDS][HOSTS]));
    for (size_t k = 0; k < q->demand.kinds; k++)
        for (int64_t n = 0; n < q->kind[k].count; n++) {
            size_t host = plain_choice(q, free, k);

            if (host == HOSTS)
                return false;
            placed[k][host]++;
            for (size_t c = 0; c < q->hosts.resources; c++)
                free[host * q->hosts.resources + c] -= q->amount[k][c];
        }
    return true;
}

static void spread_question(struct prop *r, struct question *q)
{
    int64_t most = prop_between(r, 2, 60), amount[COLUMNS];

    question_begin(q, 1 + prop_below(r, HOSTS), 1 + prop_below(r, COLUMNS));
    random_subset(r, q);
    for (size_t i = 0; i < q->hosts.hosts * q->hosts.resources; i++)
        q->free[i] = prop_one_in(r, 2) ? most : prop_between(r, 0, most);
    for (size_t k = prop_below(r, 4); k > 0; k--) {
        for (size_t c = 0; c < q->hosts.resources; c++)
            amount[c] = prop_between(r, 0, 1 + most / 5);
        question_kind(q, prop_between(r, 1, 7), amount);
        random_mask(r, q);
    }
}

static void spread_agrees_with_a_plain_simulation(void **state)
{
    struct prop r = prop_begin(__func__, 51);
    struct fit_placement p = {0};
    size_t answers[2] = {0};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct question q;
        int64_t placed[KINDS][HOSTS];
        enum fit_answer answer;
        bool succeeds;

        spread_question(&r, &q);
        succeeds = q.demand.kinds == 0 || plain_spread(&q, placed);
        answer = fit_spread(&q.hosts, q.use, &q.demand, &p);
        answers[succeeds]++;
        assert_int_equal(answer, succeeds ? FIT_YES : FIT_NO);
        assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, NULL), answer);
        assert_true(succeeds || p.n == 0);
        for (size_t n = 0; n < p.n; n++)
            assert_int_equal(p.place[n].count, placed[p.place[n].kind][p.place[n].host]);
        if (succeeds)
            check_placement(&q.hosts, q.use, &q.demand, &p);
    }
    assert_true(answers[false] > 1000 && answers[true] > 1000);
    fit_placement_free(&p);
}

/* The small one goes to the emptiest host, and the large one has no place. */
static void spread_does_not_find_a_clever_packing(void **state)
{
    struct question q;
    int64_t steps = 0;

    (void)state;
    LINE(&q, FREE(10, 6), 1, 6, 1, 10);
    assert_int_equal(fit_pack(&q.hosts, q.use, &q.demand, &steps, NULL), FIT_YES);
    assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, NULL), FIT_NO);
    LINE(&q, FREE(10, 6), 1, 10, 1, 6);
    assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, NULL), FIT_YES);
}

/* Host 3 would be the emptiest; and if it only counted for the scale, the first resource would tell
 * the others apart no more, and host 0 would be emptier than host 1. */
static void hosts_that_are_off_do_not_scale(void **state)
{
    struct question q;
    struct fit_placement p = {0};

    (void)state;
    question_begin(&q, 4, 2);
    memcpy(q.free, (const int64_t[]){10, 6, 14, 5, 10, 4, 1000, 6}, 8 * sizeof(*q.free));
    question_kind(&q, 1, (const int64_t[]){1, 1});
    question_mask(&q, 7);
    assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, &p), FIT_YES);
    assert_int_equal(p.place[0].host, 1);
    question_mask(&q, 15);
    assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, &p), FIT_YES);
    assert_int_equal(p.place[0].host, 3);
    fit_placement_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spread_agrees_with_a_plain_simulation),
        cmocka_unit_test(spread_does_not_find_a_clever_packing),
        cmocka_unit_test(hosts_that_are_off_do_not_scale),
    };

    return cmocka_run_group_tests_name("fit_spread", tests, NULL, NULL);
}
