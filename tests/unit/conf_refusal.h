/* SPDX-License-Identifier: MIT */
/* Configurations that are refused, with what is said of them. */
#ifndef AR_CONF_REFUSAL_H
#define AR_CONF_REFUSAL_H

#include "conf_case.h"

struct refused {
    const char *text;
    const char *error; /* how it begins, and all of it where the sentence is short */
};

static inline void assert_refused(const struct refused *cases, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        const char *got = refusal(str_of(cases[i].text));

        if (strncmp(got, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("%s\n  says \"%s\"\n  and not \"%s\"", cases[i].text, got, cases[i].error);
    }
}

#endif
