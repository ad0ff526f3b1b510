/* SPDX-License-Identifier: MIT */
/* auth: tokens. A token of ours is looked up at each request, so that revoking it counts at
 * once. */
#include "auth_inner.h"
#include "digest.h"
#include "json_in.h"
#include "store_token.h"

static const struct {
    const char *word;
    bool everything, changes;
} roles[] = {
    {"admin", true, true},
    {"reader", true, false},
    {"owner", false, true},
};

/* The owners of the row into owner[], which the document holds. */
static int read_owners(const struct store_token *t, struct json_doc **doc,
                       struct str owner[WHO_OWNERS_MAX], size_t *n, struct err *e)
{
    json_value *list;

    if (json_in_parse(t->owners, doc, e) != 0)
        return err_wrap(e, "the owners of token %lld", (long long)t->id);
    list = json_in_root(*doc);
    for (*n = 0; json_kind(list) == JSON_ARRAY && *n < json_length(list); ++*n) {
        if (*n == WHO_OWNERS_MAX || json_kind(json_at(list, *n)) != JSON_STRING)
            return err_set(e, ERR_INTERNAL, "token %lld has no owners that can be read",
                           (long long)t->id);
        owner[*n] = json_string(json_at(list, *n));
    }
    return 0;
}

static int take_who(const struct store_token *t, const struct who *like, struct http *x,
                    struct err *e)
{
    struct str owner[WHO_OWNERS_MAX];
    struct json_doc *doc = NULL;
    struct who who = *like, *copy;
    char name[WHO_NAME_MAX + 1];

    if (read_owners(t, &doc, owner, &who.owners, e) != 0) {
        json_in_free(doc);
        return -1;
    }
    (void)snprintf(name, sizeof name, "token:%.*s", (int)t->name.n, t->name.p);
    who.name = str_of(name);
    who.owner = owner;
    if (who.everything)
        who.owners = 0;
    copy = who_copy(&who);
    json_in_free(doc);
    if (!copy)
        return err_set(e, ERR_INTERNAL, "no memory for who asks");
    http_is(x, copy, copy);
    return 0;
}

static int take_role(const struct store_token *t, struct http *x, struct err *e)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(roles); i++) {
        struct who like = {.everything = roles[i].everything, .changes = roles[i].changes};

        if (str_is(t->role, roles[i].word))
            return take_who(t, &like, x, e);
    }
    return err_set(e, ERR_INTERNAL, "token %lld has an unknown role", (long long)t->id);
}

/* Whatever is wrong with a token, a row is looked for and two digests are compared; only who has
 * the whole of it learns that it has expired. */
static int judge(struct store *s, struct str token, struct http *x, struct err *e)
{
    static const unsigned char nobody[DIGEST_SHA256] = {0};
    unsigned char digest[DIGEST_SHA256];
    struct store_token t;
    bool same;
    int rc;

    if (digest_sha256(token, digest, e) != 0)
        return -1;
    rc = store_token_get(s, store_token_id(token), &t, e);
    if (rc < 0)
        return -1;
    same = digest_equal(digest, rc == 1 ? t.digest : nobody);
    if (rc == 0 || !same)
        return err_set(e, ERR_UNAUTHORIZED, "this token is not valid");
    if (t.expires_at != 0 && t.expires_at <= clock_now())
        return err_set(e, ERR_UNAUTHORIZED, "this token has expired");
    return take_role(&t, x, e);
}

int auth_tokens(struct auth_seat *seat, struct http *x, struct err *e)
{
    struct str token;
    int rc;

    if (auth_header_token(x, &token, e) != 0 || store_read_begin(seat->store, e) != 0)
        return -1;
    rc = judge(seat->store, token, x, e);
    store_read_end(seat->store);
    return rc;
}
