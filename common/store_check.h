/* SPDX-License-Identifier: MIT */
/*
 * The store: is a database file sound? Its pages against their checksums, pages and indices
 * (SQLite's own check), what refers to what, its tables, and then what Anteroom itself relies on,
 * question by question (store_check_list.c). All of one moment; nobody is kept from working;
 * nothing is written.
 */
#ifndef AR_STORE_CHECK_H
#define AR_STORE_CHECK_H

#include "err.h"

/* A question, as SQL: a row for each fault, its text in the first column. ?1 is the time now. */
struct store_question {
    const char *name; /* "owner-waiting": stable */
    const char *what; /* what is so where all is well */
    const char *sql;
};
extern const struct store_question store_questions[];
extern const size_t store_questions_count;

/* A fault. Text of strangers (types, request_ids) stands in it as it is. */
struct store_fault {
    const char *question; /* its name, or "sums", "integrity", "references", "schema" */
    struct str text;      /* for a person, with the ids */
};

enum { STORE_FAULTS_MAX = 20 }; /* that are told of one question; the rest is counted */

struct store_checker {
    int64_t now;
    /* The next question is looked at: number `n` of `all`. May be NULL. */
    void (*next)(void *ctx, const char *what, size_t n, size_t all);
    /* The text holds during the call. */
    void (*fault)(void *ctx, const struct store_fault *f);
    void *ctx;
};

struct store_checked {
    int64_t faults; /* 0: it is sound */
    int64_t version;
    size_t questions; /* that were looked at */
    bool summed;      /* the file's pages have checksums */
    bool skipped;     /* the file has another version: what Anteroom relies on was not looked at */
};

/* 0 and *done, whatever was found, a file that is no database included; or -1: ERR_NOT_FOUND,
 * ERR_UNAVAILABLE: it could not be read. */
int store_check(const char *path, const struct store_checker *c, struct store_checked *done,
                struct err *e) AR_MUST_CHECK;

/* Writes the whole file anew with right checksums, after SQLite has found its pages and rows sound:
 * for one that another program has written, and one of an earlier version. 0, or -1: ERR_NOT_FOUND,
 * ERR_STORAGE_FULL, ERR_UNAVAILABLE: it is damaged, or in use. */
int store_check_resum(const char *path, struct err *e) AR_MUST_CHECK;

#endif
