/* SPDX-License-Identifier: MIT */
/* Credentials as OpenStack's users have them: where the files are looked for, what counts before
 * what, and errors that name file, line and key, and no secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cron/clouds.h"

extern char **environ;

#define SECRET "s3cret-of-ours"

/* A directory of the test's own is the working directory, and HOME is in it. */
static char directory[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/test_clouds.XXXXXX");
    assert_non_null(mkdtemp(directory));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv("HOME", directory, 1), 0);
    return 0;
}

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *entry;
    char name[512];

    while (d && (entry = readdir(d))) {
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (entry->d_type == DT_DIR)
            remove_tree(name);
        else
            (void)unlink(name);
    }
    if (d)
        (void)closedir(d);
    (void)rmdir(path);
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(chdir("/"), 0);
    remove_tree(directory);
    return 0;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
}

static struct cloud *found(const char *name)
{
    struct conf_source source = {.cloud = str_of(name)};
    struct cloud *c = NULL;
    struct err e = {0};

    if (cloud_find(&source, &c, &e) != 0)
        fail_msg("%s", e.text);
    return c;
}

static const char *refused(const char *name)
{
    static struct err e;
    struct conf_source source = {.cloud = str_of(name)};
    struct cloud *c = NULL;

    assert_int_equal(cloud_find(&source, &c, &e), -1);
    assert_int_equal(e.code, ERR_CONFIG);
    assert_null(strstr(e.text, SECRET));
    return e.text;
}

#define IS(span, text) assert_string_equal((span).p, (text))

#define AUTH                                                                                       \
    "    auth: {auth_url: 'http://k:5000', username: u, password: " SECRET ", project_name: p}\n"

/* Whether a cloud of the user's own is found by somebody who is not root, in a process of its own,
 * from a directory with these rights. The second one has a file that he may not read. */
static bool is_found_from(const char *place, mode_t rights)
{
    pid_t pid;
    int status;

    assert_int_equal(chmod(place, rights), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct conf_source source = {.cloud = STR_LIT("mine")};
        struct cloud *c = NULL;
        struct err e;

        if (chdir(place) != 0 || (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)))
            _exit(2);
        _exit(cloud_find(&source, &c, &e) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(chmod(place, 0755), 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
    return WEXITSTATUS(status) == 0;
}

/* Found by review: runuser leaves one in root's own directory. */
static void test_a_working_directory_of_somebody_else_has_no_files(void **state)
{
    (void)state;
    if (getuid() != 0)
        return; /* nobody else can be somebody else */
    assert_int_equal(chmod(directory, 0755), 0);
    assert_int_equal(mkdir(".config", 0755) | mkdir(".config/openstack", 0755), 0);
    put(".config/openstack/clouds.yaml", "clouds:\n  mine:\n" AUTH);
    assert_int_equal(mkdir("place", 0755), 0);
    put("place/clouds.yaml", "clouds: {}\n");
    assert_int_equal(chmod("place/clouds.yaml", 0600), 0);
    assert_true(is_found_from("place", 0700));
    assert_false(is_found_from("place", 0755)); /* it is there, and not to be passed over */
}

static void test_password(void **state)
{
    struct cloud *c;

    (void)state;
    put("clouds.yaml", "clouds:\n"
                       "  one:\n"
                       "    region_name: R\n"
                       "    interface: internalURL\n"
                       "    verify: false\n"
                       "    placement_endpoint_override: https://p/placement/\n"
                       "    auth:\n"
                       "      auth_url: https://k/identity/\n"
                       "      username: u\n"
                       "      password: 12345\n"
                       "      user_domain_name: D\n"
                       "      project_name: p\n"
                       "      project_domain_id: d\n");
    c = found("one");
    IS(c->about, "cloud one");
    IS(c->auth_url, "https://k/identity/v3");
    assert_int_equal(c->method, CLOUD_PASSWORD);
    IS(c->user.name, "u");
    IS(c->user_domain.name, "D");
    assert_null(c->user_domain.id.p);
    IS(c->password, "12345");
    IS(c->project.name, "p");
    IS(c->project_domain.id, "d");
    IS(c->region, "R");
    IS(c->interface, "internal");
    IS(c->placement, "https://p/placement");
    assert_null(c->compute.p);
    assert_true(c->tls.unverified);
    cloud_free(c);
}

static void test_secure_counts_first(void **state)
{
    struct cloud *c;

    (void)state;
    put("clouds.yaml", "clouds:\n  one:\n" AUTH);
    put("secure.yaml", "clouds:\n  one:\n    auth: {password: better}\n  two: {auth: {}}\n");
    c = found("one");
    IS(c->password, "better");
    IS(c->user.name, "u");
    cloud_free(c);
    put("secure.yaml", "others: {}\n"); /* it may say nothing of clouds */
    c = found("one");
    IS(c->password, SECRET);
    cloud_free(c);
}

static void test_an_empty_setting_is_none(void **state)
{
    struct cloud *c;

    (void)state;
    put("clouds.yaml", "clouds:\n  one:\n    region_name: ''\n" AUTH);
    c = found("one");
    assert_null(c->region.p);
    cloud_free(c);
}

static void test_search_order(void **state)
{
    static const char *const paths[] = {"named.yaml", "clouds.yaml", "clouds.yml",
                                        ".config/openstack/clouds.yaml",
                                        ".config/openstack/clouds.yml"};
    char text[512];
    struct cloud *c;
    size_t i;

    (void)state;
    assert_int_equal(mkdir(".config", 0700), 0);
    assert_int_equal(mkdir(".config/openstack", 0700), 0);
    for (i = 0; i < ARRAY_LEN(paths); i++) {
        (void)snprintf(text, sizeof text, "clouds:\n  one:\n    region_name: '%s'\n" AUTH,
                       paths[i]);
        put(paths[i], text);
    }
    assert_int_equal(setenv("OS_CLIENT_CONFIG_FILE", "named.yaml", 1), 0);
    for (i = 0; i < ARRAY_LEN(paths); i++) {
        c = found("one");
        IS(c->region, paths[i]);
        cloud_free(c);
        assert_int_equal(unlink(paths[i]), 0);
        assert_int_equal(unsetenv("OS_CLIENT_CONFIG_FILE"), 0);
    }
    assert_non_null(strstr(refused("one"), "there is no clouds.yaml in the working directory"));
}

static void test_the_user_may_have_a_directory_of_his_own_or_none(void **state)
{
    struct cloud *c;

    (void)state;
    assert_int_equal(mkdir("xdg", 0700), 0);
    assert_int_equal(mkdir("xdg/openstack", 0700), 0);
    put("xdg/openstack/clouds.yaml", "clouds:\n  one:\n" AUTH);
    assert_int_equal(setenv("XDG_CONFIG_HOME", "xdg", 1), 0);
    c = found("one");
    IS(c->user.name, "u");
    cloud_free(c);
    assert_int_equal(clearenv(), 0);
    assert_non_null(strstr(refused("one"), "there is no clouds.yaml in the working directory"));
}

static void test_a_named_file_must_be_there(void **state)
{
    (void)state;
    put("clouds.yaml", "clouds:\n  one:\n" AUTH);
    assert_int_equal(setenv("OS_CLIENT_CONFIG_FILE", "away.yaml", 1), 0);
    assert_string_equal(refused("one"), "away.yaml: No such file or directory");
    assert_int_equal(unsetenv("OS_CLIENT_CONFIG_FILE"), 0);
    assert_int_equal(setenv("OS_CLIENT_SECURE_FILE", "gone.yaml", 1), 0);
    assert_string_equal(refused("one"), "gone.yaml: No such file or directory");
}

static void test_file_that_cannot_be_read(void **state)
{
    (void)state;
    assert_int_equal(symlink("clouds.yaml", "clouds.yaml"), 0); /* root may read all else */
    assert_string_equal(refused("one"), "clouds.yaml: Too many levels of symbolic links");
}

static void test_cloud_of_the_variable(void **state)
{
    struct cloud *c;

    (void)state;
    put("clouds.yaml", "clouds:\n  one:\n" AUTH);
    assert_int_equal(setenv("OS_CLOUD", "one", 1), 0);
    assert_int_equal(setenv("OS_USERNAME", "other", 1), 0); /* does not override */
    c = found(NULL);
    IS(c->user.name, "u");
    cloud_free(c);
}

static void test_variables(void **state)
{
    struct cloud *c;

    (void)state;
    assert_non_null(strstr(refused(NULL), "neither OS_CLOUD nor OS_AUTH_URL is set"));
    assert_int_equal(setenv("OS_AUTH_URL", "http://k:5000/v3/", 1), 0);
    assert_int_equal(setenv("OS_USER_ID", "uid", 1), 0);
    assert_string_equal(refused(NULL), "the variable OS_PASSWORD is not set");
    assert_int_equal(setenv("OS_PASSWORD", SECRET, 1), 0);
    assert_int_equal(setenv("OS_TENANT_NAME", "t", 1), 0);
    assert_int_equal(setenv("OS_DEFAULT_DOMAIN", "dd", 1), 0);
    assert_int_equal(setenv("OS_ENDPOINT_TYPE", "adminURL", 1), 0);
    assert_int_equal(setenv("OS_INSECURE", "True", 1), 0);
    c = found(NULL);
    IS(c->about, "the OS_ variables");
    IS(c->auth_url, "http://k:5000/v3");
    IS(c->user.id, "uid");
    IS(c->password, SECRET);
    IS(c->project.name, "t");
    IS(c->project_domain.id, "dd");
    IS(c->interface, "admin");
    assert_true(c->tls.unverified);
    assert_null(c->region.p);
    cloud_free(c);
    assert_int_equal(setenv("OS_AUTH_TYPE", "v3oidcpassword", 1), 0);
    assert_non_null(strstr(refused(NULL), "OS_AUTH_TYPE is v3oidcpassword, which is not taken"));
}

static void test_other_methods(void **state)
{
    struct cloud *c;

    (void)state;
    put("clouds.yaml", "clouds:\n"
                       "  credential:\n"
                       "    auth_type: v3applicationcredential\n"
                       "    auth: {auth_url: 'http://k/v3', application_credential_id: i,\n"
                       "           application_credential_secret: " SECRET "}\n"
                       "  token:\n"
                       "    auth_type: v3token\n"
                       "    regions: [{name: A}, B]\n"
                       "    auth: {auth_url: 'http://k/v3', token: " SECRET ", project_id: p}\n"
                       "  reader:\n"
                       "    auth: {auth_url: 'http://k/v3', username: u, password: " SECRET
                       ", system_scope: all}\n");
    c = found("credential");
    assert_int_equal(c->method, CLOUD_CREDENTIAL);
    IS(c->credential.id, "i");
    IS(c->secret, SECRET);
    IS(c->interface, "public");
    cloud_free(c);
    c = found("token");
    assert_int_equal(c->method, CLOUD_TOKEN);
    IS(c->token, SECRET);
    IS(c->project.id, "p");
    IS(c->region, "A");
    cloud_free(c);
    c = found("reader");
    assert_true(c->whole_system);
    IS(c->user_domain.id, "default");
    cloud_free(c);
}

/* Without auth_type it is what there is something of; a password first, as with OpenStack's client.
 */
static void test_method_by_what_there_is(void **state)
{
    struct cloud *c;

    (void)state;
    assert_int_equal(setenv("OS_AUTH_URL", "http://k", 1), 0);
    assert_int_equal(setenv("OS_PROJECT_ID", "p", 1), 0);
    assert_int_equal(setenv("OS_TOKEN", SECRET, 1), 0);
    c = found(NULL);
    assert_int_equal(c->method, CLOUD_TOKEN);
    cloud_free(c);
    assert_int_equal(setenv("OS_APPLICATION_CREDENTIAL_ID", "i", 1), 0);
    assert_int_equal(setenv("OS_APPLICATION_CREDENTIAL_SECRET", SECRET, 1), 0);
    c = found(NULL);
    assert_int_equal(c->method, CLOUD_CREDENTIAL);
    cloud_free(c);
    assert_int_equal(setenv("OS_PASSWORD", SECRET, 1), 0);
    assert_int_equal(setenv("OS_USERNAME", "u", 1), 0);
    c = found(NULL);
    assert_int_equal(c->method, CLOUD_PASSWORD);
    cloud_free(c);
}

static void test_the_queue_names_the_region(void **state)
{
    struct conf_source source = {.cloud = STR_LIT("one"), .region = STR_LIT("mine")};
    struct cloud *c;
    struct err e;

    (void)state;
    put("clouds.yaml", "clouds:\n  one:\n    region_name: R\n" AUTH);
    assert_int_equal(cloud_find(&source, &c, &e), 0);
    IS(c->region, "mine");
    cloud_free(c);
}

static void test_files_of_tls(void **state)
{
    struct cloud *c;

    (void)state;
    put("ca.pem", "CA");
    put("both.pem", "CERT AND KEY");
    put("clouds.yaml", "clouds:\n  one:\n    cacert: ~/ca.pem\n    cert: both.pem\n" AUTH
                       "  two:\n    cacert: away.pem\n" AUTH);
    c = found("one");
    IS(c->tls.ca, "CA");
    IS(c->tls.cert, "CERT AND KEY");
    IS(c->tls.key, "CERT AND KEY");
    assert_false(c->tls.unverified);
    cloud_free(c);
    assert_string_equal(refused("two"), "clouds.yaml:7: clouds.two: cacert cannot be read: "
                                        "away.pem: No such file or directory");
}

static void test_errors(void **state)
{
#define URL "auth_url: 'http://k'"
#define WHO "username: u, password: " SECRET
    static const struct {
        const char *yaml, *error;
    } cases[] = {
        {"", "clouds.yaml:1: there must be a mapping called clouds"},
        {"clouds: []", "clouds.yaml:1: there must be a mapping called clouds"},
        {"clouds:\n  a: {}\n  b: {}",
         "clouds.yaml:2: clouds: there is no cloud one; there is a, b"},
        {"clouds:\n  one: 3", "clouds.yaml:2: clouds.one: must be a mapping"},
        {"clouds:\n  one: {profile: rackspace}",
         "clouds.yaml:2: clouds.one: profile is rackspace: profiles are not read here; write what "
         "it stands for beside it"},
        {"clouds:\n  one:\n    auth: 3", "clouds.yaml:3: clouds.one: auth must be a mapping"},
        {"clouds:\n  one:\n    auth:\n      password: [" SECRET "]",
         "clouds.yaml:4: clouds.one: password must be a text"},
        {"clouds:\n  one: {auth: {" URL "}}",
         "clouds.yaml:2: clouds.one: auth.username is missing"},
        {"clouds:\n  one: {auth: {" URL ", username: u}}",
         "clouds.yaml:2: clouds.one: auth.password is missing"},
        {"clouds:\n  one: {auth: {" WHO ", project_id: p}}",
         "clouds.yaml:2: clouds.one: auth.auth_url is missing"},
        {"clouds:\n  one: {auth: {" URL ", " WHO "}}",
         "clouds.yaml:2: clouds.one: auth.project_name is missing"},
        {"clouds:\n  one: {auth: {" URL ", " WHO ", domain_id: d}}",
         "clouds.yaml:2: clouds.one: domain_id asks for a domain's scope; a project or "
         "system_scope is needed"},
        {"clouds:\n  one: {auth: {" URL ", " WHO ", system_scope: some}}",
         "clouds.yaml:2: clouds.one: system_scope must be all"},
        {"clouds:\n  one: {auth_type: token, auth: {" URL ", project_id: p}}",
         "clouds.yaml:2: clouds.one: auth.token is missing"},
        {"clouds:\n  one: {auth_type: v3applicationcredential, auth: {" URL "}}",
         "clouds.yaml:2: clouds.one: auth.application_credential_id is missing"},
        {"clouds:\n  one: {auth: {auth_url: 'http://u:" SECRET "@k', " WHO ", project_id: p}}",
         "clouds.yaml:2: clouds.one: auth_url must be an http or https URL without user, password "
         "and query"},
        {"clouds:\n  one: {auth: {auth_url: 'ftp://k', " WHO ", project_id: p}}",
         "clouds.yaml:2: clouds.one: auth_url must be an http or https URL without user, password "
         "and query"},
        {"clouds:\n  one: {auth: {auth_url: 'http://k/v2.0', " WHO ", project_id: p}}",
         "clouds.yaml:2: clouds.one: auth_url names Keystone's v2.0; v3 is needed"},
        {"clouds:\n  one: {interface: mine, auth: {" URL ", " WHO ", project_id: p}}",
         "clouds.yaml:2: clouds.one: interface must be public, internal or admin"},
        {"clouds:\n  one: {key: '-----BEGIN PRIVATE KEY-----" SECRET "', auth: {" URL ", " WHO
         ", project_id: p}}",
         "clouds.yaml:2: clouds.one: key must be the path of a file, not what is in it"},
        {"clouds:\n  one: {verify: perhaps, auth: {" URL ", " WHO ", project_id: p}}",
         "clouds.yaml:2: clouds.one: verify must be true or false"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        put("clouds.yaml", cases[i].yaml);
        assert_string_equal(refused("one"), cases[i].error);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_password),
        TEST(test_a_working_directory_of_somebody_else_has_no_files),
        TEST(test_secure_counts_first),
        TEST(test_an_empty_setting_is_none),
        TEST(test_search_order),
        TEST(test_the_user_may_have_a_directory_of_his_own_or_none),
        TEST(test_a_named_file_must_be_there),
        TEST(test_file_that_cannot_be_read),
        TEST(test_cloud_of_the_variable),
        TEST(test_variables),
        TEST(test_other_methods),
        TEST(test_method_by_what_there_is),
        TEST(test_the_queue_names_the_region),
        TEST(test_files_of_tls),
        TEST(test_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
