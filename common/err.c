/* SPDX-License-Identifier: MIT */
/* Errors: one table of status and stable word, and the text that travels with them. */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    const char *word;
} codes[] = {
    [ERR_NONE] = {200, "ok"},
    [ERR_BAD_REQUEST] = {400, "bad_request"},
    [ERR_MALFORMED_JSON] = {400, "malformed_json"},
    [ERR_BODY_INCOMPLETE] = {400, "body_incomplete"},
    [ERR_UNKNOWN_PARAMETER] = {400, "unknown_parameter"},
    [ERR_INVALID_CURSOR] = {400, "invalid_cursor"},
    [ERR_UNAUTHORIZED] = {401, "unauthorized"},
    [ERR_FORBIDDEN] = {403, "forbidden"},
    [ERR_NOT_FOUND] = {404, "not_found"},
    [ERR_METHOD_NOT_ALLOWED] = {405, "method_not_allowed"},
    [ERR_DUPLICATE_REQUEST_ID] = {409, "duplicate_request_id"},
    [ERR_DUPLICATE_CALLBACK] = {409, "duplicate_callback"},
    [ERR_INVALID_TRANSITION] = {409, "invalid_transition"},
    [ERR_NOT_WAITING] = {409, "not_waiting"},
    [ERR_NO_ROOM] = {409, "no_room"},
    [ERR_PRECONDITION_FAILED] = {412, "precondition_failed"},
    [ERR_TOO_LARGE] = {413, "too_large"},
    [ERR_INVALID] = {422, "invalid"},
    [ERR_UNKNOWN_MEMBER] = {422, "unknown_member"},
    [ERR_IDEMPOTENCY_MISMATCH] = {422, "idempotency_mismatch"},
    [ERR_TOO_MANY] = {429, "too_many_requests"},
    [ERR_INTERNAL] = {500, "internal"},
    [ERR_UNAVAILABLE] = {503, "unavailable"},
    [ERR_COMMIT_UNKNOWN] = {503, "commit_unknown"},
    [ERR_STORAGE_FULL] = {507, "storage_full"},
    [ERR_CONFIG] = {500, "configuration"},
};
_Static_assert(ARRAY_LEN(codes) == ERR_CODES, "every error has a status and a word");

AR_PRINTF(3, 0)
static void set_text(struct err *e, enum err_code code, const char *fmt, va_list ap)
{
    e->code = code;
    e->pointer[0] = '\0';
    (void)vsnprintf(e->text, sizeof e->text, fmt, ap);
}

/* A pointer that ends within a name is no pointer, or another one. */
static void keep_pointer(struct err *e, const char *pointer)
{
    size_t n = strlen(pointer);

    if (n >= ERR_POINTER_MAX) {
        n = ERR_POINTER_MAX - 1;
        while (n > 0 && pointer[n] != '/')
            n--;
    }
    memcpy(e->pointer, pointer, n);
    e->pointer[n] = '\0';
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_text(e, code, fmt, ap);
    va_end(ap);
    return -1;
}

int err_at(struct err *e, enum err_code code, const char *pointer, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_text(e, code, fmt, ap);
    va_end(ap);
    keep_pointer(e, pointer);
    return -1;
}

int err_errno(struct err *e, enum err_code code, const char *fmt, ...)
{
    int saved = errno;
    char words[128] = "";
    size_t n;
    va_list ap;

    va_start(ap, fmt);
    set_text(e, saved == ENOSPC || saved == EDQUOT || saved == EFBIG ? ERR_STORAGE_FULL : code, fmt,
             ap);
    va_end(ap);
    n = strlen(e->text);
    /* The POSIX and the GNU strerror_r differ in what they return; strerrordesc_np is only newer
     * glibc's. */
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
    (void)snprintf(e->text + n, sizeof e->text - n, ": %s", strerror_r(saved, words, sizeof words));
#else
    (void)strerror_r(saved, words, sizeof words);
    (void)snprintf(e->text + n, sizeof e->text - n, ": %s", words);
#endif
    return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char old[ERR_TEXT_MAX];
    size_t n;
    va_list ap;

    (void)snprintf(old, sizeof old, "%s", e->text);
    va_start(ap, fmt);
    (void)vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    n = strlen(e->text);
    (void)snprintf(e->text + n, sizeof e->text - n, ": %s", old);
    return -1;
}

int err_append(struct err *e, const char *fmt, ...)
{
    size_t n = strlen(e->text);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(e->text + n, sizeof e->text - n, fmt, ap);
    va_end(ap);
    return -1;
}

int err_under(struct err *e, const char *fmt, ...)
{
    char whole[2 * ERR_POINTER_MAX];
    size_t n;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(whole, sizeof whole, fmt, ap);
    va_end(ap);
    n = strlen(whole);
    (void)snprintf(whole + n, sizeof whole - n, "%s", e->pointer);
    keep_pointer(e, whole);
    return -1;
}

int err_status(enum err_code code)
{
    return codes[code].status;
}

const char *err_word(enum err_code code)
{
    return codes[code].word;
}
