/* SPDX-License-Identifier: MIT */
/* Bearer tokens: made, found, listed, revoked. */
#include "store_token.h"

#include <assert.h>
#include <sys/random.h>

#include "base64.h"
#include "digest.h"
#include "num.h"
#include "store_inner.h"

#define PREFIX "ant_"

enum { SECRET_BYTES = 32, SECRET_CHARS = 43 };
_Static_assert((int)STORE_DIGEST == (int)DIGEST_SHA256, "what is kept of a token is its SHA-256");

/* In the order of the statements' columns. */
enum column { C_ID, C_NAME, C_DIGEST, C_ROLE, C_OWNERS, C_CREATED_AT, C_EXPIRES_AT };

static int read_token(struct db_stmt *st, struct store_token *t, struct err *e)
{
    struct str digest = db_str(st, C_DIGEST);

    *t = (struct store_token){
        .id = db_i64(st, C_ID),
        .name = db_str(st, C_NAME),
        .digest = (const unsigned char *)digest.p,
        .role = db_str(st, C_ROLE),
        .owners = db_str(st, C_OWNERS),
        .created_at = db_i64(st, C_CREATED_AT),
        .expires_at = db_i64(st, C_EXPIRES_AT),
    };
    if (!t->name.p || !t->role.p || !t->owners.p || digest.n != STORE_DIGEST)
        return err_set(e, ERR_INTERNAL, "token %lld cannot be read", (long long)t->id);
    return 0;
}

int store_token_get(struct store *s, int64_t id, struct store_token *t, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_TOKEN_GET, e);
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    rc = db_step(s->db, st, e);
    return rc == 1 && read_token(st, t, e) != 0 ? -1 : rc;
}

int store_tokens(struct store *s, store_token_fn *fn, void *ctx, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_TOKEN_ALL, e);
    struct store_token t;
    int rc;

    if (!st)
        return -1;
    while ((rc = db_step(s->db, st, e)) == 1) {
        if (read_token(st, &t, e) != 0 || fn(ctx, &t, e) != 0) {
            db_done(st);
            return -1;
        }
    }
    return rc;
}

static int make_text(int64_t id, char token[STORE_TOKEN_MAX], struct err *e)
{
    unsigned char secret[SECRET_BYTES];
    struct buf b = BUF_INIT(STORE_TOKEN_MAX - 1);
    int rc;

    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        return err_errno(e, ERR_INTERNAL, "no randomness for a token");
    buf_printf(&b, PREFIX "%lld_", (long long)id);
    base64_url_write(secret, sizeof secret, &b);
    rc = buf_check(&b, "the token", e);
    if (rc == 0)
        (void)snprintf(token, STORE_TOKEN_MAX, "%s", b.data);
    explicit_bzero(secret, sizeof secret);
    if (b.data)
        explicit_bzero(b.data, b.len);
    buf_free(&b);
    return rc;
}

static int keep_digest(struct store *s, int64_t id, const char *token, struct err *e)
{
    unsigned char digest[DIGEST_SHA256];
    struct db_stmt *st;

    if (digest_sha256(str_of(token), digest, e) != 0)
        return -1;
    st = db_use(s->db, SQL_TOKEN_DIGEST, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    db_bind_blob(st, 2, digest, sizeof digest);
    return db_run(s->db, st, e);
}

/* The row first: the token has its id in it. */
int store_token_add(struct store *s, const struct store_token *t, char token[STORE_TOKEN_MAX],
                    struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_TOKEN_ADD, e);
    int64_t id;

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_str(st, 1, t->name);
    db_bind_str(st, 2, t->role);
    db_bind_str(st, 3, t->owners);
    db_bind_i64(st, 4, t->created_at);
    db_bind_time(st, 5, t->expires_at);
    if (db_run(s->db, st, e) != 0) {
        if (db_broke_unique(s->db, "tokens.name"))
            return err_set(e, ERR_INVALID, "there is a token with the name %.*s already",
                           (int)t->name.n, t->name.p);
        return -1;
    }
    id = db_last_id(s->db);
    return make_text(id, token, e) == 0 ? keep_digest(s, id, token, e) : -1;
}

int store_token_revoke(struct store *s, struct str name, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_TOKEN_DROP, e);

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_str(st, 1, name);
    if (db_run(s->db, st, e) != 0)
        return -1;
    if (db_changes(s->db) == 0)
        return err_set(e, ERR_NOT_FOUND, "there is no token with the name %.*s", (int)name.n,
                       name.p);
    return 0;
}

int64_t store_token_id(struct str token)
{
    static const size_t prefix = sizeof PREFIX - 1;
    int64_t id = 0;
    struct str digits;
    const char *end;

    if (token.n < prefix || memcmp(token.p, PREFIX, prefix) != 0)
        return 0;
    end = memchr(token.p + prefix, '_', token.n - prefix);
    if (!end || (size_t)(token.p + token.n - end) != 1 + SECRET_CHARS)
        return 0;
    digits = (struct str){token.p + prefix, (size_t)(end - token.p) - prefix};
    return num_i64(digits, 1, INT64_MAX, &id) == 0 ? id : 0;
}
