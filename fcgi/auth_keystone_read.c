/* SPDX-License-Identifier: MIT */
/* What Keystone says of a token, and what its owner may do here by that. */
#include "auth_keystone.h"

#include <string.h>

#include "job.h"
#include "json_pick.h"
#include "plain.h"

enum { USER_MAX = 200 };

/* One that is longer sets too_long. */
struct text {
    size_t n;
    char p[JOB_NAME_MAX + 1];
};

struct reading {
    const struct conf_keystone *conf;
    struct text user, project, expires;
    bool has_project, whole, admin, reader, other; /* roles of each kind */
    bool too_long;
};

enum which { USER, PROJECT, EXPIRES, WHOLE, ROLE };

static bool is_among(const struct conf_names *names, struct str name)
{
    size_t i;

    for (i = 0; i < names->n; i++) {
        if (str_eq(names->name[i], name))
            return true;
    }
    return false;
}

static void take_role(struct reading *r, struct str name)
{
    if (is_among(&r->conf->admin_roles, name))
        r->admin = true;
    else if (is_among(&r->conf->reader_roles, name))
        r->reader = true;
    else
        r->other = true;
}

static int take(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct reading *r = ctx;
    struct text *const texts[] = {
        [USER] = &r->user, [PROJECT] = &r->project, [EXPIRES] = &r->expires};

    (void)name;
    (void)e;
    if (which == ROLE) {
        take_role(r, text);
    } else if (which == WHOLE) {
        r->whole = str_is(text, "true");
    } else if (text.n > JOB_NAME_MAX) {
        r->too_long = true;
    } else {
        memcpy(texts[which]->p, text.p, text.n);
        texts[which]->n = text.n;
    }
    return 0;
}

/* A project without an id is one all the same: an answer that cannot be used. */
static int begin_project(void *ctx, int which, struct err *e)
{
    struct reading *r = ctx;

    (void)which;
    (void)e;
    r->has_project = true;
    return 0;
}

static const struct json_pick user_lines[] = {
    {.name = STR_LIT("id"), .kind = PICK_TEXT, .which = USER, .take = take}, {.which = 0}};
static const struct json_pick project_lines[] = {
    {.name = STR_LIT("id"), .kind = PICK_TEXT, .which = PROJECT, .take = take}, {.which = 0}};
static const struct json_pick scope_lines[] = {
    {.name = STR_LIT("all"), .kind = PICK_BOOL, .which = WHOLE, .take = take}, {.which = 0}};
static const struct json_pick role_lines[] = {
    {.name = STR_LIT("name"), .kind = PICK_TEXT, .which = ROLE, .take = take}, {.which = 0}};
static const struct json_pick token_lines[] = {
    {.name = STR_LIT("user"), .kind = PICK_OBJECT, .inside = user_lines},
    {.name = STR_LIT("project"),
     .kind = PICK_OBJECT,
     .inside = project_lines,
     .begin = begin_project},
    {.name = STR_LIT("system"), .kind = PICK_OBJECT, .inside = scope_lines},
    {.name = STR_LIT("roles"), .kind = PICK_OBJECTS, .inside = role_lines},
    {.name = STR_LIT("expires_at"), .kind = PICK_TEXT, .which = EXPIRES, .take = take},
    {.which = 0}};
static const struct json_pick table[] = {
    {.name = STR_LIT("token"), .kind = PICK_OBJECT, .inside = token_lines}, {.which = 0}};

static int read_body(struct reading *r, struct str body, struct err *e)
{
    struct json_picker *p = json_picker_new(table, r);
    int rc;

    if (!p)
        return err_set(e, ERR_INTERNAL, "no memory to read Keystone's answer");
    rc = json_picker_feed(p, body, e);
    if (rc == 0)
        rc = json_picker_finish(p, e);
    json_picker_free(p);
    return rc;
}

static struct str span(const struct text *text)
{
    return (struct str){text->p, text->n};
}

/* Is it whole, and of a form that we can work with? */
static int check(const struct reading *r, int64_t *expires, struct err *e)
{
    if (r->too_long || r->user.n == 0 || r->user.n > USER_MAX || !plain_is(span(&r->user)))
        return err_set(e, ERR_UNAVAILABLE, "it names no user");
    if (r->has_project && job_check_name(span(&r->project), "its project", e) != 0) {
        e->code = ERR_UNAVAILABLE;
        return -1;
    }
    if (clock_parse_utc(span(&r->expires), expires) != 0)
        return err_set(e, ERR_UNAVAILABLE, "it does not say when the token expires");
    return 0;
}

static int decide(const struct reading *r, struct who *who, struct err *e)
{
    if (r->admin)
        who->everything = who->changes = true;
    else if (r->whole && r->reader)
        who->everything = true;
    else if (r->has_project && (r->reader || r->other))
        who->changes = r->other;
    else
        return err_set(e, ERR_FORBIDDEN, "it has no role on a project");
    who->owners = who->everything ? 0 : 1;
    who->projects = true;
    return 0;
}

void auth_keystone_read(const struct conf_keystone *conf, struct str body, struct auth_answer *a)
{
    struct reading r = {.conf = conf};
    char name[WHO_NAME_MAX + 1];
    struct str project = span(&r.project);
    struct who who = {.name = {name, 0}, .owner = &project};

    a->err.code = ERR_NONE;
    if (read_body(&r, body, &a->err) != 0 || check(&r, &a->expires_at, &a->err) != 0) {
        (void)err_wrap(&a->err, "Keystone's answer cannot be used");
        a->err.code = ERR_UNAVAILABLE;
        a->err.pointer[0] = '\0';
        return;
    }
    project.n = r.project.n;
    if (decide(&r, &who, &a->err) != 0)
        return;
    (void)snprintf(name, sizeof name, "user:%.*s", (int)r.user.n, r.user.p);
    who.name = str_of(name);
    a->who = who_copy(&who);
    if (!a->who)
        (void)err_set(&a->err, ERR_INTERNAL, "no memory for who asks");
}
