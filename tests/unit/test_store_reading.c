/* SPDX-License-Identifier: MIT */
/* Readings as they are kept: how little is written when little has changed, what a failed one
 * leaves, and that the kept pools serve whom the reading's pools serve. */
#include "rig.h"

#include <sqlite3.h>

#include "prop.h"
#include "store_inner.h"

enum { HOSTS = 1000, RESOURCES = 3, ROUNDS = 400, POOLS_MAX = 6, NAMES = 5 };

static const char queues[] = "queues:\n"
                             "  vm: {capacity: openstack}\n";

/* A thousand hosts with three resources each, in two pools. */
struct big {
    struct store_amount amount[HOSTS][RESOURCES];
    char name[HOSTS][8];
    struct store_host host[HOSTS];
    size_t index[HOSTS];
    struct str project[2];
    struct pool pool[2];
    struct store_reading reading;
};

static struct big *big_new(void)
{
    static const char *const resources[RESOURCES] = {"Disk", "Memory", "VCPU"};
    struct big *b = calloc(1, sizeof *b);
    size_t i, a;

    assert_non_null(b);
    for (i = 0; i < HOSTS; i++) {
        for (a = 0; a < RESOURCES; a++)
            b->amount[i][a] = (struct store_amount){str_of(resources[a]), 64, (int64_t)(i % 64)};
        (void)snprintf(b->name[i], sizeof b->name[i], "n%04zu", i);
        b->host[i] = (struct store_host){str_of(b->name[i]), RESOURCES, b->amount[i], false};
        b->index[i] = i;
    }
    b->project[0] = STR_LIT("p");
    b->project[1] = STR_LIT("q");
    b->pool[0] = (struct pool){.name = STR_LIT("a"),
                               .projects = 2,
                               .project = b->project,
                               .hosts = HOSTS / 2,
                               .host = b->index};
    b->pool[1] = (struct pool){
        .name = STR_LIT("b"), .open = true, .hosts = HOSTS / 2, .host = b->index + HOSTS / 2};
    b->reading = (struct store_reading){.queue = STR_LIT("vm"),
                                        .live = true,
                                        .read_at = 100,
                                        .ns = 5,
                                        .about = STR_LIT("Placement 1.39"),
                                        .hosts = HOSTS,
                                        .host = b->host,
                                        .pools = 2,
                                        .pool = b->pool};
    return b;
}

/* Keeps the reading; how many rows were written. */
static int64_t save(struct rig *r, const struct store_reading *reading)
{
    int64_t before = store_written(r->s);
    struct err e;

    rig_begin(r);
    OK(store_reading_save(r->s, reading, &e), &e);
    rig_commit(r);
    return store_written(r->s) - before;
}

/* One number from the database, by a connection of its own. */
static int64_t ask(struct rig *r, const char *sql)
{
    sqlite3_stmt *st;
    sqlite3 *db;
    int64_t v;

    assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    sqlite3_close(db);
    return v;
}

static int64_t used(struct rig *r)
{
    return ask(r, "SELECT sum(used) FROM reading_totals");
}

static void little_is_written_when_little_has_changed(void **state)
{
    struct big *b = big_new();
    int64_t before;
    struct rig r;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    assert_true(save(&r, &b->reading) > (int64_t)HOSTS * RESOURCES);
    before = used(&r);
    for (i = 0; i < 10; i++)
        b->amount[i * 100 + 7][i % RESOURCES].used += 1000;
    b->reading.read_at = 200;
    assert_int_equal(save(&r, &b->reading), 11);
    assert_int_equal(used(&r), before + 10000);
    assert_int_equal(ask(&r, "SELECT read_at FROM readings"), 200);
    assert_int_equal(save(&r, &b->reading), 1); /* its time alone */
    rig_free(&r);
    free(b);
}

static void the_order_of_pools_and_projects_is_no_news(void **state)
{
    struct big *b = big_new();
    struct pool first;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)save(&r, &b->reading);
    first = b->pool[0];
    b->pool[0] = b->pool[1];
    b->pool[1] = first;
    b->project[0] = STR_LIT("q");
    b->project[1] = STR_LIT("p");
    assert_int_equal(save(&r, &b->reading), 1);
    rig_free(&r);
    free(b);
}

/* Each change by itself makes the kept rows the reading's again. */
static void what_is_there_is_replaced_when_it_has_changed(void **state)
{
    struct big *b = big_new();
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)save(&r, &b->reading);
    b->reading.hosts = 3;
    b->pool[0].hosts = 2;
    b->pool[1] = (struct pool){.name = STR_LIT("b"), .hosts = 1, .host = b->index + 2};
    (void)save(&r, &b->reading);
    assert_int_equal(ask(&r, "SELECT count(*) FROM reading_totals"), 9);
    assert_int_equal(ask(&r, "SELECT count(*) FROM reading_hosts"), 3);
    assert_int_equal(ask(&r, "SELECT count(*) FROM reading_projects"), 2);
    assert_int_equal(ask(&r, "SELECT sum(open) FROM reading_pools"), 0);
    b->amount[1][1].total = 128;
    (void)save(&r, &b->reading);
    assert_int_equal(ask(&r, "SELECT max(amount) FROM reading_totals"), 128);
    b->pool[0].unread = 4;
    b->pool[1].closed = true;
    b->host[0].exact = true;
    (void)save(&r, &b->reading);
    assert_int_equal(ask(&r, "SELECT unread * 10 + exact FROM reading_pools WHERE pool = 'a'"), 41);
    assert_int_equal(ask(&r, "SELECT closed FROM reading_pools WHERE pool = 'b'"), 1);
    b->pool[0].projects = 1;
    (void)save(&r, &b->reading);
    assert_int_equal(ask(&r, "SELECT count(*) FROM reading_projects"), 1);
    rig_free(&r);
    free(b);
}

static void rows_that_are_not_the_readings_are_replaced(void **state)
{
    static const char *const damage[] = {
        "DELETE FROM reading_totals WHERE host = 'n0500' AND resource = 'Disk'",
        "DELETE FROM reading_totals WHERE host > 'n0500'",
        "INSERT INTO reading_totals (queue, host, resource, amount) VALUES ('vm', 'z', 'VCPU', 1)",
    };
    struct big *b = big_new();
    struct rig r;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    (void)save(&r, &b->reading);
    for (i = 0; i < ARRAY_LEN(damage); i++) {
        assert_int_equal(ask(&r, damage[i]), -1);
        (void)save(&r, &b->reading);
        assert_int_equal(ask(&r, "SELECT count(*) FROM reading_totals"), HOSTS * RESOURCES);
    }
    rig_free(&r);
    free(b);
}

static void a_failed_reading_keeps_the_rows_of_the_last_good_one(void **state)
{
    struct store_reading failed = {
        .queue = STR_LIT("vm"), .live = true, .read_at = 300, .ns = 7, .error = STR_LIT("503")};
    struct big *b = big_new();
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)save(&r, &b->reading);
    assert_int_equal(save(&r, &failed), 1);
    assert_int_equal(ask(&r, "SELECT read_at FROM readings WHERE error = '503' AND ns = 7"), 100);
    assert_int_equal(ask(&r, "SELECT tried_at FROM readings WHERE about = 'Placement 1.39'"), 300);
    assert_int_equal(ask(&r, "SELECT count(*) FROM reading_totals"), HOSTS * RESOURCES);
    b->reading.read_at = 400;
    assert_int_equal(save(&r, &b->reading), 1); /* nothing had to be made again */
    assert_int_equal(ask(&r, "SELECT read_at FROM readings WHERE error IS NULL"), 400);
    rig_free(&r);
    free(b);
}

static void a_static_reading_is_written_once(void **state)
{
    struct big *b = big_new();
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    b->reading.live = false;
    b->reading.about = (struct str){0};
    assert_int_equal(store_reading_differs(r.s, &b->reading, &e), 1);
    (void)save(&r, &b->reading);
    b->reading.read_at = 500;
    assert_int_equal(store_reading_differs(r.s, &b->reading, &e), 0);
    assert_int_equal(save(&r, &b->reading), 0);
    b->amount[3][0].total = 65;
    assert_int_equal(store_reading_differs(r.s, &b->reading, &e), 1);
    b->reading.error = STR_LIT("out of memory");
    (void)save(&r, &b->reading);
    assert_int_equal(store_reading_differs(r.s, &b->reading, &e), 0);
    b->reading.error = (struct str){0};
    assert_int_equal(store_reading_differs(r.s, &b->reading, &e), 1);
    rig_free(&r);
    free(b);
}

/* ---- who is served by what is kept ---- */

static struct str names[NAMES] = {{"a", 1}, {"b", 1}, {"ab", 2}, {"*", 1}, {"pool:a", 6}};

struct world {
    struct pool pool[POOLS_MAX];
    struct str project[POOLS_MAX][NAMES];
    struct store_reading reading;
};

static void make_world(struct prop *p, struct world *w)
{
    size_t i, k;

    w->reading = (struct store_reading){.queue = STR_LIT("vm"),
                                        .live = true,
                                        .read_at = 1,
                                        .pools = prop_below(p, NAMES + 1),
                                        .pool = w->pool};
    for (i = 0; i < w->reading.pools; i++) {
        w->pool[i] = (struct pool){.name = names[i], .project = w->project[i]};
        for (k = 0; k < NAMES; k++) {
            if (prop_one_in(p, 4))
                w->project[i][w->pool[i].projects++] = names[k];
        }
        w->pool[i].open = prop_one_in(p, 3);
        w->pool[i].closed = prop_one_in(p, 2);
        w->pool[i].unread = prop_below(p, 3);
    }
}

static const char *make_scope(struct prop *p, char scope[64])
{
    struct str a = names[prop_below(p, NAMES)], b = names[prop_below(p, NAMES)];
    static const char *const forms[] = {"", "pool:%.*s", "project:%.*s", "pool:%.*s\nproject:%.*s",
                                        "nonsense"};
    const char *form = forms[prop_below(p, ARRAY_LEN(forms))];

    if (form == forms[1] || form == forms[2])
        (void)snprintf(scope, 64, "%s:%.*s", form == forms[1] ? "pool" : "project", (int)a.n, a.p);
    else if (form == forms[3])
        (void)snprintf(scope, 64, "pool:%.*s\nproject:%.*s", (int)a.n, a.p, (int)b.n, b.p);
    else
        (void)snprintf(scope, 64, "%s", form);
    return scope;
}

struct seen {
    const struct world *world;
    size_t n;
    bool pool[POOLS_MAX];
};

static int take_pool(void *ctx, struct str pool, int64_t unsure, struct err *e)
{
    struct seen *seen = ctx;
    size_t i = 0;

    (void)e;
    while (!str_eq(seen->world->pool[i].name, pool))
        assert_true(++i < seen->world->reading.pools);
    assert_false(seen->pool[i]);
    assert_int_equal(unsure, seen->world->pool[i].unread);
    seen->pool[i] = true;
    seen->n++;
    return 0;
}

static void the_kept_pools_serve_whom_the_readings_pools_serve(void **state)
{
    struct prop p = prop_begin("store_reading", 20261016);
    size_t index[POOLS_MAX], n, i, round;
    struct world w;
    struct rig r;
    struct err e;
    char scope[64];

    (void)state;
    rig_make(&r, queues);
    for (round = 0; round < ROUNDS; round++) {
        make_world(&p, &w);
        (void)save(&r, &w.reading);
        for (i = 0; i < 10; i++) {
            struct seen seen = {.world = &w};
            struct pools pools = {w.reading.pools, w.pool};
            struct str text = str_of(make_scope(&p, scope));

            OK(store_pools_of_scope(r.s, STR_LIT("vm"), text, take_pool, &seen, &e), &e);
            n = pool_of_scope(pools, text, index);
            assert_int_equal(seen.n, n);
            while (n-- > 0)
                assert_true(seen.pool[index[n]]);
        }
    }
    rig_free(&r);
}

static void the_aggregate_is_the_one_pool_of_the_project(void **state)
{
    struct prop p = prop_begin("store_aggregate", 20261017);
    const struct conf_queue *queue;
    struct str data, want;
    char scope[64], text[128];
    struct world w;
    struct rig r;
    struct err e;
    size_t i, round;

    (void)state;
    rig_make(&r, queues);
    queue = conf_queue(r.conf, STR_LIT("vm"));
    for (round = 0; round < ROUNDS; round++) {
        make_world(&p, &w);
        (void)save(&r, &w.reading);
        for (i = 0; i < NAMES; i++) {
            (void)snprintf(scope, sizeof scope, "project:%.*s", (int)names[i].n, names[i].p);
            data = STR_LIT("{\"z\":1.50}");
            want = pool_aggregate((struct pools){w.reading.pools, w.pool}, names[i]);
            rig_begin(&r);
            OK(store_aggregate(r.s, queue, str_of(scope), &data, &e), &e);
            rig_commit(&r);
            if (want.p && !str_is(want, "*"))
                (void)snprintf(text, sizeof text, "{\"host_aggregate\":\"%.*s\",\"z\":1.50}",
                               (int)want.n, want.p);
            else
                (void)snprintf(text, sizeof text, "{\"z\":1.50}");
            assert_true(str_is(data, text));
        }
    }
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(little_is_written_when_little_has_changed),
        cmocka_unit_test(the_order_of_pools_and_projects_is_no_news),
        cmocka_unit_test(what_is_there_is_replaced_when_it_has_changed),
        cmocka_unit_test(rows_that_are_not_the_readings_are_replaced),
        cmocka_unit_test(a_failed_reading_keeps_the_rows_of_the_last_good_one),
        cmocka_unit_test(a_static_reading_is_written_once),
        cmocka_unit_test(the_kept_pools_serve_whom_the_readings_pools_serve),
        cmocka_unit_test(the_aggregate_is_the_one_pool_of_the_project),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
