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
#include "netguard.h"
#include "pool.h"
#include "url.h"

#define CONF_FOREVER INT64_MAX

enum {
    CONF_RETRIES_MAX = 32,
    CONF_ARGS_MAX = 64,
    CONF_LIST_MAX = 1000,    /* networks, ports, roles */
    CONF_RESOURCES_MAX = 255 /* of one host, as far as they are said: kube adds pods */
};

enum conf_auth { CONF_AUTH_NONE, CONF_AUTH_TOKENS, CONF_AUTH_KEYSTONE };
enum conf_capacity {
    CONF_CAPACITY_NONE,
    CONF_CAPACITY_STATIC,
    CONF_CAPACITY_OPENSTACK,
    CONF_CAPACITY_KUBERNETES,
    CONF_CAPACITY_EXEC,
    CONF_CAPACITY_HTTP
};
enum conf_fit { CONF_FIT_AUTO, CONF_FIT_PACK, CONF_FIT_SPREAD };
/* Whose use a source's numbers have in them. */
enum conf_accounting {
    CONF_ACCOUNTING_AUTO,
    CONF_ACCOUNTING_LEDGER,  /* that of others: our jobs hold until they end */
    CONF_ACCOUNTING_OBSERVED /* everybody's: our jobs hold until the source sees their use */
};
enum conf_switch { CONF_OFF, CONF_ON };
/* Where OpenStack projects go that no aggregate names. */
enum conf_unnamed {
    CONF_UNNAMED_SHARED, /* to the hosts that no aggregate keeps for its projects */
    CONF_UNNAMED_ALL,    /* to every host */
    CONF_UNNAMED_NONE    /* nowhere */
};

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

struct conf_networks {
    size_t n;
    struct netguard_net *net;
};

struct conf_ports {
    size_t n;
    struct netguard_ports *port;
};

struct conf_names {
    size_t n;
    struct str *name; /* as the file has them */
};

/* How a source that asks somebody else is read. Absent texts: not given. */
struct conf_source {
    int64_t settle;           /* ns after which an observed source sees what a running job uses */
    int64_t poll;             /* ns between readings while jobs wait */
    int64_t timeout;          /* ns for one reading */
    int64_t max_age;          /* ns after which a reading is stale */
    enum conf_switch quota;   /* openstack, kubernetes: the project's quota is a second gate */
    struct str cloud, region; /* openstack */
    enum conf_unnamed unnamed_projects;
    struct str kubeconfig, context, pool_label; /* kubernetes */
    size_t args;
    struct str *program;        /* exec: [args] the program's path, and what it is given */
    struct str url, token_file; /* http */
};

struct conf_queue {
    struct str type; /* "*": every type that has no entry of its own */
    enum conf_capacity capacity;
    enum conf_fit fit;               /* never CONF_FIT_AUTO once it is read */
    enum conf_accounting accounting; /* nor this CONF_ACCOUNTING_AUTO */
    struct str account; /* under which what its jobs hold is kept: the least type of the queues that
                           have, or may have, the same source */
    struct str rules;   /* by which demands are read (demand_parse): "vm", "kube", or the type */
    struct conf_source source;
    int64_t overtake;         /* ns; CONF_FOREVER */
    struct str callback_base; /* absent: a relative callback is refused */
    struct {
        char host[URL_HOST_MAX];
        int port;           /* 0: nobody, or libcurl reads no URL in it */
    } base;                 /* whom callback_base calls */
    struct str secret_file; /* absent: callback.secret_file counts */
    bool has_networks;      /* else callback.allow_networks counts */
    struct conf_networks networks;
    int64_t run_limit; /* jobs that may be admitted or running at once; 0: any number */
    size_t hosts;      /* all hosts of all pools; one that several pools name stands here once */
    struct conf_host *host; /* sorted by name */
    size_t pools;
    struct pool *pool; /* in the file's order; one without projects is open */
};

struct conf_callback {
    int64_t timeout;             /* ns for one try, connect included */
    int64_t connect_timeout;     /* ns */
    int64_t concurrency;         /* tries under way at once */
    int64_t per_host, per_owner; /* … to one origin (url.h), and of one owner's jobs */
    int64_t hold;                /* ns that an admission is kept for its callback */
    int64_t requeue;             /* times that a job whose callback was not accepted waits again */
    int64_t pause_after;         /* failures in a row after which a receiver is paused */
    int64_t pause;               /* ns of the first pause; each next one is twice as long */
    struct str secret_file;      /* absent: callbacks are not signed */
    struct conf_networks networks; /* that may be called beside public addresses */
    struct conf_ports ports;
    struct str ca_file;    /* of https receivers; absent: the system's authorities */
    struct str nameserver; /* "address" or "address:port"; absent: the system's */
    size_t retries;
    int64_t retry[CONF_RETRIES_MAX]; /* ns to wait before try 1, 2, …; their number is the number of
                                        tries */
};

/* What each owner may have; 0: as much as he likes. */
struct conf_owner {
    int64_t queued;   /* jobs that wait, of all types */
    int64_t holding;  /* jobs that are admitted or running, of all types */
    int64_t requests; /* a minute */
};

/* How long what is over is kept, ns; CONF_FOREVER. */
struct conf_retention {
    int64_t jobs, events, deliveries;
};

/* Of auth: keystone. */
struct conf_keystone {
    struct str url;         /* Keystone's, with or without /v3 */
    struct str ca_file;     /* absent: the system's authorities */
    int64_t timeout, cache; /* ns */
    struct conf_names admin_roles, reader_roles;
};

struct conf {
    struct str file;     /* the path that it was read from */
    struct str database; /* absolute, or relative to the working directory; what the sources keep
                            between runs stands beside it */
    enum conf_auth auth;
    struct conf_networks open_to; /* of auth: none: whose requests are served */
    struct conf_keystone keystone;
    enum log_level log_level;
    enum log_format log_format;
    struct str log_file; /* absent: stderr */
    int64_t workers;     /* threads that answer requests */
    int64_t max_queued;  /* jobs that wait in one queue at the most; more are refused with 429 */
    int64_t low_water;   /* bytes that must be free on the database's disk for a new job */
    struct conf_callback callback;
    struct conf_owner owner;
    struct conf_retention retention;
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

/* The longest `settle` of its queues, in ns. Pure; any thread. */
int64_t conf_longest_settle(const struct conf *conf);

/* "none", "static", …: as the file has it. */
const char *conf_capacity_word(enum conf_capacity capacity);
const char *conf_fit_word(enum conf_fit fit);
/* Appends a duration as the file may have it: "1h", "90s", "0s", "forever". */
struct buf;
void conf_write_duration(struct buf *b, int64_t ns);

/* Which networks and ports the queue's callbacks may reach; `own` is left to the caller
 * (ownaddr.h). Pure; any thread. */
struct netguard_rules conf_rules(const struct conf *conf, const struct conf_queue *queue);

/* Does the queue's source ask somebody else, so that its pools are those of a reading? */
bool conf_asks(const struct conf_queue *queue);

/* The pools of a queue as its entry has them. */
struct pools conf_pools(const struct conf_queue *queue);

/* Writes the table of keys, a line each: "key<TAB>type<TAB>default<TAB>range<TAB>documentation",
 * "-" where there is no default or no range; the names that the file's writer chooses stand as
 * <type> and <name>. For --config-keys and `make lint`. */
void conf_write_keys(struct buf *b);

#endif
