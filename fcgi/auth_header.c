/* SPDX-License-Identifier: MIT */
/* The token of a request: of Authorization, or of X-Auth-Token. */
#include <strings.h>

#include "auth_inner.h"

static const char scheme[] = "Bearer ";

static struct str trim(struct str text)
{
    while (text.n > 0 && (text.p[0] == ' ' || text.p[0] == '\t')) {
        text.p++;
        text.n--;
    }
    while (text.n > 0 && (text.p[text.n - 1] == ' ' || text.p[text.n - 1] == '\t'))
        text.n--;
    return text;
}

/* RFC 6750: the scheme's name in any case, blanks, the token. */
static int read_bearer(struct str header, struct str *token, struct err *e)
{
    size_t n = sizeof scheme - 1;

    *token = (struct str){0};
    if (!header.p)
        return 0;
    header = trim(header);
    if (header.n < n || strncasecmp(header.p, scheme, n) != 0)
        return err_set(e, ERR_UNAUTHORIZED, "Authorization must be: Bearer <token>");
    *token = trim((struct str){header.p + n, header.n - n});
    return 0;
}

int auth_header_token(const struct http *x, struct str *token, struct err *e)
{
    struct str other = http_header(x, "HTTP_X_AUTH_TOKEN");

    if (read_bearer(http_header(x, "HTTP_AUTHORIZATION"), token, e) != 0)
        return -1;
    if (other.p && token->p && !str_eq(trim(other), *token))
        return err_set(e, ERR_BAD_REQUEST,
                       "Authorization and X-Auth-Token name two different tokens");
    if (other.p)
        *token = trim(other);
    if (!token->p || token->n == 0)
        return err_set(e, ERR_UNAUTHORIZED,
                       "this needs a token: Authorization: Bearer <token>, or X-Auth-Token: "
                       "<token>");
    return 0;
}
