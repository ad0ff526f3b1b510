/* SPDX-License-Identifier: MIT */
/*
 * OpenStack as a source of capacity: pools from Nova's host aggregates, hosts from Placement,
 * quotas from Nova. In the steady state a reading is one request for the aggregates, one for each
 * pool, and one for which hosts are down.
 *
 * The credentials are read before the first reading, and again after one that failed: what was
 * wrong with them may have been put right.
 */
#include "digest.h"
#include "files.h"
#include "openstack_aggregates.h"
#include "openstack_down.h"
#include "openstack_kinds.h"
#include "openstack_quota.h"
#include "openstack_reading.h"

#include "log.h"

enum { KEEP_CONNECTIONS = 16, PATH_BYTES_MAX = 8192, HASH_SHOWN = 8, ABOUT_MAX = 2048 };

struct openstack {
    const struct conf_queue *queue;
    struct str directory; /* of what is kept */
    struct httpc *http;
    struct cloud *cloud; /* NULL: not read; then all that follows is nothing either */
    struct keystone *keystone;
    struct openstack_known *known;
    struct buf path; /* where what is known is kept */
    uint64_t kept;   /* hash of what the file holds; 0: not known */
    struct openstack_api api;
    bool limits_only;
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading OpenStack");
}

/* ---- opening and closing ---- */

static struct str directory_of(struct str file)
{
    const char *slash = memrchr(file.p, '/', file.n);

    if (!slash)
        return STR_LIT(".");
    return slash == file.p ? STR_LIT("/") : (struct str){file.p, (size_t)(slash - file.p)};
}

static int openstack_open(const struct conf *conf, const struct conf_queue *queue, void **ctx,
                          struct err *e)
{
    struct openstack *o = calloc(1, sizeof *o);

    if (!o)
        return no_memory(e);
    if (httpc_open(KEEP_CONNECTIONS, &o->http, e) != 0) {
        free(o);
        return -1;
    }
    o->queue = queue;
    o->directory = directory_of(conf->database);
    o->path = BUF_INIT(PATH_BYTES_MAX);
    *ctx = o;
    return 0;
}

static void forget(struct openstack *o)
{
    keystone_close(o->keystone);
    openstack_known_free(o->known);
    cloud_free(o->cloud);
    buf_free(&o->path);
    o->keystone = NULL;
    o->known = NULL;
    o->cloud = NULL;
    o->kept = 0;
    o->limits_only = false;
}

static void openstack_close(void *ctx)
{
    struct openstack *o = ctx;

    forget(o);
    httpc_close(o->http);
    free(o);
}

/* ---- what is kept between runs ---- */

/* Per queue: two queues of one cloud may have other pools. */
static int name_file(struct openstack *o, struct err *e)
{
    unsigned char digest[DIGEST_SHA256];
    struct buf text = BUF_INIT(PATH_BYTES_MAX);
    struct str identity = keystone_identity(o->keystone);
    size_t i;
    int failed;

    buf_printf(&text, "%.*s\n%.*s", (int)identity.n, identity.p, (int)o->queue->type.n,
               o->queue->type.p);
    failed =
        buf_check(&text, "a file's name", e) != 0 || digest_sha256(buf_span(&text), digest, e) != 0;
    buf_free(&text);
    buf_printf(&o->path, "%.*s/placement-", (int)o->directory.n, o->directory.p);
    for (i = 0; i < HASH_SHOWN && !failed; i++)
        buf_printf(&o->path, "%02x", digest[i]);
    buf_str(&o->path, ".json");
    return failed ? -1 : buf_check(&o->path, "a file's name", e);
}

static int load(struct openstack *o, struct err *e)
{
    struct buf b = BUF_INIT(JSON_TEXT_MAX);

    if (files_kept(o->path.data, &b))
        o->known = openstack_known_parse(buf_span(&b));
    if (o->known)
        o->kept = intern_hash(1, buf_span(&b));
    buf_free(&b);
    if (!o->known)
        o->known = openstack_known_new();
    return o->known ? 0 : no_memory(e);
}

/* What cannot be kept is asked again by the next run. */
static void save(struct openstack *o)
{
    struct buf b = BUF_INIT(JSON_TEXT_MAX);
    char quoted[LOG_QUOTE_MAX];
    uint64_t hash;
    struct err e;

    openstack_known_write(o->known, &b);
    hash = intern_hash(1, buf_span(&b));
    if (hash == o->kept) {
        buf_free(&b);
        return;
    }
    if (buf_check(&b, "what is known of a cloud", &e) != 0 ||
        files_keep(o->path.data, buf_span(&b), &e) != 0)
        log_warn("hosts_not_kept", "error=%s", log_quote(quoted, e.text));
    o->kept = hash;
    buf_free(&b);
}

static int prepare(struct openstack *o, struct err *e)
{
    if (o->cloud)
        return 0;
    if (cloud_find(&o->queue->source, &o->cloud, e) != 0 ||
        keystone_open(o->cloud, o->directory, &o->keystone, e) != 0 || name_file(o, e) != 0)
        return -1;
    o->api = (struct openstack_api){.cloud = o->cloud, .keystone = o->keystone, .http = o->http};
    return load(o, e);
}

/* ---- reading ---- */

static int write_about(const struct openstack *o, struct str unknown, struct source_reading *r,
                       struct err *e)
{
    const struct keystone_token *t = o->api.token;
    const char *host = strstr(o->cloud->auth_url.p, "://") + 3;
    struct buf b = BUF_INIT(ABOUT_MAX);
    int failed;

    buf_printf(&b, "Keystone 3 at %.*s, Placement 1.%lld", (int)strcspn(host, "/"), host,
               (long long)o->api.placement);
    if (o->queue->pools == 0)
        buf_str(&b, ", Nova 2.41");
    buf_printf(&b, ", as user %s (%s) in ", t->user.p, t->roles.p ? t->roles.p : "no role");
    if (t->project.p)
        buf_printf(&b, "project %s", t->project.p);
    else
        buf_str(&b, "the system");
    if (unknown.p)
        buf_printf(&b, "; a host that is down counts as free: %.*s", (int)unknown.n, unknown.p);
    failed = buf_check(&b, "a description", e);
    if (!failed && arena_copy(r->arena, buf_span(&b), &r->about) != 0)
        failed = no_memory(e);
    buf_free(&b);
    return failed;
}

/* The version to begin with: what Placement knew last time, unless that is too old for what is
 * asked now, since it may have been renewed. */
static int64_t first_version(const struct openstack *o, const struct openstack_pools *pools)
{
    int64_t needed = *pools->others ? OPENSTACK_PLACEMENT_NOT_IN : OPENSTACK_PLACEMENT_LEAST;

    return o->known->placement >= needed && o->known->placement < OPENSTACK_PLACEMENT_BEST
               ? o->known->placement
               : OPENSTACK_PLACEMENT_BEST;
}

static int read_hosts(struct openstack *o, const struct openstack_pools *pools,
                      struct openstack_down *down, struct source_reading *r, struct err *e)
{
    struct openstack_answer *answer = arena_array(r->arena, pools->n, sizeof *answer);
    struct intern texts = {.arena = r->arena};
    struct openstack_known *next;
    int64_t now = clock_now();
    int failed;

    if (!answer)
        return no_memory(e);
    o->api.placement = first_version(o, pools);
    failed = openstack_placement_ask(&o->api, pools, o->known, now, &texts, answer, e) != 0 ||
             openstack_down_ask(&o->api, down, e) != 0;
    if (!failed) {
        openstack_placement_mark(answer, pools->n, &down->uuid);
        failed = openstack_reading_make(pools, answer, o->known, now, r, &next, e);
    }
    intern_free(&texts);
    if (failed)
        return -1;
    next->placement = o->api.placement;
    openstack_known_free(o->known);
    o->known = next;
    save(o);
    return 0;
}

static int read_all(struct openstack *o, const struct until *until, struct source_reading *r,
                    struct err *e)
{
    struct openstack_pools pools = {0};
    struct openstack_down down = {.uuid.arena = r->arena};
    int failed;

    if (prepare(o, e) != 0)
        return -1;
    openstack_api_begin(&o->api, until);
    failed = openstack_aggregates_ask(&o->api, o->queue, r->arena, &pools, e) != 0 ||
             read_hosts(o, &pools, &down, r, e) != 0;
    intern_free(&down.uuid);
    if (failed)
        return -1;
    r->gate = o->queue->source.quota == CONF_ON ? SOURCE_QUOTAS_ASKED : SOURCE_NO_QUOTA;
    return write_about(o, down.unknown, r, e);
}

static int openstack_read(void *ctx, struct str waiting, const struct until *until,
                          struct source_reading *r, struct err *e)
{
    struct openstack *o = ctx;

    (void)waiting;
    if (read_all(o, until, r, e) == 0)
        return 0;
    forget(o);
    return -1;
}

static int openstack_more(void *ctx, const struct source_question *q, size_t n,
                          const struct until *until, struct source_reading *r, struct err *e)
{
    struct openstack *o = ctx;

    if (!o->cloud)
        return err_set(e, ERR_INTERNAL, "OpenStack is asked for more before it was read");
    openstack_api_begin(&o->api, until);
    if (openstack_quota_ask(&o->api, q, n, &o->limits_only, r, e) == 0 &&
        openstack_kinds_ask(&o->api, q, n, o->known, r, e) == 0)
        return 0;
    forget(o);
    return -1;
}

const struct source_kind source_openstack = {
    .word = "openstack",
    .waits = true,
    .open = openstack_open,
    .read = openstack_read,
    .more = openstack_more,
    .close = openstack_close,
};
