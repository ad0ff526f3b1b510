/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of a cloud, as JSON:
 *   {"placement":36,
 *    "traits":[["COMPUTE_NODE",…],…]
 *    "hosts":{"<uuid>":{"name":"node01","exact":false,"traits":0,"total":{"VCPU":64,…}},…},
 *    "pools":{"<aggregate>":{"listed":<seconds since 1970>,"there":<n>,"hosts":["<uuid>",…]},…}}
 * Hosts mostly have the same traits: each different list stands once, and a host has its index;
 * those that it has perhaps stand in brackets of their own. A
 * host that nothing is known of but its name has no total.
 */
#include "answer.h"
#include "clock.h"
#include "json_out.h"
#include "num.h"
#include "openstack_known.h"

static void write_list(const struct openstack_host *h, struct buf *b)
{
    struct json_out o = JSON_OUT(b);
    size_t i;

    json_open(&o, '[');
    for (i = 0; i < h->labels; i++) {
        if (h->label[i].perhaps)
            json_open(&o, '[');
        json_put_str(&o, h->label[i].key);
        if (h->label[i].perhaps)
            json_close(&o, ']');
    }
    json_close(&o, ']');
}

/* *index = where the host's list of traits stands among the lists. */
static int list_of(struct intern *lists, const struct openstack_host *h, size_t *index)
{
    struct buf b = BUF_INIT(JSON_TEXT_MAX);

    write_list(h, &b);
    *index = b.failed ? INTERN_NONE : intern_add(lists, buf_span(&b));
    buf_free(&b);
    return *index == INTERN_NONE ? -1 : 0;
}

static void write_host(struct json_out *o, const struct openstack_host *h, size_t list)
{
    size_t i;

    json_key_str(o, h->uuid);
    json_open(o, '{');
    json_key(o, "name");
    json_put_str(o, h->name);
    if (h->amounts) {
        json_key(o, "exact");
        json_put_bool(o, h->exact);
        json_key(o, "traits");
        json_put_i64(o, (int64_t)list);
        json_key(o, "total");
        json_open(o, '{');
        for (i = 0; i < h->amounts; i++) {
            json_key_str(o, h->amount[i].resource);
            json_put_i64(o, h->amount[i].total);
        }
        json_close(o, '}');
    }
    json_close(o, '}');
}

static void write_pools(struct json_out *o, const struct openstack_known *k)
{
    const struct openstack_known_pool *p;
    size_t i;

    json_key(o, "pools");
    json_open(o, '{');
    for (p = k->pool; p < k->pool + k->pools; p++) {
        json_key_str(o, p->key);
        json_open(o, '{');
        json_key(o, "listed");
        json_put_i64(o, p->listed / NS_PER_S);
        json_key(o, "there");
        json_put_i64(o, p->there);
        json_key(o, "hosts");
        json_open(o, '[');
        for (i = 0; i < p->members; i++)
            json_put_str(o, k->uuid.text[p->member[i]]);
        json_close(o, ']');
        json_close(o, '}');
    }
    json_close(o, '}');
}

void openstack_known_write(const struct openstack_known *k, struct buf *b)
{
    struct intern lists = {.arena = arena_new(JSON_TEXT_MAX)};
    struct json_out o = JSON_OUT(b);
    size_t i, list;

    json_open(&o, '{');
    json_key(&o, "placement");
    json_put_i64(&o, k->placement);
    json_key(&o, "hosts");
    json_open(&o, '{');
    for (i = 0; i < k->uuid.n; i++) {
        if (!lists.arena || list_of(&lists, &k->host[i], &list) != 0)
            b->failed = b->no_memory = true;
        else
            write_host(&o, &k->host[i], list);
    }
    json_close(&o, '}');
    json_key(&o, "traits");
    json_open(&o, '[');
    for (i = 0; i < lists.n; i++)
        json_put_raw(&o, lists.text[i]);
    json_close(&o, ']');
    write_pools(&o, k);
    json_close(&o, '}');
    intern_free(&lists);
    arena_free(lists.arena);
}

/* ---- back ---- */

static int damaged(struct err *e)
{
    return err_set(e, ERR_UNAVAILABLE, "damaged");
}

static int parse_trait(const json_value *v, struct source_label *label, struct err *e)
{
    bool perhaps = json_kind(v) == JSON_ARRAY && json_length(v) == 1;

    if (perhaps)
        v = json_at(v, 0);
    if (json_kind(v) != JSON_STRING)
        return damaged(e);
    *label = (struct source_label){json_string(v), STR_LIT(""), perhaps};
    return 0;
}

static int parse_traits(struct openstack_known *k, const json_value *lists, const json_value *host,
                        struct openstack_host *h, struct err *e)
{
    const json_value *list;
    int64_t index;
    size_t i;

    if (answer_count(host, "traits", 0, &index, e) != 0)
        return -1;
    if ((size_t)index >= json_length(lists))
        return damaged(e);
    list = json_at(lists, (size_t)index);
    if (json_kind(list) != JSON_ARRAY)
        return damaged(e);
    h->labels = json_length(list);
    h->label = arena_array(k->arena, h->labels, sizeof *h->label);
    for (i = 0; h->label && i < h->labels; i++) {
        if (parse_trait(json_at(list, i), &h->label[i], e) != 0)
            return -1;
        if (i && str_cmp(h->label[i - 1].key, h->label[i].key) >= 0)
            return damaged(e);
    }
    return h->label ? 0 : damaged(e);
}

static int parse_amounts(struct openstack_known *k, const json_value *totals,
                         struct openstack_host *h, struct err *e)
{
    struct json_iter it = {0};
    struct source_amount *a;
    size_t n = 0;

    while (json_next(totals, &it))
        n++;
    a = h->amount = arena_array(k->arena, n, sizeof *h->amount);
    if (!a)
        return damaged(e);
    for (it = (struct json_iter){0}; json_next(totals, &it); h->amounts++, a++) {
        if (json_kind(it.value) != JSON_NUMBER ||
            num_i64(json_number(it.value), 0, NUM_SAFE_MAX, &a->total) != 0 ||
            (h->amounts && str_cmp(a[-1].resource, it.name) >= 0))
            return damaged(e);
        a->resource = it.name;
        a->sure = openstack_sure(a->resource, a->total);
    }
    return 0;
}

static int parse_host(struct openstack_known *k, const json_value *lists, struct str uuid,
                      const json_value *host, struct err *e)
{
    struct openstack_host h = {.uuid = uuid};
    size_t i = openstack_known_add(k, uuid);
    json_value *v;

    if (i == INTERN_NONE || answer_perhaps(host, "name", &h.name, e) != 0)
        return damaged(e);
    if (json_member(host, "total", &v)) {
        if (answer_member(host, "total", JSON_OBJECT, &v, e) != 0 ||
            parse_amounts(k, v, &h, e) != 0 || parse_traits(k, lists, host, &h, e) != 0 ||
            answer_member(host, "exact", JSON_BOOL, &v, e) != 0)
            return -1;
        h.exact = json_bool(v);
    }
    return openstack_known_fill(k, i, &h) == 0 ? 0 : damaged(e);
}

static int parse_pool(struct openstack_known *k, struct str key, const json_value *pool,
                      struct err *e)
{
    struct openstack_known_pool *p;
    json_value *hosts, *host;
    size_t i;

    if (answer_member(pool, "hosts", JSON_ARRAY, &hosts, e) != 0)
        return -1;
    p = openstack_known_add_pool(k, key, json_length(hosts));
    if (!p || answer_count(pool, "listed", 0, &p->listed, e) != 0 ||
        answer_count(pool, "there", 0, &p->there, e) != 0 || p->listed > INT64_MAX / NS_PER_S)
        return damaged(e);
    p->listed *= NS_PER_S;
    for (i = 0; i < json_length(hosts); i++) {
        host = json_at(hosts, i);
        p->member[i] =
            json_kind(host) == JSON_STRING ? intern_find(&k->uuid, json_string(host)) : INTERN_NONE;
        if (p->member[i] == INTERN_NONE)
            return damaged(e);
        p->members++;
    }
    return 0;
}

static int parse(struct openstack_known *k, const json_value *root, struct err *e)
{
    json_value *lists, *hosts, *pools;
    struct json_iter it = {0};

    if (answer_count(root, "placement", 0, &k->placement, e) != 0 ||
        answer_member(root, "traits", JSON_ARRAY, &lists, e) != 0 ||
        answer_member(root, "hosts", JSON_OBJECT, &hosts, e) != 0 ||
        answer_member(root, "pools", JSON_OBJECT, &pools, e) != 0)
        return -1;
    while (json_next(hosts, &it)) {
        if (parse_host(k, lists, it.name, it.value, e) != 0)
            return -1;
    }
    for (it = (struct json_iter){0}; json_next(pools, &it);) {
        if (parse_pool(k, it.name, it.value, e) != 0)
            return -1;
    }
    return 0;
}

struct openstack_known *openstack_known_parse(struct str text)
{
    struct openstack_known *k = openstack_known_new();
    struct json_doc *doc = NULL;
    struct err e;

    if (k && (json_in_parse(text, &doc, &e) != 0 || parse(k, json_in_root(doc), &e) != 0)) {
        openstack_known_free(k);
        k = NULL;
    }
    json_in_free(doc);
    return k;
}
