/* SPDX-License-Identifier: MIT */
/*
 * What is read back from the database, where the input stands in place of what we wrote: the
 * history of starts (a part each for what the pools have, and for the starts, apart by a line that
 * holds "---" only), of which GET …/wait makes an estimate, and the shape of a demand. All of it is
 * passed over or refused where it is not of our form.
 */
#include "fuzz_rig.h"

#include "demand.h"
#include "json_in.h"
#include "json_out.h"
#include "pool.h"
#include "store_wait.h"

static const char yaml[] =
    "queues: {vm: {capacity: static, pools: {h1: {hosts: {n1: {VCPU: 4}}}}}}\n";

static const char job[] =
    "{\"request_id\":\"a\",\"owner_id\":\"o\",\"callback\":\"http://c.example/\","
    "\"data\":{\"project\":\"p\",\"instances\":[{\"VCPU\":2}]}}";

static void post(struct fuzz_rig *r)
{
    struct json_doc *doc;
    struct job_new n;
    struct job j;
    struct err e;

    MUST(json_in_parse(STR_LIT(job), &doc, &e) == 0);
    MUST(job_parse_new(conf_queue(r->conf, STR_LIT("vm")), STR_LIT("vm"), json_in_root(doc), &n,
                       &e) == 0);
    MUST(store_begin(r->writes, NS_PER_S, &e) == 0);
    MUST(store_create(r->writes, &n, INT64_C(1700000000) * NS_PER_S, &j, &e) == 0);
    MUST(store_commit(r->writes, &e) == 0);
    job_new_free(&n);
    json_in_free(doc);
}

static void put_starts(struct fuzz_rig *r, struct str totals, struct str starts)
{
    sqlite3_stmt *st;

    MUST(sqlite3_prepare_v2(r->behind,
                            "INSERT OR REPLACE INTO starts (queue, lane, n, at, totals, starts)"
                            " VALUES ('vm', ?1, 1, 1700000000000000000, ?2, ?3)",
                            -1, &st, NULL) == SQLITE_OK);
    MUST(sqlite3_bind_int64(st, 1, pool_mix(0, STR_LIT("h1"))) == SQLITE_OK);
    MUST(sqlite3_bind_text(st, 2, totals.n ? totals.p : "", (int)totals.n, SQLITE_STATIC) ==
         SQLITE_OK);
    MUST(sqlite3_bind_text(st, 3, starts.n ? starts.p : "", (int)starts.n, SQLITE_STATIC) ==
         SQLITE_OK);
    MUST(sqlite3_step(st) == SQLITE_DONE && sqlite3_finalize(st) == SQLITE_OK);
}

static void ask(struct fuzz_rig *r)
{
    int64_t now = INT64_C(1700000060) * NS_PER_S;
    struct buf b = BUF_INIT(FUZZ_TEXT_MAX);
    struct json_out o = JSON_OUT(&b);
    struct clock_zone zone = {0};
    struct json_doc *doc;
    struct store_wait w;
    struct err e;

    MUST(store_read_begin(r->reads, &e) == 0);
    if (store_wait(r->reads, STR_LIT("vm"), STR_LIT("a"), now, &w, &e) != 0)
        fuzz_broken(__FILE__, __LINE__, e.text);
    MUST(w.waits && w.position == 1);
    MUST(!w.estimated || (w.low <= w.high && w.low >= 0));
    store_wait_write(&o, &w, &zone);
    MUST(json_in_parse(buf_span(&b), &doc, &e) == 0);
    json_in_free(doc);
    store_read_end(r->reads);
    buf_free(&b);
}

static void check_shape(struct str text)
{
    struct buf again = BUF_INIT(FUZZ_TEXT_MAX), third = BUF_INIT(FUZZ_TEXT_MAX);
    struct demand *d;
    struct err e = {0};

    if (demand_from_shape(text, &d, &e) != 0) {
        MUST(e.code == ERR_INTERNAL && e.text[0]);
        return;
    }
    demand_write_shape(d, &again);
    demand_free(d);
    MUST(demand_from_shape(buf_span(&again), &d, &e) == 0);
    demand_write_shape(d, &third);
    MUST(fuzz_same(&again, &third));
    demand_free(d);
    buf_free(&again);
    buf_free(&third);
}

static struct str part(struct str *text)
{
    struct str all = *text, line;

    while (text->n > 0) {
        line = fuzz_line(text);
        if (str_is(line, "---"))
            return (struct str){all.p, (size_t)(line.p - all.p)};
    }
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size), totals, starts;
    static struct fuzz_rig *rig;

    check_shape(text);
    totals = part(&text);
    starts = text;
    if (!rig) {
        rig = fuzz_rig(yaml);
        fuzz_rig_empty(rig);
        post(rig);
    }
    put_starts(rig, totals, starts);
    ask(rig);
    return 0;
}
