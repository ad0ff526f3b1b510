/* SPDX-License-Identifier: MIT */
/*
 * What clients send: a line "new TYPE" or "change TYPE", then the body. What is kept of a job reads
 * back as itself: its data, the normal form of its demand, its scope; and all limits hold.
 */
#include "fuzz.h"

#include "demand.h"
#include "job.h"
#include "num.h"

static const char yaml[] =
    "queues:\n"
    "  vm:\n"
    "    capacity: static\n"
    "    callback_base: https://portal.example/c/\n"
    "    pools: {h1: {projects: [p1], hosts: {n1: {VCPU: 64}}}, h2: {hosts: {n2: {VCPU: 8}}}}\n"
    "  kube: {capacity: none, callback_base: 'http://[2001:db8::1]:8080/x?y'}\n"
    "  lab: {capacity: none}\n";

static struct conf *configuration(void)
{
    static struct conf *conf;
    struct err e;

    if (!conf)
        MUST(conf_parse(STR_LIT(yaml), "fuzz", &conf, &e) == 0);
    return conf;
}

static void check_demand(const struct demand *d)
{
    int64_t sum = 0;
    size_t i, a;

    MUST(d->kinds <= DEMAND_KINDS_MAX);
    for (i = 0; i < d->kinds; i++) {
        const struct demand_kind *k = &d->kind[i];

        MUST(k->count >= 1 && k->amounts <= DEMAND_RESOURCES_MAX);
        sum += k->count;
        for (a = 0; a < k->amounts; a++) {
            MUST(k->amount[a].amount >= 1 && k->amount[a].amount <= NUM_SAFE_MAX);
            MUST(a == 0 || str_cmp(k->amount[a - 1].resource, k->amount[a].resource) < 0);
        }
    }
    MUST(sum <= DEMAND_INSTANCES_MAX);
}

/* The normal form of the normal form is itself. */
static void check_shape(struct str shape)
{
    struct buf again = BUF_INIT(FUZZ_TEXT_MAX);
    struct demand *d = NULL;
    struct err e = {0};

    MUST(demand_from_shape(shape, &d, &e) == 0);
    check_demand(d);
    demand_write_shape(d, &again);
    MUST(str_eq(buf_span(&again), shape));
    demand_free(d);
    buf_free(&again);
}

/* What is kept of data asks for the same when it is read once more. */
static void check_data(struct str rules, struct str data, struct str shape, struct str scope)
{
    struct buf sorted = BUF_INIT(FUZZ_TEXT_MAX), again = BUF_INIT(FUZZ_TEXT_MAX);
    json_value *aggregate;
    struct demand *d = NULL;
    struct json_doc *doc;
    struct err e = {0};

    MUST(data.n <= JOB_DATA_MAX && shape.n <= JOB_DATA_MAX);
    MUST(json_in_parse(data, &doc, &e) == 0);
    json_write_sorted(json_in_root(doc), &sorted);
    MUST(str_eq(buf_span(&sorted), data));
    MUST(demand_parse(rules, json_in_root(doc), &d, &e) == 0);
    check_demand(d);
    demand_write_shape(d, &again);
    MUST(str_eq(buf_span(&again), shape));
    if (!json_member(json_in_root(doc), "host_aggregate", &aggregate))
        MUST(str_eq(d->scope, scope));
    check_shape(shape);
    demand_free(d);
    json_in_free(doc);
    buf_free(&sorted);
    buf_free(&again);
}

static void check_target(const struct job_target *t)
{
    MUST(t->port >= 1 && t->port <= 65535 && t->host[0] && t->receiver[0]);
    MUST(strspn(t->host, "abcdefghijklmnopqrstuvwxyz0123456789.-_:") == strlen(t->host));
}

static void check_refusal(const struct err *e)
{
    MUST(e->code == ERR_INVALID || e->code == ERR_UNKNOWN_MEMBER);
    MUST(e->text[0] && (e->pointer[0] == '\0' || e->pointer[0] == '/'));
}

static void check_new(const struct conf_queue *queue, struct str type, json_value *object)
{
    struct job_new n;
    struct err e = {0};

    if (job_parse_new(queue, type, object, &n, &e) != 0) {
        check_refusal(&e);
        return;
    }
    MUST(job_check_new_name(n.request_id, "it", &e) == 0);
    MUST(n.owner_id.n >= 1 && n.owner_id.n <= JOB_NAME_MAX && n.callback.n <= JOB_CALLBACK_MAX);
    MUST(!n.has_priority ||
         (n.priority.whole >= -NUM_SAFE_MAX && n.priority.whole <= NUM_SAFE_MAX));
    MUST(!n.not_before || !n.valid_until || n.not_before < n.valid_until);
    check_target(&n.target);
    check_data(queue->rules, n.data, n.shape, n.scope);
    job_new_free(&n);
}

static void check_change(const struct conf_queue *queue, struct str type, json_value *object)
{
    struct job_change c;
    struct err e = {0};

    if (job_parse_change(queue, type, object, &c, &e) != 0) {
        check_refusal(&e);
        return;
    }
    MUST(!c.has_priority || c.move == JOB_STAY);
    MUST((c.move == JOB_BEFORE || c.move == JOB_AFTER) == (c.beside.p != NULL));
    if (c.callback.p)
        check_target(&c.target);
    if (c.has_data)
        check_data(queue->rules, c.data, c.shape, c.scope);
    job_change_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size), type = fuzz_line(&text);
    bool change = type.n > 7 && memcmp(type.p, "change ", 7) == 0;
    size_t head = change ? 7 : 4;
    const struct conf_queue *queue;
    struct json_doc *doc;
    struct err e;

    if (type.n <= head || (!change && memcmp(type.p, "new ", 4) != 0))
        return -1;
    type = (struct str){type.p + head, type.n - head};
    if (job_check_name(type, "it", &e) != 0 || json_in_parse(text, &doc, &e) != 0)
        return 0;
    queue = conf_queue(configuration(), type);
    if (change)
        check_change(queue, type, json_in_root(doc));
    else
        check_new(queue, type, json_in_root(doc));
    json_in_free(doc);
    return 0;
}
