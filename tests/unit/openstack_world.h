/* SPDX-License-Identifier: MIT */
/* The world of a test of the OpenStack source: a server in a thread that is Keystone, Placement and
 * Nova, a directory, a configuration and a source that reads. */
#ifndef AR_OPENSTACK_WORLD_H
#define AR_OPENSTACK_WORLD_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "openstack_case.h"
#include "openstack_server.h"

static struct world {
    char directory[64];
    struct server server;
    char token[2048]; /* Keystone's answer */
    struct conf *conf;
    struct source *source;
    struct arena *arena;
    struct source_reading r;
    struct buf text;
} w;

/* ---- the services ---- */

#define TOKENS     "POST /v3/auth/tokens "
#define AGGREGATES "GET /nova/v2.1/os-aggregates "
#define ENABLED    "required=!COMPUTE_STATUS_DISABLED"
#define CANDIDATES "GET /placement/allocation_candidates?resources=MEMORY_MB:1&" ENABLED
#define WITH_DISK  "GET /placement/allocation_candidates?resources=MEMORY_MB:1,DISK_GB:1&" ENABLED
#define LISTING    "GET /placement/resource_providers?" ENABLED ",!MISC_SHARES_VIA_AGGREGATE"
#define GOLD       "&member_of=agg1 "
#define OTHERS     "&member_of=!in:agg1 "

#define HYPERVISORS       "GET /nova/v2.1/os-hypervisors"
#define SEEN(uuid, state) "{\"id\":\"" uuid "\",\"state\":\"" state "\",\"status\":\"enabled\"}"
#define STATES(list)      "{\"hypervisors\":[" list "]}"
#define MEMBER(uuid, name)                                                                         \
    "{\"uuid\":\"" uuid "\",\"name\":\"" name "\",\"root_provider_uuid\":\"" uuid "\"}"
#define MEMBERS(list) "{\"resource_providers\":[" list "]}"
#define VCPU(used)    "\"VCPU\":{\"capacity\":40,\"used\":" used "}"
#define PCPU(used)    "\"PCPU\":{\"capacity\":8,\"used\":" used "}"
#define DISK          ",\"DISK_GB\":{\"capacity\":9,\"used\":0}"
#define PROVIDER(uuid, resources)                                                                  \
    "\"" uuid "\":{\"resources\":{" resources "},\"traits\":[],\"root_provider_uuid\":\"" uuid "\"}"
#define HOST(uuid, used) PROVIDER(uuid, VCPU(used) DISK)
#define FOUND(members)   "{\"provider_summaries\":{" members "}}"
#define UNAUTHORIZED     "{\"error\":{\"message\":\"It requires authentication.\"}}"

/* A rule that counts before those that are there. */
static inline void rule(const char *line, int status, const char *head, const char *body, int times)
{
    struct server *s = &w.server;

    (void)pthread_mutex_lock(&s->lock);
    assert_true(s->rules < SERVER_RULES_MAX);
    memmove(s->rule + 1, s->rule, s->rules++ * sizeof *s->rule);
    s->rule[0] = (struct server_rule){line, status, head, body, times};
    (void)pthread_mutex_unlock(&s->lock);
}

/* Takes the newest rule away again. */
static inline void drop_rule(void)
{
    struct server *s = &w.server;

    (void)pthread_mutex_lock(&s->lock);
    memmove(s->rule, s->rule + 1, --s->rules * sizeof *s->rule);
    (void)pthread_mutex_unlock(&s->lock);
}

/* Forgets what was asked. */
static inline void forget_requests(void)
{
    (void)pthread_mutex_lock(&w.server.lock);
    buf_reset(&w.server.log);
    (void)pthread_mutex_unlock(&w.server.lock);
}

/* Two hosts in the aggregate and one outside. */
static inline void usual_rules(void)
{
    rule(TOKENS, 201, "X-Subject-Token: tok1\r\n", w.token, 0);
    rule(AGGREGATES, 200, NULL,
         "{\"aggregates\":[{\"name\":\"gold\",\"uuid\":\"agg1\",\"metadata\":"
         "{\"filter_tenant_id\":\"p1\"}}]}",
         0);
    rule(CANDIDATES GOLD, 200, NULL, FOUND(HOST("u1", "4") "," HOST("u2", "0")), 0);
    rule(CANDIDATES OTHERS, 200, NULL, FOUND(HOST("u3", "0")), 0);
    rule(LISTING GOLD, 200, NULL, MEMBERS(MEMBER("u1", "one") "," MEMBER("u2", "two")), 0);
    rule(LISTING OTHERS, 200, NULL, MEMBERS(MEMBER("u3", "three")), 0);
    rule(HYPERVISORS " ", 200, NULL, STATES(SEEN("u1", "up") "," SEEN("u3", "up")), 0);
}

#define USUAL                                                                                      \
    "one: Disk 0/9, VCPU 4/40\n"                                                                   \
    "three: Disk 0/9, VCPU 0/40\n"                                                                 \
    "two: Disk 0/9, VCPU 0/40\n"                                                                   \
    "pool gold closed: for p1 one two\n"                                                           \
    "pool * open: three\n"

/* ---- the source ---- */

static inline void configure(const char *queue)
{
    struct buf b = BUF_INIT(4096);
    struct err e;

    conf_free(w.conf);
    buf_printf(&b, "database: %s/anteroom.db\nqueues:\n  vm:\n    capacity: openstack\n%s",
               w.directory, queue);
    if (conf_parse(buf_span(&b), "test", &w.conf, &e) != 0)
        fail_msg("%s", e.text);
    buf_free(&b);
}

/* As a new run of the dispatcher would. */
static inline void open_source(void)
{
    struct err e;

    source_close(w.source);
    w.source = NULL;
    assert_int_equal(source_open(w.conf, conf_queue(w.conf, STR_LIT("vm")), &w.source, &e), 0);
}

static inline const struct until *soon(void)
{
    static struct until until;

    until.at = clock_mono() + 60 * NS_PER_S;
    return &until;
}

static inline void read_source(void)
{
    arena_free(w.arena);
    w.arena = arena_new(SOURCE_MEMORY_MAX);
    w.r = (struct source_reading){.queue = conf_queue(w.conf, STR_LIT("vm")), .arena = w.arena};
    forget_requests();
    source_read(w.source, (struct str){0}, soon(), &w.r);
}

static inline const char *reads(void)
{
    read_source();
    if (w.r.state != SOURCE_GOOD)
        fail_msg("%s", w.r.error);
    return reading_text(&w.text, &w.r);
}

static inline const char *fails(void)
{
    read_source();
    assert_int_equal(w.r.state, SOURCE_FAILED);
    assert_null(strstr(w.r.error, "s3cret"));
    return w.r.error;
}

/* How many requests had this in their line. */
static inline size_t asked(const char *what)
{
    const char *at;
    size_t n = 0;

    (void)pthread_mutex_lock(&w.server.lock);
    for (at = w.server.log.len ? w.server.log.data : ""; (at = strstr(at, what)); at++)
        n++;
    (void)pthread_mutex_unlock(&w.server.lock);
    return n;
}

static inline size_t asked_in_all(void)
{
    return asked("\n");
}

static inline int setup(void **state)
{
    char port[64];

    (void)state;
    (void)snprintf(w.directory, sizeof w.directory, "/tmp/test_openstack.XXXXXX");
    assert_non_null(mkdtemp(w.directory));
    server_begin(&w.server);
    (void)snprintf(port, sizeof port, "http://127.0.0.1:%u", w.server.port);
    (void)snprintf(w.token, sizeof w.token,
                   "{\"token\":{\"issued_at\":\"2026-11-23T08:00:00Z\",\"expires_at\":"
                   "\"2026-11-23T09:00:00Z\",\"user\":{\"name\":\"cap\"},\"roles\":[{\"name\":"
                   "\"admin\"}],\"project\":{\"name\":\"ours\",\"id\":\"own1\"},\"catalog\":["
                   "{\"type\":\"placement\",\"endpoints\":[{\"interface\":\"public\",\"region_id\":"
                   "\"R\",\"url\":\"%s/placement\"}]},{\"type\":\"compute\",\"endpoints\":["
                   "{\"interface\":\"public\",\"region_id\":\"R\",\"url\":\"%s/nova/v2.1/\"}]}]}}",
                   port, port);
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv("OS_AUTH_URL", port, 1), 0);
    assert_int_equal(setenv("OS_USERNAME", "cap", 1), 0);
    assert_int_equal(setenv("OS_PASSWORD", "s3cret", 1), 0);
    assert_int_equal(setenv("OS_PROJECT_NAME", "ours", 1), 0);
    w.text = BUF_INIT(65536);
    usual_rules();
    configure("");
    open_source();
    return 0;
}

/* Calls fn for each file that is kept whose name begins so. */
static inline size_t each_kept(const char *name, void (*fn)(int directory, const char *name))
{
    DIR *d = opendir(w.directory);
    struct dirent *entry;
    size_t n = 0;

    assert_non_null(d);
    while ((entry = readdir(d))) {
        if (entry->d_name[0] == '.' || strncmp(entry->d_name, name, strlen(name)) != 0)
            continue;
        n++;
        if (fn)
            fn(dirfd(d), entry->d_name);
    }
    (void)closedir(d);
    return n;
}

static inline void remove_file(int directory, const char *name)
{
    (void)unlinkat(directory, name, 0);
}

static inline int teardown(void **state)
{
    (void)state;
    (void)each_kept("", remove_file);
    assert_int_equal(rmdir(w.directory), 0);
    source_close(w.source);
    w.source = NULL;
    arena_free(w.arena);
    w.arena = NULL;
    conf_free(w.conf);
    w.conf = NULL;
    buf_free(&w.text);
    server_end(&w.server);
    return 0;
}

#endif
