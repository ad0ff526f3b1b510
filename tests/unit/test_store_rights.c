/* SPDX-License-Identifier: MIT */
/* What an owner sees of the store and may do in it; above all with the order, against a slow
 * reference. */
#include "prop.h"
#include "rig.h"
#include "store_token.h"

enum { JOBS = 24, ROUNDS = 60, MOVES = 12 };

static const struct str a_alone[] = {{"a", 1}}, a_and_b[] = {{"a", 1}, {"b", 1}};
static const struct who his[] = {
    {.name = STR_LIT("token:a"), .changes = true, .owners = 1, .owner = a_alone},
    {.name = STR_LIT("token:ab"), .changes = true, .owners = 2, .owner = a_and_b},
};

/* A job as the reference has it. */
struct row {
    char name[8];
    bool own, waits;
};

static void post(struct rig *r, const char *owner, const char *name, int64_t priority)
{
    char json[256];
    struct err e;
    struct job j;

    (void)snprintf(
        json, sizeof json,
        "{\"request_id\":\"%s\",\"owner_id\":\"%s\",\"callback\":\"http://c.example/%s\","
        "\"data\":{},\"priority\":%lld}",
        name, owner, name, (long long)priority);
    OK(rig_post(r, "t", json, &j, &e), &e);
}

/* The queue as everybody who may sees it. */
static size_t look(struct rig *r, const struct who *who, struct row row[JOBS])
{
    struct store_filter f = {.type = STR_LIT("t")};
    struct job j;
    struct err e;
    size_t n = 0;

    OK(store_list_begin(r->s, &f, &e), &e);
    while (store_list_next(r->s, &j, &e) == 1) {
        (void)snprintf(row[n].name, sizeof row[n].name, "%.*s", (int)j.request_id.n,
                       j.request_id.p);
        row[n].waits = j.status == JOB_QUEUED || j.status == JOB_HELD;
        row[n++].own = who_sees(who, j.owner_id);
    }
    store_list_end(r->s);
    return n;
}

/* A queue of jobs of three owners that stand close together, many at the same priority. */
static size_t fill(struct rig *r, struct prop *p)
{
    static const char *const owners[] = {"a", "b", "c"};
    size_t i, n = 2 + prop_below(p, JOBS - 2);
    char name[8];

    for (i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "j%zu", i);
        post(r, owners[prop_below(p, 3)], name, (int64_t)prop_below(p, 12));
    }
    return n;
}

/* What a move forward must do: his jobs from *to on to the moved one pass their places on. */
static void reference(struct row *row, size_t from, size_t to)
{
    struct row moved = row[from];
    size_t i, last = from;

    for (i = from; i-- > to;) {
        if (!row[i].own)
            continue;
        row[last] = row[i];
        last = i;
    }
    row[last] = moved;
}

/* Where "before" or "after" the job at `other` lies for one that comes from behind. */
static size_t wanted(const struct row *row, size_t from, size_t other, bool after)
{
    if (!after)
        return other;
    for (other++; other < from && !row[other].own;)
        other++;
    return other;
}

static void move_once(struct rig *r, struct prop *p, const struct who *who, size_t n)
{
    struct row before[JOBS], now[JOBS];
    size_t from = prop_below(p, n), other = prop_below(p, n), i;
    bool after = prop_one_in(p, 2);
    char json[64];
    struct err e;
    int rc;

    (void)look(r, who, before);
    (void)snprintf(json, sizeof json, "{\"move\":{\"%s\":\"%s\"}}", after ? "after" : "before",
                   before[other].name);
    store_as(r->s, who);
    rc = rig_change(r, "t", before[from].name, json, &e);
    store_as(r->s, NULL);
    assert_int_equal(look(r, who, now), n);
    if (!before[from].own || !before[other].own || from == other) {
        assert_int_equal(rc, -1);
        assert_int_equal(e.code, before[from].own ? ERR_INVALID : ERR_NOT_FOUND);
    } else if (other < from) {
        assert_int_equal(rc, 0);
        reference(before, from, wanted(before, from, other, after));
    } else {
        assert_int_equal(rc, 0); /* backward: anybody may let others pass */
        return;
    }
    for (i = 0; i < n; i++)
        assert_string_equal(now[i].name, before[i].name);
}

static void moves_forward_are_rotations(void **state)
{
    struct prop p = prop_begin("rotations", 41);
    size_t i, k, n;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        struct rig r;

        rig_make(&r, "");
        n = fill(&r, &p);
        for (k = 0; k < MOVES; k++)
            move_once(&r, &p, &his[prop_below(&p, 2)], n);
        rig_free(&r);
    }
}

/* Some have had their turn. */
static void end_some(struct rig *r, struct prop *p, size_t n)
{
    static const char *const ends[] = {"running", "cancelled", "held"};
    char name[24], json[64];
    struct err e;
    size_t i;

    for (i = 0; i < n; i++) {
        if (!prop_one_in(p, 3))
            continue;
        (void)snprintf(name, sizeof name, "j%zu", i);
        (void)snprintf(json, sizeof json, "{\"status\":\"%s\"}", ends[prop_below(p, 3)]);
        OK(rig_change(r, "t", name, json, &e), &e);
    }
}

/* Of everything that an owner can say about the order, nothing puts more of his jobs that wait
 * before a stranger's. */
static void count_before(const struct row *row, size_t n, const char *name, size_t *count)
{
    size_t i;

    *count = 0;
    for (i = 0; i < n && strcmp(row[i].name, name) != 0; i++)
        *count += row[i].own && row[i].waits;
}

static void say_anything(struct rig *r, struct prop *p, const struct who *who, const char *name,
                         const struct row *other)
{
    static const char *const forms[] = {
        "{\"move\":\"front\"}",          "{\"move\":\"back\"}", "{\"move\":{\"before\":\"%s\"}}",
        "{\"move\":{\"after\":\"%s\"}}", "{\"priority\":%d}",   "{\"priority\":%d.5}"};
    size_t form = prop_below(p, ARRAY_LEN(forms));
    char json[64];
    struct err e;

    if (form < 2)
        (void)snprintf(json, sizeof json, "%s", forms[form]);
    else if (form == 2)
        (void)snprintf(json, sizeof json, "{\"move\":{\"before\":\"%s\"}}", other->name);
    else if (form == 3)
        (void)snprintf(json, sizeof json, "{\"move\":{\"after\":\"%s\"}}", other->name);
    else
        (void)snprintf(json, sizeof json, "{\"priority\":%d%s}", (int)prop_below(p, 40) - 5,
                       form == 5 ? ".5" : "");
    store_as(r->s, who);
    (void)!rig_change(r, "t", name, json, &e);
    store_as(r->s, NULL);
}

static void nothing_passes_a_stranger(void **state)
{
    struct prop p = prop_begin("strangers", 42);
    struct row before[JOBS], now[JOBS];
    size_t i, k, n, s, was, is;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        struct rig r;

        rig_make(&r, "");
        n = fill(&r, &p);
        end_some(&r, &p, n);
        for (k = 0; k < MOVES; k++) {
            const struct who *who = &his[prop_below(&p, 2)];

            (void)look(&r, who, before);
            say_anything(&r, &p, who, before[prop_below(&p, n)].name, &before[prop_below(&p, n)]);
            assert_int_equal(look(&r, who, now), n);
            for (s = 0; s < n; s++) {
                if (before[s].own)
                    continue;
                count_before(before, n, before[s].name, &was);
                count_before(now, n, before[s].name, &is);
                assert_true(is <= was);
            }
        }
        rig_free(&r);
    }
}

/* A new job with a priority of its own: let in exactly when no stranger's would stand behind it. */
static void a_new_job_passes_no_stranger(void **state)
{
    struct prop p = prop_begin("new", 43);
    size_t i;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        int64_t want = (int64_t)prop_below(&p, 14) - 1, last = -10;
        const struct who *who = &his[prop_below(&p, 2)];
        struct store_filter f = {.type = STR_LIT("t")};
        char json[256];
        struct rig r;
        struct err e;
        struct job j;
        int rc;

        rig_make(&r, "");
        (void)fill(&r, &p);
        OK(store_list_begin(r.s, &f, &e), &e);
        while (store_list_next(r.s, &j, &e) == 1)
            last = who_sees(who, j.owner_id) ? last : j.priority;
        store_list_end(r.s);
        (void)snprintf(
            json, sizeof json,
            "{\"request_id\":\"new\",\"owner_id\":\"a\",\"callback\":\"http://c.example/n\","
            "\"data\":{},\"priority\":%lld}",
            (long long)want);
        store_as(r.s, who);
        rc = rig_post(&r, "t", json, &j, &e);
        store_as(r.s, NULL);
        assert_int_equal(rc, want >= last ? 0 : -1);
        if (rc != 0)
            assert_int_equal(e.code, ERR_FORBIDDEN);
        rig_free(&r);
    }
}

/* ---- tokens ---- */

static int add_token(struct rig *r, const char *name, char token[STORE_TOKEN_MAX], struct err *e)
{
    struct store_token t = {.name = str_of(name),
                            .role = STR_LIT("owner"),
                            .owners = STR_LIT("[\"a\"]"),
                            .created_at = 1,
                            .expires_at = 2};
    int rc;

    rig_begin(r);
    rc = store_token_add(r->s, &t, token, e);
    if (rc == 0)
        rig_commit(r);
    else
        store_rollback(r->s);
    return rc;
}

static void tokens_come_and_go(void **state)
{
    char first[STORE_TOKEN_MAX], second[STORE_TOKEN_MAX];
    struct store_token t;
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, "");
    OK(add_token(&r, "one", first, &e), &e);
    assert_int_equal(add_token(&r, "one", second, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    OK(add_token(&r, "two", second, &e), &e);
    assert_string_not_equal(first + strlen(first) - 43, second + strlen(second) - 43);
    assert_int_equal(store_token_get(r.s, store_token_id(str_of(first)), &t, &e), 1);
    assert_true(str_is(t.name, "one") && str_is(t.owners, "[\"a\"]") && t.expires_at == 2);
    assert_int_equal(store_token_get(r.s, 99, &t, &e), 0);
    rig_begin(&r);
    OK(store_token_revoke(r.s, STR_LIT("one"), &e), &e);
    assert_int_equal(store_token_revoke(r.s, STR_LIT("one"), &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    rig_commit(&r);
    assert_int_equal(store_token_get(r.s, store_token_id(str_of(first)), &t, &e), 0);
    OK(add_token(&r, "one", second, &e), &e);
    assert_true(store_token_id(str_of(second)) > store_token_id(str_of(first)));
    rig_free(&r);
}

static void only_what_looks_like_a_token_names_an_id(void **state)
{
#define SECRET "0123456789abcdefghijklmnopqrstuvwxyzABCDEF-"
    static const struct {
        const char *text;
        int64_t id;
    } cases[] = {
        {"ant_7_" SECRET, 7},
        {"ant_9223372036854775807_" SECRET, INT64_MAX},
        {"ant_9223372036854775808_" SECRET, 0},
        {"ant_0_" SECRET, 0},
        {"ant_-1_" SECRET, 0},
        {"ant__" SECRET, 0},
        {"ant_7" SECRET, 0},
        {"ant_7_" SECRET "x", 0},
        {"Ant_7_" SECRET, 0},
        {"ant_", 0},
        {"an", 0},
        {"", 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(store_token_id(str_of(cases[i].text)), cases[i].id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_forward_are_rotations),
        cmocka_unit_test(nothing_passes_a_stranger),
        cmocka_unit_test(a_new_job_passes_no_stranger),
        cmocka_unit_test(tokens_come_and_go),
        cmocka_unit_test(only_what_looks_like_a_token_names_an_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
