/* SPDX-License-Identifier: MIT */
/* What a transaction puts off is nobody's to see: whatever is done in it, the answers and what is
 * on disk then are those of a store that writes everything at once. */
#include "rig_sql.h"

#include "prop.h"
#include "store_queues.h"

enum { TRANSACTIONS = 120, OPS = 48 };

static const char limits[] = "max_queued: 150\n"
                             "owner: {queued: 12}\n"
                             "queues: {vm: {capacity: none, callback_base: 'http://c.example/'}}\n";

/* ---- one thing that is done, and what is said to it ---- */

enum kind { CREATE, CREATE_AHEAD, CREATE_ASLEEP, CHANGE, DELETE, LOOK, KINDS };

struct act {
    enum kind kind;
    char type[8], name[16], json[400];
};

struct said {
    int rc;
    enum err_code code;
    char text[ERR_TEXT_MAX], pointer[ERR_POINTER_MAX], reason[64], message[200];
    int64_t id, priority, seq, version;
};

/* `names` of jobs have been used so far. */
static struct act any_act(struct prop *p, size_t *names)
{
    static const char *const types[] = {"vm", "a", "b", "c", "d", "e"};
    static const char *const changes[] = {"{\"status\":\"held\"}",
                                          "{\"status\":\"queued\"}",
                                          "{\"status\":\"cancelled\"}",
                                          "{\"move\":\"front\"}",
                                          "{\"callback\":\"http://c.example/n1\"}",
                                          "{\"priority\":7}"};
    struct act a = {.kind = prop_one_in(p, 4) ? (enum kind)prop_below(p, KINDS) : CREATE};
    size_t shape = prop_below(p, 3) + 1, owner = prop_below(p, 40);
    bool fresh = a.kind <= CREATE_ASLEEP && !prop_one_in(p, 100);
    size_t n = fresh ? (*names)++ : prop_below(p, *names + 1);
    size_t call = prop_one_in(p, 100) ? prop_below(p, *names) : n;
    const char *more = a.kind == CREATE_AHEAD    ? ",\"priority\":100"
                       : a.kind == CREATE_ASLEEP ? ",\"not_before\":\"2200-01-01T00:00:00Z\""
                                                 : "";

    (void)snprintf(a.type, sizeof a.type, "%s",
                   types[prop_one_in(p, 2) ? 0 : prop_below(p, ARRAY_LEN(types))]);
    (void)snprintf(a.name, sizeof a.name, "n%zu", n);
    if (a.kind == CHANGE)
        (void)snprintf(a.json, sizeof a.json, "%s", changes[prop_below(p, ARRAY_LEN(changes))]);
    else
        (void)snprintf(a.json, sizeof a.json,
                       "{\"request_id\":\"%s\",\"owner_id\":\"o%zu\",\"callback\":"
                       "\"http://c.example/n%zu\",\"data\":{\"instances\":[{\"VCPU\":%zu,"
                       "\"Memory\":1,\"Disk\":1}],\"project\":\"p\"}%s}",
                       a.name, owner, call, shape, more);
    return a;
}

static int create(struct rig *r, const struct act *a, json_value *v, struct said *d, struct err *e)
{
    struct job_new n;
    struct job j;
    int rc;

    OK(job_parse_new(conf_queue(r->conf, str_of(a->type)), str_of(a->type), v, &n, e), e);
    rc = store_create(r->s, &n, r->now, &j, e);
    if (rc == 0) {
        d->id = j.id;
        d->priority = j.priority;
        d->seq = j.reason_seq;
        d->version = j.version;
        (void)snprintf(d->reason, sizeof d->reason, "%.*s", (int)j.reason.n, j.reason.p);
        (void)snprintf(d->message, sizeof d->message, "%.*s", (int)j.message.n, j.message.p);
    }
    job_new_free(&n);
    return rc;
}

static int change(struct rig *r, const struct act *a, json_value *v, struct err *e)
{
    struct job_change c;
    int rc;

    OK(job_parse_change(conf_queue(r->conf, str_of(a->type)), str_of(a->type), v, &c, e), e);
    rc = store_change(r->s, str_of(a->type), str_of(a->name), &c, &(struct store_match){0}, r->now,
                      e);
    job_change_free(&c);
    return rc;
}

static void do_act(struct rig *r, const struct act *a, struct said *d)
{
    struct json_doc *doc;
    struct err e = {.code = ERR_NONE};
    struct job j;

    *d = (struct said){0};
    OK(json_in_parse(str_of(a->json), &doc, &e), &e);
    if (a->kind == CHANGE)
        d->rc = change(r, a, json_in_root(doc), &e);
    else if (a->kind == DELETE)
        d->rc = store_delete(r->s, str_of(a->type), str_of(a->name), &(struct store_match){0},
                             r->now, &e);
    else if (a->kind == LOOK)
        d->rc = store_show(r->s, str_of(a->type), str_of(a->name), &j, &e);
    else
        d->rc = create(r, a, json_in_root(doc), d, &e);
    if (d->rc != 0) {
        d->code = e.code;
        (void)snprintf(d->text, sizeof d->text, "%s", e.text);
        (void)snprintf(d->pointer, sizeof d->pointer, "%s", e.pointer);
    }
    json_in_free(doc);
}

/* ---- a transaction, in both ways ---- */

/* At once, each change between savepoints. How many were refused. */
static size_t apply_at_once(struct rig *r, const struct act *a, struct said *d, size_t n)
{
    size_t i, refused = 0;
    struct err e;

    rig_begin(r);
    for (i = 0; i < n; i++) {
        OK(store_point(r->s, &e), &e);
        do_act(r, &a[i], &d[i]);
        refused += d[i].rc != 0;
        OK(d[i].rc == 0 ? store_point_keep(r->s, &e) : store_point_undo(r->s, &e), &e);
    }
    rig_commit(r);
    return refused;
}

/* As the writer does it: together, and when that goes wrong again and at once. True: it went. */
static bool apply_together(struct rig *r, const struct act *a, struct said *d, size_t n)
{
    int64_t written;
    struct err e;
    size_t i;

    rig_begin(r);
    store_gather(r->s);
    for (i = 0; i < n; i++) {
        written = store_written(r->s);
        do_act(r, &a[i], &d[i]);
        if (d[i].rc != 0 &&
            (store_written(r->s) != written || d[i].code == ERR_INTERNAL || store_gave_up(r->s)))
            break;
    }
    if (i == n && store_settle(r->s, &e) == 0) {
        rig_commit(r);
        return true;
    }
    store_rollback(r->s);
    (void)apply_at_once(r, a, d, n);
    return false;
}

/* All that is kept, but versions of queues, which begin with the time of day. */
static void write_down(struct rig *r, struct buf *b)
{
    static const char *const queries[] = {
        "SELECT * FROM jobs ORDER BY id",
        "SELECT * FROM groups ORDER BY id",
        "SELECT * FROM owners ORDER BY 1",
        "SELECT * FROM events ORDER BY job_id, n",
        ("SELECT type, last_priority, waiting, paused, queued, held, admitted, running, finished,"
         " failed, cancelled, expired FROM queues ORDER BY 1"),
        "SELECT * FROM sqlite_sequence ORDER BY 1"};
    sqlite3 *db = rig_sqlite(r);
    sqlite3_stmt *st;
    size_t i;
    int c;

    buf_reset(b);
    for (i = 0; i < ARRAY_LEN(queries); i++) {
        assert_int_equal(sqlite3_prepare_v2(db, queries[i], -1, &st, NULL), SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW) {
            for (c = 0; c < sqlite3_column_count(st); c++) {
                const unsigned char *text = sqlite3_column_text(st, c);

                buf_printf(b, "%s|", text ? (const char *)text : "-");
            }
            buf_char(b, '\n');
        }
        sqlite3_finalize(st);
    }
    sqlite3_close(db);
    assert_false(b->failed);
}

static void check_same(const struct act *a, const struct said *x, const struct said *y)
{
    if (x->rc != y->rc || x->code != y->code || strcmp(x->text, y->text) != 0 ||
        strcmp(x->pointer, y->pointer) != 0 || x->id != y->id || x->priority != y->priority ||
        x->seq != y->seq || x->version != y->version || strcmp(x->reason, y->reason) != 0 ||
        strcmp(x->message, y->message) != 0)
        fail_msg("%s %s: together %d \"%s\" id %lld, at once %d \"%s\" id %lld", a->type, a->json,
                 x->rc, x->text, (long long)x->id, y->rc, y->text, (long long)y->id);
}

static void nobody_sees_what_is_put_off(void **state)
{
    static struct act a[OPS];
    static struct said x[OPS], y[OPS];
    struct prop p = prop_begin("nobody_sees_what_is_put_off", 7);
    struct buf one = BUF_INIT(8 << 20), two = BUF_INIT(8 << 20);
    size_t t, i, n, names = 1, together = 0, refused = 0;
    struct rig r, s;

    (void)state;
    rig_make(&r, limits);
    rig_make(&s, limits);
    for (t = 0; t < TRANSACTIONS; t++) {
        r.now = s.now += NS_PER_S;
        n = 1 + prop_below(&p, OPS);
        for (i = 0; i < n; i++)
            a[i] = any_act(&p, &names);
        if (apply_together(&r, a, x, n)) {
            together++;
        } else { /* and does not wait to put off again */
            store_close(r.s);
            rig_open(&r);
        }
        refused += apply_at_once(&s, a, y, n);
        for (i = 0; i < n; i++)
            check_same(&a[i], &x[i], &y[i]);
        if (t % 8 != 0)
            continue;
        write_down(&r, &one);
        write_down(&s, &two);
        assert_string_equal(one.data, two.data);
    }
    assert_in_range(together, TRANSACTIONS / 4, TRANSACTIONS - 1);
    assert_true(refused > 0);
    rig_sound(&r);
    buf_free(&one);
    buf_free(&two);
    rig_free(&r);
    rig_free(&s);
}

/* ---- one by one ---- */

static struct act new_job(const char *type, const char *name, const char *owner, const char *call)
{
    struct act a = {.kind = CREATE};

    (void)snprintf(a.type, sizeof a.type, "%s", type);
    (void)snprintf(a.name, sizeof a.name, "%s", name);
    (void)snprintf(
        a.json, sizeof a.json,
        "{\"request_id\":\"%s\",\"owner_id\":\"%s\",\"callback\":\"http://c.example/%s\","
        "\"data\":{\"instances\":[{\"VCPU\":1,\"Memory\":1,\"Disk\":1}]}}",
        name, owner, call);
    return a;
}

static struct said add(struct rig *r, const char *type, const char *name, const char *call)
{
    struct act a = new_job(type, name, "o", call);
    struct said d;

    do_act(r, &a, &d);
    return d;
}

/* A store in a transaction that puts off. */
static void begin(struct rig *r, const char *conf)
{
    rig_make(r, conf);
    rig_begin(r);
    store_gather(r->s);
}

static void rows_are_written_several_at_a_time(void **state)
{
    char name[16];
    struct rig r;
    int i;

    (void)state;
    begin(&r, "max_queued: 1000\n");
    for (i = 0; i < 41; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        assert_int_equal(add(&r, "vm", name, name).id, i + 1);
    }
    rig_commit(&r);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM jobs"), 41);
    assert_int_equal(rig_ask(&r, "SELECT queued FROM queues WHERE type = 'vm'"), 41);
    assert_int_equal(rig_ask(&r, "SELECT waiting FROM owners WHERE owner_id = 'o'"), 41);
    rig_begin(&r);
    store_gather(r.s);
    assert_int_equal(add(&r, "vm", "more", "more").id, 42);
    rig_commit(&r);
    assert_int_equal(rig_ask(&r, "SELECT waiting FROM queues"), 42);
    rig_free(&r);
}

static void what_is_rolled_back_is_forgotten(void **state)
{
    struct rig r;

    (void)state;
    begin(&r, "");
    assert_int_equal(add(&r, "vm", "a", "a").rc, 0);
    store_rollback(r.s);
    rig_begin(&r);
    store_gather(r.s);
    assert_int_equal(add(&r, "vm", "a", "a").id, 1);
    rig_commit(&r);
    assert_int_equal(rig_ask(&r, "SELECT queued FROM queues"), 1);
    rig_free(&r);
}

/* A savepoint that is undone takes with it what was put off since. */
static void an_undone_point_undoes_what_was_put_off(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    begin(&r, "");
    assert_int_equal(add(&r, "vm", "a", "a").id, 1);
    OK(store_point(r.s, &e), &e);
    assert_int_equal(add(&r, "vm", "b", "b").id, 2);
    OK(store_point_undo(r.s, &e), &e);
    assert_int_equal(add(&r, "vm", "c", "c").id, 2);
    rig_commit(&r);
    assert_int_equal(rig_ask(&r, "SELECT queued FROM queues"), 2);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM jobs WHERE request_id = 'c'"), 1);
    rig_free(&r);
}

/* Who commits without a look is told, and nothing is on disk; then nothing is put off for a while,
 * and the one is refused that is to be. */
static void a_duplicate_fails_all_that_was_put_off(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    begin(&r, "");
    assert_int_equal(add(&r, "vm", "a", "a").rc, 0);
    assert_int_equal(add(&r, "vm", "b", "a").rc, 0);
    assert_int_equal(store_settle(r.s, &e), -1);
    assert_true(store_gave_up(r.s));
    assert_int_equal(store_settle(r.s, &e), -1);
    assert_int_equal(store_commit(r.s, &e), -1);
    assert_false(store_gave_up(r.s));
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM jobs"), 0);
    rig_begin(&r);
    store_gather(r.s);
    assert_int_equal(add(&r, "vm", "a", "a").rc, 0);
    assert_int_equal(add(&r, "vm", "b", "a").code, ERR_DUPLICATE_CALLBACK);
    assert_int_equal(add(&r, "vm", "a", "c").code, ERR_DUPLICATE_REQUEST_ID);
    rig_commit(&r);
    assert_int_equal(rig_ask(&r, "SELECT queued FROM queues"), 1);
    rig_free(&r);
}

/* Also one that names no priority: the first of its group may have been given a larger one than the
 * clock gives. Whether it is put off or not, in a group that was just looked up or read again. */
static void a_new_job_is_known_to_pass_the_first_of_its_group(void **state)
{
    static const char first[] =
        "{\"request_id\":\"a\",\"owner_id\":\"o\",\"callback\":\"http://c.example/a\","
        "\"data\":{\"instances\":[{\"VCPU\":1,\"Memory\":1,\"Disk\":1}]},"
        "\"priority\":9007199254740991}";
    int together;

    (void)state;
    for (together = 0; together < 2; together++) {
        struct rig r;
        struct err e;
        struct job j;

        rig_make(&r, "");
        OK(rig_post(&r, "vm", first, &j, &e), &e);
        rig_begin(&r);
        OK(store_keep_head(r.s, 1, &e), &e);
        rig_commit(&r);
        assert_int_equal(rig_ask(&r, "SELECT head_id FROM groups"), j.id);
        rig_begin(&r);
        if (together)
            store_gather(r.s);
        assert_int_equal(add(&r, "vm", "b", "b").rc, 0);
        assert_int_equal(add(&r, "vm", "c", "c").rc, 0);
        rig_commit(&r);
        assert_int_equal(rig_ask(&r, "SELECT count(*) FROM groups WHERE head_id IS NULL"), 1);
        rig_begin(&r);
        OK(store_keep_head(r.s, 1, &e), &e);
        rig_commit(&r);
        assert_int_equal(rig_ask(&r, "SELECT head_id FROM groups"), j.id + 1);
        rig_free(&r);
    }
}

/* What others put off is not taken for what a refused change has written. */
static void writing_what_was_put_off_is_nobodys_writing(void **state)
{
    struct rig r;
    struct err e;
    struct job j;
    int64_t written;

    (void)state;
    begin(&r, "");
    assert_int_equal(add(&r, "vm", "a", "a").rc, 0);
    written = store_written(r.s);
    assert_int_equal(store_show(r.s, STR_LIT("vm"), STR_LIT("nobody"), &j, &e), -1);
    assert_int_equal(store_written(r.s), written);
    assert_int_equal(store_show(r.s, STR_LIT("vm"), STR_LIT("a"), &j, &e), 0);
    assert_int_equal(add(&r, "vm", "b", "b").rc, 0);
    assert_true(store_written(r.s) != written);
    rig_commit(&r);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_sees_what_is_put_off),
        cmocka_unit_test(rows_are_written_several_at_a_time),
        cmocka_unit_test(what_is_rolled_back_is_forgotten),
        cmocka_unit_test(an_undone_point_undoes_what_was_put_off),
        cmocka_unit_test(a_duplicate_fails_all_that_was_put_off),
        cmocka_unit_test(a_new_job_is_known_to_pass_the_first_of_its_group),
        cmocka_unit_test(writing_what_was_put_off_is_nobodys_writing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
