/* SPDX-License-Identifier: MIT */
/* The tries of a job's callback as they are told, and its callback sent again. */
#include "history_case.h"

struct tries {
    int64_t n[8];
    size_t count;
    struct store_delivery last; /* its texts are copied */
    char text[256];
};

static int take_try(void *ctx, const struct store_delivery *d, struct err *e)
{
    struct tries *t = ctx;

    (void)e;
    t->n[t->count++] = d->n;
    t->last = *d;
    (void)snprintf(t->text, sizeof t->text, "%.*s|%.*s|%.*s|%.*s|%.*s", (int)d->url.n, d->url.p,
                   (int)d->address.n, d->address.p ? d->address.p : "", (int)d->error.n,
                   d->error.p ? d->error.p : "", (int)d->answer.n, d->answer.p ? d->answer.p : "",
                   (int)d->outcome.n, d->outcome.p);
    return 0;
}

static void tries_are_told_as_they_were_written(void **state)
{
    struct store_numbers n;
    struct tries t = {0};
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    OK(store_deliveries(r.s, 1, 0, 9, take_try, &t, &e), &e);
    assert_int_equal(t.count, 0);
    OK(store_delivery_numbers(r.s, 1, &n, &e), &e);
    assert_true(n.first == 0 && n.last == 0);
    sql(&r, "INSERT INTO deliveries VALUES"
            " (1, 5, 2, 1000, 20, 'http://x/1', '192.0.2.1', 503, 'status 503', 'no', 'again', 77),"
            " (1, 6, 2, 2000, 30, 'http://x/1', NULL, NULL, 'refused', NULL, 'again', 88),"
            " (1, 7, 3, 3000, 40, 'http://x/1', '192.0.2.1', 204, NULL, '', 'accepted', NULL),"
            " (2, 1, 1, 3000, 40, 'http://x/2', NULL, NULL, NULL, NULL, 'void', NULL)");
    OK(store_deliveries(r.s, 1, 0, 1, take_try, &t, &e), &e);
    assert_true(t.count == 1 && t.last.n == 5 && t.last.admission == 2 && t.last.at == 1000 &&
                t.last.ns == 20 && t.last.status == 503 && t.last.next_try == 77);
    assert_string_equal(t.text, "http://x/1|192.0.2.1|status 503|no|again");
    OK(store_deliveries(r.s, 1, 5, 9, take_try, &t, &e), &e);
    assert_true(t.count == 3 && t.n[1] == 6 && t.n[2] == 7);
    assert_true(t.last.answer.p && t.last.answer.n == 0 && !t.last.error.p && t.last.next_try == 0);
    OK(store_delivery_numbers(r.s, 1, &n, &e), &e);
    assert_true(n.first == 5 && n.last == 7);
    rig_free(&r);
}

static int resend(struct rig *r, const char *id, struct err *e)
{
    int rc;

    rig_begin(r);
    r->now += NS_PER_US;
    rc = store_resend(r->s, STR_LIT("vm"), str_of(id), &(struct store_match){0}, r->now, e);
    if (rc == 0)
        rig_commit(r);
    else
        store_rollback(r->s);
    return rc;
}

static void the_callback_of_an_admitted_or_running_job_is_due_again(void **state)
{
    static const char due[] = "SELECT next_try FROM jobs WHERE id = 1";
    struct rig r;
    struct err e;
    int64_t id, version;

    (void)state;
    rig_make(&r, queues);
    id = rig_add(&r, "vm", "a", ONE);
    admit(&r, id);
    version = ask(&r, "SELECT version FROM queues");
    assert_true(ask(&r, due) > r.now + NS_PER_S);
    store_as(r.s, &alice);
    OK(resend(&r, "a", &e), &e);
    assert_int_equal(ask(&r, due), -r.now); /* it was asked for */
    assert_int_equal(ask(&r, "SELECT updated_at FROM jobs WHERE id = 1"), r.now);
    assert_int_equal(ask(&r, "SELECT version FROM queues"), version + 1);
    store_as(r.s, NULL);
    change(&r, "a", "{\"status\":\"running\"}");
    assert_int_equal(ask(&r, due), 0);
    store_as(r.s, &bob);
    OK(resend(&r, "a", &e), &e);
    assert_int_equal(ask(&r, due), -r.now); /* it was asked for */
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE status = 'running'"), 1);
    is_told(&r, "a",
            "1 anteroom status queued>admitted\n"
            "2 token:alice resend\n"
            "3 anteroom status admitted>running\n"
            "4 token:bob resend\n");
    rig_free(&r);
}

static void no_other_callback_is_sent_again(void **state)
{
    static const char *const ways[] = {"held", "queued", "cancelled"};
    struct rig r;
    struct err e;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    for (i = 0; i < ARRAY_LEN(ways); i++) {
        char json[64];

        (void)snprintf(json, sizeof json, "{\"status\":\"%s\"}", ways[i]);
        change(&r, "a", json);
        assert_int_equal(resend(&r, "a", &e), -1);
        assert_int_equal(e.code, ERR_INVALID_TRANSITION);
        assert_non_null(strstr(e.text, ways[i]));
    }
    assert_int_equal(resend(&r, "nobody", &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    remove_it(&r, "a");
    assert_int_equal(resend(&r, "a", &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE event = 'resend'"), 0);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tries_are_told_as_they_were_written),
        cmocka_unit_test(the_callback_of_an_admitted_or_running_job_is_due_again),
        cmocka_unit_test(no_other_callback_is_sent_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
