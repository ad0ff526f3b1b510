/* SPDX-License-Identifier: MIT */
/* The contract as OpenAPI 3.1: fcgi/openapi.json as it was at build, embedded by common/embed.sh.
 * Constant; any thread. */
#ifndef AR_OPENAPI_H
#define AR_OPENAPI_H

#include <stddef.h>

extern const char openapi_text[]; /* JSON in UTF-8, ended by a NUL */
extern const size_t openapi_length;
extern const char openapi_etag[]; /* with its quotes; another text has another one */

#endif
