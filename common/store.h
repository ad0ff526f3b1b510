/* SPDX-License-Identifier: MIT */
/*
 * The store: the only door to the database. One `struct store` is one connection with its prepared
 * statements; one thread at a time uses it.
 *
 * Writing. store_begin takes the lock file that all writers of all processes share (it makes them
 * fair and keeps commits and checkpoints apart, see db.c), then BEGIN IMMEDIATE; store_commit
 * returns 0 only when the changes are on disk. Between the two, store_point/_keep/_undo bracket one
 * request of several that share a commit. A function that says "in a write transaction" asserts it.
 *
 * Spans that come back belong to the store and hold until the next call on it.
 */
#ifndef AR_STORE_H
#define AR_STORE_H

#include "job.h"
#include "page.h"
#include "who.h"

struct store;

enum store_mode {
    STORE_READ, /* the file must exist and be of this version */
    STORE_WRITE /* made and migrated when needed, under the lock */
};

/* Opens conf->database; *conf must outlive the store. 0 and *s (store_close), or -1:
 * ERR_UNAVAILABLE with a sentence (missing, not readable, read-only, a network file system, no
 * database, locked, newer than this program). */
int store_open(const struct conf *conf, enum store_mode mode, struct store **s,
               struct err *e) AR_MUST_CHECK;
/* Could it be opened for writing? No database is made and none migrated: whoever asks may be
 * another user than it is to run as, and another version at work. 1: there is no file yet; 0; or
 * -1, as store_open. */
int store_probe(const struct conf *conf, struct err *e) AR_MUST_CHECK;
void store_close(struct store *s);

/* As whom the following calls are made. Changes are noted under his name; whoever does not see
 * everything finds, lists and changes the jobs of his owners only, as if there were no others.
 * NULL, as at first: the program itself. *who must hold until this is called again. */
void store_as(struct store *s, const struct who *who);

/* The version of SQLite has the WAL-reset bug (before 3.51.3 and its backports)? The lock file
 * keeps us clear of it; say so in the log. */
bool store_sqlite_has_wal_bug(const char **version);

/* Begins a write transaction: waits for the lock at most `wait` ns. ERR_UNAVAILABLE when it is not
 * to be had, or when another program has brought the database to a version of its own since it was
 * opened. */
int store_begin(struct store *s, int64_t wait, struct err *e) AR_MUST_CHECK;
/* Was it that, the last time? Only another program can write then, and this one is to leave. */
bool store_outgrown(const struct store *s);
/* ERR_COMMIT_UNKNOWN (nothing is known; the process must leave), ERR_STORAGE_FULL or
 * ERR_UNAVAILABLE (rolled back). The transaction is over in any case. */
int store_commit(struct store *s, struct err *e) AR_MUST_CHECK;
void store_rollback(struct store *s);
int store_point(struct store *s, struct err *e) AR_MUST_CHECK;
int store_point_keep(struct store *s, struct err *e) AR_MUST_CHECK;
/* From here on to the end of the transaction new jobs may be written together, and what they count
 * once: by store_settle at the latest, and before anything looks at it. What store_create would
 * have refused may then go wrong later, for all (store_gave_up): roll back, and do it again
 * without. */
void store_gather(struct store *s);
int store_settle(struct store *s, struct err *e) AR_MUST_CHECK;
bool store_gave_up(const struct store *s);
/* A number that rises with every row that this connection writes, or puts off. */
int64_t store_written(const struct store *s);
/* -1: the undo itself failed; the whole transaction must be rolled back. */
int store_point_undo(struct store *s, struct err *e) AR_MUST_CHECK;

/* Outside transactions: folds the WAL into the file when it has grown past its mark, holding the
 * lock. Call after answering. Failure is no error (tried again later). */
void store_checkpoint_if_due(struct store *s);
/* The same at once: what was given back makes the file shorter then. False: readers or writers are
 * in its way. */
bool store_checkpoint(struct store *s);

/* A snapshot for reads that must agree. Every read by a reader stands between these two: _end also
 * lets go of the rows that spans point to, so that no old snapshot stays open. A single read needs
 * no snapshot of its own and is let go of by _done. */
int store_read_begin(struct store *s, struct err *e) AR_MUST_CHECK;
void store_read_end(struct store *s);
void store_read_done(struct store *s);

/* After reads whose outcome is about to be believed. -1 and ERR_INTERNAL: since the last time a
 * text looked as if it were not there only because there was no memory for it. store_begin and
 * store_commit ask too. */
int store_check_reads(struct store *s, struct err *e) AR_MUST_CHECK;

/* Is there a readable database of this version? For /healthz. */
int store_ping(struct store *s, struct err *e) AR_MUST_CHECK;

/* ---- jobs, for the API ---- */

/* In a write transaction. 0 and *j (as job_write shows it), or -1: ERR_DUPLICATE_REQUEST_ID,
 * ERR_DUPLICATE_CALLBACK, ERR_TOO_MANY (max_queued), ERR_NO_ROOM, ERR_STORAGE_FULL (low_water), …
 * What he may not do comes before what is taken, and that before the limits.
 * *j's spans are the new job's and the store's. */
int store_create(struct store *s, const struct job_new *n, int64_t now, struct job *j,
                 struct err *e) AR_MUST_CHECK;

/* 0 and *j, or -1: ERR_NOT_FOUND. Deleted jobs are not found. */
int store_show(struct store *s, struct str type, struct str request_id, struct job *j,
               struct err *e) AR_MUST_CHECK;

/* What If-Match said: given and neither `any` nor a tag that is right is ERR_PRECONDITION_FAILED.
 * Tags name id and version of job_etag; reason_seq does not count. */
enum { STORE_TAGS_MAX = 16 };
struct store_match {
    bool given, any;
    size_t n;
    struct {
        int64_t id, version;
    } tag[STORE_TAGS_MAX];
};

/* In a write transaction: a client's change, all or nothing (the caller undoes its point on
 * failure). -1: ERR_NOT_FOUND, ERR_PRECONDITION_FAILED, ERR_INVALID_TRANSITION (names both states),
 * ERR_NOT_WAITING (data, callback, not_before, valid_until of a job that waits no more),
 * ERR_INVALID (pointer /move/before: no such job), ERR_DUPLICATE_CALLBACK, ERR_NO_ROOM,
 * ERR_TOO_MANY (what has failed is to wait again), ERR_FORBIDDEN (rights.h, store_order_own.c). */
int store_change(struct store *s, struct str type, struct str request_id,
                 const struct job_change *c, const struct store_match *match, int64_t now,
                 struct err *e) AR_MUST_CHECK;

/* In a write transaction: cancels what is not over, and deletes softly; frees request_id, callback
 * and holds. -1: ERR_NOT_FOUND, ERR_PRECONDITION_FAILED. */
int store_delete(struct store *s, struct str type, struct str request_id,
                 const struct store_match *match, int64_t now, struct err *e) AR_MUST_CHECK;

struct store_filter {
    struct str type;
    struct str owner_id; /* absent: all */
    unsigned statuses;   /* bit 1 << enum job_status; 0: all */
    bool has_after;
    struct page_place after;
};

/* The list in serving order. One list at a time on a store. _next: 1 and *j, what is
 * shown of the job and its queued_at; 0 at the end, -1 and *e. _end always. */
int store_list_begin(struct store *s, const struct store_filter *f, struct err *e) AR_MUST_CHECK;
int store_list_next(struct store *s, struct job *j, struct err *e) AR_MUST_CHECK;
void store_list_end(struct store *s);

/* A number that changes whenever anything that a list of this type shows has changed; 0 for a type
 * that never had a job. */
int store_queue_version(struct store *s, struct str type, int64_t *version,
                        struct err *e) AR_MUST_CHECK;

/* In a write transaction: a paused queue admits nobody. Its waiting jobs say JOB_REASON_PAUSED with
 * STORE_PAUSED for as long as it is. 1 it was not so before, 0 it was. */
#define STORE_PAUSED "the queue is paused"
int store_pause(struct store *s, struct str type, bool paused, struct err *e) AR_MUST_CHECK;

/* Idempotency-Key. _find: 1 and the first answer, 0 not seen, -1: ERR_IDEMPOTENCY_MISMATCH (other
 * body), ... `digest`: 32 bytes of SHA-256 of the request's body. _save in a write transaction. */
enum { STORE_KEY_MAX = 255, STORE_DIGEST = 32 };
struct store_answer {
    int status;
    struct str location; /* absent: none */
    struct str etag;     /* absent: none */
    struct str body;
};
int store_answer_find(struct store *s, struct str type, struct str key,
                      const unsigned char digest[STORE_DIGEST], struct store_answer *a,
                      struct err *e) AR_MUST_CHECK;
int store_answer_save(struct store *s, struct str type, struct str key,
                      const unsigned char digest[STORE_DIGEST], const struct store_answer *a,
                      int64_t now, struct err *e) AR_MUST_CHECK;

/* This database's own random name (16 hex digits), for webhook-ids and tags. A copy that was put
 * back (store_backup.h) has another one. */
int store_instance(struct store *s, char name[17], struct err *e) AR_MUST_CHECK;

/* The path of the FIFO that wakes the dispatcher, and of the lock that one dispatcher holds; they
 * live as long as the store. */
const char *store_wake_path(const struct store *s);
const char *store_dispatch_lock_path(const struct store *s);

#endif
