/* SPDX-License-Identifier: MIT */
/*
 * Nova's quota of a project. GET /os-quota-sets/<project>/detail says it whole and needs the role
 * admin; who may not ask that is answered 403 and asks GET /limits, for other projects with their
 * tenant_id. A project that Nova calls none has no room, and one whose quota it refuses has an
 * error: jobs of such a project are kept waiting, and keep no other from being admitted.
 */
#include "openstack_quota.h"

#include "answer.h"
#include "num.h"
#include "openstack_words.h"

enum { PATH_BYTES_MAX = 4096 };

/* The lines of a quota, as the two requests call them. */
static const struct {
    const char *name, *most, *used;
    struct str resource[2];
} lines[] = {
    {"instances", "maxTotalInstances", "totalInstancesUsed", {{NULL, 0}, {NULL, 0}}},
    {"cores", "maxTotalCores", "totalCoresUsed", {{"VCPU", 4}, {"PCPU", 4}}},
    {"ram", "maxTotalRAMSize", "totalRAMUsed", {{"Memory", 6}, {NULL, 0}}},
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading a quota");
}

static int begin(struct arena *a, struct source_quota *quota, struct source_limit **line,
                 struct err *e)
{
    *line = arena_array(a, ARRAY_LEN(lines), sizeof **line);
    quota->limit = *line;
    quota->limits = 0;
    return *line ? 0 : no_memory(e);
}

static void add_line(struct source_quota *quota, struct source_limit *line, size_t which,
                     int64_t most, int64_t used)
{
    line[quota->limits++] = (struct source_limit){
        .name = str_of(lines[which].name),
        .resource = {lines[which].resource[0], lines[which].resource[1]},
        .limit = most,
        .used = used,
    };
}

/* Line i of a quota set. A limit of -1 is none, and what is used of it may then be -1, too: where
 * quotas are off (NoopQuotaDriver), Nova does not count. */
static int read_line(const json_value *set, size_t i, struct source_quota *quota,
                     struct source_limit *line, struct err *e)
{
    int64_t most, used, reserved;
    json_value *v;

    if (answer_member(set, lines[i].name, JSON_OBJECT, &v, e) != 0)
        return -1;
    if (answer_count(v, "limit", -1, &most, e) != 0)
        return err_wrap(e, "%s", lines[i].name);
    if (most < 0)
        return 0;
    if (answer_count(v, "in_use", 0, &used, e) != 0 ||
        answer_count(v, "reserved", 0, &reserved, e) != 0)
        return err_wrap(e, "%s", lines[i].name);
    if (used + reserved > NUM_SAFE_MAX)
        return err_set(e, ERR_UNAVAILABLE, "%s: more is used than can be counted", lines[i].name);
    add_line(quota, line, i, most, used + reserved);
    return 0;
}

int openstack_quota_read(const json_value *root, struct arena *a, struct source_quota *quota,
                         struct err *e)
{
    struct source_limit *line;
    json_value *set;
    size_t i;

    if (begin(a, quota, &line, e) != 0 ||
        answer_member(root, "quota_set", JSON_OBJECT, &set, e) != 0)
        return -1;
    for (i = 0; i < ARRAY_LEN(lines); i++) {
        if (read_line(set, i, quota, line, e) != 0)
            return -1;
    }
    return 0;
}

int openstack_quota_read_limits(const json_value *root, struct arena *a, struct source_quota *quota,
                                struct err *e)
{
    struct source_limit *line;
    json_value *limits, *absolute;
    int64_t most, used;
    size_t i;

    if (begin(a, quota, &line, e) != 0 ||
        answer_member(root, "limits", JSON_OBJECT, &limits, e) != 0 ||
        answer_member(limits, "absolute", JSON_OBJECT, &absolute, e) != 0)
        return -1;
    for (i = 0; i < ARRAY_LEN(lines); i++) {
        if (answer_count(absolute, lines[i].most, -1, &most, e) != 0)
            return -1;
        if (most < 0)
            continue;
        if (answer_count(absolute, lines[i].used, 0, &used, e) != 0)
            return -1;
        add_line(quota, line, i, most, used);
    }
    return 0;
}

/* ---- asking ---- */

struct asking {
    const struct openstack_api *api;
    struct arena *arena;
    size_t n;
    struct source_quota *quota; /* [n] those that are asked for, by project */
    bool *refused;              /* [n] by os-quota-sets: to be asked from limits */
    bool limits;                /* these are the requests to limits */
    struct openstack_call *call;
    struct buf *path;
};

/* No room at all, and why. */
static int no_such_project(struct asking *q, struct source_quota *quota, struct err *e)
{
    struct source_limit *line = arena_array(q->arena, 1, sizeof *line);

    if (!line)
        return no_memory(e);
    *line = (struct source_limit){.name = STR_LIT("instances (Nova knows no such project)")};
    quota->limits = 1;
    quota->limit = line;
    return 0;
}

/* As Keystone's ids are: what a client made up must not become another path. */
static bool is_id(struct str project)
{
    size_t i;

    for (i = 0; i < project.n; i++) {
        char c = project.p[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '-' && c != '_')
            return false;
    }
    return project.n > 0;
}

/* Is it this project's matter, and not that Nova has no time for anybody? */
static bool is_its_own(int status)
{
    return status / 100 == 4 && status != 401 && status != 406 && status != 408 && status != 429;
}

/* One project whose quota cannot be read keeps no other waiting. */
static int refuse(const struct asking *q, const struct openstack_call *call,
                  struct source_quota *quota, struct err *e)
{
    (void)openstack_api_refused(q->api, call, e);
    if (call->status == 403)
        (void)err_append(e,
                         "; the quotas of other projects need os_compute_api:limits:other_project "
                         "or os_compute_api:os-quota-sets:detail, which the role admin has; "
                         "`quota: off` does without them");
    if (!is_its_own(call->status))
        return -1;
    return arena_copy(q->arena, str_of(e->text), &quota->error) == 0 ? 0 : no_memory(e);
}

static int on_answer(void *ctx, struct openstack_call *call, struct err *e)
{
    struct asking *q = ctx;
    struct source_quota *quota = &q->quota[call->tag];
    struct json_doc *doc;
    int failed;

    if (call->status == 403 && !q->limits) {
        q->refused[call->tag] = true;
        return 0;
    }
    if (call->status == 400 &&
        openstack_words_hold(buf_span(&call->body), "is not a valid project"))
        return no_such_project(q, quota, e);
    if (call->status != 200)
        return refuse(q, call, quota, e);
    if (openstack_api_json(q->api, call, &doc, e) != 0)
        return -1;
    failed = (q->limits ? openstack_quota_read_limits : openstack_quota_read)(json_in_root(doc),
                                                                              q->arena, quota, e);
    if (failed)
        (void)err_wrap(e, "Nova's answer makes no sense");
    json_in_free(doc);
    return failed;
}

static void write_path(const struct asking *q, struct str project, struct buf *b)
{
    struct str own = q->api->token ? q->api->token->project_id : (struct str){0};

    buf_reset(b);
    if (!q->limits) {
        buf_str(b, "/os-quota-sets/");
        buf_add(b, project.p, project.n);
        buf_str(b, "/detail");
        return;
    }
    buf_str(b, "/limits");
    if (!str_eq(own, project)) {
        buf_str(b, "?tenant_id=");
        buf_add(b, project.p, project.n);
    }
}

/* Asks for all, or for those that were refused. */
static int ask(struct asking *q, struct openstack_api *api, struct err *e)
{
    size_t i, calls = 0;

    for (i = 0; i < q->n; i++) {
        if (q->limits && !q->refused[i])
            continue;
        if (!is_id(q->quota[i].project)) {
            if (no_such_project(q, &q->quota[i], e) != 0)
                return -1;
            continue;
        }
        write_path(q, q->quota[i].project, &q->path[calls]);
        if (buf_check(&q->path[calls], "a request to Nova", e) != 0)
            return -1;
        q->call[calls] = (struct openstack_call){
            .service = KEYSTONE_COMPUTE, .path = q->path[calls].data, .tag = i};
        calls++;
    }
    return openstack_api_run(api, q->call, calls, on_answer, q, e);
}

static int ask_both(struct asking *q, struct openstack_api *api, bool *limits_only, struct err *e)
{
    size_t i;

    for (i = 0; i < q->n; i++)
        q->refused[i] = *limits_only;
    if (!*limits_only && ask(q, api, e) != 0)
        return -1;
    for (i = 0; i < q->n; i++)
        *limits_only = *limits_only || q->refused[i];
    q->limits = true;
    return ask(q, api, e);
}

static int compare_quotas(const void *a, const void *b)
{
    return str_cmp(((const struct source_quota *)a)->project,
                   ((const struct source_quota *)b)->project);
}

/* The projects of the questions that the reading has no quota of yet, without doubles. */
static int collect(const struct source_question *question, size_t n, const struct source_reading *r,
                   struct asking *q, struct err *e)
{
    size_t i, unique = 0;

    q->quota = arena_array(r->arena, n, sizeof *q->quota);
    q->refused = arena_array(r->arena, n, sizeof *q->refused);
    q->call = arena_array(r->arena, n, sizeof *q->call);
    q->path = arena_array(r->arena, n, sizeof *q->path);
    if (!q->quota || !q->refused || !q->call || !q->path)
        return no_memory(e);
    for (i = 0; i < n; i++) {
        struct source_quota wanted = {.project = question[i].project};

        q->path[i] = BUF_INIT(PATH_BYTES_MAX);
        if (!wanted.project.p ||
            (r->quotas && bsearch(&wanted, r->quota, r->quotas, sizeof wanted, compare_quotas)))
            continue;
        if (arena_copy(r->arena, question[i].project, &q->quota[q->n++].project) != 0)
            return no_memory(e);
    }
    qsort(q->quota, q->n, sizeof *q->quota, compare_quotas);
    for (i = 0; i < q->n; i++) {
        if (i == 0 || !str_eq(q->quota[i].project, q->quota[unique - 1].project))
            q->quota[unique++] = q->quota[i];
    }
    q->n = unique;
    return 0;
}

static int add_all(const struct asking *q, struct source_reading *r, struct err *e)
{
    struct source_quota *all = arena_array(r->arena, r->quotas + q->n, sizeof *all);

    if (!all)
        return no_memory(e);
    if (r->quotas)
        memcpy(all, r->quota, r->quotas * sizeof *all);
    if (q->n)
        memcpy(all + r->quotas, q->quota, q->n * sizeof *all);
    r->quotas += q->n;
    r->quota = all;
    qsort(all, r->quotas, sizeof *all, compare_quotas);
    return 0;
}

int openstack_quota_ask(struct openstack_api *api, const struct source_question *question, size_t n,
                        bool *limits_only, struct source_reading *r, struct err *e)
{
    struct asking q = {.api = api, .arena = r->arena};
    size_t i;
    int failed = collect(question, n, r, &q, e);

    if (!failed && q.n)
        failed = ask_both(&q, api, limits_only, e);
    for (i = 0; q.path && i < n; i++)
        buf_free(&q.path[i]);
    return failed || add_all(&q, r, e) != 0 ? -1 : 0;
}
