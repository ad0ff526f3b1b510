/* SPDX-License-Identifier: MIT */
/* Kubeconfig files: what goes before what, and how each fault is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cron/kubeconfig.h"
#include "torture.h"

enum { MEMORY_MAX = 8 << 20 };

static char dir[] = "/tmp/anteroom-kubeconfig-XXXXXX";

static int begin(void **state)
{
    (void)state;
    (void)unsetenv("KUBECONFIG");
    (void)unsetenv("KUBERNETES_SERVICE_HOST");
    return mkdtemp(dir) && setenv("HOME", dir, 1) == 0 ? 0 : -1;
}

static int end(void **state)
{
    static const char *const names[] = {"a", "b", "token", "ca.crt", "cert.pem", "key.pem"};
    char path[200];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    return rmdir(dir);
}

static void write_file(const char *name, const char *text)
{
    char path[200];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* A kubeconfig whose cluster and user are these members in flow style. */
static void write_config(const char *name, const char *cluster, const char *user)
{
    struct buf b = BUF_INIT(100000);

    buf_printf(&b,
               "apiVersion: v1\nkind: Config\ncurrent-context: x\n"
               "contexts: [{name: x, context: {cluster: c, user: u, namespace: n}}]\n"
               "clusters:\n- name: c\n  cluster: {%s}\nusers:\n- name: u\n  user: {%s}\n",
               cluster, user);
    write_file(name, b.data);
    buf_free(&b);
}

struct loaded {
    struct arena *arena;
    struct kubeconfig k;
    struct err e;
    int rc;
};

/* Of the file `name`, or what KUBECONFIG and the rest say. */
static struct loaded load(const char *name, const char *context)
{
    struct loaded l = {.arena = arena_new(MEMORY_MAX)};
    char path[200];
    struct kubeconfig_options o = {.path = name ? path : NULL, .context = context, .pod = dir};

    (void)snprintf(path, sizeof path, "%s/%s", dir, name ? name : "");
    l.rc = kubeconfig_load(&o, l.arena, &l.k, &l.e);
    return l;
}

static void drop(struct loaded *l)
{
    arena_free(l->arena);
}

#define SERVER "server: \"https://127.0.0.1:6443\""

static void a_plain_one(void **state)
{
    struct loaded l;

    (void)state;
    write_config("a", "server: \"https://h:6443/prefix/\", insecure-skip-tls-verify: true",
                 "token: abc");
    l = load("a", NULL);
    assert_int_equal(l.rc, 0);
    assert_string_equal(l.k.server.p, "https://h:6443/prefix");
    assert_string_equal(l.k.as.p, "x/u");
    assert_true(str_is(l.k.token, "abc") && l.k.unverified);
    assert_null(l.k.ca.p);
    assert_null(l.k.cert.p);
    assert_null(l.k.exec.version.p);
    drop(&l);
}

static void data_go_before_files_and_files_are_beside_the_config(void **state)
{
    struct loaded l;

    (void)state;
    write_file("ca.crt", "CA of the file");
    write_file("cert.pem", "CERT");
    write_file("key.pem", "KEY");
    write_config("a", SERVER ", certificate-authority: ca.crt",
                 "client-certificate: ./cert.pem, client-key: key.pem");
    l = load("a", NULL);
    assert_int_equal(l.rc, 0);
    assert_true(str_is(l.k.ca, "CA of the file"));
    assert_true(str_is(l.k.cert, "CERT") && str_is(l.k.key, "KEY"));
    drop(&l);
    write_config("a",
                 SERVER ", certificate-authority: none, certificate-authority-data: \"Zm\\n9v\\n\"",
                 "client-certificate: none, client-certificate-data: Zm9vYg==, "
                 "client-key: none, client-key-data: Zm9vYmE=");
    l = load("a", NULL);
    assert_int_equal(l.rc, 0);
    assert_true(str_is(l.k.ca, "foo") && str_is(l.k.cert, "foob") && str_is(l.k.key, "fooba"));
    drop(&l);
}

static void a_token_file_goes_before_a_token_and_is_read_anew(void **state)
{
    struct loaded l;

    (void)state;
    write_config("a", SERVER, "tokenFile: token, token: old");
    write_file("token", "\n new-1 \n");
    l = load("a", NULL);
    assert_int_equal(l.rc, 0);
    assert_string_equal(l.k.token.p, "new-1");
    drop(&l);
    write_file("token", "new-2");
    l = load("a", NULL);
    assert_string_equal(l.k.token.p, "new-2");
    drop(&l);
}

static void a_program(void **state)
{
    struct loaded l;
    char expected[200];

    (void)state;
    write_config("a", SERVER,
                 "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: sub/get, "
                 "args: [token, 7, \"\"], env: [{name: A, value: b}, {name: C, value: \"\"}], "
                 "installHint: do, interactiveMode: IfAvailable, provideClusterInfo: false}");
    l = load("a", NULL);
    assert_int_equal(l.rc, 0);
    (void)snprintf(expected, sizeof expected, "%s/sub/get", dir);
    assert_string_equal(l.k.exec.command.p, expected);
    assert_int_equal(l.k.exec.args, 3);
    assert_string_equal(l.k.exec.arg[1].p, "7");
    assert_string_equal(l.k.exec.arg[2].p, "");
    assert_int_equal(l.k.exec.envs, 2);
    assert_string_equal(l.k.exec.env[0].value.p, "b");
    assert_string_equal(l.k.exec.hint.p, "do");
    drop(&l);
    write_config("a", SERVER, "token: abc, exec: {apiVersion: odd}");
    l = load("a", NULL);
    assert_int_equal(l.rc, 0);
    assert_null(l.k.exec.version.p);
    drop(&l);
}

/* {cluster, user, what is said after "<dir>/a:"}. No secret is ever in it. */
static const struct {
    const char *cluster, *user, *says;
} refused[] = {
    {"", "", "7: server: must be a URL that begins with https:// or http://"},
    {"server: 127.0.0.1", "", "7: server: must be a URL that begins with https:// or http://"},
    {"server: \"https://a@b\"", "",
     "7: server: must be a URL that begins with https:// or http://"},
    {"server: \"https://a b\"", "",
     "7: server: must be a URL that begins with https:// or http://"},
    {"server: [x]", "", "7: server: must be a text"},
    {SERVER ", tls-server-name: n", "", "7: tls-server-name: is not supported"},
    {SERVER ", proxy-url: \"socks5://p\"", "", "7: proxy-url: is not supported"},
    {SERVER ", insecure-skip-tls-verify: maybe", "",
     "7: insecure-skip-tls-verify: must be true or false"},
    {SERVER ", insecure-skip-tls-verify: true, certificate-authority-data: Zm9v", "",
     "7: insecure-skip-tls-verify: contradicts the certificate-authority beside it"},
    {SERVER ", certificate-authority-data: \"SECRET!\"", "",
     "7: certificate-authority-data: is not base64"},
    {SERVER, "token: \"SECRET SECRET\"", "10: token: holds what is no token"},
    {SERVER, "username: me, password: SECRET",
     "10: username: passwords are no longer supported by Kubernetes"},
    {SERVER, "password: SECRET", "10: password: passwords are no longer supported by Kubernetes"},
    {SERVER, "auth-provider: {name: gcp}",
     "10: auth-provider: is no longer supported by Kubernetes: exec takes its place"},
    {SERVER, "token: SECRET, as: admin", "10: as: acting as somebody else is not supported"},
    {SERVER, "client-certificate-data: Zm9v", "10: client-key: is missing beside the other"},
    {SERVER, "client-key-data: Zm9v", "10: client-certificate: is missing beside the other"},
    {SERVER, "client-key-data: \"SECRET\"", "10: client-key-data: is not base64"},
    {SERVER, "exec: x", "10: exec: must be a map"},
    {SERVER, "exec: {command: x}",
     "10: apiVersion: must be client.authentication.k8s.io/v1 or …/v1beta1"},
    {SERVER, "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}",
     "10: apiVersion: must be client.authentication.k8s.io/v1 or …/v1beta1"},
#define V1 "apiVersion: client.authentication.k8s.io/v1, "
    {SERVER, "exec: {" V1 "args: []}", "10: command: is missing"},
    {SERVER, "exec: {" V1 "command: x, args: a}", "10: args: must be a list"},
    {SERVER, "exec: {" V1 "command: x, args: [[a]]}", "10: args: must be a list of texts"},
    {SERVER, "exec: {" V1 "command: x, env: [A=b]}",
     "10: env: must be a list of maps with name and value"},
    {SERVER, "exec: {" V1 "command: x, env: [{value: b}]}",
     "10: name: must be the name of a variable"},
    {SERVER, "exec: {" V1 "command: x, env: [{name: A=B}]}",
     "10: name: must be the name of a variable"},
    {SERVER, "exec: {" V1 "command: x, provideClusterInfo: true}",
     "10: provideClusterInfo: is not provided here"},
    {SERVER, "exec: {" V1 "command: x, interactiveMode: Always}",
     "10: interactiveMode: is Always, but nobody sits here"},
    {SERVER ", certificate-authority: none.pem", "",
     " certificate-authority: DIR/none.pem: No such file or directory"},
    {SERVER, "client-certificate: '-----BEGIN CERTIFICATE-----SECRET'",
     "10: client-certificate: must be the path of a file, not what is in it"},
    {SERVER, "tokenFile: none", " tokenFile: DIR/none: No such file or directory"},
};

/* Replaces the directory by DIR. */
static void say(const char *text, char room[ERR_TEXT_MAX])
{
    const char *at;
    size_t n = 0;

    while (*text && n < ERR_TEXT_MAX - 8) {
        at = strncmp(text, dir, strlen(dir)) == 0 ? "DIR" : NULL;
        if (at) {
            memcpy(room + n, at, 3);
            n += 3;
            text += strlen(dir);
        } else {
            room[n++] = *text++;
        }
    }
    room[n] = '\0';
}

static void each_fault_is_named(void **state)
{
    char room[ERR_TEXT_MAX], expected[ERR_TEXT_MAX];
    struct loaded l;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(refused); i++) {
        write_config("a", refused[i].cluster, refused[i].user);
        l = load("a", NULL);
        assert_int_equal(l.rc, -1);
        assert_int_equal(l.e.code, ERR_CONFIG);
        say(l.e.text, room);
        (void)snprintf(expected, sizeof expected, "DIR/a:%s", refused[i].says);
        assert_string_equal(room, expected);
        assert_null(strstr(l.e.text, "SECRET"));
        drop(&l);
    }
}

/* {the whole file, what is said}. */
static const struct {
    const char *text, *says;
} broken[] = {
    {"", "DIR/a: has no current-context, and no context is configured"},
    {"[]", "DIR/a:1: is no kubeconfig: it must be a map"},
    {"current-context: y\n", "DIR/a: has no context \"y\""},
    {"current-context: y\ncontexts: {}\n", "DIR/a:2: contexts: must be a list"},
    {"current-context: y\ncontexts: [y]\n", "DIR/a:2: contexts: must be a list of maps"},
    {"current-context: y\ncontexts: [{name: y}]\n", "DIR/a:2: context: is missing"},
    {"current-context: y\ncontexts: [{name: y, context: {user: u}}]\n",
     "DIR/a:2: cluster: is missing"},
    {"current-context: y\ncontexts: [{name: y, context: {cluster: c}}]\n",
     "DIR/a: has no cluster \"c\""},
    {"current-context: y\ncontexts: [{name: y, context: {cluster: c, user: u}}]\n",
     "DIR/a: has no cluster \"c\""},
    {"current-context: y\ncontexts: [{name: y, context: {cluster: c, user: u}}]\n"
     "clusters: [{name: c, cluster: {}}]\n",
     "DIR/a: has no user \"u\""},
};

static void so_is_a_file_that_is_none(void **state)
{
    char room[ERR_TEXT_MAX];
    struct loaded l;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(broken); i++) {
        write_file("a", broken[i].text);
        l = load("a", NULL);
        assert_int_equal(l.rc, -1);
        say(l.e.text, room);
        assert_string_equal(room, broken[i].says);
        drop(&l);
    }
    l = load("none", NULL);
    assert_int_equal(l.rc, -1);
    assert_non_null(strstr(l.e.text, "No such file"));
    drop(&l);
}

static void of_several_files_the_first_that_has_it_counts(void **state)
{
    char list[600];
    struct loaded l;

    (void)state;
    write_file("a", "contexts: [{name: one, context: {cluster: c, user: mine}}]\n"
                    "users: [{name: mine, user: {token: first}}]\n");
    write_file("b", "current-context: one\n"
                    "contexts: [{name: one, context: {cluster: no, user: no}},"
                    " {name: two, context: {cluster: c, user: other}}]\n"
                    "clusters: [{name: c, cluster: {" SERVER "}}]\n"
                    "users: [{name: mine, user: {token: second}}, {name: other, user: {}}]\n");
    (void)snprintf(list, sizeof list, "%s/none::%s/a:%s/b:", dir, dir, dir);
    (void)setenv("KUBECONFIG", list, 1);
    l = load(NULL, NULL);
    assert_int_equal(l.rc, 0);
    assert_string_equal(l.k.token.p, "first");
    assert_string_equal(l.k.as.p, "one/mine");
    drop(&l);
    l = load(NULL, "two");
    assert_int_equal(l.rc, 0);
    assert_null(l.k.token.p);
    drop(&l);
    (void)unsetenv("KUBECONFIG");
}

static void a_list_of_files_ends(void **state)
{
    struct buf list = BUF_INIT(4096);
    struct loaded l;
    int i;

    (void)state;
    write_file("a", "clusters: []\n");
    for (i = 0; i < 33; i++)
        buf_printf(&list, "%s/a:", dir);
    (void)setenv("KUBECONFIG", list.data, 1);
    l = load(NULL, NULL);
    assert_int_equal(l.rc, -1);
    assert_string_equal(l.e.text, "KUBECONFIG names more than 32 files");
    drop(&l);
    (void)unsetenv("KUBECONFIG");
    buf_free(&list);
}

static void in_a_pod(void **state)
{
    struct loaded l;

    (void)state;
    write_file("token", "pod-token\n");
    write_file("ca.crt", "PEM");
    (void)setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    (void)setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    l = load(NULL, NULL);
    assert_int_equal(l.rc, 0);
    assert_string_equal(l.k.server.p, "https://10.0.0.1:443");
    assert_string_equal(l.k.token.p, "pod-token");
    assert_true(str_is(l.k.ca, "PEM"));
    drop(&l);
    (void)setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    l = load(NULL, NULL);
    assert_string_equal(l.k.server.p, "https://[fd00::1]:443");
    drop(&l);
    (void)unsetenv("KUBERNETES_SERVICE_HOST");
}

#if TORTURE
static void without_memory_it_says_so_and_leaves_nothing(void **state)
{
    char path[200];
    struct kubeconfig_options o = {.path = path};
    struct kubeconfig k;
    int64_t good;
    int rc = -1;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/a", dir);
    write_file("ca.crt", "PEM");
    write_config("a", SERVER ", certificate-authority: ca.crt",
                 "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./x, args: [a], "
                 "env: [{name: A, value: b}]}");
    for (good = 0; rc != 0; good++) {
        struct arena *arena = arena_new(MEMORY_MAX);
        struct err e = {0};

        torture_arm(good);
        rc = kubeconfig_load(&o, arena, &k, &e);
        arena_free(arena); /* made before it was armed: less one for itself */
        assert_int_equal(torture_end(), -1);
        assert_true(rc == 0 || e.code == ERR_INTERNAL || e.code == ERR_CONFIG);
        assert_true(good < 1000);
    }
    assert_true(good > 20 && k.exec.envs == 1);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_one),
        cmocka_unit_test(data_go_before_files_and_files_are_beside_the_config),
        cmocka_unit_test(a_token_file_goes_before_a_token_and_is_read_anew),
        cmocka_unit_test(a_program),
        cmocka_unit_test(each_fault_is_named),
        cmocka_unit_test(so_is_a_file_that_is_none),
        cmocka_unit_test(of_several_files_the_first_that_has_it_counts),
        cmocka_unit_test(a_list_of_files_ends),
        cmocka_unit_test(in_a_pod),
#if TORTURE
        cmocka_unit_test(without_memory_it_says_so_and_leaves_nothing),
#endif
    };

    return cmocka_run_group_tests(tests, begin, end);
}
