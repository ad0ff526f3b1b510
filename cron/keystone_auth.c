/* SPDX-License-Identifier: MIT */
/* The body with which a token is asked for: who, by what, and for which scope. */
#include "json_out.h"
#include "keystone.h"

static void put_text(struct json_out *o, const char *name, struct str text)
{
    json_key(o, name);
    json_put_str(o, text);
}

static void open_object(struct json_out *o, const char *name)
{
    json_key(o, name);
    json_open(o, '{');
}

/* "id" alone, or "name" with its domain. */
static void put_ref(struct json_out *o, const struct cloud_ref *r, const struct cloud_ref *domain)
{
    if (r->id.p) {
        put_text(o, "id", r->id);
        return;
    }
    put_text(o, "name", r->name);
    open_object(o, "domain");
    if (domain->id.p)
        put_text(o, "id", domain->id);
    else
        put_text(o, "name", domain->name);
    json_close(o, '}');
}

static void put_password(struct json_out *o, const struct cloud *c)
{
    open_object(o, "user");
    put_ref(o, &c->user, &c->user_domain);
    put_text(o, "password", c->password);
    json_close(o, '}');
}

static void put_credential(struct json_out *o, const struct cloud *c)
{
    if (c->credential.id.p) {
        put_text(o, "id", c->credential.id);
    } else {
        put_text(o, "name", c->credential.name);
        open_object(o, "user");
        put_ref(o, &c->user, &c->user_domain);
        json_close(o, '}');
    }
    put_text(o, "secret", c->secret);
}

static void put_token(struct json_out *o, const struct cloud *c)
{
    put_text(o, "id", c->token);
}

static const struct {
    const char *word;
    void (*put)(struct json_out *o, const struct cloud *c);
} methods[] = {
    [CLOUD_PASSWORD] = {"password", put_password},
    [CLOUD_CREDENTIAL] = {"application_credential", put_credential},
    [CLOUD_TOKEN] = {"token", put_token},
};

static void put_scope(struct json_out *o, const struct cloud *c)
{
    open_object(o, "scope");
    if (c->whole_system) {
        open_object(o, "system");
        json_key(o, "all");
        json_put_bool(o, true);
    } else {
        open_object(o, "project");
        put_ref(o, &c->project, &c->project_domain);
    }
    json_close(o, '}');
    json_close(o, '}');
}

void keystone_write_auth(const struct cloud *c, struct buf *b)
{
    struct json_out o = JSON_OUT(b);
    const char *word = methods[c->method].word;

    json_open(&o, '{');
    open_object(&o, "auth");
    open_object(&o, "identity");
    json_key(&o, "methods");
    json_open(&o, '[');
    json_put_str(&o, str_of(word));
    json_close(&o, ']');
    open_object(&o, word);
    methods[c->method].put(&o, c);
    json_close(&o, '}');
    json_close(&o, '}');
    if (c->method != CLOUD_CREDENTIAL) /* it has its own scope */
        put_scope(&o, c);
    json_close(&o, '}');
    json_close(&o, '}');
}
