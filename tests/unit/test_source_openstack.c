/* SPDX-License-Identifier: MIT */
/* The OpenStack source against a server in a thread: what it asks, how often, in which version,
 * with which token, and what it makes of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "openstack_world.h"

/* ---- readings ---- */

static void test_a_reading(void **state)
{
    (void)state;
    assert_string_equal(reads(), USUAL);
    assert_int_equal(w.r.gate, SOURCE_QUOTAS_ASKED);
    assert_non_null(strstr(w.r.about.p, ", Placement 1.36, Nova 2.41, as user cap (admin) in "
                                        "project ours"));
    assert_memory_equal(w.r.about.p, "Keystone 3 at 127.0.0.1:", 24);
    assert_int_equal(w.r.host[0].amount[1].sure, 2);
    assert_int_equal(asked("GET /nova/v2.1/os-aggregates compute 2.41 tok1\n"), 1);
    assert_int_equal(asked(" placement 1.36 tok1\n"), 4);
    assert_int_equal(asked("GET /nova/v2.1/os-hypervisors compute 2.53 tok1\n"), 1);
    assert_null(strstr(w.r.about.p, "down"));
}

/* The first time: a token, the aggregates, for each pool its hosts and its members' names, and who
 * is down. Then one request for the aggregates, one for each pool and one for who is down, also in
 * a new run. */
static void test_how_often_it_asks(void **state)
{
    (void)state;
    (void)reads();
    assert_int_equal(asked_in_all(), 1 + 1 + 2 + 2 + 1);
    assert_string_equal(reads(), USUAL);
    assert_int_equal(asked_in_all(), 1 + 2 + 1);
    open_source();
    assert_string_equal(reads(), USUAL);
    assert_int_equal(asked_in_all(), 1 + 2 + 1);
}

static void test_a_new_host_is_asked_for_its_name(void **state)
{
    (void)state;
    (void)reads();
    rule(CANDIDATES OTHERS, 200, NULL, FOUND(HOST("u3", "0") "," HOST("u4", "0")), 0);
    rule(LISTING OTHERS, 200, NULL, MEMBERS(MEMBER("u3", "three") "," MEMBER("u4", "four")), 0);
    assert_non_null(strstr(reads(), "pool * open: four three\n"));
    assert_int_equal(asked(LISTING), 1);
    (void)reads();
    assert_int_equal(asked_in_all(), 1 + 2 + 1);
}

/* An empty answer is that of a full aggregate and of an empty one: the members tell. */
static void test_full_and_empty_pools(void **state)
{
    (void)state;
    rule(CANDIDATES GOLD, 200, NULL, FOUND(""), 0);
    rule(CANDIDATES OTHERS, 200, NULL, FOUND(""), 0);
    rule(LISTING OTHERS, 200, NULL, MEMBERS(""), 0);
    assert_string_equal(reads(), "pool gold closed: for p1 unread 2\npool * open:\n");
    (void)reads();
    assert_int_equal(asked_in_all(), 1 + 2 + 1); /* not listed again so soon */
}

/* Whoever asks for VCPU hears of u1 alone: u2 has none of it, and u3's is used up. */
static void test_dedicated_processors(void **state)
{
    (void)state;
    rule("GET /placement/allocation_candidates?resources=VCPU:1,MEMORY_MB:1&", 200, NULL,
         FOUND(HOST("u1", "4")), 0);
    rule(CANDIDATES GOLD, 200, NULL,
         FOUND(HOST("u1", "4") "," PROVIDER("u2", PCPU("0") DISK) "," PROVIDER(
             "u3", PCPU("3") "," VCPU("40") DISK)),
         0);
    rule(CANDIDATES OTHERS, 200, NULL, FOUND(HOST("u4", "0")), 0);
    rule(LISTING GOLD, 200, NULL,
         MEMBERS(MEMBER("u1", "one") "," MEMBER("u2", "two") "," MEMBER("u3", "three")), 0);
    rule(LISTING OTHERS, 200, NULL, MEMBERS(MEMBER("u4", "four")), 0);
    assert_string_equal(reads(), "four: Disk 0/9, VCPU 0/40\n"
                                 "one: Disk 0/9, VCPU 4/40\n"
                                 "three: Disk 0/9, PCPU 3/8, VCPU 40/40\n"
                                 "two: Disk 0/9, PCPU 0/8\n"
                                 "pool gold closed: for p1 one three two\n"
                                 "pool * open: four\n");
    (void)reads();
    assert_int_equal(asked_in_all(), 1 + 2 + 1); /* and it costs no request */
}

static void test_unnamed_projects_of_the_configuration(void **state)
{
    (void)state;
    configure("    unnamed_projects: none\n    quota: off\n");
    open_source();
    assert_null(strstr(reads(), "pool *"));
    assert_int_equal(w.r.gate, SOURCE_NO_QUOTA);
    rule(CANDIDATES " ", 200, NULL, FOUND(HOST("u1", "4") "," HOST("u3", "0")), 0);
    rule(LISTING " ", 200, NULL, MEMBERS(MEMBER("u1", "one") "," MEMBER("u3", "three")), 0);
    configure("    unnamed_projects: all\n");
    open_source();
    assert_non_null(strstr(reads(), "pool * open: one three\n"));
}

static void test_pools_of_the_configuration(void **state)
{
    (void)state;
    configure("    pools:\n"
              "      mine: {aggregate: agg1, projects: [p7]}\n");
    open_source();
    assert_string_equal(reads(), "one: Disk 0/9, VCPU 4/40\n"
                                 "two: Disk 0/9, VCPU 0/40\n"
                                 "pool mine closed: for p7 one two\n");
    assert_int_equal(asked("/nova/"), 1);
    assert_int_equal(asked(HYPERVISORS), 1);
    configure("    pools:\n"
              "      mine: {aggregate: 'a b/&é-._~', projects: [p7]}\n");
    open_source();
    read_source();
    assert_true(asked("&member_of=a%20b%2F%26%C3%A9-._~ ") > 0); /* it is one word of the query */
    configure("    pools:\n"
              "      mine: {projects: [p7]}\n");
    open_source();
    assert_string_equal(fails(), "the pool mine needs an aggregate: the uuid of its hosts'");
}

static void test_a_shared_disk_costs_a_request(void **state)
{
    (void)state;
    rule(CANDIDATES OTHERS, 200, NULL, FOUND(PROVIDER("u3", VCPU("0"))), 0);
    rule(WITH_DISK OTHERS, 200, NULL,
         FOUND(PROVIDER("u3", VCPU("0")) ",\"s\":{\"resources\":{\"DISK_GB\":{\"capacity\":500,"
                                         "\"used\":7}},\"traits\":[\"MISC_SHARES_VIA_AGGREGATE\"],"
                                         "\"root_provider_uuid\":\"s\"}"),
         0);
    assert_non_null(strstr(reads(), "three: Disk 7/500, VCPU 0/40; exact\n"));
    assert_non_null(strstr(w.text.data, "pool * open: three share 0\nDISK_GB of s Disk 7/500\n"));
    (void)reads();
    assert_int_equal(asked_in_all(), 1 + 2 + 1 + 1);
}

/* ---- hosts that are down ---- */

#define NEXT_PAGE(list)                                                                            \
    "{\"hypervisors\":[" list                                                                      \
    "],\"hypervisors_links\":[{\"rel\":\"self\"},{\"href\":\"http://x/\","                         \
    "\"rel\":\"next\"}]}"

/* It is offered by Placement, and is no host that nobody knows: it is full. */
static void test_a_host_that_is_down_is_full(void **state)
{
    (void)state;
    rule(HYPERVISORS, 200, NULL, STATES(SEEN("u1", "up") "," SEEN("u2", "down")), 0);
    assert_string_equal(reads(), "one: Disk 0/9, VCPU 4/40\n"
                                 "three: Disk 0/9, VCPU 0/40\n"
                                 "two: Disk 9/9, VCPU 40/40\n"
                                 "pool gold closed: for p1 one two\n"
                                 "pool * open: three\n");
    drop_rule();
    assert_string_equal(reads(), USUAL);
}

static void test_hosts_that_are_down_on_a_later_page(void **state)
{
    (void)state;
    rule(HYPERVISORS " ", 200, NULL, NEXT_PAGE(SEEN("u1", "up") "," SEEN("u9", "down")), 0);
    rule(HYPERVISORS "?marker=u9 ", 200, NULL, NEXT_PAGE(SEEN("u3", "down")), 0);
    rule(HYPERVISORS "?marker=u3 ", 200, NULL, NEXT_PAGE(""), 0);
    assert_non_null(strstr(reads(), "three: Disk 9/9, VCPU 40/40\n"));
    assert_int_equal(asked(HYPERVISORS), 3);
    rule(HYPERVISORS "?marker=u3 ", 400, NULL, "{\"badRequest\":{\"message\":\"Gone.\"}}", 0);
    assert_string_equal(fails(), "Nova answered 400: Gone.");
}

/* Who may not ask that goes on as before, and --check says so. A 401 may be that of access rules:
 * it costs no new token. */
static void test_hosts_that_are_down_may_be_unknown(void **state)
{
    static const struct {
        int status;
        const char *body, *said;
    } cases[] = {
        {401, UNAUTHORIZED, "Nova answered 401: It requires authentication."},
        {403, "{\"forbidden\":{\"message\":\"Not for you.\"}}", "Nova answered 403: Not for you."},
        {404, "", "Nova answered 404"},
        {406,
         "{\"computeFault\":{\"message\":\"Version 2.53 is not supported by the API. Minimum is "
         "2.1 and maximum is 2.42.\"}}",
         "Nova knows up to 2.42, and 2.53 is needed"},
    };
    char said[256];
    size_t i;

    (void)state;
    (void)reads();
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        rule(HYPERVISORS, cases[i].status, NULL, cases[i].body, 0);
        assert_string_equal(reads(), USUAL);
        (void)snprintf(said, sizeof said, "; a host that is down counts as free: %s",
                       cases[i].said);
        if (!strstr(w.r.about.p, said))
            fail_msg("%s", w.r.about.p);
        assert_int_equal(asked_in_all(), 1 + 2 + 1);
    }
}

static void test_no_nova_to_ask_who_is_down(void **state)
{
    char *at = strstr(w.token, "\"compute\"");

    (void)state;
    assert_non_null(at);
    memcpy(at, "\"nothing\"", 9);
    configure("    pools:\n"
              "      mine: {aggregate: agg1, projects: [p7]}\n");
    open_source();
    assert_string_equal(reads(), "one: Disk 0/9, VCPU 4/40\n"
                                 "two: Disk 0/9, VCPU 0/40\n"
                                 "pool mine closed: for p7 one two\n");
    assert_non_null(strstr(w.r.about.p, "counts as free: Keystone's catalog has no Nova"));
}

/* "When in doubt: wait." */
static void test_a_nova_that_fails_to_say_who_is_down(void **state)
{
    static const struct {
        int status;
        const char *body, *said;
    } cases[] = {
        {500, "", "Nova answered 500"},
        {200, "{}", "Nova's answer makes no sense: there is no hypervisors"},
        {200, STATES("{\"id\":\"u\"}"),
         "Nova's answer makes no sense: hypervisors[0]: there is no state"},
        {200, STATES("{\"id\":7,\"state\":\"up\"}"),
         "Nova's answer makes no sense: hypervisors[0]: id is a number, not a string"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        rule(HYPERVISORS, cases[i].status, NULL, cases[i].body, 0);
        assert_string_equal(fails(), cases[i].said);
    }
}

/* ---- tokens ---- */

static void test_one_new_token_for_a_401(void **state)
{
    (void)state;
    (void)reads();
    rule(TOKENS, 201, "X-Subject-Token: tok2\r\n", w.token, 0);
    rule(CANDIDATES, 401, NULL, UNAUTHORIZED, 2);
    assert_string_equal(reads(), USUAL);
    assert_int_equal(asked("POST /v3/auth/tokens\n"), 1);
    assert_int_equal(asked("GET /nova/v2.1/os-aggregates compute 2.41 tok1\n"), 1);
    assert_int_equal(asked(" placement 1.36 tok2\n"), 2);
    open_source(); /* the new one is kept */
    (void)reads();
    assert_int_equal(asked(" tok2\n"), 4);
}

static void test_no_second_new_token(void **state)
{
    (void)state;
    rule(AGGREGATES, 401, NULL, UNAUTHORIZED, 0);
    assert_string_equal(fails(), "Nova answered 401: It requires authentication., to a new token "
                                 "too; an application credential with access rules is answered so "
                                 "outside of them");
    assert_int_equal(asked("POST /v3/auth/tokens\n"), 2);
    assert_int_equal(asked("GET /nova/v2.1/os-aggregates"), 2);
}

static void test_the_token_is_kept_for_us_alone(void **state)
{
    (void)state;
    (void)reads();
    assert_int_equal(each_kept("keystone-", NULL), 1);
    assert_int_equal(each_kept("placement-", NULL), 1);
    assert_int_equal(each_kept("", NULL), 2); /* and nothing is left beside them */
}

static void is_private(int directory, const char *name)
{
    struct stat st;

    assert_int_equal(fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void open_to_all(int directory, const char *name)
{
    assert_int_equal(fchmodat(directory, name, 0644, 0), 0);
}

static void cut_short(int directory, const char *name)
{
    int fd = openat(directory, name, O_WRONLY);

    assert_int_equal(ftruncate(fd, 20), 0);
    assert_int_equal(close(fd), 0);
}

static void make_link(int directory, const char *name)
{
    assert_int_equal(renameat(directory, name, directory, "elsewhere"), 0);
    assert_int_equal(symlinkat("elsewhere", directory, name), 0);
}

static void test_files_that_are_not_trusted(void **state)
{
    void (*const spoil[])(int, const char *) = {open_to_all, cut_short, make_link, remove_file};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(spoil); i++) {
        (void)reads();
        (void)each_kept("keystone-", spoil[i]);
        (void)each_kept("placement-", i == 2 ? NULL : spoil[i]);
        open_source();
        assert_string_equal(reads(), USUAL);
        assert_int_equal(asked("POST /v3/auth/tokens\n"), 1);
        assert_int_equal(asked(LISTING), i == 2 ? 0 : 2);
        (void)each_kept("keystone-", is_private); /* and put right */
        (void)each_kept("placement-", is_private);
        open_source();
        (void)reads();
        assert_int_equal(asked_in_all(), 1 + 2 + 1);
    }
}

static void test_credentials_are_read_again_after_a_failure(void **state)
{
    (void)state;
    rule(TOKENS, 401, NULL, UNAUTHORIZED, 0);
    assert_string_equal(fails(), "the OS_ variables: Keystone answered 401: It requires "
                                 "authentication.");
    rule(TOKENS, 201, "X-Subject-Token: tok9\r\n", w.token, 0);
    assert_int_equal(setenv("OS_PROJECT_NAME", "other", 1), 0);
    assert_string_equal(reads(), USUAL);
    assert_int_equal(asked(" tok9\n"), 6);
}

/* ---- versions ---- */

#define OLD_PLACEMENT(version)                                                                     \
    "{\"errors\":[{\"detail\":\"Unacceptable\",\"max_version\":\"" version "\"}]}"

static void test_an_older_placement(void **state)
{
    (void)state;
    rule(CANDIDATES, 406, NULL, OLD_PLACEMENT("1.33"), 2);
    assert_string_equal(reads(), USUAL);
    assert_int_equal(asked(" placement 1.36 "), 2);
    assert_int_equal(asked(" placement 1.33 "), 4);
    assert_non_null(strstr(w.r.about.p, "Placement 1.33"));
    open_source(); /* which is remembered */
    assert_string_equal(reads(), USUAL);
    assert_int_equal(asked_in_all(), 1 + 2 + 1);
}

static void test_a_placement_that_is_too_old(void **state)
{
    (void)state;
    rule(CANDIDATES, 406, NULL, OLD_PLACEMENT("1.30"), 0);
    assert_string_equal(fails(), "Placement knows up to 1.30, and 1.32 is needed for the hosts "
                                 "that no aggregate isolates (or unnamed_projects: none)");
    rule(CANDIDATES, 406, NULL, OLD_PLACEMENT("1.28"), 0);
    configure("    unnamed_projects: none\n");
    open_source();
    assert_string_equal(fails(), "Placement knows up to 1.28, and 1.29 is needed");
}

static void test_a_nova_that_is_too_old(void **state)
{
    (void)state;
    rule(
        AGGREGATES, 406, NULL,
        "{\"computeFault\":{\"message\":\"Version 2.41 is not supported by the API. Minimum is 2.1 "
        "and maximum is 2.38.\"}}",
        0);
    assert_string_equal(fails(), "Nova knows up to 2.38, and 2.41 is needed");
}

static void test_a_catalog_of_another_region(void **state)
{
    (void)state;
    configure("    region: S\n");
    open_source();
    assert_string_equal(fails(), "Keystone's catalog has no public endpoint of Nova in region "
                                 "S for this user");
}

static void test_a_token_of_the_system(void **state)
{
    char *project;

    (void)state;
    assert_int_equal(unsetenv("OS_PROJECT_NAME"), 0);
    assert_int_equal(setenv("OS_SYSTEM_SCOPE", "all", 1), 0);
    project = strstr(w.token, "\"project\"");
    assert_non_null(project);
    memcpy(project, "\"nothing\"", 9); /* a member that nobody reads */
    open_source();
    assert_string_equal(reads(), USUAL);
    assert_non_null(strstr(w.r.about.p, ", as user cap (admin) in the system"));
}

static void test_aggregates_that_may_not_be_read(void **state)
{
    (void)state;
    rule(AGGREGATES, 403, NULL,
         "{\"forbidden\":{\"message\":\"Policy doesn't allow os_compute_api:os-aggregates:index to "
         "be performed.\"}}",
         0);
    assert_string_equal(
        fails(), "Nova answered 403: Policy doesn't allow os_compute_api:os-aggregates:index "
                 "to be performed.; to read the host aggregates needs "
                 "os_compute_api:os-aggregates:index, which the role admin has; without it "
                 "name them as pools with their aggregate in the configuration");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_reading),
        TEST(test_how_often_it_asks),
        TEST(test_a_new_host_is_asked_for_its_name),
        TEST(test_full_and_empty_pools),
        TEST(test_dedicated_processors),
        TEST(test_unnamed_projects_of_the_configuration),
        TEST(test_pools_of_the_configuration),
        TEST(test_a_shared_disk_costs_a_request),
        TEST(test_a_host_that_is_down_is_full),
        TEST(test_hosts_that_are_down_on_a_later_page),
        TEST(test_hosts_that_are_down_may_be_unknown),
        TEST(test_no_nova_to_ask_who_is_down),
        TEST(test_a_nova_that_fails_to_say_who_is_down),
        TEST(test_a_catalog_of_another_region),
        TEST(test_a_token_of_the_system),
        TEST(test_one_new_token_for_a_401),
        TEST(test_no_second_new_token),
        TEST(test_the_token_is_kept_for_us_alone),
        TEST(test_files_that_are_not_trusted),
        TEST(test_credentials_are_read_again_after_a_failure),
        TEST(test_an_older_placement),
        TEST(test_a_placement_that_is_too_old),
        TEST(test_a_nova_that_is_too_old),
        TEST(test_aggregates_that_may_not_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
