/* SPDX-License-Identifier: MIT */
/*
 * What OpenStack's services answer: a line that says which answer it is (one of `kinds`), then its
 * body. What is taken keeps the rules that its header promises: sorted, no doubles, amounts in
 * range; what is kept between runs comes back as itself.
 */
#include "fuzz.h"

#include "cron/keystone.h"
#include "cron/openstack_aggregates.h"
#include "cron/openstack_known.h"
#include "cron/openstack_quota.h"
#include "cron/openstack_words.h"
#include "fcgi/auth_keystone.h"
#include "num.h"

enum { MEMORY_MAX = 64 << 20 };

static void check_host(const struct openstack_host *h)
{
    size_t i;

    for (i = 0; i < h->amounts; i++) {
        const struct source_amount *a = &h->amount[i];

        MUST(a->total >= 0 && a->total <= NUM_SAFE_MAX && a->used >= 0 && a->used <= NUM_SAFE_MAX);
        MUST(i == 0 || str_cmp(h->amount[i - 1].resource, a->resource) < 0);
    }
    for (i = 1; i < h->labels; i++)
        MUST(str_cmp(h->label[i - 1].key, h->label[i].key) < 0);
}

static void candidates(const json_value *root, struct arena *arena)
{
    struct openstack_candidates c = {0};
    struct intern texts = {.arena = arena};
    struct err e = {0};
    size_t i;

    if (openstack_candidates(root, &texts, &c, &e) != 0) {
        MUST(e.code == ERR_UNAVAILABLE && e.text[0]);
        c = (struct openstack_candidates){0};
    }
    for (i = 0; i < c.hosts; i++) {
        check_host(&c.host[i]);
        MUST(i == 0 || str_cmp(c.host[i - 1].uuid, c.host[i].uuid) < 0);
    }
    for (i = 0; i < c.sharings; i++)
        check_host(&c.sharing[i]);
    intern_free(&texts);
}

static void aggregates(const json_value *root, struct arena *arena)
{
    static const enum conf_unnamed all[] = {CONF_UNNAMED_SHARED, CONF_UNNAMED_ALL,
                                            CONF_UNNAMED_NONE};
    size_t i, p;

    for (i = 0; i < ARRAY_LEN(all); i++) {
        struct openstack_pools pools = {0};
        struct err e = {0};

        if (openstack_aggregates_read(root, all[i], arena, &pools, &e) != 0) {
            MUST(e.code == ERR_UNAVAILABLE && e.text[0]);
            continue;
        }
        for (p = 0; p < pools.n; p++) {
            MUST(pools.pool[p].name.n > 0 && (!pools.pool[p].closed || !pools.pool[p].open));
            MUST(openstack_pool_key(&pools.pool[p]).n > 0);
        }
    }
}

static void quota(const json_value *root, struct arena *arena)
{
    struct source_quota q[2] = {{.project = STR_LIT("p")}, {.project = STR_LIT("p")}};
    struct err e = {0};
    int rc[2] = {openstack_quota_read(root, arena, &q[0], &e),
                 openstack_quota_read_limits(root, arena, &q[1], &e)};
    size_t k, i;

    for (k = 0; k < 2; k++) {
        for (i = 0; rc[k] == 0 && i < q[k].limits; i++)
            MUST(q[k].limit[i].limit >= 0 && q[k].limit[i].used >= 0 &&
                 q[k].limit[i].limit <= NUM_SAFE_MAX && q[k].limit[i].used <= NUM_SAFE_MAX);
    }
}

/* A token that Keystone gave comes back from what is kept of it. */
static void token(struct str body)
{
    static const struct cloud cloud = {.interface = STR_LIT("public"),
                                       .region = STR_LIT("RegionOne")};
    struct buf a = BUF_INIT(FUZZ_TEXT_MAX), b = BUF_INIT(FUZZ_TEXT_MAX);
    struct keystone_token *t, *back;
    struct err e = {0};

    if (keystone_token_read(body, STR_LIT("gAAAA"), &cloud, INT64_C(1700000000) * NS_PER_S, &t,
                            &e) != 0) {
        MUST(e.code == ERR_UNAVAILABLE && e.text[0]);
        return;
    }
    keystone_token_write(t, &a);
    back = keystone_token_parse(buf_span(&a));
    MUST(back);
    keystone_token_write(back, &b);
    MUST(fuzz_same(&a, &b));
    keystone_token_free(back);
    keystone_token_free(t);
    buf_free(&a);
    buf_free(&b);
}

static void kept_token(struct str text)
{
    keystone_token_free(keystone_token_parse(text));
}

/* Whose a token is, as Keystone says it to the service. */
static void whose(struct str body)
{
    static struct str roles[] = {{"admin", 5}, {"reader", 6}};
    static const struct conf_keystone conf = {.admin_roles = {1, &roles[0]},
                                              .reader_roles = {1, &roles[1]}};
    struct auth_answer a = {.who = NULL};

    auth_keystone_read(&conf, body, &a);
    MUST((a.err.code == ERR_NONE) == (a.who != NULL));
    if (a.who) {
        MUST(a.who->name.n > 0 && a.who->owners <= WHO_OWNERS_MAX);
        MUST(a.who->everything || a.who->owners > 0);
    }
    free(a.who);
}

static void known(struct str text)
{
    struct openstack_known *k = openstack_known_parse(text), *back;
    struct buf a = BUF_INIT(FUZZ_TEXT_MAX), b = BUF_INIT(FUZZ_TEXT_MAX);

    if (!k)
        return;
    openstack_known_write(k, &a);
    back = openstack_known_parse(buf_span(&a));
    MUST(back);
    openstack_known_write(back, &b);
    MUST(fuzz_same(&a, &b));
    openstack_known_free(back);
    openstack_known_free(k);
    buf_free(&a);
    buf_free(&b);
}

static void words(struct str text)
{
    static const struct str secret[] = {{"s3cret", 6}, {NULL, 0}};
    char said[OPENSTACK_WORDS_MAX];
    struct openstack_refusal r = {"Nova", 403, text, {NULL, 0}, secret, ARRAY_LEN(secret)};
    struct err e = {0};
    int64_t minor = 1;

    openstack_words(text, secret, ARRAY_LEN(secret), said);
    MUST(strlen(said) < sizeof said && !strstr(said, "s3cret"));
    MUST(openstack_refused(&r, &e) == -1 && !strstr(e.text, "s3cret"));
    if (openstack_words_newest(text, &minor) == 0)
        MUST(minor >= 0);
    if (openstack_words_hold(text, "policy"))
        MUST(memmem(text.p, text.n, "policy", 6) || memchr(text.p, '\\', text.n));
}

static const struct {
    const char *name;
    void (*tree)(const json_value *root, struct arena *arena);
    void (*text)(struct str text);
} kinds[] = {
    {"candidates", candidates, NULL}, {"aggregates", aggregates, NULL}, {"quota", quota, NULL},
    {"token", NULL, token},           {"kept", NULL, kept_token},       {"whose", NULL, whose},
    {"known", NULL, known},           {"words", NULL, words},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size), name = fuzz_line(&text);
    struct json_doc *doc;
    struct arena *arena;
    struct err e;
    size_t i = 0;

    while (i < ARRAY_LEN(kinds) && !str_is(name, kinds[i].name))
        i++;
    if (i == ARRAY_LEN(kinds))
        return -1;
    if (kinds[i].text) {
        kinds[i].text(text);
        return 0;
    }
    if (json_in_parse(text, &doc, &e) != 0)
        return 0;
    arena = arena_new(MEMORY_MAX);
    MUST(arena);
    kinds[i].tree(json_in_root(doc), arena);
    arena_free(arena);
    json_in_free(doc);
    return 0;
}
