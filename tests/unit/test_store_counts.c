/* SPDX-License-Identifier: MIT */
/* Whatever is done to jobs, in whatever order, what is counted of a queue is what a count of its
 * jobs gives, for everybody who looks; and who is known as the first of a group is its first. */
#include "queues_case.h"

#include "num.h"
#include "prop.h"
#include "store_delivery.h"
#include "store_history.h"

#define DAY (86400 * NS_PER_S)

static const char *const types[] = {"vm", "seen", "a/b", "zz"};
static const char *const owners[] = {"o1", "o2"};
/* Jobs whose queue has no row, and rows in which those who wait are not the sum of two. */
static const char lost[] =
    "SELECT (SELECT count(*) FROM jobs j WHERE deleted_at IS NULL AND NOT EXISTS"
    " (SELECT 1 FROM queues q WHERE q.type = j.type))"
    " + (SELECT count(*) FROM queues WHERE waiting <> queued + held)";

/* Groups that take another for their first than it is. */
static const char heads[] =
    "SELECT count(*) FROM groups g LEFT JOIN jobs h ON h.id = (SELECT j.id FROM jobs j"
    " WHERE j.group_id = g.id ORDER BY j.priority, j.id LIMIT 1) WHERE g.head_id IS NOT NULL"
    " AND (h.id IS NOT g.head_id OR h.priority <> g.head_priority"
    " OR h.queued_at <> g.head_queued_at)";

/* Each type that has jobs of his, and those of the configuration, once, in order. */
static void check_types(const struct seen *s)
{
    size_t i, k, found;

    for (i = 0; i + 1 < s->n; i++)
        assert_true(strcmp(s->type[i], s->type[i + 1]) < 0);
    for (i = 0; i < ARRAY_LEN(types); i++) {
        for (k = found = 0; k < s->n; k++)
            found += strcmp(s->type[k], types[i]) == 0;
        if (i < 2 || count(s->db, "count(*)", types[i], whose[s->looker]) > 0)
            assert_int_equal(found, 1);
        else if (s->looker > 0)
            assert_int_equal(found, 0);
    }
}

/* seen[status]: there was one of it at some time. */
static void check(struct rig *r, sqlite3 *db, bool seen[JOB_STATUSES])
{
    struct seen s = {.db = db, .statuses = seen};

    assert_int_equal(rig_ask(r, lost), 0);
    assert_int_equal(rig_ask(r, heads), 0);
    for (s.looker = 0; s.looker < ARRAY_LEN(lookers); s.looker++) {
        look(r, &s, NULL);
        check_types(&s);
    }
}

/* ---- whatever can be done ---- */

struct act {
    struct rig *r;
    struct prop *p;
    struct str type, name;
    char type_text[8], name_text[8];
};
/* In a write transaction; -1: it is refused, and is to be undone. */
typedef int act_fn(struct act *a, struct err *e);

/* The text of a parsed body lives only so long. */
static int create(struct act *a, struct err *e)
{
    int64_t later = a->r->now + prop_between(a->p, 1, 7200) * NS_PER_S;
    struct job_new n = {.type = a->type,
                        .request_id = a->name,
                        .owner_id = str_of(owners[prop_below(a->p, ARRAY_LEN(owners))]),
                        .data = STR_LIT(QUEUES_ONE),
                        .scope = STR_LIT("project:p"),
                        .shape = STR_LIT("[{\"n\":1,\"r\":{\"VCPU\":1}}]"),
                        .has_priority = prop_one_in(a->p, 4)};
    char callback[32];
    struct job j;

    (void)snprintf(callback, sizeof callback, "http://c/%s/%s", a->type_text, a->name_text);
    n.callback = str_of(callback);
    n.priority.whole = prop_between(a->p, -5, 5);
    if (prop_one_in(a->p, 2)) /* behind all that the server gives out */
        n.priority.whole += NUM_SAFE_MAX - 5;
    if (prop_one_in(a->p, 3))
        n.not_before = later;
    if (prop_one_in(a->p, 3))
        n.valid_until = later + NS_PER_S;
    return store_create(a->r->s, &n, a->r->now, &j, e);
}

static int change(struct act *a, struct err *e)
{
    static const enum job_status to[] = {JOB_QUEUED,   JOB_HELD,     JOB_RUNNING, JOB_RUNNING,
                                         JOB_FINISHED, JOB_FINISHED, JOB_FAILED,  JOB_CANCELLED};
    struct job_change c = {.has_status = !prop_one_in(a->p, 4),
                           .status = to[prop_below(a->p, ARRAY_LEN(to))]};

    if (!c.has_status || prop_one_in(a->p, 4))
        c.move = prop_one_in(a->p, 2) ? JOB_TO_FRONT : JOB_TO_BACK;
    return store_change(a->r->s, a->type, a->name, &c, &(struct store_match){0}, a->r->now, e);
}

static int remove_it(struct act *a, struct err *e)
{
    return store_delete(a->r->s, a->type, a->name, &(struct store_match){0}, a->r->now, e);
}

static int resend(struct act *a, struct err *e)
{
    return store_resend(a->r->s, a->type, a->name, &(struct store_match){0}, a->r->now, e);
}

/* A number of the job with this name; 0: there is none. */
static int64_t of_job(struct act *a, const char *column)
{
    sqlite3 *db = rig_sqlite(a->r);
    int64_t v;
    char more[48];

    (void)snprintf(more, sizeof more, " AND request_id = '%s'", a->name_text);
    v = count(db, column, a->type_text, more);
    sqlite3_close(db);
    return v;
}

static int admit(struct act *a, struct err *e)
{
    static const struct store_hold hold = {STR_LIT("n1"), STR_LIT("VCPU"), 1};
    struct store_admission ad = {.id = of_job(a, "max(id)"),
                                 .group = of_job(a, "max(group_id)"),
                                 .queue = a->type,
                                 .hosts = STR_LIT("{\"n1\":1}"),
                                 .first_try = a->r->now,
                                 .hold_until = a->r->now + 3600 * NS_PER_S,
                                 .holds = 1,
                                 .hold = &hold};

    if (prop_one_in(a->p, 3))
        ad.first_try += 2 * 3600 * NS_PER_S; /* its hold runs out before */
    return store_admit(a->r->s, &ad, a->r->now, e) < 0 ? -1 : 0;
}

static int place(struct act *a, struct err *e)
{
    struct store_admission ad = {
        .id = of_job(a, "max(id)"), .queue = a->type, .hosts = STR_LIT("{\"n1\":1}")};

    return store_place(a->r->s, &ad, a->r->now, e) < 0 ? -1 : 0;
}

static int try_it(struct act *a, struct err *e)
{
    struct store_try t = {.id = of_job(a, "max(id)"),
                          .admissions = of_job(a, "max(admissions)"),
                          .again = prop_one_in(a->p, 4),
                          .outcome = (enum store_outcome)prop_below(a->p, STORE_REFUSED + 1),
                          .next_try = a->r->now + 60 * NS_PER_S,
                          .reason = STR_LIT(JOB_REASON_CALLBACK),
                          .message = STR_LIT("no"),
                          .at = a->r->now,
                          .url = STR_LIT("http://c/"),
                          .origin = STR_LIT("http://c"),
                          .error = STR_LIT("no")};
    struct store_tried out;

    return t.id == 0 ? 0 : store_tried(a->r->s, &t, a->r->now, &out, e);
}

/* Time goes by; sleepers wake, waits and holds end. */
static int tidy(struct act *a, struct err *e)
{
    struct store_tidied t;

    a->r->now += prop_between(a->p, 1, 5400) * NS_PER_S;
    return store_tidy(a->r->s, a->r->now, &t, e);
}

static int purge(struct act *a, struct err *e)
{
    struct store_purged done;

    if (prop_one_in(a->p, 2))
        a->r->now += DAY / 2;
    return store_purge(a->r->s, a->r->now, &done, e);
}

static int pause_it(struct act *a, struct err *e)
{
    return store_pause(a->r->s, a->type, prop_one_in(a->p, 2), e) < 0 ? -1 : 0;
}

/* As a pass does, of whatever groups there are. */
static int keep_heads(struct act *a, struct err *e)
{
    int64_t last = rig_ask(a->r, "SELECT COALESCE(max(id), 0) FROM groups"), id;

    for (id = 1; id <= last; id++) {
        if (store_keep_head(a->r->s, id, e) != 0)
            return -1;
    }
    return 0;
}

static void act_once(struct rig *r, struct prop *p)
{
    static act_fn *const acts[] = {create,   create,     create,    create,    create, change,
                                   change,   change,     change,    remove_it, admit,  admit,
                                   try_it,   try_it,     resend,    place,     tidy,   purge,
                                   pause_it, keep_heads, keep_heads};
    struct act a = {.r = r, .p = p};
    struct err e;

    (void)snprintf(a.type_text, sizeof a.type_text, "%s", types[prop_below(p, ARRAY_LEN(types))]);
    (void)snprintf(a.name_text, sizeof a.name_text, "j%zu", prop_below(p, 6));
    a.type = str_of(a.type_text);
    a.name = str_of(a.name_text);
    r->now += NS_PER_US;
    OK(store_point(r->s, &e), &e);
    if (acts[prop_below(p, ARRAY_LEN(acts))](&a, &e) == 0) {
        OK(store_point_keep(r->s, &e), &e);
        return;
    }
    if (err_status(e.code) >= 500)
        fail_msg("%s", e.text);
    OK(store_point_undo(r->s, &e), &e);
}

static void a_queue_counts_what_is_there(void **state)
{
    struct prop p = prop_begin("counts", 5);
    struct rig r;
    sqlite3 *db;
    bool seen[JOB_STATUSES] = {false};
    size_t k;
    int i;

    (void)state;
    rig_make(&r, conf);
    db = rig_sqlite(&r);
    for (i = 0; i < 350; i++) {
        rig_begin(&r);
        for (k = prop_below(&p, 8); k > 0; k--)
            act_once(&r, &p);
        rig_commit(&r);
        check(&r, db, seen);
    }
    for (i = 0; i < JOB_STATUSES; i++)
        if (!seen[i])
            fail_msg("no job was ever %s", job_status_word((enum job_status)i));
    assert_true(rig_ask(&r, "SELECT count(*) < max(id) FROM jobs")); /* some are gone */
    sqlite3_close(db);
    rig_sound(&r);
    rig_free(&r);
}

/* Data that an earlier version took, and this one does not: its job is held when it wakes. */
static void a_job_that_is_set_aside_is_counted_as_held(void **state)
{
    struct store_tidied t;
    struct store_queue q;
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, conf);
    OK(rig_post(&r, "vm",
                "{\"request_id\":\"a\",\"owner_id\":\"o1\",\"callback\":\"http://c.example\","
                "\"not_before\":\"2100-01-01T00:00:00Z\",\"data\":" QUEUES_ONE "}",
                &j, &e),
       &e);
    rig_sql(&r, "UPDATE jobs SET data = '{\"instances\":1}'");
    rig_begin(&r);
    OK(store_tidy(r.s, INT64_C(4200000000) * NS_PER_S, &t, &e), &e);
    rig_commit(&r);
    OK(store_queue(r.s, STR_LIT("vm"), r.now, &q, &e), &e);
    assert_int_equal(q.jobs[JOB_QUEUED], 0);
    assert_int_equal(q.jobs[JOB_HELD], 1);
    assert_int_equal(rig_ask(&r, lost), 0);
    rig_free(&r);
}

/* A row that was lost comes back with what it would have had. */
static void a_row_that_is_lost_is_counted_anew(void **state)
{
    struct store_queue q;
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, conf);
    (void)rig_add(&r, "vm", "a", QUEUES_ONE);
    (void)rig_add(&r, "vm", "b", QUEUES_ONE);
    (void)rig_add(&r, "vm", "c", QUEUES_ONE);
    rig_sql(&r, "DELETE FROM queues");
    OK(rig_change(&r, "vm", "b", "{\"status\":\"held\"}", &e), &e);
    OK(store_queue(r.s, STR_LIT("vm"), r.now, &q, &e), &e);
    assert_int_equal(q.jobs[JOB_QUEUED], 2);
    assert_int_equal(q.jobs[JOB_HELD], 1);
    assert_int_equal(rig_ask(&r, lost), 0);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_counts_what_is_there),
        cmocka_unit_test(a_job_that_is_set_aside_is_counted_as_held),
        cmocka_unit_test(a_row_that_is_lost_is_counted_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
