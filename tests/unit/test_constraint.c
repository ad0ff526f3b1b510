/* SPDX-License-Identifier: MIT */
/* Constraints, case by case after the rules of Kubernetes and OpenStack, and against a slow
 * reference that never sees the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/constraint.h"
#include "demand_rules.h"
#include "prop.h"
#include "quoted.h"
#include "torture.h"

enum { HOSTS = 4, LABELS = 3, TAINTS = 3, TOLERATIONS = 3, SEED = 20260301, ROUNDS = 30000 };

static enum constraint_answer ask(const char *quoted, const struct source_reading *r, bool *on)
{
    struct buf b = BUF_INIT(1 << 16);
    enum constraint_answer answer;

    if (quoted)
        quoted_add(&b, str_of(quoted));
    assert_int_equal(
        constraint_hosts(quoted ? buf_span(&b) : (struct str){NULL, 0}, r, on, &answer), 0);
    buf_free(&b);
    return answer;
}

/* ---- case by case ---- */

#define TAINT(k, v, e)                                                                             \
    {                                                                                              \
        {k, sizeof k - 1}, {v, sizeof v - 1},                                                      \
        {                                                                                          \
            e, sizeof e - 1                                                                        \
        }                                                                                          \
    }

#define LABEL(k, v, ...)                                                                           \
    {                                                                                              \
        .key = {k, sizeof k - 1}, .value = {v, sizeof v - 1}, __VA_ARGS__                          \
    }

static const struct source_label plain_labels[] = {LABEL("gpu", "no"), LABEL("zone", "a")};
static const struct source_label gpu_labels[] = {LABEL("gpu", "yes"), LABEL("zone", "a")};
static const struct source_taint gpu_taints[] = {TAINT("gpu", "yes", "NoSchedule")};
static const struct source_taint two_taints[] = {TAINT("gpu", "yes", "NoSchedule"),
                                                 TAINT("down", "", "NoExecute")};
static const struct source_label traits[] = {
    LABEL("CUSTOM_A", ""), LABEL("CUSTOM_P", "", .perhaps = true), LABEL("HW_B", "")};

/* In this order in the masks below: plain, gpu (tainted), down (tainted twice), traits. */
static const struct source_host hosts[] = {
    {.labels = 2, .label = plain_labels},
    {.labels = 2, .label = gpu_labels, .taints = 1, .taint = gpu_taints},
    {.labels = 2, .label = gpu_labels, .taints = 2, .taint = two_taints},
    {.labels = 3, .label = traits},
};

#define TOLERATES(members) "{'tolerations':[{" members "}]}"
static const struct {
    const char *text; /* NULL: absent */
    const char *on;   /* by host */
    enum constraint_answer answer;
} cases[] = {
    {NULL, "1001", CONSTRAINT_MET},
    {"{}", "1001", CONSTRAINT_MET},
    {"{'nodeSelector':{},'tolerations':[],'traits':[]}", "1001", CONSTRAINT_MET},
    {"{'nodeSelector':{'zone':'a'}}", "1000", CONSTRAINT_MET},
    {"{'nodeSelector':{'zone':'a','gpu':'no'}}", "1000", CONSTRAINT_MET},
    {"{'nodeSelector':{'zone':'b'}}", "0000", CONSTRAINT_LABELS},
    {"{'nodeSelector':{'zone':''}}", "0000", CONSTRAINT_LABELS},
    {"{'nodeSelector':{'zon':'a'}}", "0000", CONSTRAINT_LABELS},
    {"{'nodeSelector':{'gpu':'yes'}}", "0000", CONSTRAINT_OF_THOSE},
    {"{'nodeSelector':{'gpu':'yes'},'tolerations':[{'key':'gpu','operator':'Exists'}]}", "0100",
     CONSTRAINT_MET},
    {TOLERATES("'key':'gpu','operator':'Exists'"), "1101", CONSTRAINT_MET},
    {TOLERATES("'key':'gpu','operator':'Equal','value':'yes'"), "1101", CONSTRAINT_MET},
    {TOLERATES("'key':'gpu','value':'yes'"), "1101", CONSTRAINT_MET},
    {TOLERATES("'key':'gpu','value':'no'"), "1001", CONSTRAINT_MET},
    {TOLERATES("'key':'gpu'"), "1001", CONSTRAINT_MET},
    {TOLERATES("'key':'gpu','operator':'Exists','effect':'NoSchedule'"), "1101", CONSTRAINT_MET},
    {TOLERATES("'key':'gpu','operator':'Exists','effect':'NoExecute'"), "1001", CONSTRAINT_MET},
    {TOLERATES("'key':'gpu','operator':'Gt','value':'yes'"), "1001", CONSTRAINT_MET},
    {TOLERATES("'operator':'Exists'"), "1111", CONSTRAINT_MET},
    {TOLERATES("'operator':'Exists','effect':'NoSchedule'"), "1101", CONSTRAINT_MET},
    {TOLERATES("'key':'down'"), "1001", CONSTRAINT_MET}, /* each taint needs its toleration */
    {"{'tolerations':[{'key':'gpu','value':'yes'},{'effect':'NoExecute','key':'down',"
     "'tolerationSeconds':0}]}",
     "1111", CONSTRAINT_MET},
    {"{'traits':['CUSTOM_A']}", "0001", CONSTRAINT_MET},
    {"{'traits':['CUSTOM_A','HW_B']}", "0001", CONSTRAINT_MET},
    {"{'traits':['!CUSTOM_A']}", "1000", CONSTRAINT_MET},
    {"{'traits':['CUSTOM_A','!HW_B']}", "0000", CONSTRAINT_TRAITS},
    {"{'traits':['CUSTOM_P']}", "0001", CONSTRAINT_MET},
    {"{'traits':['!CUSTOM_P']}", "1001", CONSTRAINT_MET},
    {"{'traits':['CUSTOM_']}", "0000", CONSTRAINT_TRAITS},
    {"{'traits':['']}", "0000", CONSTRAINT_TRAITS},
    {"{'traits':['zone','!CUSTOM_A','gpu']}", "1000", CONSTRAINT_MET},
    {"", "0000", CONSTRAINT_UNREADABLE},
    {"{", "0000", CONSTRAINT_UNREADABLE},
    {"[]", "0000", CONSTRAINT_UNREADABLE},
    {"null", "0000", CONSTRAINT_UNREADABLE},
    {"{'nodeSelector':null}", "0000", CONSTRAINT_UNREADABLE},
    {"{'nodeSelector':{'zone':1}}", "0000", CONSTRAINT_UNREADABLE},
    {"{'tolerations':{}}", "0000", CONSTRAINT_UNREADABLE},
    {"{'tolerations':['gpu']}", "0000", CONSTRAINT_UNREADABLE},
    {TOLERATES("'operator':null"), "0000", CONSTRAINT_UNREADABLE},
    {"{'traits':['A',1]}", "0000", CONSTRAINT_UNREADABLE},
    {"{'traits':'A'}", "0000", CONSTRAINT_UNREADABLE},
    {"{'affinity':{}}", "0000", CONSTRAINT_UNREADABLE},
};

static void each_case_is_met_by_its_hosts(void **state)
{
    const struct source_reading r = {.hosts = ARRAY_LEN(hosts), .host = hosts};
    bool on[ARRAY_LEN(hosts)];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum constraint_answer answer = ask(cases[i].text, &r, on);

        for (size_t h = 0; h < r.hosts; h++)
            if (on[h] != (cases[i].on[h] == '1'))
                fail_msg("%s: host %zu", cases[i].text, h);
        if (answer != cases[i].answer)
            fail_msg("%s: answer %d", cases[i].text, (int)answer);
    }
}

static void only_tainted_hosts_is_said(void **state)
{
    const struct source_reading r = {.hosts = 2, .host = hosts + 1};
    bool on[2];

    (void)state;
    assert_int_equal(ask(NULL, &r, on), CONSTRAINT_TAINTS);
    assert_int_equal(ask("{'nodeSelector':{}}", &r, on), CONSTRAINT_TAINTS);
    assert_int_equal(ask("{'nodeSelector':{'zone':'a'}}", &r, on), CONSTRAINT_OF_THOSE);
}

static void no_host_lacks_nothing(void **state)
{
    const struct source_reading r = {0};

    (void)state;
    assert_int_equal(ask("{'nodeSelector':{'zone':'a'}}", &r, NULL), CONSTRAINT_MET);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void every_allocation_may_fail(void **state)
{
    const struct source_reading r = {.hosts = ARRAY_LEN(hosts), .host = hosts};
    const struct str text = STR_LIT("{\"nodeSelector\":{\"zone\":\"a\"},\"tolerations\":[{}]}");
    enum constraint_answer answer;
    bool on[ARRAY_LEN(hosts)];
    int64_t good;
    int rc = -1;

    (void)state;
    for (good = 0; rc != 0; good++) {
        torture_arm(good);
        rc = constraint_hosts(text, &r, on, &answer);
        assert_int_equal(torture_end(), 0);
    }
    assert_true(good > 5 && on[0] && !on[1]);
}
#endif

/* ---- the reference: as structs, compared by C strings ---- */

static const char *const keys[] = {"a", "b", "c"}, *const values[] = {"", "x", "y"};
static const char *const effects[] = {"NoSchedule", "NoExecute"};

struct toleration {
    const char *key, *op, *value, *effect; /* NULL: not there */
};

struct made {
    struct source_host host[HOSTS];
    struct source_label label[HOSTS][LABELS];
    struct source_taint taint[HOSTS][TAINTS];
    const char *selected[LABELS]; /* the value of each key; NULL: not there */
    size_t tolerations;
    struct toleration toleration[TOLERATIONS];
};

static const char *one_of(struct prop *r, const char *const *words, size_t n)
{
    return words[prop_below(r, n)];
}

static void random_hosts(struct prop *r, struct made *m)
{
    for (size_t h = 0; h < HOSTS; h++) {
        m->host[h] = (struct source_host){.label = m->label[h], .taint = m->taint[h]};
        for (size_t k = 0; k < LABELS; k++)
            if (!prop_one_in(r, 4))
                m->label[h][m->host[h].labels++] = (struct source_label){
                    .key = str_of(keys[k]), .value = str_of(one_of(r, values, ARRAY_LEN(values)))};
        for (size_t n = prop_below(r, TAINTS + 1); n > 0; n--)
            m->taint[h][m->host[h].taints++] =
                (struct source_taint){str_of(one_of(r, keys, ARRAY_LEN(keys))),
                                      str_of(one_of(r, values, ARRAY_LEN(values))),
                                      str_of(one_of(r, effects, ARRAY_LEN(effects)))};
    }
}

static void random_constraint(struct prop *r, struct made *m)
{
    for (size_t k = 0; k < LABELS; k++)
        m->selected[k] = prop_one_in(r, 4) ? one_of(r, values, ARRAY_LEN(values)) : NULL;
    for (size_t n = prop_below(r, TOLERATIONS + 1); n > 0; n--) {
        struct toleration *t = &m->toleration[m->tolerations++];

        *t = (struct toleration){
            .key = prop_one_in(r, 5) ? NULL : one_of(r, keys, ARRAY_LEN(keys)),
            .op = prop_one_in(r, 2)   ? "Exists"
                  : prop_one_in(r, 2) ? "Equal"
                                      : NULL,
            .effect = prop_one_in(r, 2) ? NULL : one_of(r, effects, ARRAY_LEN(effects))};
        if (!t->key)
            t->op = "Exists";
        if (!t->op || strcmp(t->op, "Equal") == 0)
            t->value = prop_one_in(r, 5) ? NULL : one_of(r, values, ARRAY_LEN(values));
    }
}

static bool plain_tolerates(const struct toleration *t, const struct source_taint *taint)
{
    bool exists = t->op && strcmp(t->op, "Exists") == 0;

    return (!t->key || strcmp(t->key, taint->key.p) == 0) &&
           (!t->effect || strcmp(t->effect, taint->effect.p) == 0) &&
           (exists || strcmp(t->value ? t->value : "", taint->value.p) == 0);
}

static bool plain_meets(const struct made *m, size_t h)
{
    const struct source_host *host = &m->host[h];

    for (size_t k = 0; k < LABELS; k++) {
        bool found = m->selected[k] == NULL;

        for (size_t l = 0; l < host->labels && !found; l++)
            found = strcmp(host->label[l].key.p, keys[k]) == 0 &&
                    strcmp(host->label[l].value.p, m->selected[k]) == 0;
        if (!found)
            return false;
    }
    for (size_t t = 0; t < host->taints; t++) {
        bool tolerated = false;

        for (size_t i = 0; i < m->tolerations; i++)
            tolerated = tolerated || plain_tolerates(&m->toleration[i], &host->taint[t]);
        if (!tolerated)
            return false;
    }
    return true;
}

static void put_member(struct buf *b, const char *name, const char *value)
{
    if (value)
        buf_printf(b, "%s\"%s\":\"%s\"", b->data[b->len - 1] == '{' ? "" : ",", name, value);
}

static void put_pod(struct buf *b, const struct made *m)
{
    buf_str(b, "{\"nodeSelector\":{");
    for (size_t k = 0; k < LABELS; k++)
        put_member(b, keys[k], m->selected[k]);
    buf_str(b, "},\"tolerations\":[");
    for (size_t i = 0; i < m->tolerations; i++) {
        buf_str(b, i ? ",{" : "{");
        put_member(b, "key", m->toleration[i].key);
        put_member(b, "operator", m->toleration[i].op);
        put_member(b, "value", m->toleration[i].value);
        put_member(b, "effect", m->toleration[i].effect);
        buf_char(b, '}');
    }
    buf_str(b, "]}");
}

/* The same as the pod was written, and in the form in which the demand keeps it. */
static void check_made(const struct made *m, size_t *met)
{
    const struct source_reading r = {.hosts = HOSTS, .host = m->host};
    struct buf text[2] = {BUF_INIT(1 << 16), BUF_INIT(1 << 16)};
    enum constraint_answer answer;
    struct json_doc *doc;
    bool on[HOSTS];
    struct err e;

    put_pod(&text[0], m);
    assert_int_equal(json_in_parse(buf_span(&text[0]), &doc, &e), 0);
    assert_int_equal(demand_take_constraint(json_in_root(doc), &text[1], &e), 0);
    json_in_free(doc);
    for (int i = 0; i < 2; i++) {
        struct str form = text[i].len ? buf_span(&text[i]) : (struct str){NULL, 0};
        size_t many = 0;

        assert_int_equal(constraint_hosts(form, &r, on, &answer), 0);
        for (size_t h = 0; h < HOSTS; h++) {
            assert_int_equal(on[h], plain_meets(m, h));
            many += on[h];
        }
        assert_int_equal(answer == CONSTRAINT_MET, many > 0);
        met[many > 0]++;
        buf_free(&text[i]);
    }
}

static void agrees_with_the_reference(void **state)
{
    struct prop r = prop_begin(__func__, SEED);
    size_t met[2] = {0};

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct made m = {0};

        random_hosts(&r, &m);
        random_constraint(&r, &m);
        check_made(&m, met);
    }
    assert_true(met[false] > 3000 && met[true] > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_is_met_by_its_hosts),
        cmocka_unit_test(only_tainted_hosts_is_said),
        cmocka_unit_test(no_host_lacks_nothing),
#if TORTURE
        cmocka_unit_test(every_allocation_may_fail),
#endif
        cmocka_unit_test(agrees_with_the_reference),
    };

    return cmocka_run_group_tests_name("constraint", tests, NULL, NULL);
}
