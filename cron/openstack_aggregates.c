/* SPDX-License-Identifier: MIT */
/* Pools: from Nova's host aggregates, or from the configuration. */
#include "openstack_aggregates.h"

#include "answer.h"
#include "openstack_words.h"

/* OTHERS_MAX: what fits into a request whatever web server it goes through: 110 uuids. */
enum { OTHERS_MAX = 4096, OTHERS_ROOM = 1 << 20 };

static const char isolates[] = "filter_tenant_id";

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading the host aggregates");
}

/* ---- projects ---- */

static struct str trim(struct str text)
{
    while (text.n && strchr(" \t\r\n", text.p[0])) {
        text.p++;
        text.n--;
    }
    while (text.n && strchr(" \t\r\n", text.p[text.n - 1]))
        text.n--;
    return text;
}

/* Takes what stands before the next comma off the text. */
static struct str take_item(struct str *text)
{
    const char *comma = memchr(text->p, ',', text->n);
    struct str item = {text->p, comma ? (size_t)(comma - text->p) : text->n};

    text->p += item.n + (comma != NULL);
    text->n -= item.n + (comma != NULL);
    return trim(item);
}

/* The value of a key that isolates; absent: the key does not. */
static int isolating(const struct json_iter *it, struct str *value, struct err *e)
{
    *value = (struct str){0};
    if (it->name.n < strlen(isolates) || memcmp(it->name.p, isolates, strlen(isolates)) != 0)
        return 0;
    if (json_kind(it->value) != JSON_STRING)
        return err_set(e, ERR_UNAVAILABLE, "metadata.%.*s is %s, not a string",
                       (int)(it->name.n < 64 ? it->name.n : 64), it->name.p,
                       json_kind_word(json_kind(it->value)));
    *value = json_string(it->value);
    return 0;
}

static int read_projects(const json_value *metadata, struct arena *a, struct pool *p, struct err *e)
{
    struct json_iter it = {0};
    struct str value, item;
    size_t room = 0;

    while (json_next(metadata, &it)) {
        if (isolating(&it, &value, e) != 0)
            return -1;
        p->closed = p->closed || value.p;
        room += value.n + 1; /* no more projects than bytes */
    }
    p->project = p->closed ? arena_array(a, room, sizeof *p->project) : NULL;
    if (p->closed && !p->project)
        return no_memory(e);
    for (it = (struct json_iter){0}; json_next(metadata, &it);) {
        if (isolating(&it, &value, e) != 0)
            return -1;
        while (value.n > 0) {
            item = take_item(&value);
            if (item.n && arena_copy(a, item, &p->project[p->projects++]) != 0)
                return no_memory(e);
        }
    }
    return 0;
}

/* ---- aggregates ---- */

static int read_aggregate(const json_value *aggregate, struct arena *a, struct pool *p,
                          struct err *e)
{
    struct str name, uuid;
    json_value *metadata;

    if (answer_text(aggregate, "name", &name, e) != 0 ||
        answer_text(aggregate, "uuid", &uuid, e) != 0 ||
        answer_member(aggregate, "metadata", JSON_OBJECT, &metadata, e) != 0)
        return -1;
    if (str_is(name, "*"))
        return err_set(e, ERR_UNAVAILABLE,
                       "a host aggregate is called *, which stands for the projects that no "
                       "aggregate names");
    if (arena_copy(a, name, &p->name) != 0 || arena_copy(a, uuid, &p->aggregate) != 0)
        return no_memory(e);
    return read_projects(metadata, a, p, e);
}

/* "&member_of=!in:<uuid>,…" of the closed pools; "" if none is, or too many: what Placement then
 * says of their hosts is left aside (isolated). */
static int write_others(struct openstack_pools *pools, struct arena *a, struct err *e)
{
    struct buf b = BUF_INIT(OTHERS_ROOM);
    struct str text = STR_LIT("");
    size_t i;
    int failed;

    for (i = 0; i < pools->n; i++) {
        if (!pools->pool[i].closed)
            continue;
        buf_str(&b, b.len ? "," : "&member_of=!in:");
        openstack_add_encoded(&b, pools->pool[i].aggregate);
    }
    failed = buf_check(&b, "the list of the aggregates that isolate", e);
    if (!failed && b.len && b.len <= OTHERS_MAX && arena_copy(a, buf_span(&b), &text) != 0)
        failed = no_memory(e);
    pools->others = text.p;
    buf_free(&b);
    return failed;
}

int openstack_aggregates_read(const json_value *root, enum conf_unnamed unnamed, struct arena *a,
                              struct openstack_pools *pools, struct err *e)
{
    json_value *list;
    size_t n;

    *pools = (struct openstack_pools){.others = "", .isolated = unnamed != CONF_UNNAMED_ALL};
    if (answer_member(root, "aggregates", JSON_ARRAY, &list, e) != 0)
        return -1;
    n = json_length(list);
    if (n >= SOURCE_POOLS_MAX)
        return err_set(e, ERR_UNAVAILABLE, "there are more than %d host aggregates",
                       SOURCE_POOLS_MAX - 1);
    pools->pool = arena_array(a, n + 1, sizeof *pools->pool);
    if (!pools->pool)
        return no_memory(e);
    for (; pools->n < n; pools->n++) {
        if (read_aggregate(json_at(list, pools->n), a, &pools->pool[pools->n], e) != 0)
            return err_wrap(e, "aggregates[%zu]", pools->n);
    }
    if (unnamed == CONF_UNNAMED_NONE)
        return 0;
    if (unnamed == CONF_UNNAMED_SHARED && write_others(pools, a, e) != 0)
        return -1;
    pools->pool[pools->n++] = (struct pool){.name = STR_LIT("*"), .open = true};
    return 0;
}

/* ---- asking ---- */

struct asking {
    const struct openstack_api *api;
    const struct conf_queue *queue;
    struct arena *arena;
    struct openstack_pools *pools;
};

static int refused(const struct asking *q, const struct openstack_call *call, struct err *e)
{
    int64_t newest;

    if (call->status == 406 && openstack_words_newest(buf_span(&call->body), &newest) == 0)
        return err_set(e, ERR_UNAVAILABLE, "Nova knows up to 2.%lld, and 2.41 is needed",
                       (long long)newest);
    (void)openstack_api_refused(q->api, call, e);
    if (call->status != 403)
        return -1;
    return err_append(e, "; to read the host aggregates needs os_compute_api:os-aggregates:index, "
                         "which the role admin has; without it name them as pools with their "
                         "aggregate in the configuration");
}

static int on_answer(void *ctx, struct openstack_call *call, struct err *e)
{
    struct asking *q = ctx;
    struct json_doc *doc;
    int failed;

    if (call->status != 200)
        return refused(q, call, e);
    if (openstack_api_json(q->api, call, &doc, e) != 0)
        return -1;
    failed = openstack_aggregates_read(json_in_root(doc), q->queue->source.unnamed_projects,
                                       q->arena, q->pools, e);
    if (failed)
        (void)err_wrap(e, "Nova's answer makes no sense");
    json_in_free(doc);
    return failed;
}

static int configured(const struct conf_queue *queue, struct arena *a,
                      struct openstack_pools *pools, struct err *e)
{
    struct pool *p = arena_array(a, queue->pools, sizeof *p);
    size_t i;

    if (!p)
        return no_memory(e);
    for (i = 0; i < queue->pools; i++) {
        const struct pool *from = &queue->pool[i];

        if (!from->aggregate.p)
            return err_set(e, ERR_CONFIG,
                           "the pool %.*s needs an aggregate: the uuid of its hosts'",
                           (int)from->name.n, from->name.p);
        p[i] = (struct pool){.name = from->name,
                             .open = from->open,
                             .closed = from->projects > 0,
                             .projects = from->projects,
                             .project = from->project,
                             .aggregate = from->aggregate};
    }
    *pools = (struct openstack_pools){.n = queue->pools, .pool = p, .others = ""};
    return 0;
}

int openstack_aggregates_ask(struct openstack_api *api, const struct conf_queue *queue,
                             struct arena *a, struct openstack_pools *pools, struct err *e)
{
    struct asking q = {api, queue, a, pools};
    struct openstack_call call = {
        .service = KEYSTONE_COMPUTE, .path = "/os-aggregates", .version = "compute 2.41"};

    if (queue->pools > 0)
        return configured(queue, a, pools, e);
    return openstack_api_run(api, &call, 1, on_answer, &q, e);
}
