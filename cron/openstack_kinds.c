/* SPDX-License-Identifier: MIT */
/*
 * Which hosts take one instance of a kind. The question goes to Placement limited to the pools'
 * aggregates; where the pool of unnamed projects is among them, or they are many, for the whole
 * cloud. Either way only hosts of the pools are judged: who is in the answer takes it, the others
 * refuse it.
 */
#include "openstack_kinds.h"

#include "openstack_candidates.h"
#include "openstack_placement.h"
#include "openstack_words.h"

/* ASKED_MAX: of what a client asks for, as a web server's limit for a request lets it pass. */
enum { PATH_BYTES_MAX = 65536, AGGREGATES_MAX = 20, ASKED_MAX = 2000 };

struct asking {
    const struct openstack_api *api;
    const struct openstack_known *known;
    struct source_reading *r;
    struct source_exact *exact; /* [n] */
    unsigned char **host;       /* [n] of each, what becomes exact.host */
};

static int no_memory(struct err *e)
{
    (void)err_set(e, ERR_INTERNAL, "out of memory while asking Placement");
    return -1;
}

/* ---- the request ---- */

/* As Placement spells its classes and traits. */
static bool is_spelled(struct str name)
{
    size_t i;

    for (i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return name.n > 0;
}

static bool add_resources(const struct demand_kind *kind, struct buf *b)
{
    struct str class;
    size_t i;

    for (i = 0; i < kind->amounts; i++) {
        class = openstack_class(kind->amount[i].resource);
        if (!is_spelled(class))
            return false;
        buf_printf(b, "%s%.*s:%lld", i ? "," : "", (int)class.n, class.p,
                   (long long)kind->amount[i].amount);
    }
    if (kind->amounts == 0) /* Placement answers no question about nothing */
        buf_str(b, "VCPU:1");
    return true;
}

/* A list of traits, those with ! before them not wanted. */
static bool add_list(const json_value *traits, struct buf *b)
{
    struct str text, name;
    size_t i;

    if (json_kind(traits) != JSON_ARRAY)
        return false;
    for (i = 0; i < json_length(traits); i++) {
        if (json_kind(json_at(traits, i)) != JSON_STRING)
            return false;
        text = name = json_string(json_at(traits, i));
        if (name.n && name.p[0] == '!')
            name = (struct str){name.p + 1, name.n - 1};
        if (!is_spelled(name))
            return false;
        buf_add(b, text.p, text.n);
        buf_char(b, ',');
    }
    return true;
}

/* {"traits":["A","!B"]}; what else there may be is nothing that an OpenStack host has. */
static bool add_traits(struct str constraint, struct buf *b)
{
    static const char *const known[] = {"traits"};
    struct json_doc *doc;
    json_value *traits;
    struct err e;
    bool good;

    if (!constraint.p)
        return true;
    if (json_in_parse(constraint, &doc, &e) != 0)
        return false;
    good = json_kind(json_in_root(doc)) == JSON_OBJECT &&
           json_only_members(json_in_root(doc), known, ARRAY_LEN(known), &e) == 0 &&
           (!json_member(json_in_root(doc), "traits", &traits) || add_list(traits, b));
    json_in_free(doc);
    return good;
}

static void add_pools(const struct source_question *q, const struct source_reading *r,
                      struct buf *b)
{
    size_t i;

    if (q->pools == 0 || q->pools > AGGREGATES_MAX)
        return;
    for (i = 0; i < q->pools; i++) {
        if (!r->pool[q->pool[i]].aggregate.p)
            return;
    }
    for (i = 0; i < q->pools; i++) {
        buf_str(b, i ? "," : "&member_of=in:");
        openstack_add_encoded(b, r->pool[q->pool[i]].aggregate);
    }
}

bool openstack_kinds_path(const struct source_question *q, const struct source_reading *r,
                          struct buf *b)
{
    buf_str(b, "/allocation_candidates?resources=");
    if (!add_resources(q->kind, b))
        return false;
    buf_str(b, "&required=");
    if (!add_traits(q->kind->constraint, b))
        return false;
    if (b->len > ASKED_MAX)
        return false;
    buf_str(b, "!COMPUTE_STATUS_DISABLED");
    add_pools(q, r, b);
    return true;
}

/* ---- the answer ---- */

static int compare_names(const void *key, const void *host)
{
    return str_cmp(*(const struct str *)key, ((const struct source_host *)host)->name);
}

/* The host's index in the reading; r->hosts: it is not there. */
static size_t index_of(const struct asking *q, struct str uuid)
{
    const struct openstack_host *known = openstack_known_host(q->known, uuid);
    struct str name = known && known->name.p ? known->name : uuid;
    const struct source_host *h =
        q->r->hosts ? bsearch(&name, q->r->host, q->r->hosts, sizeof *h, compare_names) : NULL;

    return h ? (size_t)(h - q->r->host) : q->r->hosts;
}

static int take_hosts(struct asking *q, const json_value *root, unsigned char *host, struct err *e)
{
    struct intern texts = {.arena = arena_new(SOURCE_MEMORY_MAX)};
    struct openstack_candidates c = {0};
    size_t i, at;
    int failed = texts.arena ? openstack_candidates(root, &texts, &c, e) : no_memory(e);

    for (i = 0; !failed && i < c.hosts; i++) {
        at = index_of(q, c.host[i].uuid);
        if (at < q->r->hosts && host[at] == SOURCE_HOST_REFUSES) /* a host of the pools */
            host[at] = SOURCE_HOST_TAKES;
    }
    intern_free(&texts);
    arena_free(texts.arena);
    return failed;
}

/* Does Placement say that no host can have what is asked for: a class or a trait that it does not
 * know, or a trait that is both wanted and not wanted? */
static bool is_impossible(const struct openstack_call *call)
{
    static const char *const phrases[] = {"No such resource class", "No such trait",
                                          "onflicting required and forbidden traits"};
    char words[OPENSTACK_WORDS_MAX];
    size_t i;

    openstack_words(buf_span(&call->body), NULL, 0, words);
    for (i = 0; i < ARRAY_LEN(phrases); i++) {
        if (call->status == 400 && strstr(words, phrases[i]))
            return true;
    }
    return false;
}

static int on_answer(void *ctx, struct openstack_call *call, struct err *e)
{
    struct asking *q = ctx;
    struct json_doc *doc;
    int failed;

    if (is_impossible(call))
        return 0;
    if (openstack_api_json(q->api, call, &doc, e) != 0)
        return -1;
    failed = take_hosts(q, json_in_root(doc), q->host[call->tag], e);
    json_in_free(doc);
    return failed;
}

/* ---- all questions ---- */

/* Until Placement says otherwise no host of the pools takes it; of other hosts nothing is said. */
static int prepare(struct asking *q, const struct source_question *question, size_t i,
                   struct err *e)
{
    const struct pool *pool;
    size_t p, h;

    q->host[i] = arena_array(q->r->arena, q->r->hosts, 1);
    q->exact[i].host = q->host[i];
    if (!q->host[i] || arena_copy(q->r->arena, question->text, &q->exact[i].kind) != 0)
        return no_memory(e);
    for (p = 0; p < question->pools; p++) {
        pool = &q->r->pool[question->pool[p]];
        for (h = 0; h < pool->hosts; h++)
            q->host[i][pool->host[h]] = SOURCE_HOST_REFUSES;
    }
    return 0;
}

static int ask(struct asking *q, struct openstack_api *api, const struct source_question *question,
               size_t n, struct openstack_call *call, struct err *e)
{
    struct buf b = BUF_INIT(PATH_BYTES_MAX);
    struct str path;
    size_t i, calls = 0, exacts = 0;
    int failed = 0;

    for (i = 0; i < n && !failed; i++) {
        if (question[i].project.p)
            continue;
        failed = prepare(q, &question[i], exacts++, e);
        buf_reset(&b);
        if (failed || !openstack_kinds_path(&question[i], q->r, &b))
            continue;
        if (b.failed || arena_copy(q->r->arena, buf_span(&b), &path) != 0)
            failed = no_memory(e);
        else
            call[calls++] = (struct openstack_call){.service = KEYSTONE_PLACEMENT,
                                                    .path = path.p,
                                                    .needed = OPENSTACK_PLACEMENT_LEAST,
                                                    .tag = exacts - 1};
    }
    buf_free(&b);
    return failed ? -1 : openstack_api_run(api, call, calls, on_answer, q, e);
}

static int add_all(const struct asking *q, size_t n, struct err *e)
{
    struct source_reading *r = q->r;
    struct source_exact *all = arena_array(r->arena, r->exacts + n, sizeof *all);

    if (!all)
        return no_memory(e);
    if (r->exacts)
        memcpy(all, r->exact, r->exacts * sizeof *all);
    if (n)
        memcpy(all + r->exacts, q->exact, n * sizeof *all);
    r->exacts += n;
    r->exact = all;
    return 0;
}

int openstack_kinds_ask(struct openstack_api *api, const struct source_question *question, size_t n,
                        const struct openstack_known *known, struct source_reading *r,
                        struct err *e)
{
    struct asking q = {.api = api, .known = known, .r = r};
    struct openstack_call *call = arena_array(r->arena, n, sizeof *call);
    size_t i, kinds = 0;

    q.exact = arena_array(r->arena, n, sizeof *q.exact);
    q.host = arena_array(r->arena, n, sizeof(unsigned char *));
    if (!call || !q.exact || !q.host)
        return no_memory(e);
    for (i = 0; i < n; i++)
        kinds += !question[i].project.p;
    if (ask(&q, api, question, n, call, e) != 0)
        return -1;
    return add_all(&q, kinds, e);
}
