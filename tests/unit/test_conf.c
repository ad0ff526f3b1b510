/* SPDX-License-Identifier: MIT */
/* The configuration: defaults, every key, every complaint with its file, line and key, hosts that
 * pools share, and hostile files. */
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <unistd.h>

#include "buf.h"
#include "conf.h"
#include "num.h"
#include "prop.h"
#include "torture.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)

enum { TEXT_MAX = 16 << 20 };

static struct conf *parse(struct str text)
{
    struct conf *conf = NULL;
    struct err e = {0};

    if (conf_parse(text, "f", &conf, &e) != 0)
        fail_msg("%s", e.text);
    return conf;
}

/* Parses what must be refused; returns the words of the error, which live until the next call. */
static const char *refusal(struct str text)
{
    static struct err e;
    struct conf *conf = NULL;

    e = (struct err){0};
    if (conf_parse(text, "f", &conf, &e) == 0) {
        conf_free(conf);
        return "(it was taken)";
    }
    assert_null(conf);
    assert_int_equal(e.code, ERR_CONFIG);
    return e.text;
}

static void assert_str(struct str got, const char *want)
{
    if (!str_is(got, want))
        fail_msg("\"%.*s\" is not \"%s\"", (int)got.n, got.p, want);
    assert_int_equal(got.p[got.n], '\0');
}

static void an_empty_file_is_all_defaults(void **state)
{
    static const int64_t waits[] = {0, 5, 15, 30, 60, 120, 300, 300};
    struct conf *c = parse(STR_LIT(""));
    const struct conf_queue *any = conf_queue(c, STR_LIT("vm"));

    (void)state;
    assert_str(c->file, "f");
    assert_str(c->database, "/var/lib/anteroom/anteroom.db");
    assert_int_equal(c->auth, CONF_AUTH_NONE);
    assert_int_equal(c->log_level, LOG_LVL_INFO);
    assert_int_equal(c->workers, 4);
    assert_int_equal(c->max_queued, 1000000);
    assert_int_equal(c->low_water, 64 << 20);
    assert_int_equal(c->callback.timeout, 10 * S);
    assert_int_equal(c->callback.connect_timeout, 5 * S);
    assert_int_equal(c->callback.concurrency, 64);
    assert_int_equal(c->callback.hold, 900 * S);
    assert_int_equal(c->callback.retries, ARRAY_LEN(waits));
    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        assert_int_equal(c->callback.retry[i], waits[i] * S);
    assert_int_equal(c->queues, 1);
    assert_ptr_equal(any, &c->queue[0]);
    assert_str(any->type, "*");
    assert_int_equal(any->capacity, CONF_CAPACITY_NONE);
    assert_int_equal(any->fit, CONF_FIT_PACK);
    assert_int_equal(any->overtake, 3600 * S);
    assert_null(any->callback_base.p);
    assert_int_equal(any->hosts, 0);
    assert_int_equal(any->pools, 0);
    conf_free(c);
}

static void mappings_without_a_value_are_empty(void **state)
{
    struct conf *c = parse(STR_LIT("callback:\nqueues:\n"));

    (void)state;
    assert_int_equal(c->queues, 1);
    conf_free(c);
    c = parse(STR_LIT("queues:\n  vm:\n  b: {pools: }\n  c: {pools: {p: }}\n"
                      "  d: {pools: {p: {hosts: , projects: }}}\n"));
    assert_int_equal(c->queues, 5);
    assert_int_equal(conf_queue(c, STR_LIT("b"))->pools, 0);
    assert_int_equal(conf_queue(c, STR_LIT("c"))->pools, 1);
    assert_int_equal(conf_queue(c, STR_LIT("d"))->pools, 1);
    conf_free(c);
}

static void every_scalar_key_is_read(void **state)
{
    struct conf *c = parse(STR_LIT("database: var/x.db\nauth: none\nlog_level: debug\n"
                                   "workers: 64\nmax_queued: 7\nlow_water: 2G\n"
                                   "callback: {timeout: 250ms, connect_timeout: 1, concurrency: 3,"
                                   " hold: '2d', retry: [0, 10ms, \"1h\"]}\n"
                                   "queues: {a: {capacity: static, fit: spread, overtake: 0,"
                                   " callback_base: 'HTTPS://[::1]:8443/a%20b?c=d'},"
                                   " b: {overtake: forever}}\n"));
    const struct conf_queue *a = conf_queue(c, STR_LIT("a"));

    (void)state;
    assert_str(c->database, "var/x.db");
    assert_int_equal(c->log_level, LOG_LVL_DEBUG);
    assert_int_equal(c->workers, 64);
    assert_int_equal(c->max_queued, 7);
    assert_int_equal(c->low_water, INT64_C(2) << 30);
    assert_int_equal(c->callback.timeout, 250 * MS);
    assert_int_equal(c->callback.connect_timeout, S);
    assert_int_equal(c->callback.concurrency, 3);
    assert_int_equal(c->callback.hold, 2 * 86400 * S);
    assert_int_equal(c->callback.retries, 3);
    assert_int_equal(c->callback.retry[1], 10 * MS);
    assert_int_equal(c->callback.retry[2], 3600 * S);
    assert_int_equal(a->capacity, CONF_CAPACITY_STATIC);
    assert_int_equal(a->fit, CONF_FIT_SPREAD);
    assert_int_equal(a->overtake, 0);
    assert_str(a->callback_base, "HTTPS://[::1]:8443/a%20b?c=d");
    assert_true(conf_queue(c, STR_LIT("b"))->overtake == CONF_FOREVER);
    assert_int_equal(conf_queue(c, STR_LIT("b"))->fit, CONF_FIT_PACK);
    conf_free(c);
}

static void types_find_their_queue(void **state)
{
    static const char *const types[] = {"gpu", "kube", "vm", "\xe8\x99\x9a", "17", "null", "a.b"};
    struct conf *c = parse(STR_LIT("queues: {vm: , \"*\": {overtake: 5}, \xe8\x99\x9a: , 17: ,"
                                   " gpu: , null: , kube: , a.b: }"));
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(types); i++)
        assert_str(conf_queue(c, str_of(types[i]))->type, types[i]);
    assert_int_equal(c->queues, ARRAY_LEN(types) + 1);
    for (i = 1; i + 1 < c->queues; i++)
        assert_true(str_cmp(c->queue[i - 1].type, c->queue[i].type) < 0);
    assert_str(c->queue[c->queues - 1].type, "*");
    assert_int_equal(c->queue[c->queues - 1].overtake, 5 * S);
    assert_str(conf_queue(c, STR_LIT("v"))->type, "*");
    assert_str(conf_queue(c, STR_LIT(""))->type, "*");
    assert_str(conf_queue(c, STR_LIT("*"))->type, "*");
    assert_str(conf_queue(c, (struct str){"vm2", 2})->type, "vm");
    conf_free(c);
}

static void assert_amount(const struct conf_host *host, size_t i, const char *resource,
                          int64_t amount)
{
    assert_in_range(i, 0, host->amounts - 1);
    assert_str(host->amount[i].resource, resource);
    assert_true(host->amount[i].amount == amount);
}

static void pools_have_projects_and_hosts(void **state)
{
    struct conf *c = parse(STR_LIT(
        "queues:\n  vm:\n    capacity: static\n    pools:\n"
        "      z:\n        projects: [project id, 17, 'null', \"0x1F\", 1.50]\n"
        "        hosts: {n2: {VCPU: 4, Disk: 0, Memory: 9007199254740991}, 10.0.0.1: {VCPU: 1}}\n"
        "      a: {projects: [project id]}\n"));
    const struct conf_queue *q = conf_queue(c, STR_LIT("vm"));
    const struct conf_pool *z = &q->pool[0];

    (void)state;
    assert_int_equal(q->pools, 2);
    assert_str(z->name, "z");
    assert_str(q->pool[1].name, "a");
    assert_int_equal(q->pool[1].hosts, 0);
    assert_int_equal(z->projects, 5);
    assert_str(z->project[0], "project id");
    assert_str(z->project[1], "17");
    assert_str(z->project[2], "null");
    assert_str(z->project[3], "0x1F");
    assert_str(z->project[4], "1.50");
    assert_int_equal(q->hosts, 2);
    assert_str(q->host[0].name, "10.0.0.1");
    assert_str(q->host[1].name, "n2");
    assert_int_equal(q->host[1].amounts, 3);
    assert_amount(&q->host[1], 0, "Disk", 0);
    assert_amount(&q->host[1], 1, "Memory", NUM_SAFE_MAX);
    assert_amount(&q->host[1], 2, "VCPU", 4);
    assert_int_equal(z->hosts, 2);
    assert_int_equal(z->host[0], 0);
    assert_int_equal(z->host[1], 1);
    conf_free(c);
}

static void a_host_of_several_pools_is_one_host(void **state)
{
    struct conf *c = parse(STR_LIT("queues: {q: {pools: {\n"
                                   "a: {hosts: {h1: , h2: {r: 2}}},\n"
                                   "b: {hosts: {h2: {}, h1: {s: 1, r: 5}}},\n"
                                   "c: {hosts: {h3: {r: 3}, h1: {r: 5, s: 1}}}}}}"));
    const struct conf_queue *q = conf_queue(c, STR_LIT("q"));

    (void)state;
    assert_int_equal(q->hosts, 3);
    assert_int_equal(q->host[0].amounts, 2);
    assert_amount(&q->host[0], 0, "r", 5);
    assert_amount(&q->host[0], 1, "s", 1);
    assert_amount(&q->host[1], 0, "r", 2);
    assert_int_equal(q->pool[2].hosts, 2);
    assert_int_equal(q->pool[2].host[0], 0);
    assert_int_equal(q->pool[2].host[1], 2);
    conf_free(c);
}

static void an_alias_may_say_what_a_host_has(void **state)
{
    struct conf *c = parse(STR_LIT("queues:\n  q:\n    pools:\n      a:\n        hosts:\n"
                                   "          h1: &big {r: 8}\n          h2: *big\n"));
    const struct conf_queue *q = conf_queue(c, STR_LIT("q"));

    (void)state;
    assert_int_equal(q->hosts, 2);
    assert_amount(&q->host[1], 0, "r", 8);
    conf_free(c);
}

static void kube_amounts_are_quantities(void **state)
{
    struct conf *c = parse(STR_LIT(
        "queues: {kube: {pools: {p: {hosts: {\n"
        "a: {cpu: 1500m, memory: \"1Gi\", nvidia.com/gpu: 2},\n"
        "b: {cpu: '2', pods: 20}}},\n"
        "r: {hosts: {a: {memory: 1024Mi, cpu: 1.5, pods: 110, nvidia.com/gpu: \"2\"}}}}}}"));
    const struct conf_queue *q = conf_queue(c, STR_LIT("kube"));

    (void)state;
    assert_int_equal(q->hosts, 2);
    assert_int_equal(q->host[0].amounts, 4);
    assert_amount(&q->host[0], 0, "cpu", 1500);
    assert_amount(&q->host[0], 1, "memory", 1 << 30);
    assert_amount(&q->host[0], 2, "nvidia.com/gpu", 2);
    assert_amount(&q->host[0], 3, "pods", 110);
    assert_amount(&q->host[1], 0, "cpu", 2000);
    assert_amount(&q->host[1], 1, "pods", 20);
    conf_free(c);
}

struct refused {
    const char *text;
    const char *error; /* how it begins, and all of it where the sentence is short */
};

static void assert_refused(const struct refused *cases, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const char *got = refusal(str_of(cases[i].text));

        if (strncmp(got, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("%s\n  says \"%s\"\n  and not \"%s\"", cases[i].text, got, cases[i].error);
    }
}

static void unknown_keys_are_named_with_the_one_that_was_meant(void **state)
{
    static const struct refused cases[] = {
        {"a: 1",                                         "f:1: a: there is no such key"                                },
        {"auth: none\nworker: 4",                        "f:2: worker: there is no such key; did you mean workers?"    },
        {"databse: x",                                   "f:1: databse: there is no such key; did you mean database?"  },
        {"loglevel: x",                                  "f:1: loglevel: there is no such key; did you mean log_level?"},
        {"callback:\n  timeuot: 1",
         "f:2: callback.timeuot: there is no such key; did you mean timeout?"                                          },
        {"hold: 1m",                                     "f:1: hold: there is no such key; did you mean callback.hold?"},
        {"queues:\n  vm:\n    capcity: none",
         "f:3: queues.vm.capcity: there is no such key; did you mean capacity?"                                        },
        {"queues: {vm: {pools: {p: {\nproject: [x]}}}}",
         "f:2: queues.vm.pools.p.project: there is no such key; did you mean projects?"                                },
        {"queues: {vm: {workers: 1}}",
         "f:1: queues.vm.workers: there is no such key; did you mean workers?"                                         },
        {"\"\": 1",                                      "f:1: there is no such key"                                   },
        {"resource: 1",                                  "f:1: resource: there is no such key"                         },
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
        {"[]",                                            "f:1: must be a mapping, not a list"                                        },
        {"x",                                             "f:1: must be a mapping, not x"                                             },
        {"database: [x]",                                 "f:1: database: must be a text, not a list"                                 },
        {"database:",                                     "f:1: database: must be a text; it has no value"                            },
        {"database: ''",                                  "f:1: database: must not be empty"                                          },
        {"database: \"a\\tb\"",                           "f:1: database: must not hold control characters"                           },
        {"auth: yes",                                     "f:1: auth: must be none, not yes"                                          },
        {"auth: [none]",                                  "f:1: auth: must be none, not a list"                                       },
        {"log_level: {}",                                 "f:1: log_level: must be error or warn or info or debug, not a mapping"     },
        {"log_level: INFO",                               "f:1: log_level: must be error or warn or info or debug, not INFO"          },
        {"workers: \"4\"",                                "f:1: workers: must be a whole number in 1..64, not \"4\""                  },
        {"workers: !!str 4",                              "f:1: workers: must be a whole number in 1..64, not \"4\""                  },
        {"workers: 4.0",                                  "f:1: workers: must be a whole number in 1..64, not 4.0"                    },
        {"workers: 0x4",                                  "f:1: workers: must be a whole number"                                      },
        {"workers: 010",                                  "f:1: workers: must be a whole number"                                      },
        {"workers: yes",                                  "f:1: workers: must be a whole number"                                      },
        {"workers:",                                      "f:1: workers: must be a whole number in 1..64; it has no value"            },
        {"workers: []",                                   "f:1: workers: must be a whole number in 1..64, not a list"                 },
        {"low_water: 1T",                                 "f:1: low_water: must be a size such as 64M, in 0..1024G, not 1T"           },
        {"low_water: \"64\"",                             "f:1: low_water: must be a size"                                            },
        {"callback: 5",                                   "f:1: callback: must be a mapping, not 5"                                   },
        {"callback: {timeout: \"10\"}",
         "f:1: callback.timeout: must be a duration such as 90s or 5m"                                                                },
        {"callback: {timeout: forever}",                  "f:1: callback.timeout: must be a duration"                                 },
        {"callback: {timeout: {}}",                       "f:1: callback.timeout: must be a duration"                                 },
        {"callback: {retry: 5s}",
         "f:1: callback.retry: must be a list of 1 to 32 durations in 0..1d, not 5s"                                                  },
        {"callback: {retry: [0,\n x]}",
         "f:2: callback.retry: must be a list of 1 to 32 durations in 0..1d, not x"                                                   },
        {"callback: {retry: [[]]}",                       "f:1: callback.retry: must be a list of"                                    },
        {"callback: {retry: }",                           "f:1: callback.retry: must be a list of"                                    },
        {"queues: []",                                    "f:1: queues: must be a mapping, not a list"                                },
        {"queues: {vm: static}",                          "f:1: queues.vm: must be a mapping, not static"                             },
        {"queues: {vm: {overtake: never}}",               "f:1: queues.vm.overtake: must be a duration such as "
                                            "90s or 5m, in 0..3650d, or forever, not never"},
        {"queues: {vm: {overtake: [forever]}}",           "f:1: queues.vm.overtake: must be a duration"                               },
        {"queues: {vm: {pools: [p]}}",                    "f:1: queues.vm.pools: must be a mapping, not a list"                       },
        {"queues: {vm: {pools: {p: [x]}}}",
         "f:1: queues.vm.pools.p: must be a mapping, not a list"                                                                      },
        {"queues: {vm: {pools: {p: {projects: x}}}}",
         "f:1: queues.vm.pools.p.projects: must be a list, not x"                                                                     },
        {"queues: {vm: {pools: {p: {projects: [~]}}}}",
         "f:1: queues.vm.pools.p.projects: must be a list of texts; it has no value"                                                  },
        {"queues: {vm: {pools: {p: {projects: [[x]]}}}}",
         "f:1: queues.vm.pools.p.projects: must be a list of texts, not a list"                                                       },
        {"queues: {vm: {pools: {p: {hosts: [h]}}}}",
         "f:1: queues.vm.pools.p.hosts: must be a mapping, not a list"                                                                },
        {"queues: {vm: {pools: {p: {hosts: {h: 5}}}}}",
         "f:1: queues.vm.pools.p.hosts.h: must be a mapping, not 5"                                                                   },
    };

    (void)state;
    assert_refused(cases, ARRAY_LEN(cases));
}

static void values_out_of_range_are_named(void **state)
{
    static const struct refused cases[] = {
        {"workers: 0",                      "f:1: workers: must be a whole number in 1..64, not 0"           },
        {"workers: 65",                     "f:1: workers: must be a whole number in 1..64, not 65"          },
        {"workers: -1",                     "f:1: workers: must be"                                          },
        {"workers: 99999999999999999999",   "f:1: workers: must be"                                          },
        {"max_queued: 0",                   "f:1: max_queued: must be a whole number in 1..1000000000, not 0"},
        {"low_water: 1025G",                "f:1: low_water: must be"                                        },
        {"callback: {timeout: 9ms}",
         "f:1: callback.timeout: must be a duration such as 90s or 5m, in 10ms..1h, not 9ms"                 },
        {"callback: {timeout: 61m}",        "f:1: callback.timeout: must be"                                 },
        {"callback: {connect_timeout: 0}",  "f:1: callback.connect_timeout: must be"                         },
        {"callback: {concurrency: 1001}",
         "f:1: callback.concurrency: must be a whole number in 1..1000"                                      },
        {"callback: {concurrency: 0}",      "f:1: callback.concurrency: must be"                             },
        {"callback: {hold: 31d}",
         "f:1: callback.hold: must be a duration such as 90s or 5m, in 100ms..30d"                           },
        {"callback: {retry: []}",           "f:1: callback.retry: has 0 durations; it must have 1 to 32"     },
        {"callback: {retry: [0, 25h]}",     "f:1: callback.retry: must be"                                   },
        {"queues: {vm: {overtake: 3651d}}", "f:1: queues.vm.overtake: must be"                               },
        {"queues: {vm: {overtake: -1}}",    "f:1: queues.vm.overtake: must be"                               },
    };

    (void)state;
    assert_refused(cases, ARRAY_LEN(cases));
}

static void words_of_later_versions_are_told_apart(void **state)
{
    static const struct refused cases[] = {
        {"auth: tokens",                         "f:1: auth: tokens comes in a later version; this one knows none only"},
        {"auth: keystone",
         "f:1: auth: keystone comes in a later version; this one knows none only"                                      },
        {"queues:\n  vm: {capacity: openstack}",
         "f:2: queues.vm.capacity: openstack comes in a later version; this one knows none or "
         "static only"                                                                                                 },
        {"queues: {vm: {capacity: kubernetes}}",
         "f:1: queues.vm.capacity: kubernetes comes in a later"                                                        },
        {"queues: {vm: {capacity: exec}}",       "f:1: queues.vm.capacity: exec comes in a later"                      },
        {"queues: {vm: {capacity: magic}}",
         "f:1: queues.vm.capacity: must be none or static, not magic"                                                  },
        {"queues: {vm: {fit: openstack}}",
         "f:1: queues.vm.fit: must be pack or spread, not openstack"                                                   },
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
         "f:3: queues.q.pools.b.hosts.h: has other amounts here than in line 2"                                                                                    },
        {"queues: {q: {pools: {\na: {hosts: {h: }},\nb: {hosts: {h: {r: 1}}},\nc: {hosts: {h: {s: "
         "1}}}}}}",                                                                 "f:4: queues.q.pools.c.hosts.h: has other amounts here than in line 3"},
        {"queues: {q: {pools: {a: {hosts: {h: {r: 1, s: 0}}}, b: {hosts: {h: {r: 1}}}}}}",
         "f:1: queues.q.pools.b.hosts.h: has other amounts"                                                                                                        },
        {"queues: {q: {pools: {\na: {hosts: {h: {}}},\nb: {hosts: {h: }}}}}",
         "f:2: queues.q.pools.a.hosts.h: no pool of this queue says what this host has"                                                                            },
        {"queues: {kube: {pools: {a: {hosts: {h: }}}}}",
         "f:1: queues.kube.pools.a.hosts.h: no pool of this queue says"                                                                                            },
        {"queues: {q: {pools: {a: {hosts: {h: {r: 1}}}}}, p: {pools: {a: {hosts: {h: }}}}}",
         "f:1: queues.p.pools.a.hosts.h: no pool of this queue says"                                                                                               },
        {"queues: {q: {pools: {a: {hosts: {h: {r: 1},\nh: {r: 1}}}}}}",
         "f:2: the key \"h\" is there twice"                                                                                                                       },
        {"queues: {q: {pools: {a: {hosts: {h: {r: 1, r: 1}}}}}}",
         "f:1: the key \"r\" is there twice"                                                                                                                       },
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
    {"queues: {",                             ": }"          },
    {"queues: {q: {pools: {",                 ": }}}"        },
    {"queues: {q: {pools: {p: {projects: [",  "]}}}}"        },
    {"queues: {q: {pools: {p: {hosts: {",     ": {r: 1}}}}}}"},
    {"queues: {q: {pools: {p: {hosts: {h: {", ": 1}}}}}}"    },
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
            {"\"\"",                      "must not be empty"    },
            {"\"a\\nb\"",                 "control characters"   },
            {"\"\\x7f\"",                 "control characters"   },
            {"\"\\x85\"",                 "control characters"   },
            {longest,                     "longer than 255 bytes"},
            {longest + 1,                 NULL                   },
            {"\"\\xa0\"",                 NULL                   },
            {"\"'\\u4e00\\U0001f600 .\"", NULL                   },
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

/* The names of the mentions as a list without order or doubles: what the sorted join must agree
 * with. */
static size_t find_name(const char (*names)[8], size_t n, const char *name)
{
    size_t i = 0;

    while (i < n && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static void random_pools_share_hosts_as_a_slow_search_says(void **state)
{
    enum { POOLS = 6, HOSTS = 9 };
    struct prop r = prop_begin(__func__, 23);
    struct buf text = BUF_INIT(TEXT_MAX);

    (void)state;
    for (int round = 0; round < 500; round++) {
        bool member[POOLS][HOSTS] = {{false}}, said[HOSTS] = {false};
        char names[HOSTS][8];
        size_t known = 0;
        struct conf *c;

        buf_reset(&text);
        buf_str(&text, "queues: {q: {pools: {");
        for (size_t p = 0; p < POOLS; p++) {
            buf_printf(&text, "p%zu: {hosts: {", p);
            for (size_t k = 0; k < HOSTS; k++) {
                size_t h = (k * 4 + p) % HOSTS; /* an order of its own in each pool */

                member[p][h] = prop_one_in(&r, 2);
                if (member[p][h] && (!said[h] || prop_one_in(&r, 2)))
                    buf_printf(&text, "h%zu: {r: %zu},", h, h * 10);
                else if (member[p][h])
                    buf_printf(&text, "h%zu: ,", h);
                said[h] = said[h] || member[p][h];
            }
            buf_str(&text, "}},");
        }
        buf_str(&text, "}}}");
        c = parse(buf_span(&text));
        for (size_t h = 0; h < c->queue[0].hosts; h++, known++) {
            assert_int_equal(find_name(names, known, c->queue[0].host[h].name.p), known);
            (void)snprintf(names[h], sizeof names[h], "%s", c->queue[0].host[h].name.p);
            assert_int_equal(c->queue[0].host[h].amount[0].amount, (names[h][1] - '0') * 10);
        }
        for (size_t p = 0; p < POOLS; p++) {
            const struct conf_pool *pool = &c->queue[0].pool[p];
            size_t members = 0;

            for (size_t i = 0; i < pool->hosts; i++) {
                assert_true(i == 0 || pool->host[i - 1] < pool->host[i]);
                assert_true(member[p][names[pool->host[i]][1] - '0']);
            }
            for (size_t h = 0; h < HOSTS; h++)
                members += member[p][h];
            assert_int_equal(pool->hosts, members);
        }
        conf_free(c);
    }
    buf_free(&text);
}

static void hostile_files_are_refused(void **state)
{
    static const struct {
        struct str text;
        const char *error;
    } cases[] = {
        {STR_LIT("database: a\0b"),                                   "f:1: control characters are not allowed"},
        {STR_LIT("database: \"a\\0b\""),                              "f:1: a NUL byte in a text"              },
        {STR_LIT("database: \xff"),                                   "f:1: invalid leading UTF-8 octet"       },
        {STR_LIT("database: *x"),                                     "f:1: no anchor \"x\""                   },
        {STR_LIT("queues: &x {vm: *x}"),                              "f:1: the alias \"x\" stands within"     },
        {STR_LIT("queues: {*: {}}"),                                  "f:1: while scanning an alias"           },
        {STR_LIT("queues:\n  a: &a {fit: pack}\n  b:\n    <<: *a\n"), "f:4: merge keys (<<)"                   },
        {STR_LIT("auth: none\nauth: none"),                           "f:2: the key \"auth\" is there twice"   },
        {STR_LIT("auth: none\n---\nauth: none"),                      "f:2: a second document"                 },
        {STR_LIT("auth: !!python/none x"),                            "f:1: the tag"                           },
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

static void a_large_configuration_is_read(void **state)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct conf *c;

    (void)state;
    buf_str(&text, "queues: {q: {pools: {");
    for (int i = 0; i < 100; i++) {
        buf_printf(&text, "p%d: {hosts: {", i);
        for (int j = 0; j < 400; j++)
            buf_printf(&text, "h%d: {r: 1}, ", i * 200 + j);
        buf_str(&text, "}}, ");
    }
    buf_str(&text, "}}}");
    c = parse(buf_span(&text));
    assert_int_equal(c->queue[0].hosts, 200 * 101);
    assert_int_equal(c->queue[0].pool[99].hosts, 400);
    conf_free(c);
    buf_free(&text);
}

static void a_file_is_loaded_under_its_path(void **state)
{
    char path[] = "/tmp/test_conf.XXXXXX";
    struct conf *c = NULL;
    struct err e = {0};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "workers: 2\n", 11), 11);
    assert_int_equal(conf_load(path, &c, &e), 0);
    assert_str(c->file, path);
    assert_int_equal(c->workers, 2);
    conf_free(c);
    assert_int_equal(write(fd, "x: 2\n", 5), 5);
    assert_int_equal(close(fd), 0);
    assert_int_equal(conf_load(path, &c, &e), -1);
    assert_int_equal(e.code, ERR_CONFIG);
    assert_int_equal(strncmp(e.text, path, strlen(path)), 0);
    assert_string_equal(e.text + strlen(path), ":2: x: there is no such key");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(conf_load(path, &c, &e), -1);
    assert_non_null(strstr(e.text, "No such file"));
    conf_free(NULL);
}

static void the_path_is_the_options_else_the_environments_else_the_systems(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("ANTEROOM_CONFIG"), 0);
    assert_string_equal(conf_path(NULL), "/etc/anteroom/anteroom.yaml");
    assert_int_equal(setenv("ANTEROOM_CONFIG", "", 1), 0);
    assert_string_equal(conf_path(NULL), "/etc/anteroom/anteroom.yaml");
    assert_int_equal(setenv("ANTEROOM_CONFIG", "/e.yaml", 1), 0);
    assert_string_equal(conf_path(NULL), "/e.yaml");
    assert_string_equal(conf_path("o.yaml"), "o.yaml");
    assert_int_equal(unsetenv("ANTEROOM_CONFIG"), 0);
}

static void the_table_of_keys_is_written(void **state)
{
    static const char *const lines[] = {
        "\nauth\tword\tnone\tnone\t",
        "\nworkers\tnumber\t4\t1..64\t",
        "\nlow_water\tsize\t64M\t0..1024G\t",
        "\ncallback\tmapping\t-\t-\t",
        "\ncallback.hold\tduration\t15m\t100ms..30d\t",
        "\ncallback.retry\tlist of durations\t[0, 5s, 15s, 30s, 1m, 2m, 5m, 5m]\t1 to 32 durations "
        "in 0..1d\t",
        "\nqueues.<type>.capacity\tword\tnone\tnone or static\t",
        "\nqueues.<type>.overtake\tduration\t1h\t0..3650d, or forever\t",
        "\nqueues.<type>.pools.<name>.hosts.<name>.<resource>\tamount\t-\t0..9007199254740991\t",
    };
    struct buf b = BUF_INIT(TEXT_MAX);
    size_t i, tabs = 0, rows = 0;

    (void)state;
    conf_write_keys(&b);
    assert_false(b.failed);
    assert_int_equal(strncmp(b.data, "database\ttext\t/var/lib/", 23), 0);
    for (i = 0; i < ARRAY_LEN(lines); i++)
        assert_non_null(strstr(b.data, lines[i]));
    for (i = 0; i < b.len; i++) {
        tabs += b.data[i] == '\t';
        rows += b.data[i] == '\n';
    }
    assert_int_equal(tabs, 4 * rows);
    buf_free(&b);
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

/* The file that is shipped; with `example`, what it shows in lines that begin with "#  " is taken
 * too. */
static struct conf *shipped(bool example)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    FILE *f = fopen("nginx/anteroom.yaml", "r");
    struct conf *c;
    char line[300];

    if (!f)
        fail_msg("no nginx/anteroom.yaml here: the tests run in the top folder");
    while (fgets(line, sizeof line, f))
        buf_str(&text, example && strncmp(line, "#  ", 3) == 0 ? line + 1 : line);
    assert_int_equal(fclose(f), 0);
    c = parse(buf_span(&text));
    buf_free(&text);
    return c;
}

static void the_shipped_file_says_the_defaults(void **state)
{
    struct conf *c = shipped(false), *preset = parse(STR_LIT(""));

    (void)state;
    assert_str(c->database, preset->database.p);
    assert_int_equal(c->log_level, preset->log_level);
    assert_int_equal(c->workers, preset->workers);
    assert_int_equal(c->max_queued, preset->max_queued);
    assert_int_equal(c->low_water, preset->low_water);
    assert_memory_equal(&c->callback, &preset->callback, sizeof c->callback);
    assert_int_equal(c->queues, 1);
    assert_int_equal(c->queue[0].capacity, CONF_CAPACITY_NONE);
    conf_free(c);
    conf_free(preset);
}

static void the_example_in_the_shipped_file_is_taken(void **state)
{
    struct conf *c = shipped(true);
    const struct conf_queue *vm = conf_queue(c, STR_LIT("vm"));

    (void)state;
    assert_int_equal(c->queues, 2);
    assert_int_equal(vm->capacity, CONF_CAPACITY_STATIC);
    assert_int_equal(vm->pools, 1);
    assert_int_equal(vm->pool[0].projects, 2);
    assert_int_equal(vm->hosts, 2);
    conf_free(c);
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
        cmocka_unit_test(an_empty_file_is_all_defaults),
        cmocka_unit_test(mappings_without_a_value_are_empty),
        cmocka_unit_test(every_scalar_key_is_read),
        cmocka_unit_test(types_find_their_queue),
        cmocka_unit_test(pools_have_projects_and_hosts),
        cmocka_unit_test(a_host_of_several_pools_is_one_host),
        cmocka_unit_test(an_alias_may_say_what_a_host_has),
        cmocka_unit_test(kube_amounts_are_quantities),
        cmocka_unit_test(unknown_keys_are_named_with_the_one_that_was_meant),
        cmocka_unit_test(values_of_a_wrong_kind_are_named),
        cmocka_unit_test(values_out_of_range_are_named),
        cmocka_unit_test(words_of_later_versions_are_told_apart),
        cmocka_unit_test(callback_bases_are_absolute_urls),
        cmocka_unit_test(hosts_that_disagree_are_named),
        cmocka_unit_test(amounts_are_whole_numbers_or_quantities),
        cmocka_unit_test(names_are_bounded_and_printable),
        cmocka_unit_test(an_error_keeps_its_words_whatever_the_names),
        cmocka_unit_test(random_pools_share_hosts_as_a_slow_search_says),
        cmocka_unit_test(hostile_files_are_refused),
        cmocka_unit_test(aliased_hosts_are_bounded),
        cmocka_unit_test(a_large_configuration_is_read),
        cmocka_unit_test(a_file_is_loaded_under_its_path),
        cmocka_unit_test(the_path_is_the_options_else_the_environments_else_the_systems),
        cmocka_unit_test(the_table_of_keys_is_written),
        cmocka_unit_test(damaged_texts_do_no_harm),
        cmocka_unit_test(the_shipped_file_says_the_defaults),
        cmocka_unit_test(the_example_in_the_shipped_file_is_taken),
#if TORTURE
        cmocka_unit_test(memory_that_runs_out_is_reported),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
