/* SPDX-License-Identifier: MIT */
/* Packing against a search through everything, what fit.h promises case by case, large questions,
 * and no memory. */
#include "fit_question.h"
#include "torture.h"

static enum fit_answer pack(const struct question *q, int64_t *steps)
{
    struct fit_placement p = {0};
    int64_t before[HOSTS * COLUMNS], again = *steps;
    enum fit_answer answer;

    memcpy(before, q->free, sizeof(before));
    answer = fit_pack(&q->hosts, q->use, &q->demand, steps, &p);
    assert_memory_equal(before, q->free, sizeof(before));
    assert_true(*steps >= 0);
    if (answer == FIT_YES)
        check_placement(&q->hosts, q->use, &q->demand, &p);
    else
        assert_int_equal(p.n, 0);
    if (answer != FIT_UNKNOWN) /* the bare answer is the same one */
        assert_int_equal(fit_pack(&q->hosts, q->use, &q->demand, &again, NULL), answer);
    fit_placement_free(&p);
    return answer;
}

static enum fit_answer pack_well(const struct question *q)
{
    int64_t steps = MANY;

    return pack(q, &steps);
}

/* ---- packing: the reference tries every host for every instance ---- */

static bool try_all(const struct question *q, int64_t *free, size_t kind, int64_t number)
{
    size_t columns = q->hosts.resources;

    if (kind == q->demand.kinds)
        return true;
    if (number == q->kind[kind].count)
        return try_all(q, free, kind + 1, 0);
    for (size_t i = 0; i < q->use.n; i++) {
        int64_t *host = free + q->host[i] * columns;
        bool fits = may_take(&q->kind[kind], q->host[i]), found;

        for (size_t r = 0; r < columns; r++)
            fits = fits && host[r] >= q->amount[kind][r];
        if (!fits)
            continue;
        for (size_t r = 0; r < columns; r++)
            host[r] -= q->amount[kind][r];
        found = try_all(q, free, kind, number + 1);
        for (size_t r = 0; r < columns; r++)
            host[r] += q->amount[kind][r];
        if (found)
            return true;
    }
    return false;
}

static void random_question(struct prop *r, struct question *q, size_t instances)
{
    int64_t most = prop_between(r, 2, 14), amount[COLUMNS];

    question_begin(q, 1 + prop_below(r, 4), 1 + prop_below(r, 3));
    random_subset(r, q);
    for (size_t i = 0; i < q->hosts.hosts * q->hosts.resources; i++)
        q->free[i] = prop_between(r, most / 2, most);
    for (size_t k = prop_below(r, 4); k > 0 && instances > 0; k--) {
        int64_t count = prop_between(r, 1, (int64_t)instances);

        for (size_t c = 0; c < q->hosts.resources; c++)
            amount[c] = prop_between(r, 0, prop_one_in(r, 4) ? most : most / 2);
        if (q->demand.kinds > 0 && prop_one_in(r, 4)) /* alike but for the mask, perhaps */
            memcpy(amount, q->amount[q->demand.kinds - 1], sizeof(amount));
        question_kind(q, count, amount);
        random_mask(r, q);
        instances -= (size_t)count;
    }
}

static void pack_agrees_with_trying_everything(void **state)
{
    struct prop r = prop_begin(__func__, 20180727);
    int64_t answers[2] = {0}, searched[2] = {0}, masked[2] = {0};

    (void)state;
    for (int i = 0; i < 40000; i++) {
        struct question q;
        int64_t steps = MANY;
        enum fit_answer answer;
        bool exists;

        random_question(&r, &q, 6);
        answer = pack(&q, &steps);
        exists = q.demand.kinds == 0 || try_all(&q, q.free, 0, 0);
        assert_int_equal(answer, exists ? FIT_YES : FIT_NO);
        answers[exists]++;
        searched[exists] += steps < MANY;
        masked[exists] += steps < MANY && (q.kind[0].on || q.kind[1].on || q.kind[2].on);
    }
    /* the cases reach what they are meant to reach */
    assert_true(masked[false] > 50 && masked[true] > 10);
    assert_true(answers[false] > 1000 && answers[true] > 1000);
    assert_true(searched[false] > 100 && searched[true] > 20);
}

/* A question that has an answer by construction, and little to spare: the hosts are as large as
 * what was put on them, and where a kind was not put, it often may not go. */
static void solved_question(struct prop *r, struct question *q, size_t hosts)
{
    int64_t amount[COLUMNS];

    question_begin(q, hosts, 1 + prop_below(r, 3));
    for (size_t k = 2 + prop_below(r, 4); k > 0; k--) {
        for (size_t c = 0; c < q->hosts.resources; c++)
            amount[c] = prop_between(r, 1, 9);
        question_kind(q, prop_between(r, 1, 4), amount);
    }
    for (size_t k = 0; k < q->demand.kinds; k++) {
        q->kind[k].on = prop_one_in(r, 2) ? q->on[k] : NULL;
        for (size_t h = 0; h < hosts; h++)
            q->on[k][h] = prop_one_in(r, 2);
        for (int64_t n = 0; n < q->kind[k].count; n++) {
            size_t host = prop_below(r, hosts);

            q->on[k][host] = true;
            for (size_t c = 0; c < q->hosts.resources; c++)
                q->free[host * q->hosts.resources + c] += q->amount[k][c];
        }
    }
}

static void pack_finds_what_fits_without_a_gap(void **state)
{
    struct prop r = prop_begin(__func__, 2018);
    size_t searched = 0;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct question q;
        int64_t steps = MANY;

        solved_question(&r, &q, 2 + prop_below(&r, 4));
        assert_int_equal(pack(&q, &steps), FIT_YES);
        searched += steps < MANY;
    }
    assert_true(searched > 100);
}

/* ---- packing: case by case ---- */

static void exact_fit_fits_and_one_more_does_not(void **state)
{
    struct question q;

    (void)state;
    LINE(&q, FREE(8), 2, 4);
    assert_int_equal(pack_well(&q), FIT_YES);
    LINE(&q, FREE(8), 3, 4);
    assert_int_equal(pack_well(&q), FIT_NO);
    LINE(&q, FREE(7, 1), 2, 4);
    assert_int_equal(pack_well(&q), FIT_NO);
}

static void search_finds_what_the_cheap_phases_miss(void **state)
{
    struct question q;
    int64_t steps = MANY;

    (void)state;
    LINE(&q, FREE(10, 10), 2, 4, 4, 3);
    assert_int_equal(pack(&q, &steps), FIT_YES);
    assert_true(steps < MANY);
    LINE(&q, FREE(12, 12), 2, 5, 2, 4, 2, 3);
    assert_int_equal(pack_well(&q), FIT_YES);
    LINE(&q, FREE(10, 10), 2, 4, 4, 3, 1, 1);
    assert_int_equal(pack_well(&q), FIT_NO);
}

static void budget_that_runs_out_says_so(void **state)
{
    struct question q;

    (void)state;
    LINE(&q, FREE(10, 10), 2, 4, 4, 3);
    for (int64_t budget = 0;; budget++) {
        int64_t steps = budget;
        enum fit_answer answer = pack(&q, &steps);

        if (answer == FIT_YES) {
            assert_true(budget > 0);
            break;
        }
        assert_int_equal(answer, FIT_UNKNOWN);
        assert_int_equal(steps, 0);
        assert_true(budget < 1000);
    }
}

static void cheap_answers_need_no_budget(void **state)
{
    struct question q;
    int64_t steps = 0;

    (void)state;
    LINE(&q, FREE(10, 10), 2, 6, 2, 4);
    assert_int_equal(pack(&q, &steps), FIT_YES);
    LINE(&q, FREE(10, 10), 2, 6, 3, 4);
    assert_int_equal(pack(&q, &steps), FIT_NO);
    LINE(&q, FREE(10, 10), 3, 6, 1, 1);
    assert_int_equal(pack(&q, &steps), FIT_NO);
}

static void nothing_asked_fits_anywhere_and_zero_needs_a_host(void **state)
{
    struct question q;
    struct fit_placement p = {0};
    int64_t steps = 0, zero = 0;

    (void)state;
    question_begin(&q, 0, 1);
    assert_int_equal(pack(&q, &steps), FIT_YES);
    assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, &p), FIT_YES);
    assert_int_equal(p.n, 0);
    question_kind(&q, 3, &zero);
    assert_int_equal(pack(&q, &steps), FIT_NO);
    assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, &p), FIT_NO);
    question_begin(&q, 2, 1);
    question_kind(&q, 10000, &zero);
    assert_int_equal(pack(&q, &steps), FIT_YES);
    assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, &p), FIT_YES);
    check_placement(&q.hosts, q.use, &q.demand, &p);
    q.hosts.resources = 0; /* a table without columns */
    assert_int_equal(pack(&q, &steps), FIT_YES);
    assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, &p), FIT_YES);
    fit_placement_free(&p);
}

static void off_everywhere_fits_nowhere(void **state)
{
    struct question q;

    (void)state;
    LINE(&q, FREE(10), 1, 1, 1, 1);
    question_mask(&q, 0);
    assert_int_equal(pack_well(&q), FIT_NO);
    assert_int_equal(fit_spread(&q.hosts, q.use, &q.demand, NULL), FIT_NO);
    LINE(&q, FREE(10), 1, 0); /* so does what needs nothing but a host */
    question_kind(&q, 1, &(int64_t){0});
    question_mask(&q, 0);
    assert_int_equal(pack_well(&q), FIT_NO);
}

static void masks_are_by_host_not_by_place_in_the_subset(void **state)
{
    struct question q;
    struct fit_placement p = {0};
    int64_t steps = MANY;

    (void)state;
    for (int policy = 0; policy < 2; policy++) {
        LINE(&q, FREE(8, 8, 9, 8), 1, 4, 1, 2);
        question_mask(&q, 1U << 1 | 1U << 3);
        q.host[0] = 2;
        q.host[1] = 3;
        q.use.n = 2;
        assert_int_equal(policy ? fit_spread(&q.hosts, q.use, &q.demand, &p)
                                : fit_pack(&q.hosts, q.use, &q.demand, &steps, &p),
                         FIT_YES);
        check_placement(&q.hosts, q.use, &q.demand, &p);
    }
    fit_placement_free(&p);
}

/* Equal amounts, but not the same hosts: no two of one class, no two hosts alike. */
static void alike_in_amounts_but_not_in_hosts(void **state)
{
    struct question q;

    (void)state;
    question_begin(&q, 3, 1);
    q.free[0] = q.free[1] = q.free[2] = 4;
    for (size_t k = 0; k < 3; k++) {
        question_kind(&q, 1, &(int64_t){4});
        question_mask(&q, (const unsigned[]){7, 3, 1}[k]);
    }
    assert_int_equal(pack_well(&q), FIT_YES);
    question_begin(&q, 3, 1);
    q.free[0] = q.free[1] = q.free[2] = 4;
    for (size_t k = 0; k < 3; k++) {
        question_kind(&q, 1, &(int64_t){4});
        question_mask(&q, (const unsigned[]){7, 1, 1}[k]);
    }
    assert_int_equal(pack_well(&q), FIT_NO);
}

static void huge_amounts_do_not_overflow(void **state)
{
    struct question q;
    int64_t max = NUM_SAFE_MAX;

    (void)state;
    LINE(&q, FREE(max, max), 10000, max, 10000, max - 1);
    assert_int_equal(pack_well(&q), FIT_NO);
    LINE(&q, FREE(max, max), 2, max);
    assert_int_equal(pack_well(&q), FIT_YES);
    LINE(&q, FREE(max, max), FIT_COUNT_MAX, max / FIT_COUNT_MAX, 10000, max / 10000);
    assert_int_equal(pack_well(&q), FIT_YES);
    LINE(&q, FREE(max, max), 1, max, 2, max / 2, 1, 2);
    assert_int_equal(pack_well(&q), FIT_NO);
    LINE(&q, FREE(max, max), 1, max, 2, max / 2, 1, 1);
    assert_int_equal(pack_well(&q), FIT_YES);
}

/* 2,000 hosts of 2^53 - 1: their sum is more than an int64_t holds. */
static void huge_sums_prove_nothing(void **state)
{
    enum { ROWS = 2000 };
    int64_t free[ROWS], amount[2] = {NUM_SAFE_MAX, NUM_SAFE_MAX - 1};
    size_t host[ROWS];
    struct fit_kind kind[2] = {{.amount = &amount[0]}, {.count = 1, .amount = &amount[1]}};
    struct fit_hosts hosts = {ROWS, 1, free};
    struct fit_subset use = {ROWS, host};
    struct fit_demand demand = {2, kind};

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        free[i] = NUM_SAFE_MAX;
        host[i] = i;
    }
    for (int more = 0; more < 2; more++) {
        int64_t steps = MANY;

        kind[0].count = ROWS - 1 + more;
        assert_int_equal(fit_pack(&hosts, use, &demand, &steps, NULL), more ? FIT_NO : FIT_YES);
        assert_int_equal(fit_spread(&hosts, use, &demand, NULL), more ? FIT_NO : FIT_YES);
    }
}

static void small_jobs_leave_the_large_holes_whole(void **state)
{
    struct question q;
    struct fit_placement p = {0};
    int64_t steps = 0;

    (void)state;
    LINE(&q, FREE(64, 5, 32), 1, 4);
    assert_int_equal(fit_pack(&q.hosts, q.use, &q.demand, &steps, &p), FIT_YES);
    assert_int_equal(p.n, 1);
    assert_int_equal(p.place[0].host, 1);
    fit_take(&q.hosts, &q.demand, &p);
    assert_int_equal(q.free[1], 1);
    assert_int_equal(fit_pack(&q.hosts, q.use, &q.demand, &steps, &p), FIT_YES);
    assert_int_equal(p.place[0].host, 2);
    fit_placement_free(&p);
}

/* A kind that is listed in two halves is asked of the phases, a whole one need not be. */
static void what_one_host_takes_goes_where_best_fit_puts_it(void **state)
{
    struct prop r = prop_begin("whole", 20261129);
    struct fit_placement p = {0}, halves = {0};
    int64_t amount[COLUMNS], count, steps = MANY;
    struct question q, half;
    size_t alone = 0;

    (void)state;
    for (int n = 0; n < 20000; n++) {
        question_begin(&q, 1 + prop_below(&r, HOSTS), 1 + prop_below(&r, COLUMNS));
        for (size_t i = 0; i < q.hosts.hosts * q.hosts.resources; i++)
            q.free[i] = prop_between(&r, 0, 12);
        for (size_t c = 0; c < q.hosts.resources; c++)
            amount[c] = prop_between(&r, 0, 4);
        count = prop_between(&r, 2, 4);
        half = q;
        half.hosts.free = half.free;
        half.use.host = half.host;
        half.demand.kind = half.kind;
        question_kind(&q, count, amount);
        question_kind(&half, count - 1, amount);
        question_kind(&half, 1, amount);
        if (fit_pack(&q.hosts, q.use, &q.demand, &steps, &p) != FIT_YES || p.n != 1)
            continue;
        alone++;
        assert_int_equal(fit_pack(&half.hosts, half.use, &half.demand, &steps, &halves), FIT_YES);
        assert_int_equal(halves.n, 2);
        assert_int_equal(halves.place[0].host, p.place[0].host);
        assert_int_equal(halves.place[1].host, p.place[0].host);
    }
    assert_true(alone > 1000);
    fit_placement_free(&p);
    fit_placement_free(&halves);
}

static void equal_kinds_are_dealt_out(void **state)
{
    struct question q;

    (void)state;
    LINE(&q, FREE(10, 10), 1, 4, 2, 3, 1, 4, 1, 3, 1, 3);
    assert_int_equal(pack_well(&q), FIT_YES);
}

/* ---- sizes, memory ---- */

static void large_questions_are_answered(void **state)
{
    enum { ROWS = 5000, WIDTH = 16, SORTS = 100 };
    struct prop r = prop_begin(__func__, 7);
    struct fit_hosts hosts = {ROWS, WIDTH, calloc(ROWS * WIDTH, sizeof(int64_t))};
    int64_t *amount = calloc(SORTS * WIDTH, sizeof(*amount)), steps = FIT_BUDGET_DEFAULT;
    size_t *host = calloc(ROWS, sizeof(*host));
    struct fit_kind kind[SORTS];
    struct fit_demand demand = {SORTS, kind};
    struct fit_subset use = {ROWS, host};
    struct fit_placement p = {0};

    (void)state;
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        hosts.free[i] = prop_between(&r, 100, 400);
    for (size_t i = 0; i < SORTS * WIDTH; i++)
        amount[i] = prop_between(&r, 0, 60);
    for (size_t i = 0; i < ROWS; i++)
        host[i] = i;
    for (size_t k = 0; k < SORTS; k++)
        kind[k] = (struct fit_kind){.count = 100, .amount = amount + k * WIDTH};
    assert_int_equal(fit_pack(&hosts, use, &demand, &steps, &p), FIT_YES);
    check_placement(&hosts, use, &demand, &p);
    demand.kinds = 10;
    assert_int_equal(fit_spread(&hosts, use, &demand, &p), FIT_YES);
    check_placement(&hosts, use, &demand, &p);
    fit_placement_free(&p);
    free(hosts.free);
    free(amount);
    free(host);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void every_allocation_may_fail(void **state)
{
    struct question q;
    int64_t failed = 0;

    (void)state;
    LINE(&q, FREE(10, 10), 2, 4, 4, 3);
    for (int policy = 0; policy < 2; policy++)
        for (int64_t good = 0;; good++) {
            struct fit_placement p = {0};
            int64_t steps = MANY;
            enum fit_answer answer;

            torture_arm(good);
            answer = policy ? fit_spread(&q.hosts, q.use, &q.demand, &p)
                            : fit_pack(&q.hosts, q.use, &q.demand, &steps, &p);
            assert_true(answer == FIT_YES || p.n == 0);
            fit_placement_free(&p);
            assert_int_equal(torture_end(), 0);
            if (answer != FIT_NO_MEMORY)
                break;
            failed++;
        }
    assert_true(failed > 12);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pack_agrees_with_trying_everything),
        cmocka_unit_test(pack_finds_what_fits_without_a_gap),
        cmocka_unit_test(exact_fit_fits_and_one_more_does_not),
        cmocka_unit_test(search_finds_what_the_cheap_phases_miss),
        cmocka_unit_test(budget_that_runs_out_says_so),
        cmocka_unit_test(cheap_answers_need_no_budget),
        cmocka_unit_test(nothing_asked_fits_anywhere_and_zero_needs_a_host),
        cmocka_unit_test(off_everywhere_fits_nowhere),
        cmocka_unit_test(masks_are_by_host_not_by_place_in_the_subset),
        cmocka_unit_test(alike_in_amounts_but_not_in_hosts),
        cmocka_unit_test(huge_amounts_do_not_overflow),
        cmocka_unit_test(huge_sums_prove_nothing),
        cmocka_unit_test(small_jobs_leave_the_large_holes_whole),
        cmocka_unit_test(what_one_host_takes_goes_where_best_fit_puts_it),
        cmocka_unit_test(equal_kinds_are_dealt_out),
        cmocka_unit_test(large_questions_are_answered),
#if TORTURE
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };

    return cmocka_run_group_tests_name("fit", tests, NULL, NULL);
}
