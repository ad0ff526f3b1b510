/* SPDX-License-Identifier: MIT */
/* What a job is told at once in a queue whose pools are those of a reading, and the aggregate that
 * is written into its data. */
#include "rig.h"

#include "store_inner.h"
#include "store_view.h"

static const char queues[] = "queues:\n"
                             "  vm: {capacity: openstack}\n"
                             "  kube: {capacity: kubernetes}\n";

#define ASKS(n) "{\"project\":\"p\",\"instances\":[{\"VCPU\":" #n "}]}"

/* Two hosts of 4 and 8 VCPU: the first in pool "small" of project p, the second in the open pool.
 */
struct cloud {
    struct store_amount amount[2];
    struct store_host host[2];
    struct str project;
    size_t index[2];
    struct pool pool[2];
    struct store_reading reading;
};

static void cloud_make(struct cloud *c)
{
    *c = (struct cloud){.amount = {{STR_LIT("VCPU"), 4, 4}, {STR_LIT("VCPU"), 8, 0}},
                        .project = STR_LIT("p"),
                        .index = {0, 1}};
    c->host[0] = (struct store_host){STR_LIT("n1"), 1, &c->amount[0], false};
    c->host[1] = (struct store_host){STR_LIT("n2"), 1, &c->amount[1], false};
    c->pool[0] = (struct pool){.name = STR_LIT("small"),
                               .projects = 1,
                               .project = &c->project,
                               .hosts = 1,
                               .host = &c->index[0]};
    c->pool[1] =
        (struct pool){.name = STR_LIT("*"), .open = true, .hosts = 1, .host = &c->index[1]};
    c->reading = (struct store_reading){.queue = STR_LIT("vm"),
                                        .live = true,
                                        .read_at = 1,
                                        .hosts = 2,
                                        .host = c->host,
                                        .pools = 2,
                                        .pool = c->pool};
}

static void keep(struct rig *r, const struct store_reading *reading)
{
    struct err e;

    rig_begin(r);
    OK(store_reading_save(r->s, reading, &e), &e);
    rig_commit(r);
}

/* What the job is told; it is taken away again, so that the next one is told anew. */
static const char *told(struct rig *r, const char *type, const char *data)
{
    struct err e;
    struct job j;

    (void)rig_add(r, type, "j", data);
    OK(store_show(r->s, str_of(type), STR_LIT("j"), &j, &e), &e);
    (void)snprintf(r->text, sizeof r->text, "%.*s", (int)j.reason.n, j.reason.p);
    rig_begin(r);
    OK(store_delete(r->s, str_of(type), STR_LIT("j"), &(struct store_match){0}, r->now, &e), &e);
    rig_commit(r);
    return r->text;
}

static void nothing_is_said_before_there_is_a_reading(void **state)
{
    struct cloud c;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    cloud_make(&c);
    assert_string_equal(told(&r, "vm", ASKS(100)), "WaitingForCapacity");
    c.reading.error = STR_LIT("Keystone answered 503");
    keep(&r, &c.reading);
    assert_string_equal(told(&r, "vm", ASKS(100)), "WaitingForCapacity");
    rig_free(&r);
}

static void it_is_judged_by_the_empty_hosts_of_its_pools(void **state)
{
    struct cloud c;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    cloud_make(&c);
    keep(&r, &c.reading);
    assert_string_equal(told(&r, "vm", ASKS(4)), "WaitingForCapacity");
    assert_string_equal(told(&r, "vm", ASKS(5)), "NeverFits");
    assert_string_equal(told(&r, "vm", "{\"project\":\"other\",\"instances\":[{\"VCPU\":8}]}"),
                        "WaitingForCapacity");
    assert_string_equal(told(&r, "vm", "{\"project\":\"other\",\"instances\":[{\"VCPU\":9}]}"),
                        "NeverFits");
    assert_string_equal(told(&r, "vm", "{\"project\":\"p\",\"instances\":[{\"PCPU\":1}]}"),
                        "NeverFits");
    c.reading.error = STR_LIT("503");
    keep(&r, &c.reading); /* the last good one is still known */
    assert_string_equal(told(&r, "vm", ASKS(5)), "NeverFits");
    rig_free(&r);
}

/* More of one host than is looked at: nobody is told that he never fits. */
static void a_host_of_too_many_resources_is_no_verdict(void **state)
{
    static char name[CONF_RESOURCES_MAX + 8][16];
    static struct store_amount amount[CONF_RESOURCES_MAX + 8];
    struct cloud c;
    struct rig r;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    cloud_make(&c);
    for (i = 0; i < ARRAY_LEN(amount); i++) {
        (void)snprintf(name[i], sizeof name[i], "CUSTOM_%04zu", i);
        amount[i] = (struct store_amount){str_of(name[i]), 4, 0};
    }
    c.host[0].amounts = CONF_RESOURCES_MAX;
    c.host[0].amount = amount;
    keep(&r, &c.reading);
    assert_string_equal(told(&r, "vm", ASKS(5)), "NeverFits");
    c.host[0].amounts = ARRAY_LEN(amount);
    keep(&r, &c.reading);
    assert_string_equal(told(&r, "vm", ASKS(5)), "WaitingForCapacity");
    rig_free(&r);
}

static int stop(void *ctx, struct err *e)
{
    ++*(int *)ctx;
    return err_set(e, ERR_UNAVAILABLE, "enough");
}

static int stop_at_pool(void *ctx, const struct store_view_pool *p, struct err *e)
{
    (void)p;
    return stop(ctx, e);
}

static int stop_at_name(void *ctx, struct str name, struct err *e)
{
    (void)name;
    return stop(ctx, e);
}

static int stop_at_amount(void *ctx, const struct store_view_amount *a, struct err *e)
{
    (void)a;
    return stop(ctx, e);
}

static void who_looks_may_stop(void **state)
{
    struct store_view v;
    struct cloud c;
    struct rig r;
    struct err e;
    int calls = 0;

    (void)state;
    rig_make(&r, queues);
    cloud_make(&c);
    keep(&r, &c.reading);
    OK(store_read_begin(r.s, &e), &e);
    assert_int_equal(store_view(r.s, conf_queue(r.conf, STR_LIT("vm")), &v, &e), 1);
    assert_int_equal(store_view_pools(r.s, &v, stop_at_pool, &calls, &e), -1);
    assert_string_equal(e.text, "enough");
    assert_int_equal(
        store_view_names(r.s, &v, STORE_VIEW_HOSTS, (struct str){0}, stop_at_name, &calls, &e), -1);
    assert_int_equal(
        store_view_amounts(r.s, &v, STORE_VIEW_OF_HOST, STR_LIT("n1"), stop_at_amount, &calls, &e),
        -1);
    store_read_end(r.s);
    assert_int_equal(calls, 3);
    rig_free(&r);
}

static void a_project_without_a_pool_is_told_so(void **state)
{
    struct cloud c;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    cloud_make(&c);
    c.pool[1].open = false;
    c.pool[0].closed = true;
    keep(&r, &c.reading);
    assert_string_equal(told(&r, "vm", "{\"project\":\"other\",\"instances\":[{\"VCPU\":1}]}"),
                        "NoPool");
    assert_string_equal(
        told(&r, "vm", "{\"host_aggregate\":\"gone\",\"instances\":[{\"VCPU\":1}]}"), "NoPool");
    assert_string_equal(told(&r, "vm",
                             "{\"host_aggregate\":\"small\",\"project\":\"other\","
                             "\"instances\":[{\"VCPU\":1}]}"),
                        "NoPool");
    assert_string_equal(
        told(&r, "vm",
             "{\"host_aggregate\":\"small\",\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"),
        "WaitingForCapacity");
    rig_free(&r);
}

static void nothing_is_said_where_a_host_is_not_known(void **state)
{
    struct cloud c;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    cloud_make(&c);
    c.pool[0].unread = 1;
    keep(&r, &c.reading);
    assert_string_equal(told(&r, "vm", ASKS(5)), "WaitingForCapacity");
    c.pool[0].unread = 0;
    c.host[0].exact = true;
    keep(&r, &c.reading);
    assert_string_equal(told(&r, "vm", ASKS(5)), "WaitingForCapacity");
    c.host[0].exact = false;
    keep(&r, &c.reading);
    assert_string_equal(told(&r, "vm", ASKS(6)), "NeverFits");
    rig_free(&r);
}

static void what_has_a_constraint_is_left_to_the_pass(void **state)
{
    struct cloud c;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    cloud_make(&c);
    c.reading.queue = STR_LIT("kube");
    c.amount[0].resource = c.amount[1].resource = STR_LIT("cpu");
    keep(&r, &c.reading);
    assert_string_equal(
        told(&r, "kube", "{\"namespace\":\"p\",\"pods\":[{\"requests\":{\"cpu\":\"5m\"}}]}"),
        "NeverFits");
    assert_string_equal(told(&r, "kube",
                             "{\"namespace\":\"p\",\"pods\":[{\"requests\":{\"cpu\":\"4m\"},"
                             "\"nodeSelector\":{\"a\":\"b\"}}]}"),
                        "WaitingForCapacity");
    assert_string_equal(told(&r, "kube",
                             "{\"namespace\":\"p\",\"pods\":[{\"requests\":{\"cpu\":\"4m\"},"
                             "\"nodeSelector\":{\"a\":\"b\"}},{\"requests\":{\"cpu\":\"5m\"}}]}"),
                        "NeverFits");
    rig_free(&r);
}

static struct str data_of(struct rig *r, const char *id)
{
    struct err e;
    struct job j;

    OK(store_show(r->s, STR_LIT("vm"), str_of(id), &j, &e), &e);
    (void)snprintf(r->text, sizeof r->text, "%.*s", (int)j.data.n, j.data.p);
    return str_of(r->text);
}

static void the_aggregate_of_the_project_is_written_into_the_data(void **state)
{
    static const char body[] =
        "{\"request_id\":\"a\",\"owner_id\":\"o\",\"callback\":\"http://c.example/a\","
        "\"data\":" ASKS(1) "}";
    static const char with[] =
        "{\"host_aggregate\":\"small\",\"instances\":[{\"VCPU\":1}],\"project\":\"p\"}";
    struct cloud c;
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, queues);
    cloud_make(&c);
    (void)rig_add(&r, "vm", "early", ASKS(1));
    assert_true(str_is(data_of(&r, "early"), "{\"instances\":[{\"VCPU\":1}],\"project\":\"p\"}"));
    keep(&r, &c.reading);
    OK(rig_post(&r, "vm", body, &j, &e), &e);
    assert_true(str_is(j.data, with)); /* the answer shows it */
    assert_true(str_is(data_of(&r, "a"), with));
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("a"), &j, &e), &e);
    assert_true(str_is(j.scope, "project:p")); /* it follows the aggregates when they change */
    OK(rig_change(&r, "vm", "early", "{\"data\":" ASKS(2) "}", &e), &e);
    assert_true(
        str_is(data_of(&r, "early"),
               "{\"host_aggregate\":\"small\",\"instances\":[{\"VCPU\":2}],\"project\":\"p\"}"));
    (void)rig_add(&r, "vm", "open", "{\"project\":\"other\",\"instances\":[{\"VCPU\":1}]}");
    assert_true(
        str_is(data_of(&r, "open"), "{\"instances\":[{\"VCPU\":1}],\"project\":\"other\"}"));
    rig_free(&r);
}

/* What would make the data unreadable is not written into it. */
static void a_pool_whose_name_is_none_is_not_written(void **state)
{
    struct cloud c;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    cloud_make(&c);
    c.pool[0].name = STR_LIT("a\nb");
    keep(&r, &c.reading);
    (void)rig_add(&r, "vm", "a", ASKS(1));
    assert_true(str_is(data_of(&r, "a"), "{\"instances\":[{\"VCPU\":1}],\"project\":\"p\"}"));
    rig_free(&r);
}

/* ---- how much one transaction looks at ---- */

enum { HOSTS = 2000, SHAPES = STORE_JUDGE_MAX / HOSTS };

/* A pool of so many hosts of 4 VCPU each. */
static void keep_large(struct rig *r, struct pool *pool)
{
    static struct store_amount amount = {STR_LIT("VCPU"), 4, 4};
    static struct store_host host[HOSTS];
    static size_t index[HOSTS];
    static char name[HOSTS][8];
    struct store_reading reading = {.queue = STR_LIT("vm"),
                                    .live = true,
                                    .read_at = 1,
                                    .hosts = HOSTS,
                                    .host = host,
                                    .pools = 1,
                                    .pool = pool};
    size_t i;

    for (i = 0; i < HOSTS; i++) {
        (void)snprintf(name[i], sizeof name[i], "n%zu", i);
        host[i] = (struct store_host){str_of(name[i]), 1, &amount, false};
        index[i] = i;
    }
    pool->name = STR_LIT("p");
    pool->hosts = HOSTS;
    pool->host = index;
    keep(r, &reading);
}

/* The shapes of so many jobs, each of its own, which fit nowhere; in one transaction. How many are
 * told so. */
static int never_fit(struct rig *r, int first, int n)
{
    struct store_membership m;
    struct store_key key;
    char shape[64];
    struct err e;
    int i, told_so = 0;

    rig_begin(r);
    for (i = first; i < first + n; i++) {
        (void)snprintf(shape, sizeof shape, "[{\"n\":1,\"r\":{\"VCPU\":%d}}]", i);
        key = (struct store_key){STR_LIT("vm"), STR_LIT("pool:p"), STR_LIT("o"), str_of(shape)};
        OK(store_group_join(r->s, &key, r->now, &m, &e), &e);
        if (str_is(m.reason, "NeverFits"))
            told_so++;
        else
            assert_true(str_is(m.message, STORE_NOT_LOOKED_YET));
    }
    rig_commit(r);
    return told_so;
}

static void one_transaction_looks_at_so_many_rows_only(void **state)
{
    struct pool pool = {0};
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    keep_large(&r, &pool);
    assert_in_range(never_fit(&r, 100, SHAPES + 20), SHAPES - 1, SHAPES);
    assert_int_equal(never_fit(&r, 1000, 3), 3); /* the next one begins anew */
    rig_free(&r);
}

static void where_nothing_can_be_said_no_row_is_looked_at(void **state)
{
    struct pool pool = {.unread = 1};
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    keep_large(&r, &pool);
    assert_int_equal(never_fit(&r, 100, 3), 0);
    assert_in_range(r.s->judged, 0, 3); /* that there is a pool */
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_before_there_is_a_reading),
        cmocka_unit_test(it_is_judged_by_the_empty_hosts_of_its_pools),
        cmocka_unit_test(a_host_of_too_many_resources_is_no_verdict),
        cmocka_unit_test(who_looks_may_stop),
        cmocka_unit_test(a_project_without_a_pool_is_told_so),
        cmocka_unit_test(nothing_is_said_where_a_host_is_not_known),
        cmocka_unit_test(what_has_a_constraint_is_left_to_the_pass),
        cmocka_unit_test(the_aggregate_of_the_project_is_written_into_the_data),
        cmocka_unit_test(a_pool_whose_name_is_none_is_not_written),
        cmocka_unit_test(one_transaction_looks_at_so_many_rows_only),
        cmocka_unit_test(where_nothing_can_be_said_no_row_is_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
