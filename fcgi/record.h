/* SPDX-License-Identifier: MIT */
/* How much of a FastCGI request has come, told from its first bytes. Pure. */
#ifndef AR_RECORD_H
#define AR_RECORD_H

#include "base.h"

enum record_state {
    RECORD_PART, /* not even its parameters are all there */
    RECORD_HEAD, /* its parameters, and not the end of its body */
    RECORD_WHOLE /* all of it; or no request, which whoever reads it sees at once */
};

/* p[0..n) is what there is from the beginning of a request on. Whoever reads a whole one does not
 * have to wait for more. */
enum record_state record_look(const char *p, size_t n);

#endif
