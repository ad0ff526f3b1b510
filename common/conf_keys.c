/* SPDX-License-Identifier: MIT */
/* The table of configuration keys, and the reading of a mapping by it. */
#include "conf_in.h"

#include "buf.h"
#include "num.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)
#define M  (60 * S)
#define H  (60 * M)
#define D  (24 * H)

enum { GUESS_BYTES_MAX = 32 };

static const char *const auths[] = {
    [CONF_AUTH_NONE] = "none",
    [CONF_AUTH_TOKENS] = "tokens",
    [CONF_AUTH_KEYSTONE] = "keystone",
    NULL,
};
static const char *const levels[] = {
    [LOG_LVL_ERROR] = "error",
    [LOG_LVL_WARN] = "warn",
    [LOG_LVL_INFO] = "info",
    [LOG_LVL_DEBUG] = "debug",
    NULL,
};
static const char *const formats[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json", NULL};
static const char *const capacities[] = {
    [CONF_CAPACITY_NONE] = "none",
    [CONF_CAPACITY_STATIC] = "static",
    [CONF_CAPACITY_OPENSTACK] = "openstack",
    [CONF_CAPACITY_KUBERNETES] = "kubernetes",
    [CONF_CAPACITY_EXEC] = "exec",
    [CONF_CAPACITY_HTTP] = "http",
    NULL,
};
static const char *const fits[] = {
    [CONF_FIT_AUTO] = "auto",
    [CONF_FIT_PACK] = "pack",
    [CONF_FIT_SPREAD] = "spread",
    NULL,
};
static const char *const accountings[] = {
    [CONF_ACCOUNTING_AUTO] = "auto",
    [CONF_ACCOUNTING_LEDGER] = "ledger",
    [CONF_ACCOUNTING_OBSERVED] = "observed",
    NULL,
};
static const char *const switches[] = {[CONF_OFF] = "off", [CONF_ON] = "on", NULL};
static const char *const unnamed[] = {
    [CONF_UNNAMED_SHARED] = "shared",
    [CONF_UNNAMED_ALL] = "all",
    [CONF_UNNAMED_NONE] = "none",
    NULL,
};
static const char *const forever[] = {"forever", NULL};

_Static_assert(sizeof(enum conf_auth) == sizeof(int) && sizeof(enum conf_capacity) == sizeof(int) &&
                   sizeof(enum conf_fit) == sizeof(int) && sizeof(enum log_level) == sizeof(int) &&
                   sizeof(enum log_format) == sizeof(int) &&
                   sizeof(enum conf_accounting) == sizeof(int) &&
                   sizeof(enum conf_switch) == sizeof(int) &&
                   sizeof(enum conf_unnamed) == sizeof(int),
               "conf_read_word writes an int");

static const struct conf_key keys[] = {
    {CONF_TOP, "database", CONF_TEXT, "/var/lib/anteroom/anteroom.db", 1, 4000,
     .offset = offsetof(struct conf, database),
     .doc = "the SQLite file that holds all state; the lock file stands beside it"},
    {CONF_TOP, "auth", CONF_WORD, "none", .words = auths, .offset = offsetof(struct conf, auth),
     .doc =
         "who may use the API; none: whoever reaches it from open_to; tokens: who has one of ours; "
         "keystone: who has one of OpenStack's"},
    {CONF_TOP, "open_to", CONF_NETWORKS, "[127.0.0.0/8, \"::1\"]",
     .offset = offsetof(struct conf, open_to),
     .doc = "auth none: the networks whose requests are served"},
    {CONF_TOP, "keystone", CONF_KEYSTONES, .offset = offsetof(struct conf, keystone),
     .doc = "auth keystone: where tokens are validated"},
    {CONF_KEYSTONE, "url", CONF_URL, NULL, 1, 2048, .offset = offsetof(struct conf_keystone, url),
     .doc = "Keystone's URL, with or without /v3"},
    {CONF_KEYSTONE, "ca_file", CONF_TEXT, NULL, 1, 4000,
     .offset = offsetof(struct conf_keystone, ca_file),
     .doc =
         "the authorities that Keystone's certificate is checked against, in PEM; without it the "
         "system's"},
    {CONF_KEYSTONE, "timeout", CONF_DURATION, "5s", 100 * MS, M,
     .offset = offsetof(struct conf_keystone, timeout), .doc = "time for one question to Keystone"},
    {CONF_KEYSTONE, "cache", CONF_DURATION, "1m", 0, H,
     .offset = offsetof(struct conf_keystone, cache),
     .doc = "how long Keystone's answer is believed: a revoked token is out by then"},
    {CONF_KEYSTONE, "admin_roles", CONF_NAMES, "[admin]",
     .offset = offsetof(struct conf_keystone, admin_roles), .doc = "roles that may do everything"},
    {CONF_KEYSTONE, "reader_roles", CONF_NAMES, "[reader]",
     .offset = offsetof(struct conf_keystone, reader_roles),
     .doc =
         "who has no other roles than these only reads: of a project its jobs, of the system all"},
    {CONF_TOP, "log_level", CONF_WORD, "info", .words = levels,
     .offset = offsetof(struct conf, log_level), .doc = "the least grave events that are logged"},
    {CONF_TOP, "log_format", CONF_WORD, "text", .words = formats,
     .offset = offsetof(struct conf, log_format),
     .doc = "what a line of the log is; text: key=value pairs; json: an object with the same"},
    {CONF_TOP, "log_file", CONF_TEXT, NULL, 1, 4000, .offset = offsetof(struct conf, log_file),
     .doc = "where service and dispatcher log to, opened anew at SIGHUP; without it, to stderr"},
    {CONF_TOP, "workers", CONF_NUMBER, "4", 1, 64, .offset = offsetof(struct conf, workers),
     .doc = "threads that answer requests"},
    {CONF_TOP, "max_queued", CONF_NUMBER, "1000000", 1, 1000000000,
     .offset = offsetof(struct conf, max_queued),
     .doc = "jobs that may wait in one queue; more are refused with 429"},
    {CONF_TOP, "low_water", CONF_SIZE, "64M", 0, INT64_C(1) << 40,
     .offset = offsetof(struct conf, low_water),
     .doc = "what must be free on the database's disk; with less, new jobs are refused with 507"},
    {CONF_TOP, "owner", CONF_OWNERS, .offset = offsetof(struct conf, owner),
     .doc = "what each owner may have at once"},
    {CONF_OWNER, "queued", CONF_NUMBER, "0", 0, 1000000000,
     .offset = offsetof(struct conf_owner, queued),
     .doc = "jobs that wait; more are refused with 429; 0 is any number"},
    {CONF_OWNER, "holding", CONF_NUMBER, "0", 0, 1000000000,
     .offset = offsetof(struct conf_owner, holding),
     .doc = "jobs that are admitted or running; more wait; 0 is any number"},
    {CONF_OWNER, "requests", CONF_NUMBER, "0", 0, 1000000000,
     .offset = offsetof(struct conf_owner, requests),
     .doc = "requests a minute; more are refused with 429; 0 is any number"},
    {CONF_TOP, "retention", CONF_RETENTIONS, .offset = offsetof(struct conf, retention),
     .doc = "how long what is over is kept"},
    {CONF_RETENTION, "jobs", CONF_DURATION, "30d", M, 36500 * D, forever,
     .offset = offsetof(struct conf_retention, jobs),
     .doc = "jobs that are over or deleted, with all that is known of them"},
    {CONF_RETENTION, "events", CONF_DURATION, "30d", M, 36500 * D, forever,
     .offset = offsetof(struct conf_retention, events), .doc = "what changed, when and by whom"},
    {CONF_RETENTION, "deliveries", CONF_DURATION, "7d", M, 36500 * D, forever,
     .offset = offsetof(struct conf_retention, deliveries), .doc = "the tries of callbacks"},
    {CONF_TOP, "callback", CONF_CALLBACKS, .offset = offsetof(struct conf, callback),
     .doc = "how callbacks are delivered"},
    {CONF_CALLBACK, "timeout", CONF_DURATION, "10s", 10 * MS, H,
     .offset = offsetof(struct conf_callback, timeout),
     .doc = "time for one try, connecting included"},
    {CONF_CALLBACK, "connect_timeout", CONF_DURATION, "5s", 10 * MS, H,
     .offset = offsetof(struct conf_callback, connect_timeout), .doc = "time to connect"},
    {CONF_CALLBACK, "concurrency", CONF_NUMBER, "2000", 1, 10000,
     .offset = offsetof(struct conf_callback, concurrency), .doc = "tries under way at once"},
    {CONF_CALLBACK, "per_host", CONF_NUMBER, "64", 1, 10000,
     .offset = offsetof(struct conf_callback, per_host),
     .doc = "tries under way at once to one scheme, host and port"},
    {CONF_CALLBACK, "per_owner", CONF_NUMBER, "1200", 1, 10000,
     .offset = offsetof(struct conf_callback, per_owner),
     .doc = "tries under way at once for the jobs of one owner"},
    {CONF_CALLBACK, "hold", CONF_DURATION, "15m", 100 * MS, 30 * D,
     .offset = offsetof(struct conf_callback, hold),
     .doc = "how long an admission is kept for a callback that does not succeed"},
    {CONF_CALLBACK, "retry", CONF_DURATIONS, "[0, 5s, 15s, 30s, 1m, 2m, 5m, 5m]", 0, D,
     .doc = "waits before the first try, the second, and so on; as many tries as waits"},
    {CONF_CALLBACK, "requeue", CONF_NUMBER, "0", 0, 100,
     .offset = offsetof(struct conf_callback, requeue),
     .doc = "times that a job whose callback was not accepted goes back to its place in the queue "
            "before it fails"},
    {CONF_CALLBACK, "pause_after", CONF_NUMBER, "10", 1, 1000,
     .offset = offsetof(struct conf_callback, pause_after),
     .doc = "failures in a row after which a receiver is paused"},
    {CONF_CALLBACK, "pause", CONF_DURATION, "30s", 100 * MS, H,
     .offset = offsetof(struct conf_callback, pause),
     .doc =
         "the first pause of a receiver; then one try is made, and when it fails the next pause is "
         "twice as long, up to ten times this"},
    {CONF_CALLBACK, "secret_file", CONF_TEXT, NULL, 1, 4000,
     .offset = offsetof(struct conf_callback, secret_file),
     .doc = "a file with the secrets that sign callbacks, one whsec_… a line; without it callbacks "
            "are not signed"},
    {CONF_CALLBACK, "allow_networks", CONF_NETWORKS, "[]",
     .offset = offsetof(struct conf_callback, networks),
     .doc = "networks that callbacks may reach beside public addresses"},
    {CONF_CALLBACK, "allow_ports", CONF_PORTS, "[80, 443, 1024-65535]",
     .offset = offsetof(struct conf_callback, ports), .doc = "ports that callbacks may reach"},
    {CONF_CALLBACK, "ca_file", CONF_TEXT, NULL, 1, 4000,
     .offset = offsetof(struct conf_callback, ca_file),
     .doc = "the authorities that the certificates of https receivers are checked against, in PEM; "
            "without it the system's"},
    {CONF_CALLBACK, "nameserver", CONF_TEXT, NULL, 1, 64,
     .offset = offsetof(struct conf_callback, nameserver),
     .doc = "the address of the name server that receivers are looked up at, or address:port; "
            "without it the system's"},
    {CONF_TOP, "queues", CONF_QUEUES,
     .doc = "type: queue; the type \"*\" is for all that have no entry of their own"},
    {CONF_QUEUE, "capacity", CONF_WORD, "none", .words = capacities,
     .offset = offsetof(struct conf_queue, capacity),
     .doc =
         "none admits nobody by itself; static counts what the hosts given here have; the others "
         "ask a cloud, a program or a URL"},
    {CONF_QUEUE, "fit", CONF_WORD, "auto", .words = fits,
     .offset = offsetof(struct conf_queue, fit),
     .doc = "pack finds a placement wherever there is one; spread fills the emptiest host first, "
            "as a cloud's own scheduler does; auto is spread for openstack and kubernetes"},
    {CONF_QUEUE, "accounting", CONF_WORD, "auto", .words = accountings,
     .offset = offsetof(struct conf_queue, accounting),
     .doc = "ledger: jobs hold until they end; observed: until the source sees what they use; auto "
            "is observed for openstack and kubernetes"},
    {CONF_QUEUE, "settle", CONF_DURATION, "5m", 0, D,
     .offset = offsetof(struct conf_queue, source.settle),
     .doc = "observed: how long after its callback a job's use is sure to be seen"},
    {CONF_QUEUE, "poll", CONF_DURATION, "5s", 100 * MS, H,
     .offset = offsetof(struct conf_queue, source.poll),
     .doc = "time between readings of the source while jobs wait"},
    {CONF_QUEUE, "timeout", CONF_DURATION, "20s", 100 * MS, 10 * M,
     .offset = offsetof(struct conf_queue, source.timeout),
     .doc = "time for one reading of the source; one that takes longer has failed"},
    {CONF_QUEUE, "max_age", CONF_DURATION, "1m", S, D,
     .offset = offsetof(struct conf_queue, source.max_age),
     .doc = "an older reading is stale and admits nobody"},
    {CONF_QUEUE, "quota", CONF_WORD, "on", .words = switches,
     .offset = offsetof(struct conf_queue, source.quota),
     .doc = "openstack, kubernetes: a job also waits for its project's quota"},
    {CONF_QUEUE, "cloud", CONF_TEXT, NULL, 1, 255,
     .offset = offsetof(struct conf_queue, source.cloud),
     .doc = "openstack: the cloud's name in clouds.yaml; without it OS_CLOUD, or the other OS_* "
            "variables"},
    {CONF_QUEUE, "region", CONF_TEXT, NULL, 1, 255,
     .offset = offsetof(struct conf_queue, source.region),
     .doc = "openstack: the region, where it is not the cloud's own region_name"},
    {CONF_QUEUE, "unnamed_projects", CONF_WORD, "shared", .words = unnamed,
     .offset = offsetof(struct conf_queue, source.unnamed_projects),
     .doc = "openstack: projects that no aggregate names get the hosts that no aggregate isolates, "
            "all hosts, or none"},
    {CONF_QUEUE, "kubeconfig", CONF_TEXT, NULL, 1, 4000,
     .offset = offsetof(struct conf_queue, source.kubeconfig),
     .doc = "kubernetes: the file; without it KUBECONFIG, ~/.kube/config or the pod's service "
            "account"},
    {CONF_QUEUE, "context", CONF_TEXT, NULL, 1, 255,
     .offset = offsetof(struct conf_queue, source.context),
     .doc = "kubernetes: the context; without it the file's current-context"},
    {CONF_QUEUE, "pool_label", CONF_TEXT, NULL, 1, 317,
     .offset = offsetof(struct conf_queue, source.pool_label),
     .doc = "kubernetes: a node label whose values are the pools; without it the cluster is one "
            "pool"},
    {CONF_QUEUE, "program", CONF_TEXTS, NULL, 1, 4000,
     .doc = "exec: the program's absolute path, and what it is given"},
    {CONF_QUEUE, "url", CONF_URL, NULL, 1, 2048, .offset = offsetof(struct conf_queue, source.url),
     .doc = "http: where the hosts are read"},
    {CONF_QUEUE, "token_file", CONF_TEXT, NULL, 1, 4000,
     .offset = offsetof(struct conf_queue, source.token_file),
     .doc = "http: a file with the bearer token"},
    {CONF_QUEUE, "overtake", CONF_DURATION, "1h", 0, 3650 * D, forever,
     .offset = offsetof(struct conf_queue, overtake),
     .doc = "how long jobs may pass one that waits and does not fit; 0 is strict order"},
    {CONF_QUEUE, "callback_base", CONF_URL, NULL, 1, 2048,
     .offset = offsetof(struct conf_queue, callback_base),
     .doc = "what a relative callback resolves against; without it such a callback is refused"},
    {CONF_QUEUE, "secret_file", CONF_TEXT, NULL, 1, 4000,
     .offset = offsetof(struct conf_queue, secret_file),
     .doc = "the secrets of this queue's callbacks, in place of callback.secret_file"},
    {CONF_QUEUE, "allow_networks", CONF_QUEUE_NETWORKS,
     .doc = "the networks for this queue's callbacks, in place of callback.allow_networks"},
    {CONF_QUEUE, "run_limit", CONF_NUMBER, "0", 0, 1000000000,
     .offset = offsetof(struct conf_queue, run_limit),
     .doc = "jobs that may be admitted or running at once; 0 is any number"},
    {CONF_QUEUE, "pools", CONF_POOLS, .doc = "name: pool; hosts that serve the same projects"},
    {CONF_POOL, "projects", CONF_PROJECTS, .offset = offsetof(struct conf_pool_in, pool),
     .doc = "the projects that the pool serves; none: those that no other pool names"},
    {CONF_POOL, "aggregate", CONF_TEXT, NULL, 1, 255,
     .offset = offsetof(struct conf_pool_in, pool.aggregate),
     .doc = "openstack: the uuid of the host aggregate, where the aggregates may not be read"},
    {CONF_POOL, "hosts", CONF_HOSTS, .offset = offsetof(struct conf_pool_in, hosts),
     .doc = "name: what the host has; {} when another pool of the queue says it"},
    {CONF_HOST, "<resource>", CONF_AMOUNT, NULL, 0, NUM_SAFE_MAX,
     .doc = "how much of it; in the queue kube a Kubernetes quantity, and 110 pods unless given"},
};

/* What stands before a section's keys in the documentation. */
static const char *const prefixes[CONF_SECTIONS] = {
    [CONF_TOP] = "",
    [CONF_CALLBACK] = "callback.",
    [CONF_OWNER] = "owner.",
    [CONF_RETENTION] = "retention.",
    [CONF_KEYSTONE] = "keystone.",
    [CONF_QUEUE] = "queues.<type>.",
    [CONF_POOL] = "queues.<type>.pools.<name>.",
    [CONF_HOST] = "queues.<type>.pools.<name>.hosts.<name>.",
};

static int read_mapping(struct conf_in *in, const struct yaml_node *value,
                        const struct conf_key *key, void *field)
{
    static const enum conf_section sections[CONF_TYPES] = {
        [CONF_CALLBACKS] = CONF_CALLBACK,
        [CONF_OWNERS] = CONF_OWNER,
        [CONF_RETENTIONS] = CONF_RETENTION,
        [CONF_KEYSTONES] = CONF_KEYSTONE,
    };

    return conf_read_section(in, sections[key->type], value, field);
}

static const struct {
    const char *word;
    conf_read_fn *read;
} types[CONF_TYPES] = {
    [CONF_TEXT] = {"text", conf_read_text},
    [CONF_WORD] = {"word", conf_read_word},
    [CONF_NUMBER] = {"number", conf_read_number},
    [CONF_SIZE] = {"size", conf_read_size},
    [CONF_DURATION] = {"duration", conf_read_duration},
    [CONF_DURATIONS] = {"list of durations", conf_read_durations},
    [CONF_URL] = {"URL", conf_read_url},
    [CONF_TEXTS] = {"list of texts", conf_read_texts},
    [CONF_NAMES] = {"list of texts", conf_read_names},
    [CONF_NETWORKS] = {"list of networks", conf_read_networks},
    [CONF_QUEUE_NETWORKS] = {"list of networks", conf_read_queue_networks},
    [CONF_PORTS] = {"list of ports", conf_read_ports},
    [CONF_CALLBACKS] = {"mapping", read_mapping},
    [CONF_OWNERS] = {"mapping", read_mapping},
    [CONF_RETENTIONS] = {"mapping", read_mapping},
    [CONF_KEYSTONES] = {"mapping", read_mapping},
    [CONF_QUEUES] = {"mapping", conf_read_queues},
    [CONF_POOLS] = {"mapping", conf_read_pools},
    [CONF_PROJECTS] = {"list of texts", conf_read_projects},
    [CONF_HOSTS] = {"mapping", conf_keep_hosts},
    [CONF_AMOUNT] = {"amount", NULL}, /* conf_hosts.c reads these */
};

static int read_key(struct conf_in *in, const struct conf_key *key, const struct yaml_node *value,
                    void *base)
{
    return types[key->type].read(in, value, key, (char *)base + key->offset);
}

/* How many letters must be changed, added or taken out to make b of a (Levenshtein); neither is
 * longer than GUESS_BYTES_MAX. */
static size_t distance(struct str a, struct str b)
{
    size_t row[GUESS_BYTES_MAX + 1], i, j, diagonal, best;

    for (j = 0; j <= b.n; j++)
        row[j] = j;
    for (i = 0; i < a.n; i++) {
        diagonal = row[0];
        row[0] = i + 1;
        for (j = 0; j < b.n; j++) {
            best = diagonal + (a.p[i] != b.p[j]);
            diagonal = row[j + 1];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j + 1] = diagonal + 1 < best ? diagonal + 1 : best;
        }
    }
    return row[b.n];
}

/* The key that was probably meant: the nearest one, of this section rather than of another. NULL:
 * none is near. */
static const struct conf_key *guess(enum conf_section section, struct str name)
{
    const struct conf_key *best = NULL;
    size_t i, cost, least = SIZE_MAX;

    if (name.n > GUESS_BYTES_MAX)
        return NULL;
    for (i = 0; i < ARRAY_LEN(keys); i++) {
        cost = distance(name, str_of(keys[i].name));
        if (cost > (name.n + 1) / 3 || keys[i].section == CONF_HOST)
            continue;
        cost = 2 * cost + (keys[i].section != section);
        if (cost < least) {
            least = cost;
            best = &keys[i];
        }
    }
    return best;
}

static int unknown_key(struct conf_in *in, enum conf_section section, const struct yaml_node *name)
{
    const struct conf_key *near = guess(section, name->scalar);

    if (!near)
        return conf_fail(in, name, "there is no such key");
    return conf_fail(in, name, "there is no such key; did you mean %s%s?",
                     near->section == section ? "" : prefixes[near->section], near->name);
}

static const struct conf_key *find_key(enum conf_section section, struct str name)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].section == section && str_is(name, keys[i].name))
            return &keys[i];
    }
    return NULL;
}

int conf_read_section(struct conf_in *in, enum conf_section section, const struct yaml_node *map,
                      void *base)
{
    const struct yaml_node *name;
    const struct conf_key *key;
    size_t i;

    if (conf_need(in, map, YAML_MAP) != 0)
        return -1;
    for (i = 0; i < map->n; i++) {
        name = map->item[2 * i];
        conf_enter(in, name->scalar);
        key = find_key(section, name->scalar);
        if (!key)
            return unknown_key(in, section, name);
        if (read_key(in, key, map->item[2 * i + 1], base) != 0)
            return -1;
        conf_leave(in);
    }
    return 0;
}

int conf_preset(struct conf_in *in, enum conf_section section, void *base)
{
    struct yaml_doc *doc;
    size_t i;
    int failed = 0;

    for (i = 0; i < ARRAY_LEN(keys) && !failed; i++) {
        if (keys[i].section != section || !keys[i].preset)
            continue;
        if (yaml_parse(str_of(keys[i].preset), "default", &doc, in->e) != 0)
            return -1;
        failed = read_key(in, &keys[i], yaml_root(doc), base);
        yaml_doc_free(doc);
    }
    return failed;
}

const char *conf_capacity_word(enum conf_capacity capacity)
{
    return capacities[capacity];
}

const char *conf_fit_word(enum conf_fit fit)
{
    return fits[fit];
}

void conf_write_keys(struct buf *b)
{
    const struct conf_key *key;

    for (key = keys; key < keys + ARRAY_LEN(keys); key++) {
        buf_printf(b, "%s%s\t%s\t%s\t", prefixes[key->section], key->name, types[key->type].word,
                   key->preset ? key->preset : "-");
        conf_write_range(b, key);
        buf_printf(b, "\t%s\n", key->doc);
    }
}
