/* SPDX-License-Identifier: MIT */
/* Fills a database with waiting jobs, through the store, far quicker than HTTP would.
 * usage: fill CONFIG JOBS PROJECTS SHAPES */
#include "num.h"
#include "store.h"

enum { BATCH = 2000 };

struct text {
    char request[48], callback[96], project[32], scope[48], shape[96], data[192];
};

static struct job_new make(struct text *t, int64_t i, int64_t projects, int64_t shapes)
{
    int64_t project = i % projects, size = i / projects % shapes + 1;

    (void)snprintf(t->request, sizeof t->request, "request-%lld", (long long)i);
    (void)snprintf(t->callback, sizeof t->callback, "http://portal.example/callback/%lld",
                   (long long)i);
    (void)snprintf(t->project, sizeof t->project, "project-%lld", (long long)project);
    (void)snprintf(t->scope, sizeof t->scope, "project:%s", t->project);
    (void)snprintf(t->shape, sizeof t->shape,
                   "[{\"n\":1,\"r\":{\"Disk\":10,\"Memory\":%lld,\"VCPU\":%lld}}]",
                   (long long)(1024 * size), (long long)size);
    (void)snprintf(
        t->data, sizeof t->data,
        "{\"instances\":[{\"Disk\":10,\"Memory\":%lld,\"VCPU\":%lld}],\"project\":\"%s\"}",
        (long long)(1024 * size), (long long)size, t->project);
    return (struct job_new){.type = STR_LIT("vm"),
                            .request_id = str_of(t->request),
                            .owner_id = str_of(t->project),
                            .callback = str_of(t->callback),
                            .data = str_of(t->data),
                            .scope = str_of(t->scope),
                            .shape = str_of(t->shape)};
}

static int fill(struct store *s, int64_t jobs, int64_t projects, int64_t shapes, struct err *e)
{
    struct text t;
    struct job j;
    int64_t i;

    for (i = 0; i < jobs; i++) {
        struct job_new n = make(&t, i, projects, shapes);

        if (i % BATCH == 0 && store_begin(s, 10 * NS_PER_S, e) != 0)
            return -1;
        if (store_create(s, &n, clock_now(), &j, e) != 0)
            return -1;
        if (i % BATCH != BATCH - 1 && i != jobs - 1)
            continue;
        if (store_commit(s, e) != 0)
            return -1;
        store_checkpoint_if_due(s);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int64_t jobs, projects, shapes;
    struct store *s;
    struct conf *conf;
    struct err e;

    if (argc != 5 || num_i64(str_of(argv[2]), 1, 100000000, &jobs) != 0 ||
        num_i64(str_of(argv[3]), 1, 1000000, &projects) != 0 ||
        num_i64(str_of(argv[4]), 1, 1000000, &shapes) != 0)
        return 2;
    if (conf_load(argv[1], &conf, &e) != 0 || store_open(conf, STORE_WRITE, &s, &e) != 0 ||
        fill(s, jobs, projects, shapes, &e) != 0) {
        fprintf(stderr, "fill: %s\n", e.text);
        return 1;
    }
    store_close(s);
    conf_free(conf);
    return 0;
}
