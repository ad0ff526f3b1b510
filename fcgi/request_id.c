/* SPDX-License-Identifier: MIT */
/* The id of a request: the web server's, or one of our own. */
#include "request_id.h"

#include <string.h>
#include <sys/random.h>

/* Would this text do as X-Request-Id? It goes into a header and into log lines. */
static bool fit_for_id(struct str text)
{
    size_t i;

    if (text.n == 0 || text.n > REQUEST_ID_MAX)
        return false;
    for (i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '_' || c == '.' || c == '@'))
            return false;
    }
    return true;
}

static void make_id(char id[REQUEST_ID_MAX + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[16] = {0};
    size_t i;

    /* Without randomness (never seen since boot) the id is all zeroes:
     * no reason to refuse anybody. */
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        memset(bytes, 0, sizeof bytes);
    for (i = 0; i < sizeof bytes; i++) {
        id[2 * i] = digits[bytes[i] >> 4];
        id[2 * i + 1] = digits[bytes[i] & 15];
    }
    id[2 * i] = '\0';
}

void request_id_take(struct str given, char id[REQUEST_ID_MAX + 1])
{
    if (!fit_for_id(given)) {
        make_id(id);
        return;
    }
    memcpy(id, given.p, given.n);
    id[given.n] = '\0';
}
