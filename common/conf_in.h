/* SPDX-License-Identifier: MIT */
/* The inside of the configuration's reader, for conf*.c only: the table of keys, and what the
 * readers of values share. */
#ifndef AR_CONF_IN_H
#define AR_CONF_IN_H

#include "arena.h"
#include "conf.h"
#include "yaml_in.h"

enum { CONF_NAME_MAX = 255, CONF_PATH_MAX = 12 };

/* One reading of one file. */
struct conf_in {
    const char *name; /* the file's, for errors */
    struct arena *arena;
    struct err *e;
    struct str part[CONF_PATH_MAX]; /* the key that is being read: queues, vm, pools, … */
    size_t parts;
    struct str type; /* of the queue that is being read */
};

/* A mapping with keys of its own, and what its values are read into. */
enum conf_section {
    CONF_TOP,       /* struct conf */
    CONF_CALLBACK,  /* struct conf_callback */
    CONF_OWNER,     /* struct conf_owner */
    CONF_RETENTION, /* struct conf_retention */
    CONF_KEYSTONE,  /* struct conf_keystone */
    CONF_QUEUE,     /* struct conf_queue */
    CONF_POOL,      /* struct conf_pool_in */
    CONF_HOST,      /* for the documentation: its keys are the names of resources */
    CONF_SECTIONS
};

/* A pool while its queue is read: hosts are put together once all pools are known. */
struct conf_pool_in {
    struct pool pool;
    const struct yaml_node *hosts; /* NULL: none */
};

/* How a value is written and read; one line each in conf_keys.c and conf_ranges.c. */
enum conf_type {
    CONF_TEXT,
    CONF_WORD,
    CONF_NUMBER,
    CONF_SIZE,
    CONF_DURATION,
    CONF_DURATIONS,
    CONF_URL,
    CONF_TEXTS,
    CONF_NAMES,
    CONF_NETWORKS,
    CONF_QUEUE_NETWORKS,
    CONF_PORTS,
    CONF_CALLBACKS,
    CONF_OWNERS,
    CONF_RETENTIONS,
    CONF_KEYSTONES,
    CONF_QUEUES,
    CONF_POOLS,
    CONF_PROJECTS,
    CONF_HOSTS,
    CONF_AMOUNT,
    CONF_TYPES
};

/* A row of the table. */
struct conf_key {
    enum conf_section section;
    const char *name;
    enum conf_type type;
    const char *preset; /* the default as a file would say it; NULL: absent */
    int64_t low, high;  /* of the number, the bytes of a size or a text, the ns of a duration */
    const char *const *words; /* NULL ends them; of a CONF_WORD the index is the enum's value */
    size_t offset;            /* in the section's struct */
    const char *doc;
};

/* Reads a value into the field. 0 or -1. */
typedef int conf_read_fn(struct conf_in *in, const struct yaml_node *value,
                         const struct conf_key *key, void *field);

conf_read_fn conf_read_text, conf_read_word, conf_read_number, conf_read_size, conf_read_duration,
    conf_read_durations, conf_read_url, conf_read_texts; /* conf_values.c */
conf_read_fn conf_read_names, conf_read_networks, conf_read_queue_networks,
    conf_read_ports; /* conf_lists.c */
conf_read_fn conf_read_queues, conf_read_pools, conf_read_projects,
    conf_keep_hosts; /* conf_queues.c */

/* The hosts of all pools of a queue, into queue->host and each pool's `host`. queue->pool is set;
 * in_pool[i] belongs to pool i. (conf_hosts.c) */
int conf_join_hosts(struct conf_in *in, struct conf_queue *queue,
                    const struct conf_pool_in *in_pool) AR_MUST_CHECK;

/* Every field of the section that has a default gets it; the others are left. (conf_keys.c) */
int conf_preset(struct conf_in *in, enum conf_section section, void *base) AR_MUST_CHECK;
/* Reads a mapping of the section's keys into base; null is an empty one. (conf_keys.c) */
int conf_read_section(struct conf_in *in, enum conf_section section, const struct yaml_node *map,
                      void *base) AR_MUST_CHECK;

/* (conf_values.c) Fills the error for the key that is being read: "<file>:<line>: <key>: <text>".
 * Returns -1. */
int conf_fail(struct conf_in *in, const struct yaml_node *at, const char *fmt, ...) AR_PRINTF(3, 4);
int conf_no_memory(struct conf_in *in);

/* "must be <what>, not <the value>". Returns -1. */
int conf_wrong(struct conf_in *in, const struct yaml_node *value, const char *what);

/* Is it of this kind? Null stands for an empty list or mapping. 0, or -1 with the error set. */
int conf_need(struct conf_in *in, const struct yaml_node *value, enum yaml_kind kind) AR_MUST_CHECK;

/* *copy = the text of a scalar that is a name of any kind: 1..CONF_NAME_MAX bytes, no control
 * characters. */
int conf_copy_name(struct conf_in *in, const struct yaml_node *node,
                   struct str *copy) AR_MUST_CHECK;

/* Steps into and out of a key, for errors. */
void conf_enter(struct conf_in *in, struct str key);
void conf_leave(struct conf_in *in);

/* The limits and words of a key, as a person reads them; "-" when it has none. (conf_ranges.c) */
struct buf;
void conf_write_range(struct buf *b, const struct conf_key *key);

#endif
