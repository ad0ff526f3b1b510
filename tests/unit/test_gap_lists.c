/* SPDX-License-Identifier: MIT */
/* Why a demand does not fit: how long lists are cut, and whose hosts count where each kind may go
 * on some of them only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cron/gap.h"

enum { HOSTS = 3, KINDS = 5, COLUMNS = 8 };

/* Resources A to H; what hosts have and kinds ask for is a digit each. */
struct world {
    struct str name[COLUMNS];
    int64_t total[HOSTS * COLUMNS], left[HOSTS * COLUMNS], amount[KINDS][COLUMNS];
    bool on[KINDS][HOSTS];
    size_t index[HOSTS];
    struct conf_queue queue;
    struct source_reading reading;
    struct capacity capacity;
    struct fit_kind kind[KINDS];
    struct fit_demand demand;
    struct gap_sum sum[COLUMNS];
    struct gap_at at;
};

static void begin(struct world *w)
{
    static const char letters[] = "ABCDEFGH";
    size_t r;

    *w = (struct world){.demand = {.kind = w->kind}};
    for (r = 0; r < COLUMNS; r++)
        w->name[r] = (struct str){&letters[r], 1};
    w->reading.queue = &w->queue;
    w->capacity.reading = &w->reading;
    w->capacity.resource.n = COLUMNS;
    w->capacity.resource.text = w->name;
    w->capacity.total = w->total;
    w->capacity.free = (struct fit_hosts){0, COLUMNS, w->left};
    w->at = (struct gap_at){.capacity = &w->capacity,
                            .use = {0, w->index},
                            .demand = &w->demand,
                            .pools = 1,
                            .sum = w->sum};
}

static void digits(int64_t *row, const char *text)
{
    for (; *text; text++)
        *row++ = *text - '0';
}

/* A host that has so much when empty, and so much of it free. */
static void host(struct world *w, const char *total, const char *left)
{
    size_t h = w->at.use.n++;

    assert_true(h < HOSTS);
    w->index[h] = h;
    w->capacity.free.hosts++;
    digits(&w->total[h * COLUMNS], total);
    digits(&w->left[h * COLUMNS], left);
}

/* `on`: a digit a host, "011"; NULL: all of them. */
static void kind(struct world *w, int64_t count, const char *amount, const char *on)
{
    size_t k = w->demand.kinds++, h;

    assert_true(k < KINDS);
    digits(w->amount[k], amount);
    for (h = 0; on && on[h]; h++)
        w->on[k][h] = on[h] == '1';
    w->kind[k] = (struct fit_kind){count, w->amount[k], on ? w->on[k] : NULL};
}

static struct gap find(struct world *w)
{
    if (gap_is_masked(&w->demand))
        gap_sums(&w->at, w->sum);
    else
        gap_sums_of_all(&w->capacity, w->at.use, w->sum);
    return gap_find(&w->at);
}

/* Of what is free, or of what there is on the empty hosts. */
static void says(struct world *w, bool empty, enum gap_kind want, const char *text)
{
    struct buf b = BUF_INIT(4096);
    struct gap gap;

    w->at.empty = empty;
    gap = find(w);
    assert_int_equal(gap.kind, want);
    gap_say(&w->at, &gap, &b);
    assert_string_equal(buf_span(&b).p, text);
    buf_free(&b);
}

/* ---- lists ---- */

static void six_resources_of_a_kind_are_named(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    host(&w, "99990000", "22220000");
    host(&w, "00009999", "00002222");
    kind(&w, 1, "11101110", NULL);
    says(&w, false, GAP_TOGETHER,
         "needs A 1, B 1, C 1, E 1, F 1, G 1 on one host; no host has all of it free at once");
    says(&w, true, GAP_TOGETHER,
         "needs A 1, B 1, C 1, E 1, F 1, G 1 on one host; no host has all of it when empty");
    digits(w.amount[0], "01111112");
    says(&w, false, GAP_TOGETHER,
         "needs B 1, C 1, D 1, E 1, F 1, G 1 and 1 more on one host; no host has all of it free at "
         "once");
    digits(w.amount[0], "11111111");
    says(&w, false, GAP_TOGETHER,
         "needs A 1, B 1, C 1, D 1, E 1, F 1 and 2 more on one host; no host has all of it free at "
         "once");
}

static void six_resources_that_are_short_are_named(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    host(&w, "99999999", "11911110");
    kind(&w, 1, "22222220", NULL);
    says(&w, false, GAP_SUM,
         "needs 2 A and 2 B and 2 D and 2 E and 2 F and 2 G; 1 of 9 and 1 of 9 and 1 of 9 and 1 of "
         "9 and 1 of 9 and 1 of 9 are free on its 1 host");
    digits(w.amount[0], "22222222");
    says(&w, false, GAP_SUM,
         "needs 2 A and 2 B and 2 D and 2 E and 2 F and 2 G; 1 of 9 and 1 of 9 and 1 of 9 and 1 of "
         "9 and 1 of 9 and 1 of 9 are free on its 1 host");
}

static void three_kinds_are_named(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    host(&w, "9", "4");
    host(&w, "9", "4");
    kind(&w, 1, "3", NULL);
    kind(&w, 1, "2", NULL);
    kind(&w, 1, "3", NULL);
    says(&w, false, GAP_MIX,
         "needs 1 x (A 3) + 1 x (A 2) + 1 x (A 3); there is room for each by itself, and none was "
         "found for all");
    digits(w.amount[2], "2");
    kind(&w, 1, "1", NULL);
    says(&w, false, GAP_MIX,
         "needs 1 x (A 3) + 1 x (A 2) + 1 x (A 2) and 1 more; there is room for each by itself, "
         "and none was found for all");
}

/* ---- quantities ---- */

/* Two hosts of 4 cpu, 2500m and 1 of it free; in milli, as kube's are. Memory is in bytes. */
static void begin_kube(struct world *w)
{
    begin(w);
    w->queue.rules = STR_LIT("kube");
    w->name[0] = STR_LIT("cpu");
    w->name[1] = STR_LIT("memory");
    host(w, "09", "09");
    host(w, "09", "09");
    w->total[0] = w->total[COLUMNS] = 4000;
    w->left[0] = 2500;
    w->left[COLUMNS] = 1000;
    kind(w, 1, "02", NULL);
}

static void amounts_of_kube_are_written_as_kubernetes_writes_them(void **state)
{
    struct world w;

    (void)state;
    begin_kube(&w);
    w.amount[0][0] = 5000;
    says(&w, false, GAP_SUM, "needs 5 cpu; 3500m of 8 are free on its 2 hosts");
    w.amount[0][0] = 8500;
    says(&w, true, GAP_SUM, "needs 8500m cpu; its 2 hosts have 8 in all");
    w.amount[0][0] = 3000;
    says(&w, false, GAP_ONE_HOST,
         "needs 3 cpu on one host; the best has 2500m; the pool has 3500m free in pieces");
    w.amount[0][0] = 4001;
    says(&w, true, GAP_ONE_HOST, "needs 4001m cpu on one host; the largest has 4 when empty");
    w.amount[0][0] = 1500;
    w.kind[0].count = 2;
    says(&w, false, GAP_COUNT, "needs 2 x (cpu 1500m, memory 2); there is room for 1 of them");
}

static void cpu_of_another_queue_is_a_number(void **state)
{
    struct world w;

    (void)state;
    begin_kube(&w);
    w.queue.rules = STR_LIT("lab");
    w.amount[0][0] = 5000;
    says(&w, false, GAP_SUM, "needs 5000 cpu; 3500 of 8000 are free on its 2 hosts");
}

/* ---- hosts ---- */

static void one_host_is_not_called_hosts(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    host(&w, "4", "0");
    kind(&w, 1, "5", NULL);
    says(&w, true, GAP_SUM, "needs 5 A; its 1 host has 4 in all");
    begin(&w);
    host(&w, "4", "0");
    kind(&w, 1, "1", "0");
    says(&w, false, GAP_NO_HOST, "needs 1 x (A 1); none of its 1 host may take it now");
    says(&w, true, GAP_NO_HOST, "needs 1 x (A 1); none of its 1 host may take it");
}

static void without_a_host_none_takes_it(void **state)
{
    struct world w;
    struct gap gap;

    (void)state;
    begin(&w);
    kind(&w, 1, "1", NULL);
    gap = find(&w);
    assert_int_equal(gap.kind, GAP_NO_HOST);
    assert_false(gap_is_fragmented(&gap));
    says(&w, false, GAP_NO_HOST, "needs 1 x (A 1); all hosts of its pool are full");
    says(&w, true, GAP_NO_HOST, "needs 1 x (A 1); its pool has no host");
    w.at.pools = 2;
    says(&w, false, GAP_NO_HOST, "needs 1 x (A 1); all hosts of its pools are full");
    says(&w, true, GAP_NO_HOST, "needs 1 x (A 1); its pools have no host");
}

/* The first host has the most, and may take nothing of it. */
static void a_host_that_may_not_take_a_kind_is_no_room_for_it(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    host(&w, "9", "9");
    host(&w, "9", "7");
    host(&w, "9", "7");
    kind(&w, 3, "4", "011");
    says(&w, false, GAP_COUNT, "needs 3 x (A 4); there is room for 2 of them");
}

/* Each host has enough for some kind, none that may take the second has enough for that. */
static void the_best_host_is_one_that_may_take_the_kind(void **state)
{
    struct world w;
    struct gap gap;

    (void)state;
    begin(&w);
    host(&w, "8", "8");
    host(&w, "4", "4");
    host(&w, "5", "3");
    kind(&w, 1, "1", "100");
    kind(&w, 1, "6", "011");
    gap = find(&w);
    assert_int_equal(gap.kind, GAP_ONE_HOST);
    assert_int_equal(gap.of, 1);
    assert_int_equal(gap.best, 4);
    says(&w, true, GAP_ONE_HOST,
         "needs 6 A on one host; the largest that may take it has 5 when empty");
    says(&w, false, GAP_ONE_HOST,
         "needs 6 A on one host; the best that may take it has 4; those have 7 free in pieces");
}

/* What a kind does not ask for is not counted where only that kind may go. */
static void sums_are_of_hosts_that_take_what_asks_for_it(void **state)
{
    struct world w;

    (void)state;
    begin(&w);
    host(&w, "99", "99");
    host(&w, "99", "12");
    kind(&w, 1, "10", "100");
    kind(&w, 1, "13", "010");
    gap_sums(&w.at, w.sum);
    assert_int_equal(w.sum[0].free, 10);
    assert_int_equal(w.sum[0].most_free, 9);
    assert_int_equal(w.sum[1].total, 9);
    assert_int_equal(w.sum[1].free, 2);
    assert_int_equal(w.sum[1].most_free, 2);
    assert_int_equal(w.sum[2].total, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(six_resources_of_a_kind_are_named),
        cmocka_unit_test(six_resources_that_are_short_are_named),
        cmocka_unit_test(three_kinds_are_named),
        cmocka_unit_test(amounts_of_kube_are_written_as_kubernetes_writes_them),
        cmocka_unit_test(cpu_of_another_queue_is_a_number),
        cmocka_unit_test(one_host_is_not_called_hosts),
        cmocka_unit_test(without_a_host_none_takes_it),
        cmocka_unit_test(a_host_that_may_not_take_a_kind_is_no_room_for_it),
        cmocka_unit_test(the_best_host_is_one_that_may_take_the_kind),
        cmocka_unit_test(sums_are_of_hosts_that_take_what_asks_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
