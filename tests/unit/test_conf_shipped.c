/* SPDX-License-Identifier: MIT */
/* The configuration that is shipped. */
#include "conf_case.h"

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

/* The lists lie in each configuration's own memory. */
static void forget_lists(struct conf_callback *c)
{
    assert_int_equal(c->networks.n, 0);
    assert_int_equal(c->ports.n, 3);
    c->networks.net = NULL;
    c->ports.port = NULL;
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
    assert_int_equal(c->open_to.n, preset->open_to.n);
    assert_memory_equal(&c->owner, &preset->owner, sizeof c->owner);
    assert_memory_equal(&c->retention, &preset->retention, sizeof c->retention);
    assert_int_equal(c->keystone.timeout, preset->keystone.timeout);
    forget_lists(&c->callback);
    forget_lists(&preset->callback);
    assert_memory_equal(&c->callback, &preset->callback, sizeof c->callback);
    assert_int_equal(c->queues, 1);
    assert_int_equal(c->queue[0].capacity, CONF_CAPACITY_NONE);
    conf_free(c);
    conf_free(preset);
}

static void the_examples_in_the_shipped_file_are_taken(void **state)
{
    struct conf *c = shipped(true);
    const struct conf_queue *vm = conf_queue(c, STR_LIT("vm"));

    (void)state;
    assert_int_equal(c->queues, 6);
    assert_int_equal(vm->capacity, CONF_CAPACITY_STATIC);
    assert_int_equal(vm->pools, 1);
    assert_int_equal(vm->pool[0].projects, 2);
    assert_int_equal(vm->hosts, 2);
    assert_int_equal(conf_queue(c, STR_LIT("nova"))->capacity, CONF_CAPACITY_OPENSTACK);
    assert_int_equal(conf_queue(c, STR_LIT("kube"))->capacity, CONF_CAPACITY_KUBERNETES);
    assert_int_equal(conf_queue(c, STR_LIT("batch"))->source.args, 2);
    assert_str(conf_queue(c, STR_LIT("robots"))->source.token_file, "/etc/anteroom/robots.token");
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_file_says_the_defaults),
        cmocka_unit_test(the_examples_in_the_shipped_file_are_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
