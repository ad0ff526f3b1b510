/* SPDX-License-Identifier: MIT */
/* Who may what: the needs of a request, and what an owner may do with a job. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rights.h"
#include "torture.h"

static const struct str one[] = {{"a", 1}}, two[] = {{"a", 1}, {"b", 1}};
static const struct who admin = {.name = STR_LIT("x"), .everything = true, .changes = true},
                        reader = {.name = STR_LIT("x"), .everything = true},
                        owner = {.name = STR_LIT("x"), .changes = true, .owners = 1, .owner = one},
                        both = {.name = STR_LIT("y"), .changes = true, .owners = 2, .owner = two},
                        looker = {.name = STR_LIT("z"), .owners = 1, .owner = one};

/* ---- who ---- */

static void every_need_by_everybody(void **state)
{
    static const struct {
        const struct who *who;
        bool may[WHO_NEEDS]; /* admin, change, read-all, read, open */
    } cases[] = {
        {&admin, {true, true, true, true, true}},
        {&reader, {false, false, true, true, true}},
        {&owner, {false, true, false, true, true}},
        {&looker, {false, false, false, true, true}},
    };
    struct err e;
    size_t i;
    int need;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        for (need = 0; need < WHO_NEEDS; need++) {
            int rc = who_may(cases[i].who, (enum who_need)need, &e);

            assert_int_equal(rc == 0, cases[i].may[need]);
            if (rc != 0)
                assert_int_equal(e.code, ERR_FORBIDDEN);
        }
    }
}

static void every_need_has_its_word(void **state)
{
    (void)state;
    assert_string_equal(who_need_word(WHO_ADMIN), "admin");
    assert_string_equal(who_need_word(WHO_CHANGES), "change");
    assert_string_equal(who_need_word(WHO_READS_ALL), "read-all");
    assert_string_equal(who_need_word(WHO_READS), "read");
    assert_string_equal(who_need_word(WHO_OPEN), "open");
}

/* Whatever owners stand beside it. */
static void everything_is_seen_of_everybody(void **state)
{
    const struct who all = {.everything = true, .owners = 1, .owner = one}, nobody = {0};

    (void)state;
    assert_true(who_sees(&admin, STR_LIT("a")) && who_sees(&admin, STR_LIT("")));
    assert_true(who_sees(&all, STR_LIT("a")) && who_sees(&all, STR_LIT("b")));
    assert_true(who_sees(&both, STR_LIT("a")) && who_sees(&both, STR_LIT("b")));
    assert_false(who_sees(&both, STR_LIT("c")) || who_sees(&both, STR_LIT("ab")));
    assert_false(who_sees(&nobody, STR_LIT("a")) || who_sees(&nobody, STR_LIT("")));
}

static const char *sight(const struct who *w, struct buf *b)
{
    buf_reset(b);
    buf_str(b, "");
    who_write_sight(w, b);
    return b->data;
}

static void what_is_seen_tells_people_apart(void **state)
{
    static const struct str tricky[] = {{"a\",\"b", 5}};
    const struct who other = {.owners = 1, .owner = tricky};
    struct buf b = BUF_INIT(4096);

    (void)state;
    assert_string_equal(sight(&admin, &b), "");
    assert_string_equal(sight(&reader, &b), "");
    assert_string_equal(sight(&owner, &b), "[\"a\"]");
    assert_string_equal(sight(&both, &b), "[\"a\",\"b\"]");
    assert_string_equal(sight(&other, &b), "[\"a\\\",\\\"b\"]");
    buf_free(&b);
}

static void a_copy_stands_alone(void **state)
{
    char name[] = "token:x", id[] = "p1";
    const struct str owners[] = {{id, 2}, {"p2", 2}};
    struct who w = {.name = {name, 7}, .changes = true, .owners = 2, .owner = owners};
    struct who *copy = who_copy(&w);

    (void)state;
    assert_non_null(copy);
    memset(name, '!', 7);
    memset(id, '!', 2);
    assert_true(str_is(copy->name, "token:x") && copy->changes && !copy->everything);
    assert_true(who_sees(copy, STR_LIT("p1")) && who_sees(copy, STR_LIT("p2")));
    assert_false(who_sees(copy, STR_LIT("p3")) || who_sees(copy, STR_LIT("")));
    free(copy);
}

/* Texts that are not there, or empty, have no bytes to copy. */
static void a_copy_of_nobody_is_nobodys(void **state)
{
    const struct str owners[] = {STR_LIT(""), STR_LIT("p")};
    const struct who w = {.owners = 2, .owner = owners};
    struct who *copy = who_copy(&w);

    (void)state;
    assert_non_null(copy);
    assert_int_equal(copy->name.n, 0);
    assert_true(who_sees(copy, STR_LIT("")) && who_sees(copy, STR_LIT("p")));
    assert_false(who_sees(copy, STR_LIT("q")));
    free(copy);
}

#if TORTURE
static void without_memory_there_is_no_copy(void **state)
{
    struct who *copy;

    (void)state;
    torture_arm(0);
    copy = who_copy(&both);
    (void)torture_end();
    assert_null(copy);
}
#endif

/* ---- rights ---- */

static void what_only_an_administrator_may_do_with_a_job(void **state)
{
    const struct job j = {.status = JOB_QUEUED, .priority = 10}, runs = {.status = JOB_RUNNING};
    static const struct {
        struct job_change c;
        const char *pointer; /* NULL: an owner may */
    } cases[] = {
        {{.has_status = true, .status = JOB_RUNNING}, "/status"},
        {{.has_status = true, .status = JOB_HELD}, NULL},
        {{.has_status = true, .status = JOB_CANCELLED}, NULL},
        {{.move = JOB_TO_FRONT}, "/move"},
        {{.move = JOB_TO_BACK}, NULL},
        {{.move = JOB_BEFORE}, NULL},
        {{.has_priority = true, .priority = {9, true}}, "/priority"},
        {{.has_priority = true, .priority = {10, false}}, NULL},
        {{.has_priority = true, .priority = {10, true}}, NULL},
        {{.has_priority = true, .priority = {11, false}}, NULL},
    };
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(rights_change(&admin, STR_LIT("vm"), &j, &cases[i].c, &e), 0);
        assert_int_equal(rights_change(&reader, STR_LIT("vm"), &j, &cases[i].c, &e), -1);
        assert_int_equal(rights_change(&looker, STR_LIT("vm"), &j, &cases[i].c, &e), -1);
        assert_int_equal(rights_change(&owner, STR_LIT("vm"), &j, &cases[i].c, &e),
                         cases[i].pointer ? -1 : 0);
        if (cases[i].pointer)
            assert_string_equal(e.pointer, cases[i].pointer);
    }
    assert_int_equal(rights_change(&owner, STR_LIT("vm"), &runs, &cases[0].c, &e),
                     0); /* it confirms */
}

static void who_waits_is_set_running_by_administrators_alone(void **state)
{
    const struct job waits = {.status = JOB_QUEUED}, held = {.status = JOB_HELD};
    const struct job_change c = {.has_status = true, .status = JOB_RUNNING};
    struct err e;

    (void)state;
    assert_int_equal(rights_change(&admin, STR_LIT("vm"), &waits, &c, &e), 0);
    assert_int_equal(rights_change(&owner, STR_LIT("vm"), &waits, &c, &e), -1);
    assert_int_equal(e.code, ERR_FORBIDDEN);
    assert_string_equal(e.pointer, "/status");
    /* Nobody sets one running that is held: so it is a matter of states, whoever asks. */
    assert_int_equal(rights_change(&admin, STR_LIT("vm"), &held, &c, &e), 0);
    assert_int_equal(rights_change(&owner, STR_LIT("vm"), &held, &c, &e), 0);
}

static void a_job_is_created_for_oneself(void **state)
{
    static const struct {
        const struct who *who;
        const char *owner_id, *pointer; /* NULL: he may */
    } cases[] = {
        {&admin, "b", NULL},       {&owner, "a", NULL}, {&both, "b", NULL},
        {&reader, "a", ""},        {&looker, "a", ""},  {&owner, "b", "/owner_id"},
        {&owner, "", "/owner_id"},
    };
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        const struct job_new n = {.owner_id = str_of(cases[i].owner_id), .shape = STR_LIT("[]")};

        assert_int_equal(rights_create(cases[i].who, STR_LIT("job"), &n, &e),
                         cases[i].pointer ? -1 : 0);
        if (!cases[i].pointer)
            continue;
        assert_int_equal(e.code, ERR_FORBIDDEN);
        assert_string_equal(e.pointer, cases[i].pointer);
    }
}

/* Of a machine that takes anything, and of whom OpenStack's projects are the owners. */
static void a_machine_is_for_a_project_of_ones_own(void **state)
{
    static const struct who of_project = {.changes = true,
                                          .projects = true,
                                          .owners = 2,
                                          .owner = two},
                            all = {.everything = true, .changes = true, .projects = true};
    static const struct {
        const struct who *who;
        const char *rules, *scope, *shape;
        bool may;
    } cases[] = {
        {&of_project, "vm", "project:a", "[{}]", true},
        {&of_project, "vm", "project:b", "[{}]", true},
        {&of_project, "vm", "pool:p\nproject:b", "[{}]", true},
        {&of_project, "vm", "project:c", "[{}]", false},
        {&of_project, "vm", "pool:p\nproject:c", "[{}]", false},
        {&of_project, "vm", "pool:p", "[{}]", false},
        {&of_project, "vm", "", "[{}]", false},
        {&of_project, "vm", "", "[]", true},
        {&of_project, "vm", "project:c", "[]", true},
        {&of_project, "k8s", "project:c", "[{}]", true},
        {&both, "vm", "project:c", "[{}]", true},
        {&all, "vm", "project:c", "[{}]", true},
        {&all, "vm", "", "[{}]", true},
    };
    const struct job j = {.status = JOB_QUEUED};
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct str rules = str_of(cases[i].rules), scope = str_of(cases[i].scope),
                   shape = str_of(cases[i].shape);
        const struct job_new n = {.owner_id = STR_LIT("a"), .scope = scope, .shape = shape};
        const struct job_change c = {.has_data = true, .scope = scope, .shape = shape},
                                other = {.scope = scope, .shape = shape};

        e = (struct err){0};
        assert_int_equal(rights_create(cases[i].who, rules, &n, &e), cases[i].may ? 0 : -1);
        assert_string_equal(e.pointer, cases[i].may ? "" : "/data/project");
        e = (struct err){0};
        assert_int_equal(rights_change(cases[i].who, rules, &j, &c, &e), cases[i].may ? 0 : -1);
        assert_string_equal(e.pointer, cases[i].may ? "" : "/data/project");
        assert_int_equal(rights_change(cases[i].who, rules, &j, &other, &e), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_need_by_everybody),
        cmocka_unit_test(every_need_has_its_word),
        cmocka_unit_test(everything_is_seen_of_everybody),
        cmocka_unit_test(what_is_seen_tells_people_apart),
        cmocka_unit_test(a_copy_stands_alone),
        cmocka_unit_test(a_copy_of_nobody_is_nobodys),
#if TORTURE
        cmocka_unit_test(without_memory_there_is_no_copy),
#endif
        cmocka_unit_test(what_only_an_administrator_may_do_with_a_job),
        cmocka_unit_test(who_waits_is_set_running_by_administrators_alone),
        cmocka_unit_test(a_job_is_created_for_oneself),
        cmocka_unit_test(a_machine_is_for_a_project_of_ones_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
