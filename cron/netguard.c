/* SPDX-License-Identifier: MIT */
/* Which URLs may be called. */
#include "netguard.h"

static bool is_web(struct str scheme)
{
    return str_is(scheme, "http") || str_is(scheme, "https");
}

int netguard_check(const struct netguard_url *url, struct err *e)
{
    if (!is_web(url->scheme))
        return err_set(e, ERR_INVALID, "a callback must be an http or https URL");
    if (url->user.p || url->password.p)
        return err_set(e, ERR_INVALID, "a callback must not hold a user name or a password");
    if (!url->host.p || url->host.n == 0)
        return err_set(e, ERR_INVALID, "a callback must name a host");
    return 0;
}
