/* SPDX-License-Identifier: MIT */
/*
 * The configuration: one YAML file, read once at start into a struct that never changes after.
 * Every key stands in one table (conf_keys.c) with its type, default, range and one line of
 * documentation; `make lint` holds the manual page against it. An unknown key, a wrong type, a
 * value out of range: an error that names file, line and key.
 */
#ifndef AR_CONF_H
#define AR_CONF_H

#include "err.h"
#include "log.h"

#define CONF_FOREVER INT64_MAX

enum {
    CONF_RETRIES_MAX = 32,
    CONF_RESOURCES_MAX = 255 /* of one host */
};

enum conf_auth { CONF_AUTH_NONE };
enum conf_capacity { CONF_CAPACITY_NONE, CONF_CAPACITY_STATIC };
enum conf_fit { CONF_FIT_PACK, CONF_FIT_SPREAD };

struct conf_amount {
    struct str resource;
    int64_t amount; /* whole units; of a `kube` queue: as quantity_parse gives them (cpu in milli,
                       the rest whole) */
};

struct conf_host {
    struct str name;
    size_t amounts;
    struct conf_amount *amount; /* sorted by name, no doubles */
};

struct conf_pool {
    struct str name;
    size_t projects; /* 0: open to every project that no other pool of the queue names */
    struct str *project;
    size_t hosts;
    size_t *host; /* ascending indices into conf_queue.host */
};

struct conf_queue {
    struct str type; /* "*": every type that has no entry of its own */
    enum conf_capacity capacity;
    enum conf_fit fit;
    int64_t overtake;         /* ns; CONF_FOREVER */
    struct str callback_base; /* absent: a relative callback is refused */
    size_t hosts; /* all hosts of all pools; one that several pools name stands here once */
    struct conf_host *host; /* sorted by name */
    size_t pools;
    struct conf_pool *pool; /* in the file's order */
};

struct conf_callback {
    int64_t timeout;         /* ns for one try, connect included */
    int64_t connect_timeout; /* ns */
    int64_t concurrency;     /* tries under way at once */
    int64_t hold;            /* ns that an admission is kept for its callback */
    size_t retries;
    int64_t retry[CONF_RETRIES_MAX]; /* ns to wait before try 1, 2, …; their number is the number of
                                        tries */
};

struct conf {
    struct str file;     /* the path that it was read from */
    struct str database; /* absolute, or relative to the working directory */
    enum conf_auth auth;
    enum log_level log_level;
    int64_t workers;    /* threads that answer requests */
    int64_t max_queued; /* jobs that wait in one queue at the most; more are refused with 429 */
    int64_t low_water;  /* bytes that must be free on the database's disk for a new job */
    struct conf_callback callback;
    size_t queues;
    struct conf_queue *queue; /* sorted by type, but for "*": always there, last; made with capacity
                                 none when the file has none */
    void *memory;             /* what all of this lives in; all spans here are NUL-terminated */
};

/* The path to read: `option` (of --config) if not NULL, else $ANTEROOM_CONFIG if set and not empty,
 * else /etc/anteroom/anteroom.yaml. */
const char *conf_path(const char *option);

/* Reads and checks the file. 0 and *conf (conf_free), or -1 with ERR_CONFIG: "<file>:<line>: <key>:
 * <what is wrong>". */
int conf_load(const char *path, struct conf **conf, struct err *e) AR_MUST_CHECK;
/* The same from text, for tests; `name` stands where the file's path would. */
int conf_parse(struct str text, const char *name, struct conf **conf, struct err *e) AR_MUST_CHECK;
void conf_free(struct conf *conf);

/* The entry for a type: its own, else "*". Never NULL. Pure; any thread. */
const struct conf_queue *conf_queue(const struct conf *conf, struct str type);

/* Writes the table of keys, a line each: "key<TAB>type<TAB>default<TAB>range<TAB>documentation",
 * "-" where there is no default or no range; the names that the file's writer chooses stand as
 * <type> and <name>. For --config-keys and `make lint`. */
struct buf;
void conf_write_keys(struct buf *b);

#endif
