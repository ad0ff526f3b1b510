/* SPDX-License-Identifier: MIT */
/* The configuration: every complaint with its file, line and key; hostile and damaged files; memory
 * that runs out. */
#include "conf_refusal.h"
#include "prop.h"
#include "torture.h"

static void unknown_keys_are_named_with_the_one_that_was_meant(void **state)
{
    static const struct refused cases[] = {
        {"a: 1", "f:1: a: there is no such key"},
        {"auth: none\nworker: 4", "f:2: worker: there is no such key; did you mean workers?"},
        {"databse: x", "f:1: databse: there is no such key; did you mean database?"},
        {"loglevel: x", "f:1: loglevel: there is no such key; did you mean log_level?"},
        {"callback:\n  timeuot: 1",
         "f:2: callback.timeuot: there is no such key; did you mean timeout?"},
        {"hold: 1m", "f:1: hold: there is no such key; did you mean callback.hold?"},
        {"queues:\n  vm:\n    capcity: none",
         "f:3: queues.vm.capcity: there is no such key; did you mean capacity?"},
        {"queues: {vm: {pools: {p: {\nproject: [x]}}}}",
         "f:2: queues.vm.pools.p.project: there is no such key; did you mean projects?"},
        {"queues: {vm: {workers: 1}}",
         "f:1: queues.vm.workers: there is no such key; did you mean workers?"},
        {"queues: {vm: {pools: {p: {ports: }}}}", /* pools is as near, elsewhere */
         "f:1: queues.vm.pools.p.ports: there is no such key; did you mean hosts?"},
        {"\"\": 1", "f:1: there is no such key"},
        {"resource: 1", "f:1: resource: there is no such key"},
    };

    (void)state;
    assert_refused(cases, ARRAY_LEN(cases));
    assert_string_equal(refusal(STR_LIT("zzz: 1")), "f:1: zzz: there is no such key");
    assert_string_equal(refusal(STR_LIT("a_key_that_is_much_longer_than_any_of_ours: 1")),
                        "f:1: a_key_that_is_much_longer_than_any_of_ours: there is no such key");
}

static void values_of_a_wrong_kind_are_named(void **state)
{
    static const struct refused cases[] = {
        {"[]", "f:1: must be a mapping, not a list"},
        {"x", "f:1: must be a mapping, not x"},
        {"database: [x]", "f:1: database: must be a text, not a list"},
        {"database:", "f:1: database: must be a text; it has no value"},
        {"database: ''", "f:1: database: must not be empty"},
        {"database: \"a\\tb\"", "f:1: database: must not hold control characters"},
        {"auth: yes", "f:1: auth: must be none or tokens or keystone, not yes"},
        {"auth: [none]", "f:1: auth: must be none or tokens or keystone, not a list"},
        {"log_level: {}", "f:1: log_level: must be error or warn or info or debug, not a mapping"},
        {"log_level: INFO", "f:1: log_level: must be error or warn or info or debug, not INFO"},
        {"workers: \"4\"", "f:1: workers: must be a whole number in 1..64, not \"4\""},
        {"workers: !!str 4", "f:1: workers: must be a whole number in 1..64, not \"4\""},
        {"workers: 4.0", "f:1: workers: must be a whole number in 1..64, not 4.0"},
        {"workers: 0x4", "f:1: workers: must be a whole number"},
        {"workers: 010", "f:1: workers: must be a whole number"},
        {"workers: yes", "f:1: workers: must be a whole number"},
        {"workers:", "f:1: workers: must be a whole number in 1..64; it has no value"},
        {"workers: []", "f:1: workers: must be a whole number in 1..64, not a list"},
        {"low_water: 1T", "f:1: low_water: must be a size such as 64M, in 0..1024G, not 1T"},
        {"low_water: \"64\"", "f:1: low_water: must be a size"},
        {"callback: 5", "f:1: callback: must be a mapping, not 5"},
        {"callback: {timeout: \"10\"}",
         "f:1: callback.timeout: must be a duration such as 90s or 5m"},
        {"callback: {timeout: forever}", "f:1: callback.timeout: must be a duration"},
        {"callback: {timeout: {}}", "f:1: callback.timeout: must be a duration"},
        {"callback: {retry: 5s}",
         "f:1: callback.retry: must be a list of 1 to 32 durations in 0..1d, not 5s"},
        {"callback: {retry: [0,\n x]}",
         "f:2: callback.retry: must be a list of 1 to 32 durations in 0..1d, not x"},
        {"callback: {retry: [[]]}", "f:1: callback.retry: must be a list of"},
        {"callback: {retry: }", "f:1: callback.retry: must be a list of"},
        {"queues: []", "f:1: queues: must be a mapping, not a list"},
        {"queues: {vm: static}", "f:1: queues.vm: must be a mapping, not static"},
        {"queues: {vm: {overtake: never}}", "f:1: queues.vm.overtake: must be a duration such as "
                                            "90s or 5m, in 0..3650d, or forever, not never"},
        {"queues: {vm: {overtake: [forever]}}", "f:1: queues.vm.overtake: must be a duration"},
        {"queues: {vm: {pools: [p]}}", "f:1: queues.vm.pools: must be a mapping, not a list"},
        {"queues: {vm: {pools: {p: [x]}}}",
         "f:1: queues.vm.pools.p: must be a mapping, not a list"},
        {"queues: {vm: {pools: {p: {projects: x}}}}",
         "f:1: queues.vm.pools.p.projects: must be a list, not x"},
        {"queues: {vm: {pools: {p: {projects: [~]}}}}",
         "f:1: queues.vm.pools.p.projects: must be a list of texts; it has no value"},
        {"queues: {vm: {pools: {p: {projects: [[x]]}}}}",
         "f:1: queues.vm.pools.p.projects: must be a list of texts, not a list"},
        {"queues: {vm: {pools: {p: {hosts: [h]}}}}",
         "f:1: queues.vm.pools.p.hosts: must be a mapping, not a list"},
        {"queues: {vm: {pools: {p: {hosts: {h: 5}}}}}",
         "f:1: queues.vm.pools.p.hosts.h: must be a mapping, not 5"},
    };

    (void)state;
    assert_refused(cases, ARRAY_LEN(cases));
}

static void values_out_of_range_are_named(void **state)
{
    static const struct refused cases[] = {
        {"workers: 0", "f:1: workers: must be a whole number in 1..64, not 0"},
        {"workers: 65", "f:1: workers: must be a whole number in 1..64, not 65"},
        {"workers: -1", "f:1: workers: must be"},
        {"workers: 99999999999999999999", "f:1: workers: must be"},
        {"max_queued: 0", "f:1: max_queued: must be a whole number in 1..1000000000, not 0"},
        {"low_water: 1025G", "f:1: low_water: must be"},
        {"callback: {timeout: 9ms}",
         "f:1: callback.timeout: must be a duration such as 90s or 5m, in 10ms..1h, not 9ms"},
        {"callback: {timeout: 61m}", "f:1: callback.timeout: must be"},
        {"callback: {connect_timeout: 0}", "f:1: callback.connect_timeout: must be"},
        {"callback: {concurrency: 10001}",
         "f:1: callback.concurrency: must be a whole number in 1..10000"},
        {"callback: {concurrency: 0}", "f:1: callback.concurrency: must be"},
        {"callback: {hold: 31d}",
         "f:1: callback.hold: must be a duration such as 90s or 5m, in 100ms..30d"},
        {"callback: {retry: []}", "f:1: callback.retry: has 0 durations; it must have 1 to 32"},
        {"callback: {retry: [0, 25h]}", "f:1: callback.retry: must be"},
        {"queues: {vm: {overtake: 3651d}}", "f:1: queues.vm.overtake: must be"},
        {"queues: {vm: {overtake: -1}}", "f:1: queues.vm.overtake: must be"},
    };

    (void)state;
    assert_refused(cases, ARRAY_LEN(cases));
}

static void words_that_are_not_known_are_told(void **state)
{
    static const struct refused cases[] = {
        {"auth: keystone", "f:1: auth: keystone needs keystone.url"},
        {"auth: ldap", "f:1: auth: must be none or tokens or keystone, not ldap"},
        {"queues: {vm: {capacity: magic}}",
         "f:1: queues.vm.capacity: must be none or static or openstack or kubernetes or exec or "
         "http, not magic"},
        {"queues: {vm: {fit: openstack}}",
         "f:1: queues.vm.fit: must be auto or pack or spread, not openstack"},
    };

    (void)state;
    assert_refused(cases, ARRAY_LEN(cases));
}

static void what_a_source_cannot_do_without_is_named(void **state)
{
    static const struct refused cases[] = {
        {"queues: {x: {capacity: exec}}",
         "f:1: queues.x: capacity exec needs a program with an absolute path"},
        {"queues: {x: {capacity: exec, program: [count.sh]}}",
         "f:1: queues.x: capacity exec needs a program with an absolute path"},
        {"queues: {x: {capacity: exec, program: /bin/true}}",
         "f:1: queues.x.program: must be a list"},
        {"queues: {x: {capacity: http}}", "f:1: queues.x: capacity http needs a url"},
        {"queues: {x: {capacity: http, url: ftp://h/}}", "f:1: queues.x.url: must be an absolute"},
        {"queues: {x: {capacity: static, accounting: observed}}",
         "f:1: queues.x: static capacity sees no use: its accounting is ledger"},
        {"queues: {x: {quota: maybe}}", "f:1: queues.x.quota: must be off or on, not maybe"},
    };

    (void)state;
    assert_refused(cases, ARRAY_LEN(cases));
}

static void callback_bases_are_absolute_urls(void **state)
{
    static const char *const good[] = {
        "http://a",      "http://a/",      "https://a.b-c.d:65535/x/y?z",
        "http://[::1]/", "http://[::1]:1", "http://1.2.3.4",
        "hTTp://a?b",    "http://a/%7Fx",
    };
    static const char *const bad[] = {
        "/x",
        "abc",
        "ftp://a/",
        "http:/a",
        "http://",
        "http:///x",
        "http://:80/",
        "http://a:/",
        "http://a:0/",
        "http://a:65536/",
        "http://a:b/",
        "http://u@a/",
        "http://u:p@a/",
        "http://a/#x",
        "http://a/ b",
        "http://a/%",
        "http://a/%zz",
        "http://a/<",
        "http://a\\\\b/",
        "http://[::1",
        "http://[]/",
        "http://::1/",
        "http://[x]/",
        "http://a]/",
        "http://\xc3\xa4/",
        "http://?x",
        "http://a/%0",
        "http://[::1]x/",
        "~",
        "httpx://a",
    };
    char text[200];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(good); i++) {
        struct conf *c;

        (void)snprintf(text, sizeof text, "queues: {q: {callback_base: \"%s\"}}", good[i]);
        c = parse(str_of(text));
        assert_str(c->queue[0].callback_base, good[i]);
        conf_free(c);
    }
    for (i = 0; i < ARRAY_LEN(bad); i++) {
        (void)snprintf(text, sizeof text, "queues: {q: {callback_base: \"%s\"}}", bad[i]);
        if (!strstr(refusal(str_of(text)), "must be an absolute http or https URL"))
            fail_msg("%s: %s", bad[i], refusal(str_of(text)));
    }
}

static void hosts_that_disagree_are_named(void **state)
{
    static const struct refused cases[] = {
        {"queues: {q: {pools: {\na: {hosts: {h: {r: 1}}},\nb: {hosts: {h: {r: 2}}}}}}",
         "f:3: queues.q.pools.b.hosts.h: has other amounts here than in line 2"},
        {"queues: {q: {pools: {\na: {hosts: {h: }},\nb: {hosts: {h: {r: 1}}},\n"
         "c: {hosts: {h: {s: 1}}}}}}",
         "f:4: queues.q.pools.c.hosts.h: has other amounts here than in line 3"},
        {"queues: {q: {pools: {a: {hosts: {h: {r: 1, s: 0}}}, b: {hosts: {h: {r: 1}}}}}}",
         "f:1: queues.q.pools.b.hosts.h: has other amounts"},
        {"queues: {q: {pools: {\na: {hosts: {h: {}}},\nb: {hosts: {h: }}}}}",
         "f:2: queues.q.pools.a.hosts.h: no pool of this queue says what this host has"},
        {"queues: {kube: {pools: {a: {hosts: {h: }}}}}",
         "f:1: queues.kube.pools.a.hosts.h: no pool of this queue says"},
        {"queues: {q: {pools: {a: {hosts: {h: {r: 1}}}}}, p: {pools: {a: {hosts: {h: }}}}}",
         "f:1: queues.p.pools.a.hosts.h: no pool of this queue says"},
        {"queues: {q: {pools: {a: {hosts: {h: {r: 1},\nh: {r: 1}}}}}}",
         "f:2: the key \"h\" is there twice"},
        {"queues: {q: {pools: {a: {hosts: {h: {r: 1, r: 1}}}}}}",
         "f:1: the key \"r\" is there twice"},
        {"queues: {vm: {pools: {a: {hosts: {h: {Memory: 1, MEMORY_MB: 1}}}}}}",
         "f:1: queues.vm.pools.a.hosts.h.MEMORY_MB: is given twice: Memory is another name of it"},
    };

    (void)state;
    assert_refused(cases, ARRAY_LEN(cases));
}

static void amounts_are_whole_numbers_or_quantities(void **state)
{
    static const char *const whole[] = {"-1",  "1.5",  "1e3",  "\"5\"", "9007199254740992",
                                        "",    "~",    "[]",   "{}",    "08",
                                        "5Gi", "0x10", "1_000"};
    static const char *const quantity[] = {"-1",  "x", "", "~", "[]", "{}", "9007199254740992",
                                           "1 Gi"};
    char text[200];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(whole); i++) {
        (void)snprintf(text, sizeof text, "queues: {q: {pools: {p: {hosts: {h: {r: %s}}}}}}",
                       whole[i]);
        if (!strstr(refusal(str_of(text)), "f:1: queues.q.pools.p.hosts.h.r: must be a whole number"
                                           " in 0..9007199254740991"))
            fail_msg("%s: %s", whole[i], refusal(str_of(text)));
    }
    for (i = 0; i < ARRAY_LEN(quantity); i++) {
        (void)snprintf(text, sizeof text, "queues: {kube: {pools: {p: {hosts: {h: {cpu: %s}}}}}}",
                       quantity[i]);
        if (!strstr(refusal(str_of(text)), "f:1: queues.kube.pools.p.hosts.h.cpu: must be a"
                                           " Kubernetes quantity such as 500m or 16Gi"))
            fail_msg("%s: %s", quantity[i], refusal(str_of(text)));
    }
}

/* Each place for a name, with the name in the middle. */
static const char *const name_places[][2] = {
    {"queues: {", ": }"},
    {"queues: {q: {pools: {", ": }}}"},
    {"queues: {q: {pools: {p: {projects: [", "]}}}}"},
    {"queues: {q: {pools: {p: {hosts: {", ": {r: 1}}}}}}"},
    {"queues: {q: {pools: {p: {hosts: {h: {", ": 1}}}}}}"},
};

static void names_are_bounded_and_printable(void **state)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    char longest[257];

    (void)state;
    memset(longest, 'n', sizeof longest);
    longest[256] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(name_places); i++) {
        const char *const names[][2] = {
            {"\"\"", "must not be empty"},
            {"\"a\\nb\"", "control characters"},
            {"\"\\x7f\"", "control characters"},
            {"\"\\x85\"", "control characters"},
            {longest, "longer than 255 bytes"},
            {longest + 1, NULL},
            {"\"\\xa0\"", NULL},
            {"\"'\\u4e00\\U0001f600 .\"", NULL},
        };

        for (size_t j = 0; j < ARRAY_LEN(names); j++) {
            const char *got;

            buf_reset(&text);
            buf_printf(&text, "%s%s%s", name_places[i][0], names[j][0], name_places[i][1]);
            got = refusal(buf_span(&text));
            if (!strstr(got, names[j][1] ? names[j][1] : "(it was taken)"))
                fail_msg("%s: %s", text.data, got);
        }
    }
    buf_free(&text);
}

static void an_error_keeps_its_words_whatever_the_names(void **state)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    char name[251];
    const char *got;

    (void)state;
    memset(name, 'n', sizeof name);
    name[250] = '\0';
    buf_printf(&text, "queues: {%s: {pools: {%s: {hosts: {%s: {%s: x}}}}}}", name, name, name,
               name);
    got = refusal(buf_span(&text));
    assert_non_null(strstr(got, ": must be a whole number in 0..9007199254740991, not x"));
    assert_string_equal(refusal(STR_LIT("\"\\e[2J\\n\": 1")), "f:1: ?[2J?: there is no such key");
    buf_free(&text);
}

static void hostile_files_are_refused(void **state)
{
    static const struct {
        struct str text;
        const char *error;
    } cases[] = {
        {STR_LIT("database: a\0b"), "f:1: control characters are not allowed"},
        {STR_LIT("database: \"a\\0b\""), "f:1: a NUL byte in a text"},
        {STR_LIT("database: \xff"), "f:1: invalid leading UTF-8 octet"},
        {STR_LIT("database: *x"), "f:1: no anchor \"x\""},
        {STR_LIT("queues: &x {vm: *x}"), "f:1: the alias \"x\" stands within"},
        {STR_LIT("queues: {*: {}}"), "f:1: while scanning an alias"},
        {STR_LIT("queues:\n  a: &a {fit: pack}\n  b:\n    <<: *a\n"), "f:4: merge keys (<<)"},
        {STR_LIT("auth: none\nauth: none"), "f:2: the key \"auth\" is there twice"},
        {STR_LIT("auth: none\n---\nauth: none"), "f:2: a second document"},
        {STR_LIT("auth: !!python/none x"), "f:1: the tag"},
    };
    struct buf text = BUF_INIT(TEXT_MAX);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = refusal(cases[i].text);

        if (strncmp(got, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("\"%s\" and not \"%s\"", got, cases[i].error);
    }
    for (int i = 0; i < 100000; i++)
        buf_str(&text, "queues: {");
    assert_non_null(strstr(refusal(buf_span(&text)), "f:1: "));
    buf_reset(&text);
    while (text.len < 10 << 20)
        buf_str(&text, "# 32 bytes of nothing, many times\n");
    assert_string_equal(refusal(buf_span(&text)), "f: larger than 4194304 bytes");
    buf_free(&text);
}

/* As many pools as a file can have, all sharing one list of hosts by alias: the aliases' values
 * count. */
static void aliased_hosts_are_bounded(void **state)
{
    struct buf text = BUF_INIT(TEXT_MAX);

    (void)state;
    buf_str(&text, "queues: {q: {pools: {p: {hosts: &h {");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "h%d: {r: 1}, ", i);
    buf_str(&text, "}}");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, ", p%d: {hosts: *h}", i);
    buf_str(&text, "}}}");
    assert_non_null(strstr(refusal(buf_span(&text)), "more than 200000 values"));
    buf_free(&text);
}

static const char sample[] =
    "database: a.db\nworkers: 2\ncallback: {retry: [0, 1s], timeout: 2s}\n"
    "queues:\n  vm: {capacity: static, overtake: 1h, callback_base: 'http://a/', pools: {\n"
    "    a: {projects: [x, y], hosts: {h1: {r: 1, s: 2}, h2: }},\n"
    "    b: {hosts: {h2: {r: 3}}}}}\n"
    "  kube: {pools: {k: {hosts: {n: {cpu: 500m}}}}}\n";

static void damaged_texts_do_no_harm(void **state)
{
    struct prop r = prop_begin(__func__, 24);
    char text[sizeof sample];
    int taken = 0;
    struct conf *c;
    struct err e;

    (void)state;
    conf_free(parse(STR_LIT(sample)));
    for (int round = 0; round < 3000; round++) {
        memcpy(text, sample, sizeof text);
        for (size_t i = prop_below(&r, 3) + 1; i > 0; i--)
            text[prop_below(&r, sizeof text - 1)] = (char)prop_between(&r, ' ', '~');
        e = (struct err){0};
        if (conf_parse((struct str){text, sizeof text - 1}, "f", &c, &e) == 0) {
            assert_str(c->queue[c->queues - 1].type, "*");
            conf_free(c);
            taken++;
        } else {
            assert_int_equal(e.code, ERR_CONFIG);
            assert_int_equal(strncmp(e.text, "f:", 2), 0);
        }
    }
    assert_in_range(taken, 100, 2900); /* else the damage is no test */
}

#if TORTURE
static void memory_that_runs_out_is_reported(void **state)
{
    struct conf *c;
    struct err e;
    int64_t good = 0;
    int failed;

    (void)state;
    do {
        e = (struct err){0};
        torture_arm(good++);
        failed = conf_parse(STR_LIT(sample), "f", &c, &e);
        if (!failed)
            conf_free(c);
        assert_int_equal(torture_end(), 0);
        assert_int_equal(e.code, failed ? ERR_INTERNAL : ERR_NONE);
    } while (failed);
    assert_in_range(good, 50, 5000);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys_are_named_with_the_one_that_was_meant),
        cmocka_unit_test(values_of_a_wrong_kind_are_named),
        cmocka_unit_test(values_out_of_range_are_named),
        cmocka_unit_test(words_that_are_not_known_are_told),
        cmocka_unit_test(what_a_source_cannot_do_without_is_named),
        cmocka_unit_test(callback_bases_are_absolute_urls),
        cmocka_unit_test(hosts_that_disagree_are_named),
        cmocka_unit_test(amounts_are_whole_numbers_or_quantities),
        cmocka_unit_test(names_are_bounded_and_printable),
        cmocka_unit_test(an_error_keeps_its_words_whatever_the_names),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(aliased_hosts_are_bounded),
        cmocka_unit_test(damaged_texts_do_no_harm),
#if TORTURE
        cmocka_unit_test(memory_that_runs_out_is_reported),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
