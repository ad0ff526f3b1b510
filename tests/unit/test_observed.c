/* SPDX-License-Identifier: MIT */
/* Nothing is promised twice: clouds whose readings lag behind what is really used, with clients,
 * others, and passes at random; and what that has found, one by one. */
#include "observed_world.h"
#include "soak.h"

enum { STEPS = 8000, SEEDS = 8, ROUNDS = 400 };

/* ---- readings ---- */

static void begin_reading(struct sim *s, size_t queue)
{
    struct view *v = &s->view[queue];
    size_t h;

    settle_all(s);
    *v = (struct view){.stage = BEGUN};
    for (h = 0; h < HOSTS; h++) {
        v->all[h] = h;
        v->amount[h] = (struct source_amount){STR_LIT("VCPU"), s->cap[cloud_of(queue)][h], 0, 0};
        v->host[h] = (struct source_host){str_of(host_names[h]), 1, &v->amount[h], .exact = false};
    }
    v->pool = (struct pool){.name = STR_LIT("all"), .open = true, .hosts = HOSTS, .host = v->all};
    v->reading = (struct source_reading){.queue = &s->rig.conf->queue[queue],
                                         .arena = arena_new(SOURCE_MEMORY_MAX),
                                         .state = SOURCE_GOOD,
                                         .read_at = clock_now(),
                                         .hosts = HOSTS,
                                         .host = v->host,
                                         .pools = 1,
                                         .pool = &v->pool,
                                         .gate = cloud_of(queue) == OBSERVED ? SOURCE_QUOTAS_ASKED
                                                                             : SOURCE_NO_QUOTA};
    assert_non_null(v->reading.arena);
}

static void drop_reading(struct view *v)
{
    arena_free(v->reading.arena);
    *v = (struct view){.stage = IDLE};
}

/* Looks at a host that was not looked at; when there is none, the reading has come. */
static void look(struct sim *s, size_t queue)
{
    struct view *v = &s->view[queue];
    size_t h;

    for (h = 0; h < HOSTS && v->seen[h]; h++)
        ;
    if (h == HOSTS) {
        v->stage = COME;
        if (prop_one_in(s->r, 12))
            v->reading.state = SOURCE_FAILED;
        return;
    }
    v->seen[h] = true;
    v->amount[h].used =
        cloud_of(queue) == OBSERVED ? real_use(s, OBSERVED, h) : s->others[LEDGER][h];
}

static void answer(struct sim *s, struct view *v)
{
    static const char *const lines[] = {"cores", "instances"};
    int64_t use[2];
    size_t p, i;

    v->reading.quotas = 0;
    for (p = 0; p < PROJECTS; p++) {
        if (v->wanted[p] && !v->told[p]) {
            quota_use(s, p, false, use);
            for (i = 0; i < 2; i++)
                v->line[p][i] = (struct source_limit){
                    .name = str_of(lines[i]), .limit = s->quota[p], .used = use[i]};
            v->line[p][0].resource[0] = STR_LIT("VCPU");
            v->told[p] = true;
        }
        if (v->told[p])
            v->quota[v->reading.quotas++] =
                (struct source_quota){str_of(project_names[p]), {0}, 2, v->line[p]};
    }
    v->reading.quota = v->quota;
    v->stage = COME;
}

/* ---- passes ---- */

static void take_news(void *ctx, const struct pass_news *news)
{
    struct sim *s = ctx;
    struct view *v = &s->view[news->queue];
    size_t i, p;

    for (i = 0; i < news->questions; i++) {
        for (p = 0; p < PROJECTS; p++)
            v->wanted[p] = v->wanted[p] || str_is(news->question[i].project, project_names[p]);
        v->stage = ASKED;
    }
}

static void take_hosts(struct sim_job *j, struct str hosts)
{
    struct json_iter it = {0};
    struct json_doc *doc;
    size_t n = 0, h;
    int64_t count;
    struct err e;

    OK(json_in_parse(hosts, &doc, &e), &e);
    while (json_next(json_in_root(doc), &it)) {
        for (h = 0; h < HOSTS && !str_is(it.name, host_names[h]); h++)
            ;
        assert_int_equal(num_i64(json_number(it.value), 1, PIECES, &count), 0);
        for (; count > 0; count--)
            j->piece[n++] = (struct piece){PROMISED, h};
    }
    assert_int_equal(n, j->pieces);
    json_in_free(doc);
}

/* What the pass made of a job. */
static void see(struct sim *s, struct sim_job *j, const bool *usable)
{
    enum job_status before = j->status;
    struct job row;
    struct err e;

    OK(store_show(s->rig.s, str_of(types[j->queue]), str_of(j->id), &row, &e), &e);
    if (row.status == before)
        return;
    j->status = row.status;
    if (before == JOB_ADMITTED) { /* its hold ran out */
        assert_int_equal(row.status, JOB_FAILED);
        assert_false(j->accepted);
        stop_using(s, j);
        return;
    }
    assert_int_equal(before, JOB_QUEUED);
    assert_int_equal(row.status, JOB_ADMITTED);
    assert_true(usable[j->queue]);
    take_hosts(j, row.hosts);
    j->admissions++;
    j->admitted_at = sim_time;
    s->admitted++;
}

static int64_t pass(struct sim *s, const bool *with)
{
    struct source_reading *reading[QUEUES + 1] = {NULL};
    struct pass_in in = {
        .conf = s->rig.conf, .store = s->rig.s, .reading = reading, .news = take_news, .ctx = s};
    bool usable[QUEUES];
    struct pass_result r;
    struct err e;
    size_t i;

    for (i = 0; i < QUEUES; i++) {
        usable[i] = with[i] && s->view[i].reading.state == SOURCE_GOOD &&
                    sim_time - s->view[i].reading.read_at <= MAX_AGE;
        reading[i] = with[i] ? &s->view[i].reading : NULL;
    }
    OK(pass_run(&in, &r, &e), &e);
    s->passes++;
    for (i = 0; i < QUEUES; i++) {
        if (with[i] && s->view[i].stage != ASKED)
            drop_reading(&s->view[i]);
    }
    for (i = 0; i < JOBS; i++) {
        if (s->job[i].there)
            see(s, &s->job[i], usable);
    }
    return r.admitted;
}

static void pass_some(struct sim *s)
{
    bool with[QUEUES], any = false;
    size_t i;

    for (i = 0; i < QUEUES; i++) {
        with[i] = s->view[i].stage == COME && prop_one_in(s->r, s->lag[i]);
        any = any || with[i];
    }
    if (any)
        (void)pass(s, with);
}

/* ---- what must be true after every step ---- */

struct held {
    struct sim *s;
    int64_t on[HOSTS];
};

static void add_held(void *ctx, struct str host, struct str resource, int64_t amount)
{
    struct held *h = ctx;
    size_t i;

    assert_true(str_is(resource, "VCPU"));
    for (i = 0; i < HOSTS; i++)
        h->on[i] += str_is(host, host_names[i]) ? amount : 0;
}

/* What counts for all readings is what jobs hold that are admitted, in a ledger also what running
 * ones do: once, and nothing else. */
static void check_held(struct sim *s, size_t cloud)
{
    struct held held = {.s = s};
    int64_t want[HOSTS] = {0};
    struct err e;
    size_t i, p;

    OK(store_holds(s->rig.s, str_of(types[2 * cloud]), INT64_MAX, add_held, &held, &e), &e);
    for (i = 0; i < JOBS; i++) {
        const struct sim_job *j = &s->job[i];

        for (p = 0; holds(j) && cloud_of(j->queue) == cloud && p < j->pieces; p++) {
            if (cloud == LEDGER || j->status == JOB_ADMITTED)
                want[j->piece[p].host] += j->vcpu;
        }
    }
    for (i = 0; i < HOSTS; i++)
        assert_int_equal(held.on[i], want[i]);
}

static void check(struct sim *s)
{
    size_t cloud, h, p;
    int64_t use[2];

    for (cloud = 0; cloud < CLOUDS; cloud++) {
        for (h = 0; h < HOSTS; h++)
            assert_in_range(real_use(s, cloud, h) + pieces_on(s, cloud, h, PROMISED), 0,
                            s->cap[cloud][h]);
        check_held(s, cloud);
    }
    for (p = 0; p < PROJECTS; p++) {
        quota_use(s, p, true, use);
        assert_in_range(use[0], 0, s->quota[p]);
        assert_in_range(use[1], 0, s->quota[p]);
    }
}

/* ---- steps ---- */

/* What others take after a reading was begun is nothing that anybody could know. */
static void let_others(struct sim *s)
{
    size_t cloud = prop_below(s->r, CLOUDS), h = prop_below(s->r, HOSTS);
    int64_t *others = &s->others[cloud][h];
    int64_t left = s->cap[cloud][h] - real_use(s, cloud, h) - pieces_on(s, cloud, h, PROMISED);

    if (prop_one_in(s->r, 2))
        *others = prop_between(s->r, 0, *others);
    else if (s->view[2 * cloud].stage == IDLE && s->view[2 * cloud + 1].stage == IDLE)
        *others += prop_between(s->r, 0, left);
}

static void read_on(struct sim *s)
{
    size_t queue = prop_below(s->r, QUEUES);

    if (s->view[queue].stage == IDLE)
        begin_reading(s, queue);
    else if (s->view[queue].stage == BEGUN)
        look(s, queue);
    else if (s->view[queue].stage == ASKED)
        answer(s, &s->view[queue]);
}

static void build_one(struct sim *s, struct sim_job *j)
{
    struct piece *p = &j->piece[prop_below(s->r, j->pieces)];

    if (j->accepted && p->stage == PROMISED)
        p->stage = BUILT;
    else if (p->stage == BUILT && prop_one_in(s->r, 20))
        p->stage = NOWHERE;
}

static void use_job(struct sim *s, struct sim_job *j)
{
    static const enum job_status ends[] = {JOB_QUEUED,   JOB_QUEUED, JOB_HELD,
                                           JOB_FINISHED, JOB_FAILED, JOB_CANCELLED};
    size_t what = prop_below(s->r, 20);

    if (!j->there)
        post_job(s, j);
    else if (what < 8)
        build_one(s, j);
    else if (what < 11 && j->status == JOB_ADMITTED)
        j->accepted = j->accepted || sim_time - j->admitted_at < IN_TIME;
    else if (what < 15 && j->status == JOB_ADMITTED)
        end_try(s, j);
    else if (what == 15 && holds(j))
        say(s, j, JOB_RUNNING);
    else if (what < 18 && (holds(j) || prop_one_in(s->r, 8)))
        say(s, j, ends[prop_below(s->r, ARRAY_LEN(ends))]);
    else if (what == 18 && !holds(j) && j->status != JOB_QUEUED)
        say(s, j, JOB_QUEUED);
    else if (j->status >= JOB_FINISHED || prop_one_in(s->r, 30))
        delete_job(s, j);
}

/* Nobody who took a call waits for its end longer than a hold lasts. */
static void let_time_pass(struct sim *s)
{
    int64_t by = prop_one_in(s->r, 40) ? 7200 * NS_PER_S : 20 * NS_PER_S;
    size_t i;

    for (i = 0; i < JOBS; i++) {
        struct sim_job *j = &s->job[i];

        while (j->there && j->accepted && j->status == JOB_ADMITTED &&
               sim_time + by - j->admitted_at >= IN_TIME)
            end_try(s, j);
    }
    sim_time += prop_between(s->r, 0, by);
}

static void start_again(struct sim *s)
{
    store_close(s->rig.s);
    rig_open(&s->rig);
}

static void step(struct sim *s)
{
    size_t what = prop_below(s->r, 100);

    if (what < 46)
        use_job(s, &s->job[prop_below(s->r, JOBS)]);
    else if (what < 76)
        read_on(s);
    else if (what < 83)
        pass_some(s);
    else if (what < 86)
        let_others(s);
    else if (what < 90)
        let_time_pass(s);
    else if (what < 99 || !prop_one_in(s->r, 10))
        give_back(s);
    else
        start_again(s);
}

/* ---- the end: all is given back, and everybody gets his turn ---- */

/* Whoever has something is done with it. */
static size_t finish_all(struct sim *s)
{
    size_t i, waiting = 0;

    memset(s->leftover, 0, sizeof s->leftover);
    memset(s->others, 0, sizeof s->others);
    for (i = 0; i < JOBS; i++) {
        struct sim_job *j = &s->job[i];

        if (!j->there)
            continue;
        if (j->status == JOB_HELD)
            say(s, j, JOB_QUEUED);
        if (j->status == JOB_ADMITTED)
            say(s, j, JOB_RUNNING);
        if (j->status == JOB_RUNNING)
            say(s, j, JOB_FINISHED);
        waiting += j->status == JOB_QUEUED;
    }
    memset(s->leftover, 0, sizeof s->leftover);
    return waiting;
}

static void serve_all(struct sim *s)
{
    static const bool all[QUEUES] = {true, true, true, true};
    size_t i, rounds = 0;

    while (finish_all(s) > 0) {
        assert_true(++rounds < ROUNDS);
        sim_time +=
            10 * NS_PER_S; /* what may have been taken unheard is held for until it settles */
        for (i = 0; i < QUEUES; i++) {
            if (s->view[i].stage == ASKED)
                answer(s, &s->view[i]);
            if (s->view[i].stage == IDLE)
                begin_reading(s, i);
            while (s->view[i].stage == BEGUN)
                look(s, i);
        }
        (void)pass(s, all);
        check(s);
    }
}

static void begin(struct sim *s, struct prop *r)
{
    size_t i, h;

    *s = (struct sim){.r = r};
    rig_make(&s->rig, two_clouds);
    for (i = 0; i < CLOUDS; i++) {
        for (h = 0; h < HOSTS; h++)
            s->cap[i][h] = prop_between(r, MOST, (i == OBSERVED ? 4 : 2) * MOST);
    }
    for (i = 0; i < QUEUES; i++)
        s->lag[i] = 1 + prop_below(r, LAG);
    for (i = 0; i < PROJECTS; i++)
        s->quota[i] = MOST * PIECES;
}

static void end(struct sim *s)
{
    size_t i;

    for (i = 0; i < QUEUES; i++)
        drop_reading(&s->view[i]);
    rig_free(&s->rig);
}

static void test_nothing_is_promised_twice_and_everybody_is_served(void **state)
{
    struct prop r = prop_begin("observed", 20260801);
    struct soak soak = soak_begin(SEEDS, INT64_MAX);
    struct sim s;
    size_t i;

    (void)state;
    while (soak_more(&soak)) {
        begin(&s, &r);
        for (i = 0; i < STEPS; i++) {
            step(&s);
            check(&s);
        }
        serve_all(&s);
        assert_true(s.admitted > STEPS / 100);
        end(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_promised_twice_and_everybody_is_served),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
