/* SPDX-License-Identifier: MIT */
/* kubeconfig: a file as kubectl reads it. What is taken can be used; no file that it names by a
 * path is read here, since the paths are whatever the input says. */
#include "fuzz_file.h"

#include "cron/kubeconfig.h"

enum { MEMORY_MAX = 64 << 20 };

static void check(const struct kubeconfig *k)
{
    size_t i;

    MUST(k->server.n > 0 && k->server.p[k->server.n] == '\0' && k->as.n > 0);
    MUST(k->server.p[k->server.n - 1] != '/');
    MUST(!k->token.p || kubeconfig_is_token(k->token));
    MUST(!k->cert.p == !k->key.p);
    if (!k->exec.version.p)
        return;
    MUST(k->exec.command.n > 0);
    for (i = 0; i < k->exec.args; i++)
        MUST(k->exec.arg[i].p[k->exec.arg[i].n] == '\0');
    for (i = 0; i < k->exec.envs; i++)
        MUST(k->exec.env[i].name.p);
}

/* Could it name a file? "certificate-authority: x", but also in any disguise of YAML's. */
static bool names_a_file(struct str text)
{
    static const char *const ends[] = {"tokenFile", "authority", "client-certificate",
                                       "client-key"};
    size_t i, n, at;

    for (i = 0; i < ARRAY_LEN(ends); i++) {
        n = strlen(ends[i]);
        for (at = 0; at + n <= text.n; at++) {
            if (memcmp(text.p + at, ends[i], n) == 0 &&
                (at + n + 5 > text.n || memcmp(text.p + at + n, "-data", 5) != 0))
                return true;
        }
    }
    return text.n && memchr(text.p, '\\', text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size);
    struct arena *arena;
    struct kubeconfig k = {.unverified = false};
    char path[FUZZ_PATH_MAX];
    struct kubeconfig_options o = {.path = path, .pod = "/nonexistent"};
    struct err e = {0};
    int fd;

    if (names_a_file(text))
        return -1;
    fd = fuzz_file(text, path);
    arena = arena_new(MEMORY_MAX);
    MUST(arena);
    if (kubeconfig_load(&o, arena, &k, &e) == 0)
        check(&k);
    else
        MUST(e.code == ERR_CONFIG && e.text[0]);
    arena_free(arena);
    (void)close(fd);
    return 0;
}
