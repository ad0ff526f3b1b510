/* SPDX-License-Identifier: MIT */
/* Checksums of pages and of the log: every flipped byte, pages in each other's place, and SQLite's
 * own log as the model of the second. */
#include "rig_sql.h"

#include <string.h>

#include "db_sum.h"
#include "prop.h"

enum { PAGE = 4096, MOST = 65536, LOG = 1 << 20 };

static void fill(unsigned char *p, size_t n, struct prop *r)
{
    size_t i;

    for (i = 0; i < n; i++)
        p[i] = (unsigned char)prop_below(r, 256);
}

static void every_flipped_bit_of_a_page_is_seen(void **state)
{
    static unsigned char page[MOST];
    struct prop random = prop_begin(__func__, 1);
    size_t size, i;
    int bit;

    (void)state;
    for (size = 512; size <= PAGE; size *= 2) {
        fill(page, size, &random);
        db_sum_put(page, size, 7);
        assert_true(db_sum_holds(page, size, 7));
        for (i = 0; i < size; i++) {
            for (bit = 0; bit < 8; bit++) {
                page[i] ^= (unsigned char)(1 << bit);
                assert_false(db_sum_holds(page, size, 7));
                page[i] ^= (unsigned char)(1 << bit);
            }
        }
        assert_true(db_sum_holds(page, size, 7));
    }
}

/* Two flips of the same bit, which a mere exclusive or would not see; words that change places. */
static void two_changes_do_not_undo_each_other(void **state)
{
    static unsigned char page[PAGE], was[PAGE];
    struct prop random = prop_begin(__func__, 1);
    int round;

    (void)state;
    fill(was, PAGE, &random);
    db_sum_put(was, PAGE, 1);
    for (round = 0; round < 20000; round++) {
        size_t a = prop_below(&random, 500) * 8, b = prop_below(&random, 500) * 8;

        memcpy(page, was, PAGE);
        if (a == b)
            continue;
        if (round % 2) {
            page[a + 7] ^= 0x80;
            page[b + 7] ^= 0x80;
        } else {
            memcpy(page + a, was + b, 8);
            memcpy(page + b, was + a, 8);
        }
        assert_false(db_sum_holds(page, PAGE, 1));
    }
}

static void a_page_in_the_place_of_another_is_seen(void **state)
{
    static unsigned char page[MOST];
    struct prop random = prop_begin(__func__, 1);
    uint32_t number;

    (void)state;
    fill(page, PAGE, &random);
    db_sum_put(page, PAGE, 1);
    for (number = 2; number < 10000; number++)
        assert_false(db_sum_holds(page, PAGE, number));
    assert_false(db_sum_holds(page, PAGE, UINT32_MAX));
    memset(page, 0, sizeof page);
    for (number = 1; number < 10000; number++)
        assert_false(db_sum_holds(page, PAGE, number)); /* one that was never written has no sum */
    assert_false(db_sum_holds(page, MOST, 1));
}

/* As they are in files that are there. */
static void sums_stay_what_they_are(void **state)
{
    static unsigned char page[PAGE];
    size_t i;

    (void)state;
    for (i = 0; i < PAGE; i++)
        page[i] = (unsigned char)(i * 31);
    assert_int_equal(db_sum_of(page, PAGE, 1), UINT64_C(0x7CB387D69F411310));
    assert_int_equal(db_sum_of(page, PAGE, 2), UINT64_C(0xB8E5D8733B6DDCBD));
    assert_int_equal(db_sum_of(page, 512, 1), UINT64_C(0x373546C59283E527));
}

static void the_head_of_a_file_says_whether_there_are_sums(void **state)
{
    unsigned char head[DB_SUM_HEAD] = "SQLite format 3";

    (void)state;
    assert_false(db_sum_in_head(head));
    head[20] = DB_SUM_BYTES;
    assert_true(db_sum_in_head(head));
    head[0] = 's';
    assert_false(db_sum_in_head(head));
}

/* A file whose head has lost the mark says so of itself; its pages know better. */
static void a_page_that_has_a_sum_is_told_though_the_head_denies_it(void **state)
{
    static unsigned char page[PAGE], was[PAGE];
    struct prop random = prop_begin(__func__, 1);

    (void)state;
    fill(page, PAGE, &random);
    page[20] = DB_SUM_BYTES;
    db_sum_put(page, PAGE, 1);
    page[20] = 0;
    memcpy(was, page, PAGE);
    assert_true(db_sum_denied(page, PAGE, 1));
    assert_memory_equal(page, was, PAGE);
    assert_false(db_sum_denied(page, PAGE, 2));
    db_sum_put(page, PAGE, 1); /* with another byte there it is not page 1 of ours */
    assert_false(db_sum_denied(page, PAGE, 1));
    db_sum_put(page, PAGE, 2); /* byte 20 of any other page is data like the rest */
    assert_true(db_sum_denied(page, PAGE, 2));
    assert_int_equal(page[20], 0);
    page[20] = DB_SUM_BYTES;
    assert_false(db_sum_denied(page, PAGE, 2));
}

/* ---- the log ---- */

static size_t read_file(const char *path, unsigned char *to, size_t most)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(to, 1, most, f);
    (void)fclose(f);
    return n;
}

/* An open database in the rig's folder whose log, of pages of `size`, is read into `log`. */
static sqlite3 *write_log(struct rig *r, int size, unsigned char *log, size_t most, size_t *n)
{
    char path[128], sql[256];
    sqlite3 *db;

    (void)snprintf(path, sizeof path, "%s/log.db", r->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA page_size=%d; PRAGMA journal_mode=WAL; CREATE TABLE t (x);"
                   "INSERT INTO t VALUES (randomblob(9000)); INSERT INTO t VALUES (1)",
                   size);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)snprintf(path, sizeof path, "%s/log.db-wal", r->dir);
    *n = read_file(path, log, most);
    return db;
}

static void forget_log(struct rig *r, sqlite3 *db)
{
    char path[128];

    sqlite3_close(db);
    (void)snprintf(path, sizeof path, "%s/log.db", r->dir);
    assert_int_equal(unlink(path), 0);
}

/* The header and each frame are right, and wrong with any byte of the header, of a frame's first
 * eight, of its page or of its checksum flipped. */
static void check_log(unsigned char *log, size_t n, size_t size)
{
    size_t frame = DB_SUM_FRAME_HEAD + size, at, i;
    struct db_sum_chain chain;

    assert_true(n > DB_SUM_LOG_HEAD + frame && (n - DB_SUM_LOG_HEAD) % frame == 0);
    assert_true(db_sum_log_head_holds(log));
    for (i = 0; i < DB_SUM_LOG_HEAD; i++) {
        log[i] ^= 1;
        assert_false(db_sum_log_head_holds(log));
        log[i] ^= 1;
    }
    chain = db_sum_chain_at(log + DB_SUM_LOG_HEAD - 8);
    for (at = DB_SUM_LOG_HEAD; at < n; at += frame) {
        assert_true(db_sum_frame_holds(log + at, size, chain));
        for (i = 0; i < frame; i += 1 + i / 100) {
            log[at + i] ^= 0x10;
            if (i < 8 || i >= 16) /* between them is the salt */
                assert_false(db_sum_frame_holds(log + at, size, chain));
            log[at + i] ^= 0x10;
        }
        chain = db_sum_chain_at(log + at + 16);
    }
}

static void frames_of_the_log_are_summed_as_sqlite_does(void **state)
{
    static unsigned char log[LOG];
    struct rig r;
    sqlite3 *db;
    size_t n;
    int size;

    (void)state;
    rig_make(&r, "");
    for (size = 512; size <= MOST; size *= 2) {
        db = write_log(&r, size, log, sizeof log, &n);
        check_log(log, n, (size_t)size);
        forget_log(&r, db);
    }
    rig_free(&r);
}

/* ---- the log of a machine of the other byte order ---- */

static uint32_t word_of(const unsigned char *p, bool big)
{
    return big ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
               : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void put_big(unsigned char *p, uint32_t v)
{
    int i;

    for (i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (24 - 8 * i));
}

/* The checksum as it is defined, word by word. */
static void slow_sum(uint32_t s[2], const unsigned char *p, size_t n, bool big)
{
    size_t i;

    for (i = 0; i < n; i += 8) {
        s[0] += word_of(p + i, big) + s[1];
        s[1] += word_of(p + i + 4, big) + s[0];
    }
}

/* The same log as if that machine had written it: the last bit of its first word says so. */
static void turn_log(unsigned char *log, size_t n, size_t size)
{
    bool big = !(log[3] & 1);
    uint32_t s[2] = {0, 0};
    size_t at;

    log[3] ^= 1;
    slow_sum(s, log, DB_SUM_LOG_HEAD - 8, big);
    put_big(log + DB_SUM_LOG_HEAD - 8, s[0]);
    put_big(log + DB_SUM_LOG_HEAD - 4, s[1]);
    for (at = DB_SUM_LOG_HEAD; at < n; at += DB_SUM_FRAME_HEAD + size) {
        slow_sum(s, log + at, 8, big);
        slow_sum(s, log + at + DB_SUM_FRAME_HEAD, size, big);
        put_big(log + at + 16, s[0]);
        put_big(log + at + 20, s[1]);
    }
}

static void write_file(const char *path, const unsigned char *text, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* SQLite, which writes no such log, takes this one beside the same file for whole. */
static void sqlite_reads(struct rig *r, const unsigned char *log, size_t n)
{
    static unsigned char file[LOG];
    char path[128], other[128];
    sqlite3_stmt *st;
    sqlite3 *db;

    (void)snprintf(path, sizeof path, "%s/log.db", r->dir);
    (void)snprintf(other, sizeof other, "%s/other.db", r->dir);
    write_file(other, file, read_file(path, file, sizeof file));
    (void)snprintf(path, sizeof path, "%s/other.db-wal", r->dir);
    write_file(path, log, n);
    assert_int_equal(sqlite3_open(other, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(st, 0), 2);
    sqlite3_finalize(st);
    sqlite3_close(db);
    assert_int_equal(unlink(other), 0);
}

static void a_log_of_the_other_byte_order_is_read_as_sqlite_does(void **state)
{
    static unsigned char log[LOG];
    struct rig r;
    sqlite3 *db;
    size_t n;
    int size;

    (void)state;
    rig_make(&r, "");
    for (size = 512; size <= MOST; size *= 2) {
        db = write_log(&r, size, log, sizeof log, &n);
        turn_log(log, n, (size_t)size);
        check_log(log, n, (size_t)size);
        sqlite_reads(&r, log, n);
        forget_log(&r, db);
    }
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_of_a_page_is_seen),
        cmocka_unit_test(two_changes_do_not_undo_each_other),
        cmocka_unit_test(a_page_in_the_place_of_another_is_seen),
        cmocka_unit_test(sums_stay_what_they_are),
        cmocka_unit_test(the_head_of_a_file_says_whether_there_are_sums),
        cmocka_unit_test(a_page_that_has_a_sum_is_told_though_the_head_denies_it),
        cmocka_unit_test(frames_of_the_log_are_summed_as_sqlite_does),
        cmocka_unit_test(a_log_of_the_other_byte_order_is_read_as_sqlite_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
