/* SPDX-License-Identifier: MIT */
/* Plain CGI (RFC 3875): the web server starts the program for one request. */
#ifndef AR_CGI_H
#define AR_CGI_H

#include "conf.h"
#include "http.h"

/* Serves the request that environment and standard input hold. 0, or -1: the answer could not be
 * sent. */
int cgi_serve(const struct conf *conf) AR_MUST_CHECK;

#endif
