/* SPDX-License-Identifier: MIT */
/*
 * What Placement is asked for a reading.
 *
 * Per pool one request, for the hosts on which MEMORY_MB is free: its answer has all amounts of
 * these hosts. It names no processors: each instance takes memory, but some take PCPU and some
 * VCPU, and who asks for VCPU does not hear of hosts that have none, nor of those whose VCPU is
 * used up while their PCPU is not. Hosts without MEMORY_MB, as Ironic's are, are in no answer. A
 * provider that shares its disk is not in it either: where a host has no disk of its own, the pool
 * is asked for once more with DISK_GB.
 *
 * The answer leaves out hosts whose memory is full, and disabled ones, and has uuids instead of
 * names. So a pool's members are listed, which costs one request more,
 * - when a host is in its answer that was not listed as a member of it, or it never was listed;
 * - when fewer hosts are in its answer than in the one before: one has become full, or has left;
 * - at most every LIST_ABSENT, when a member is not in the answer or the answer is empty;
 * - every LIST_ALWAYS.
 * The listing leaves disabled hosts and providers that share out; so between two listings a host
 * that was disabled counts as full, and never as free. It looks at each provider for itself: of the
 * pool without an aggregate only roots count, since it has the children of hosts that it leaves
 * out. In the steady state a pool costs one request.
 */
#include "openstack_placement.h"

#include "answer.h"

#define LIST_ABSENT (600 * NS_PER_S)
#define LIST_ALWAYS (3600 * NS_PER_S)

enum { PATH_BYTES_MAX = 1 << 20 };

static const char free_hosts[] = "/allocation_candidates?resources=MEMORY_MB:1&",
                  free_disk[] = "/allocation_candidates?resources=MEMORY_MB:1,DISK_GB:1&",
                  members[] = "/resource_providers?",
                  enabled[] = "required=!COMPUTE_STATUS_DISABLED",
                  not_shared[] = ",!MISC_SHARES_VIA_AGGREGATE";

struct asking {
    const struct openstack_api *api;
    const struct openstack_pools *pools;
    struct intern *texts;
    struct openstack_answer *answer;
    struct openstack_call *call; /* [pools.n] */
    struct buf *path;            /* [pools.n] */
    struct err *e;
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while asking Placement");
}

struct str openstack_pool_key(const struct pool *pool)
{
    return pool->aggregate.p ? pool->aggregate : STR_LIT("*");
}

/* ---- one kind of request for some of the pools ---- */

static int add_call(struct asking *q, size_t pool, const char *what, size_t *calls)
{
    const struct pool *p = &q->pools->pool[pool];
    struct openstack_call *call = &q->call[*calls];
    struct buf *b = &q->path[*calls];

    *call = (struct openstack_call){
        .service = KEYSTONE_PLACEMENT, .needed = OPENSTACK_PLACEMENT_LEAST, .tag = pool};
    buf_reset(b);
    buf_printf(b, "%s%s%s", what, enabled, what == members ? not_shared : "");
    if (p->aggregate.p) {
        buf_str(b, "&member_of=");
        openstack_add_encoded(b, p->aggregate);
    } else if (*q->pools->others) {
        buf_str(b, q->pools->others);
        call->needed = OPENSTACK_PLACEMENT_NOT_IN;
        call->needed_for = "the hosts that no aggregate isolates (or unnamed_projects: none)";
    }
    call->path = b->data;
    ++*calls;
    return buf_check(b, "a request to Placement", q->e);
}

static int on_found(void *ctx, struct openstack_call *call, struct err *e)
{
    struct asking *q = ctx;
    struct openstack_answer *a = &q->answer[call->tag];
    bool first = strncmp(call->path, free_disk, strlen(free_disk)) != 0;
    struct json_doc *doc;
    int failed;

    if (openstack_api_json(q->api, call, &doc, e) != 0)
        return -1;
    failed =
        openstack_candidates(json_in_root(doc), q->texts, first ? &a->found : &a->with_disk, e);
    json_in_free(doc);
    return failed;
}

/* ---- listings ---- */

static int keep(struct intern *texts, struct str text, struct str *kept, struct err *e)
{
    size_t i = intern_add(texts, text);

    if (i == INTERN_NONE)
        return no_memory(e);
    *kept = texts->text[i];
    return 0;
}

static int read_member(struct asking *q, const json_value *provider, struct openstack_member *m,
                       struct err *e)
{
    struct str uuid, root, name;

    if (answer_text(provider, "uuid", &uuid, e) != 0 ||
        answer_text(provider, "name", &name, e) != 0 ||
        answer_text(provider, "root_provider_uuid", &root, e) != 0 ||
        keep(q->texts, root, &m->uuid, e) != 0)
        return -1;
    return str_eq(uuid, root) ? keep(q->texts, name, &m->name, e) : 0;
}

/* Of one host, the entry with the name first. */
static int compare_members(const void *a, const void *b)
{
    const struct openstack_member *x = a, *y = b;
    int order = str_cmp(x->uuid, y->uuid);

    return order ? order : (x->name.p == NULL) - (y->name.p == NULL);
}

/* A child counts for its root only where an aggregate has it. */
static int read_members(struct asking *q, const json_value *root, bool aggregate,
                        struct openstack_answer *a, struct err *e)
{
    json_value *list;
    size_t i, read = 0, n = 0;

    if (answer_member(root, "resource_providers", JSON_ARRAY, &list, e) != 0)
        return -1;
    a->member = arena_array(q->texts->arena, json_length(list), sizeof *a->member);
    if (!a->member)
        return no_memory(e);
    for (i = 0; i < json_length(list); i++) {
        if (read_member(q, json_at(list, i), &a->member[read], e) != 0)
            return err_wrap(e, "resource_providers[%zu]", i);
        read += aggregate || a->member[read].name.p;
    }
    qsort(a->member, read, sizeof *a->member, compare_members);
    for (i = 0; i < read; i++) {
        if (i == 0 || !str_eq(a->member[i].uuid, a->member[n - 1].uuid))
            a->member[n++] = a->member[i];
    }
    a->members = n;
    a->listed = true;
    return 0;
}

static int on_listed(void *ctx, struct openstack_call *call, struct err *e)
{
    struct asking *q = ctx;
    struct json_doc *doc;
    int failed;

    if (openstack_api_json(q->api, call, &doc, e) != 0)
        return -1;
    failed = read_members(q, json_in_root(doc), q->pools->pool[call->tag].aggregate.p,
                          &q->answer[call->tag], e);
    if (failed)
        (void)err_wrap(e, "Placement's answer makes no sense");
    json_in_free(doc);
    return failed;
}

/* ---- which pools ---- */

static bool always(const struct asking *q, const struct openstack_known *known, size_t pool,
                   int64_t now)
{
    (void)q;
    (void)known;
    (void)pool;
    (void)now;
    return true;
}

static bool lacks_disk(const struct asking *q, const struct openstack_known *known, size_t pool,
                       int64_t now)
{
    const struct openstack_candidates *c = &q->answer[pool].found;
    const struct openstack_host *h;
    size_t i;

    (void)known;
    (void)now;
    for (h = c->host; h < c->host + c->hosts; h++) {
        for (i = 0; i < h->amounts && !str_is(h->amount[i].resource, "Disk"); i++)
            continue;
        if (i == h->amounts)
            return true;
    }
    return false;
}

/* How many of the pool's known members are in the answer; SIZE_MAX: the answer has one that is not
 * known as a member, or whose name is not known. */
static size_t count_known(const struct openstack_known *known,
                          const struct openstack_known_pool *pool,
                          const struct openstack_candidates *found)
{
    bool *is_member = calloc(known->uuid.n + 1, sizeof *is_member);
    size_t i, at, n = is_member ? 0 : SIZE_MAX;

    for (i = 0; is_member && i < pool->members; i++)
        is_member[pool->member[i]] = true;
    for (i = 0; n != SIZE_MAX && i < found->hosts; i++) {
        at = intern_find(&known->uuid, found->host[i].uuid);
        n = at != INTERN_NONE && is_member[at] && known->host[at].name.p ? n + 1 : SIZE_MAX;
    }
    free(is_member);
    return n;
}

static bool wants_listing(const struct asking *q, const struct openstack_known *known, size_t pool,
                          int64_t now)
{
    const struct openstack_candidates *found = &q->answer[pool].found;
    const struct openstack_known_pool *p =
        openstack_known_pool(known, openstack_pool_key(&q->pools->pool[pool]));
    size_t n = p ? count_known(known, p, found) : SIZE_MAX;
    int64_t age = p ? now - p->listed : 0;
    bool all_there = p && n == p->members && n > 0;

    return n == SIZE_MAX || (int64_t)n < p->there || age < 0 ||
           age > (all_there ? LIST_ALWAYS : LIST_ABSENT);
}

/* ---- the requests of a reading ---- */

static const struct {
    const char *what;
    bool (*wanted)(const struct asking *q, const struct openstack_known *known, size_t pool,
                   int64_t now);
    openstack_done_fn *done;
} steps[] = {
    {free_hosts, always, on_found},
    {free_disk, lacks_disk, on_found},
    {members, wants_listing, on_listed},
};

static int run_steps(struct asking *q, struct openstack_api *api,
                     const struct openstack_known *known, int64_t now)
{
    size_t s, i, calls;

    for (s = 0; s < ARRAY_LEN(steps); s++) {
        for (calls = i = 0; i < q->pools->n; i++) {
            if (steps[s].wanted(q, known, i, now) && add_call(q, i, steps[s].what, &calls) != 0)
                return -1;
        }
        if (openstack_api_run(api, q->call, calls, steps[s].done, q, q->e) != 0)
            return -1;
    }
    return 0;
}

int openstack_placement_ask(struct openstack_api *api, const struct openstack_pools *pools,
                            const struct openstack_known *known, int64_t now, struct intern *texts,
                            struct openstack_answer *answer, struct err *e)
{
    struct asking q = {.api = api, .pools = pools, .texts = texts, .answer = answer, .e = e};
    size_t i;
    int failed;

    q.call = calloc(pools->n + 1, sizeof *q.call);
    q.path = calloc(pools->n + 1, sizeof *q.path);
    for (i = 0; q.path && i < pools->n; i++)
        q.path[i] = BUF_INIT(PATH_BYTES_MAX);
    failed = q.call && q.path ? run_steps(&q, api, known, now) : no_memory(e);
    for (i = 0; q.path && i < pools->n; i++)
        buf_free(&q.path[i]);
    free(q.path);
    free(q.call);
    return failed;
}

void openstack_placement_mark(struct openstack_answer *answer, size_t n, const struct intern *down)
{
    struct openstack_candidates *c;
    size_t i, h;

    for (i = 0; i < n; i++) {
        c = &answer[i].found;
        for (h = 0; h < c->hosts; h++)
            c->host[h].down = intern_find(down, c->host[h].uuid) != INTERN_NONE;
    }
}
