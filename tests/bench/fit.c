/* SPDX-License-Identifier: MIT */
/* Times the fit of 100 instances on so many hosts, case by case, each made up anew of the seed.
 * usage: fit spread|pack random|gapless|short HOSTS CASES SEED
 *
 * random: some hosts, all of them or only a few, are used to a random degree, the others nearly
 * full. gapless: there is a placement that leaves nothing on the hosts that it needs, and scraps on
 * all others. short: the same, but one of those hosts has a little less of something. Prints one
 * line of JSON; times in us of the processor. */
#include <time.h>

#include "clock.h"
#include "fit.h"
#include "num.h"
#include "../unit/prop.h"

enum { COLUMNS = 3, KINDS = 5, INSTANCES = 100, CASES_MAX = 1000000 };

static const int64_t whole[COLUMNS] = {64, 262144, 2000};

enum family { RANDOM, GAPLESS, SHORT, FAMILIES };
static const char *const families[FAMILIES] = {"random", "gapless", "short"};

struct options {
    bool pack;
    enum family family;
    size_t hosts, cases;
    struct prop prop;
};

struct question {
    struct fit_hosts hosts;
    struct fit_subset use;
    struct fit_kind kind[KINDS];
    int64_t amount[KINDS][COLUMNS];
    struct fit_demand demand;
};

/* Flavours as clouds have them. */
static void make_demand(struct prop *r, struct question *q)
{
    int64_t left = INSTANCES;

    q->demand = (struct fit_demand){1 + prop_below(r, KINDS), q->kind};
    for (size_t k = 0; k < q->demand.kinds; k++) {
        int64_t cpus = 1LL << prop_below(r, 5), rest = (int64_t)(q->demand.kinds - 1 - k);

        q->amount[k][0] = cpus;
        q->amount[k][1] = cpus * (2048LL << prop_below(r, 3)) / (cpus > 8 ? 2 : 1);
        q->amount[k][2] = 10LL << prop_below(r, 4);
        q->kind[k] = (struct fit_kind){.count = rest ? prop_between(r, 1, left - rest) : left,
                                       .amount = q->amount[k]};
        left -= q->kind[k].count;
    }
}

static void make_random(struct options *o, struct question *q)
{
    struct prop *r = &o->prop;
    size_t some = o->hosts >> prop_below(r, 8);

    for (size_t h = 0; h < o->hosts; h++) {
        int64_t level = prop_between(r, 0, h < some ? 1000 : 50);

        for (size_t c = 0; c < COLUMNS; c++)
            q->hosts.free[h * COLUMNS + c] =
                whole[c] * (level * 9 + prop_between(r, 0, level)) / 10000;
    }
}

/* Puts the instances on some of the hosts, wherever they still fit, and leaves those so much. */
static void make_gapless(struct options *o, struct question *q)
{
    struct prop *r = &o->prop;
    size_t some = 40 + prop_below(r, 61), at;
    int64_t *row, most = o->hosts < 40 ? 4 * whole[0] : whole[0];

    some = some < o->hosts ? some : o->hosts;
    for (size_t h = 0; h < o->hosts; h++)
        for (size_t c = 0; c < COLUMNS; c++)
            q->hosts.free[h * COLUMNS + c] = h < some ? 0 : prop_between(r, 0, q->amount[0][c] - 1);
    for (size_t k = 0; k < q->demand.kinds; k++)
        for (int64_t n = 0; n < q->kind[k].count; n++) {
            at = prop_below(r, some);
            for (row = q->hosts.free + at * COLUMNS; row[0] + q->amount[k][0] > most;
                 row = q->hosts.free + at * COLUMNS)
                at = (at + 1) % some;
            for (size_t c = 0; c < COLUMNS; c++)
                row[c] += q->amount[k][c];
        }
    if (o->family == SHORT) {
        at = prop_below(r, some);
        row = q->hosts.free + at * COLUMNS;
        row[0] -= row[0] > 0;
    }
}

static int64_t busy(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static void report(const struct options *o, int64_t *took, const size_t *answers, size_t decided)
{
    qsort(took, o->cases, sizeof *took, by_size);
    printf("{\"yes\": %zu, \"no\": %zu, \"unknown\": %zu, \"decided_in_10_ms\": %zu, "
           "\"budget\": %d, \"p50\": %.1f, \"p99\": %.1f, \"most\": %.1f}\n",
           answers[FIT_YES], answers[FIT_NO], answers[FIT_UNKNOWN], decided, FIT_BUDGET_DEFAULT,
           (double)took[o->cases / 2] / NS_PER_US, (double)took[o->cases * 99 / 100] / NS_PER_US,
           (double)took[o->cases - 1] / NS_PER_US);
}

static enum fit_answer one_case(struct options *o, struct question *q, struct fit_placement *p,
                                int64_t *took)
{
    int64_t steps = FIT_BUDGET_DEFAULT, start;
    enum fit_answer answer;

    make_demand(&o->prop, q);
    if (o->family == RANDOM)
        make_random(o, q);
    else
        make_gapless(o, q);
    start = busy();
    answer = o->pack ? fit_pack(&q->hosts, q->use, &q->demand, &steps, p)
                     : fit_spread(&q->hosts, q->use, &q->demand, p);
    *took = busy() - start;
    return answer;
}

static int run(struct options *o, struct question *q, int64_t *took)
{
    size_t answers[FIT_NO_MEMORY + 1] = {0}, decided = 0;
    struct fit_placement p = {0};

    for (size_t i = 0; i < o->cases; i++) {
        enum fit_answer answer = one_case(o, q, &p, &took[i]);

        answers[answer]++;
        decided += answer != FIT_UNKNOWN && took[i] <= 10 * NS_PER_MS;
        /* Of a gapless one there is a placement, by the way it was made. */
        if (answer == FIT_NO_MEMORY || (o->pack && o->family == GAPLESS && answer == FIT_NO)) {
            fprintf(stderr, "fit: a wrong answer to case %zu\n", i);
            return 1;
        }
    }
    report(o, took, answers, decided);
    fit_placement_free(&p);
    return 0;
}

static int read_options(int argc, char **argv, struct options *o)
{
    int64_t hosts, cases, seed;

    if (argc != 6 || num_i64(str_of(argv[3]), 1, 1000000, &hosts) != 0 ||
        num_i64(str_of(argv[4]), 1, CASES_MAX, &cases) != 0 ||
        num_i64(str_of(argv[5]), 0, INT64_MAX, &seed) != 0)
        return -1;
    *o = (struct options){
        strcmp(argv[1], "pack") == 0, RANDOM, (size_t)hosts, (size_t)cases, {(uint64_t)seed}};
    while (o->family < FAMILIES && strcmp(argv[2], families[o->family]) != 0)
        o->family++;
    return o->family < FAMILIES ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct options o;
    struct question q = {0};
    size_t *host;
    int64_t *took;
    int rc;

    if (read_options(argc, argv, &o) != 0)
        return 2;
    host = calloc(o.hosts, sizeof *host);
    took = calloc(o.cases, sizeof *took);
    q.hosts = (struct fit_hosts){o.hosts, COLUMNS, calloc(o.hosts * COLUMNS, sizeof(int64_t))};
    q.use = (struct fit_subset){o.hosts, host};
    if (!host || !took || !q.hosts.free)
        return 1;
    for (size_t h = 0; h < o.hosts; h++)
        host[h] = h;
    rc = run(&o, &q, took);
    free(host);
    free(took);
    free(q.hosts.free);
    return rc;
}
