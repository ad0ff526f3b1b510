/* SPDX-License-Identifier: MIT */
/* Demand, by example: what is taken, what is refused, and where the pointer points. */
#include "demand_case.h"

#include <string.h>

#include "common/demand_rules.h"

struct taken {
    const char *type, *data, *scope, *shape;
};

static void expect_taken(const struct taken *cases, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        struct demand *d;
        struct err e;

        if (parse(cases[i].type, str_of(cases[i].data), &d, &e) != 0)
            fail_msg("%s: %s (%s)", cases[i].data, e.text, e.pointer);
        assert_true(str_is(d->scope, cases[i].scope));
        expect_shape(d, cases[i].shape);
        demand_free(d);
    }
}

struct refused {
    const char *type, *data, *pointer, *words;
};

static void expect_refused(const struct refused *cases, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        struct demand *d = NULL;
        struct err e = {.code = ERR_NONE};

        if (parse(cases[i].type, str_of(cases[i].data), &d, &e) == 0)
            fail_msg("taken: %s", cases[i].data);
        assert_null(d);
        assert_int_equal(e.code, ERR_INVALID);
        if (strcmp(e.pointer, cases[i].pointer) != 0 || !strstr(e.text, cases[i].words))
            fail_msg("%s: %s (%s)", cases[i].data, e.text, e.pointer);
    }
}

/* ---- by example ---- */

static void test_vm_taken(void **state)
{
    static const struct taken cases[] = {
        {"vm", "{'instances':[{'VCPU':1,'Memory':1,'Disk':1}],'project':'project id'}",
         "project:project id", "[{'n':1,'r':{'Disk':1,'Memory':1,'VCPU':1}}]"},
        {"vm", "{'project':'p','host_aggregate':'a','instances':[{'count':3,'VCPU':2}]}",
         "pool:a\nproject:p", "[{'n':3,'r':{'VCPU':2}}]"},
        {"vm", "{'host_aggregate':'a','instances':[{'MEMORY_MB':2,'DISK_GB':1}]}", "pool:a",
         "[{'n':1,'r':{'Disk':1,'Memory':2}}]"},
        {"vm",
         "{'project':'p','instances':[{'VGPU':1.0,'CUSTOM_FPGA_2':1e2,'vcpu':7,'image':'x','Note':"
         "1.5}]}",
         "project:p", "[{'n':1,'r':{'CUSTOM_FPGA_2':100,'VGPU':1}}]"},
        {"vm", "{'project':'p','instances':[{'VCPU':0,'Memory':-0,'Disk':0.0}]}", "project:p",
         "[{'n':1,'r':{}}]"},
        {"vm", "{'project':'p','instances':[{'VCPU':9007199254740991}]}", "project:p",
         "[{'n':1,'r':{'VCPU':9007199254740991}}]"},
        {"vm", "{'project':'p','instances':[{'VCPU':1,'count':10000}]}", "project:p",
         "[{'n':10000,'r':{'VCPU':1}}]"},
        {"vm",
         "{'project':'p','instances':[{'VCPU':1},{'VCPU':1,'Disk':0,'count':2},{'VCPU':2},{'VCPU':"
         "1}]}",
         "project:p", "[{'n':3,'r':{'VCPU':1}},{'n':1,'r':{'VCPU':2}},{'n':1,'r':{'VCPU':1}}]"},
        {"vm", "{}", "", "[]"},
        {"vm", "{'project':'p','pods':3,'resources':{'VCPU':'x'}}", "project:p", "[]"},
        {"vm", "{'host_aggregate':'a'}", "pool:a", "[]"},
    };

    (void)state;
    expect_taken(cases, ARRAY_LEN(cases));
}

static void test_vm_refused(void **state)
{
    static const struct refused cases[] = {
        {"vm", "[]", "/data", "must be an object, not an array"},
        {"vm", "null", "/data", "must be an object, not null"},
        {"vm", "{'instances':[],'project':'p'}", "/data/instances", "not empty"},
        {"vm", "{'instances':null,'project':'p'}", "/data/instances", "array of objects"},
        {"vm", "{'instances':{},'project':'p'}", "/data/instances", "array of objects"},
        {"vm", "{'instances':[{},1],'project':'p'}", "/data/instances/1",
         "must be an object, not a number"},
        {"vm", "{'instances':[{}]}", "/data/project", "project is required"},
        {"vm", "{'project':7}", "/data/project", "must be a string, not a number"},
        {"vm", "{'project':null}", "/data/project", "must be a string, not null"},
        {"vm", "{'project':''}", "/data/project", "1 to 255 bytes"},
        {"vm", "{'project':'a\\nproject:b'}", "/data/project", "control characters"},
        {"vm", "{'project':'p','host_aggregate':'\\u007f'}", "/data/host_aggregate", "control"},
        {"vm", "{'host_aggregate':[]}", "/data/host_aggregate", "must be a string"},
        {"vm", "{'host_aggregate':''}", "/data/host_aggregate", "1 to 255 bytes"},
        {"vm", "{'project':'p','instances':[{'VCPU':1},{'VCPU':-1}]}", "/data/instances/1/VCPU",
         "between 0 and 9007199254740991"},
        {"vm", "{'project':'p','instances':[{'Disk':1.5}]}", "/data/instances/0/Disk",
         "must be a whole number"},
        {"vm", "{'project':'p','instances':[{'Disk':-0.5}]}", "/data/instances/0/Disk",
         "must be a whole number"},
        {"vm", "{'project':'p','instances':[{'Memory':'1'}]}", "/data/instances/0/Memory",
         "must be a whole number, not a string"},
        {"vm", "{'project':'p','instances':[{'VGPU':null}]}", "/data/instances/0/VGPU", "not null"},
        {"vm", "{'project':'p','instances':[{'VCPU':9007199254740992}]}", "/data/instances/0/VCPU",
         "between 0 and"},
        {"vm", "{'project':'p','instances':[{'VCPU':1e9999}]}", "/data/instances/0/VCPU",
         "between 0 and"},
        {"vm", "{'project':'p','instances':[{'Memory':1,'MEMORY_MB':1}]}",
         "/data/instances/0/MEMORY_MB", "same resource"},
        {"vm", "{'project':'p','instances':[{'DISK_GB':0,'Disk':0}]}", "/data/instances/0/DISK_GB",
         "same resource"},
        {"vm", "{'project':'p','instances':[{'count':0}]}", "/data/instances/0/count",
         "between 1 and 10000"},
        {"vm", "{'project':'p','instances':[{'count':10001}]}", "/data/instances/0/count",
         "between 1 and 10000"},
        {"vm", "{'project':'p','instances':[{'count':1.5}]}", "/data/instances/0/count",
         "whole number"},
        {"vm", "{'project':'p','instances':[{'count':'2'}]}", "/data/instances/0/count",
         "not a string"},
        {"vm", "{'project':'p','instances':[{'count':10000},{'VCPU':1}]}", "/data/instances/1",
         "at most 10000 instances"},
    };

    (void)state;
    expect_refused(cases, ARRAY_LEN(cases));
}

static void test_any_taken(void **state)
{
    static const struct taken cases[] = {
        {"lab", "{'resources':{'slot':1}}", "", "[{'n':1,'r':{'slot':1}}]"},
        {"lab", "{'pool':'east','instances':[{'b/c':2,'a':1,'count':2,'note':'x'}]}", "pool:east",
         "[{'n':2,'r':{'a':1,'b/c':2}}]"},
        {"lab", "{'resources':{'count':3}}", "", "[{'n':1,'r':{'count':3}}]"},
        {"lab", "{'resources':{'MEMORY_MB':3,'Memory':4}}", "",
         "[{'n':1,'r':{'MEMORY_MB':3,'Memory':4}}]"},
        {"lab", "{'resources':{}}", "", "[{'n':1,'r':{}}]"},
        {"lab", "{'project':5,'anything':[1.5]}", "", "[]"},
        {"*", "{'resources':{'\xC3\xA9\\'':1}}", "", "[{'n':1,'r':{'\xC3\xA9\\'':1}}]"},
    };

    (void)state;
    expect_taken(cases, ARRAY_LEN(cases));
}

static void test_any_refused(void **state)
{
    static const struct refused cases[] = {
        {"lab", "{'resources':{'a':1},'instances':[{}]}", "/data/resources", "not both"},
        {"lab", "{'resources':[]}", "/data/resources", "must be an object, not an array"},
        {"lab", "{'resources':{'a':'1'}}", "/data/resources/a", "not a string"},
        {"lab", "{'resources':{'a~/b':true}}", "/data/resources/a~0~1b", "not a boolean"},
        {"lab", "{'resources':{'':1}}", "/data/resources/", "no name of a resource"},
        {"lab", "{'instances':[{'a':0.5}]}", "/data/instances/0/a", "whole number"},
        {"lab", "{'instances':[{'a':-2}]}", "/data/instances/0/a", "between 0 and"},
        {"lab", "{'instances':'many'}", "/data/instances", "array of objects"},
        {"lab", "{'pool':1}", "/data/pool", "must be a string"},
        {"lab", "{'pool':''}", "/data/pool", "1 to 255 bytes"},
        {"lab", "{'pool':'a\\u001f'}", "/data/pool", "control characters"},
    };

    (void)state;
    expect_refused(cases, ARRAY_LEN(cases));
}

static void test_kube_taken(void **state)
{
    static const struct taken cases[] = {
        {"kube", POD("'count':2,'requests':{'cpu':'500m','memory':'1Gi','nvidia.com/gpu':1}"),
         "project:n", "[{'n':2,'r':{'cpu':500,'memory':1073741824,'nvidia.com/gpu':1,'pods':1}}]"},
        {"kube", POD("'requests':{'cpu':1.5,'memory':1e3,'ephemeral-storage':'0'}"), "project:n",
         "[{'n':1,'r':{'cpu':1500,'memory':1000,'pods':1}}]"},
        {"kube", POD("'requests':{'cpu':'0.0001','memory':'1500m'}"), "project:n",
         "[{'n':1,'r':{'cpu':1,'memory':2,'pods':1}}]"},
        {"kube", POD(""), "project:n", "[{'n':1,'r':{'pods':1}}]"},
        {"kube", POD("'nodeSelector':{},'tolerations':[],'image':1"), "project:n",
         "[{'n':1,'r':{'pods':1}}]"},
        {"kube", POD("'nodeSelector':{'b':'','a.io/x':'y_Z.0'}"), "project:n",
         ONE("{'nodeSelector':{'a.io/x':'y_Z.0','b':''}}")},
        {"kube", TOLERATION("'operator':'Exists','mine':1"), "project:n",
         ONE("{'tolerations':[{'operator':'Exists'}]}")},
        {"kube", TOLERATION("'key':'k'"), "project:n",
         ONE("{'tolerations':[{'key':'k','operator':'Equal'}]}")},
        {"kube", TOLERATION("'value':'','effect':'','operator':'','key':'k'"), "project:n",
         ONE("{'tolerations':[{'key':'k','operator':'Equal'}]}")},
        {"kube",
         TOLERATION("'value':'v','tolerationSeconds':3e1,'effect':'NoExecute','operator':'Equal','"
                    "key':'k'"),
         "project:n",
         ONE("{'tolerations':[{'effect':'NoExecute','key':'k','operator':'Equal','"
             "tolerationSeconds':30,'value':'v'}]}")},
        {"kube", POD("'tolerations':[{'key':'k','operator':'Exists'}],'nodeSelector':{'a':'b'}"),
         "project:n",
         ONE("{'nodeSelector':{'a':'b'},'tolerations':[{'key':'k','operator':'Exists'}]}")},
        {"kube",
         "{'namespace':'n','pods':[{'nodeSelector':{'a':'b'}},{'nodeSelector':{'a':'c'}},{}]}",
         "project:n",
         "[{'c':{'nodeSelector':{'a':'b'}},'n':1,'r':{'pods':1}},"
         "{'c':{'nodeSelector':{'a':'c'}},'n':1,'r':{'pods':1}},{'n':1,'r':{'pods':1}}]"},
        {"kube", POD("'requests':{'kubernetes.io/x':'0.5','x.kubernetes.io/y':'1500m'}"),
         "project:n", "[{'n':1,'r':{'kubernetes.io/x':1,'pods':1,'x.kubernetes.io/y':2}}]"},
        {"kube", POD("'requests':{'a.io/gpu':'9007199254740991'}"), "project:n",
         "[{'n':1,'r':{'a.io/gpu':9007199254740991,'pods':1}}]"},
        {"kube", POD("'requests':{'a-b.c0/d':1}"), "project:n",
         "[{'n':1,'r':{'a-b.c0/d':1,'pods':1}}]"},
        {"kube", "{}", "", "[]"},
        {"kube", "{'namespace':'n','instances':3}", "project:n", "[]"},
    };

    (void)state;
    expect_taken(cases, ARRAY_LEN(cases));
}

static void test_kube_refused(void **state)
{
    static const struct refused cases[] = {
        {"kube", "{'pods':[{}]}", "/data/namespace", "namespace is required"},
        {"kube", "{'namespace':1}", "/data/namespace", "must be a string"},
        {"kube", "{'namespace':'a\\tb'}", "/data/namespace", "control characters"},
        {"kube", "{'namespace':'n','pods':[]}", "/data/pods", "not empty"},
        {"kube", POD("'count':0"), "/data/pods/0/count", "between 1 and"},
        {"kube", POD("'requests':null"), "/data/pods/0/requests", "must be an object"},
        {"kube", POD("'requests':{'cpu':true}"), "/data/pods/0/requests/cpu",
         "must be a quantity, not a boolean"},
        {"kube", POD("'requests':{'cpu':'-1'}"), "/data/pods/0/requests/cpu", "quantity"},
        {"kube", POD("'requests':{'cpu':-1}"), "/data/pods/0/requests/cpu", "quantity"},
        {"kube", POD("'requests':{'cpu':'1GB'}"), "/data/pods/0/requests/cpu", "quantity"},
        {"kube", POD("'requests':{'cpu':'9007199254740.992'}"), "/data/pods/0/requests/cpu",
         "2^53-1"},
        {"kube", POD("'requests':{'memory':'8Pi'}"), "/data/pods/0/requests/memory", "2^53-1"},
        {"kube", POD("'requests':{'a.io/gpu':'0.5'}"), "/data/pods/0/requests/a.io~1gpu",
         "whole number"},
        {"kube", POD("'requests':{'pods':2}"), "/data/pods/0/requests/pods", "itself"},
        {"kube", POD("'requests':{'a b':2}"), "/data/pods/0/requests/a b", "no name"},
        {"kube", POD("'requests':{'':2}"), "/data/pods/0/requests/", "no name"},
        {"kube", POD("'requests':{'-a.io/x':2}"), "/data/pods/0/requests/-a.io~1x", "no name"},
        {"kube", POD("'requests':{'a.-io/x':2}"), "/data/pods/0/requests/a.-io~1x", "no name"},
        {"kube", POD("'requests':{'a-.io/x':2}"), "/data/pods/0/requests/a-.io~1x", "no name"},
        {"kube", POD("'requests':{'a..io/x':2}"), "/data/pods/0/requests/a..io~1x", "no name"},
        {"kube", POD("'requests':{'a.io-/x':2}"), "/data/pods/0/requests/a.io-~1x", "no name"},
        {"kube", POD("'requests':{'/x':2}"), "/data/pods/0/requests/~1x", "no name"},
        {"kube", POD("'requests':{'a.io/':2}"), "/data/pods/0/requests/a.io~1", "no name"},
        {"kube", POD("'requests':{'a.io/x/y':2}"), "/data/pods/0/requests/a.io~1x~1y", "no name"},
        {"kube", POD("'nodeSelector':[]"), "/data/pods/0/nodeSelector", "must be an object"},
        {"kube", POD("'nodeSelector':{'a':1}"), "/data/pods/0/nodeSelector/a", "string"},
        {"kube", POD("'nodeSelector':{'a':'-'}"), "/data/pods/0/nodeSelector/a", "value"},
        {"kube", POD("'nodeSelector':{'A.io/a':'b'}"), "/data/pods/0/nodeSelector/A.io~1a",
         "key of a label"},
        {"kube", POD("'tolerations':{}"), "/data/pods/0/tolerations", "must be an array"},
        {"kube", POD("'tolerations':[1]"), "/data/pods/0/tolerations/0", "must be an object"},
        {"kube", TOLERATION(""), "/data/pods/0/tolerations/0/operator", "Exists when there is no"},
        {"kube", TOLERATION("'key':'k','operator':1"), "/data/pods/0/tolerations/0/operator",
         "must be a string"},
        {"kube", TOLERATION("'key':'k','value':1"), "/data/pods/0/tolerations/0/value",
         "must be a string"},
        {"kube", TOLERATION("'key':'k','effect':1"), "/data/pods/0/tolerations/0/effect",
         "must be a string"},
        {"kube", TOLERATION("'key':7"), "/data/pods/0/tolerations/0/key", "must be a string"},
        {"kube", TOLERATION("'key':'a b'"), "/data/pods/0/tolerations/0/key", "key of a taint"},
        {"kube", TOLERATION("'key':'k','operator':'Like'"), "/data/pods/0/tolerations/0/operator",
         "Equal or Exists"},
        {"kube", TOLERATION("'key':'k','operator':'Exists','value':'v'"),
         "/data/pods/0/tolerations/0/value", "must be empty"},
        {"kube", TOLERATION("'key':'k','value':'?'"), "/data/pods/0/tolerations/0/value",
         "value of a taint"},
        {"kube", TOLERATION("'key':'k','effect':'Never'"), "/data/pods/0/tolerations/0/effect",
         "NoSchedule"},
        {"kube", TOLERATION("'key':'k','tolerationSeconds':1"), "/data/pods/0/tolerations/0/effect",
         "must be NoExecute"},
        {"kube", TOLERATION("'key':'k','tolerationSeconds':'1'"),
         "/data/pods/0/tolerations/0/tolerationSeconds", "whole number"},
    };

    (void)state;
    expect_refused(cases, ARRAY_LEN(cases));
}

/* ---- hosts ---- */

static int64_t total_of(void *ctx, struct str resource)
{
    return str_is(resource, "cpu") ? *(int64_t *)ctx : str_is(resource, "pods") ? 1 : 0;
}

static bool fits(const char *data, int64_t cpu, bool *needs_labels)
{
    struct demand *d;
    struct err e;
    bool yes;

    assert_int_equal(parse("kube", str_of(data), &d, &e), 0);
    assert_int_equal(d->kinds, 1);
    yes = demand_fits_alone(&d->kind[0], total_of, &cpu);
    *needs_labels = demand_needs_labels(&d->kind[0]);
    demand_free(d);
    return yes;
}

static void test_fits_alone(void **state)
{
    bool labels;

    (void)state;
    assert_true(fits(POD("'requests':{'cpu':1}"), 1000, &labels));
    assert_false(labels);
    assert_false(fits(POD("'requests':{'cpu':1}"), 999, &labels));
    assert_false(fits(POD("'requests':{'memory':1}"), 1000, &labels));
    assert_true(fits(TOLERATION("'operator':'Exists'"), 0, &labels));
    assert_false(labels);
    assert_false(fits(POD("'nodeSelector':{'a':'b'}"), 0, &labels));
    assert_true(labels);
}

/* The place that a pod takes is one of the resources that it asks for. */
static void test_a_pod_and_its_requests(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct demand *d = NULL;
    struct err e;
    size_t n, i;

    (void)state;
    for (n = DEMAND_RESOURCES_MAX - 1; n <= DEMAND_RESOURCES_MAX; n++) {
        buf_reset(&b);
        buf_str(&b, "{'namespace':'n','pods':[{'requests':{");
        for (i = 0; i < n; i++)
            buf_printf(&b, "%s'a.io/r%zu':1", i ? "," : "", i);
        buf_str(&b, "}}]}");
        assert_int_equal(parse("kube", buf_span(&b), &d, &e), n < DEMAND_RESOURCES_MAX ? 0 : -1);
    }
    assert_int_equal(d->kind[0].amounts, DEMAND_RESOURCES_MAX);
    assert_string_equal(e.pointer, "/data/pods/0/requests");
    assert_non_null(strstr(e.text, "at most 32 resources"));
    demand_free(d);
    buf_free(&b);
}

/* Only what is spelled as Placement spells its classes is a resource; the rest is the client's. */
static void test_scales(void **state)
{
    (void)state;
    assert_int_equal(demand_scale(STR_LIT("kube"), STR_LIT("cpu")), 1000);
    assert_int_equal(demand_scale(STR_LIT("kube"), STR_LIT("memory")), 1);
    assert_int_equal(demand_scale(STR_LIT("kube"), (struct str){0}), 1);
    assert_int_equal(demand_scale(STR_LIT("vm"), STR_LIT("cpu")), 1);
}

static void test_what_is_no_resource_of_a_machine(void **state)
{
    struct demand *d = NULL;
    struct err e;

    (void)state;
    assert_int_equal(parse("vm",
                           STR_LIT("{'project':'p','instances':[{'VCPU':1,'A:':'x','A{':'x',"
                                   "'A@':'x','A/':'x','a':'x','':'x','A_9':2}]}"),
                           &d, &e),
                     0);
    expect_shape(d, "[{'n':1,'r':{'A_9':2,'VCPU':1}}]");
    demand_free(d);
}

/* Letters and digits, and nothing that stands beside them in ASCII. */
static void test_labels(void **state)
{
    static const char *const bad[] = {"/",   ":",   "@",   "[",  "`",  "{",  "a/",
                                      "a:b", "a[b", "a{b", "-a", "a_", ".a", "a b"};
    char label[66], domain[256];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(bad); i++) {
        if (demand_is_label_value(str_of(bad[i])))
            fail_msg("taken for a label's value: %s", bad[i]);
    }
    assert_true(demand_is_label_value(STR_LIT("0aZ9.-_z")));
    assert_true(demand_is_label_value(STR_LIT("")));
    assert_false(demand_is_label_key(STR_LIT("")));
    memset(label, 'x', sizeof label);
    assert_true(demand_is_label_value((struct str){label, 63}));
    assert_false(demand_is_label_value((struct str){label, 64}));
    memset(domain, 'x', sizeof domain);
    domain[253] = '/';
    assert_true(demand_is_label_key((struct str){domain, 255}));
    domain[253] = 'x';
    domain[254] = '/';
    assert_false(demand_is_label_key((struct str){domain, 256}));
    assert_false(demand_is_label_key(STR_LIT("a_b/c")));
    assert_false(demand_is_label_key(STR_LIT("a[b/c")));
}

static void test_names(void **state)
{
    char name[DEMAND_NAME_MAX + 1];

    (void)state;
    memset(name, 'x', sizeof name);
    assert_true(demand_is_name((struct str){name, DEMAND_NAME_MAX}));
    assert_false(demand_is_name((struct str){name, DEMAND_NAME_MAX + 1}));
    assert_false(demand_is_name(STR_LIT("")));
    assert_false(demand_is_name(STR_LIT("a\nb")));
    assert_false(demand_is_name(STR_LIT("a\x7f")));
    assert_true(demand_is_name(STR_LIT("a b")));
}

static void test_resource_names(void **state)
{
    (void)state;
    assert_true(str_is(demand_resource(STR_LIT("vm"), STR_LIT("MEMORY_MB")), "Memory"));
    assert_true(str_is(demand_resource(STR_LIT("vm"), STR_LIT("DISK_GB")), "Disk"));
    assert_true(str_is(demand_resource(STR_LIT("vm"), STR_LIT("VCPU")), "VCPU"));
    assert_true(str_is(demand_resource(STR_LIT("lab"), STR_LIT("DISK_GB")), "DISK_GB"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vm_taken),
        cmocka_unit_test(test_vm_refused),
        cmocka_unit_test(test_any_taken),
        cmocka_unit_test(test_any_refused),
        cmocka_unit_test(test_kube_taken),
        cmocka_unit_test(test_kube_refused),
        cmocka_unit_test(test_fits_alone),
        cmocka_unit_test(test_resource_names),
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_what_is_no_resource_of_a_machine),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_a_pod_and_its_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
