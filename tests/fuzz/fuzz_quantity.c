/* SPDX-License-Identifier: MIT */
/* Quantities as Kubernetes writes them, against arithmetic on decimal digits written out. */
#include "fuzz.h"

#include <regex.h>

#include "quantity.h"
#include "quantity_slow.h"

enum { QUANTITY_MAX = 200 };

static bool is_quantity(const char *text)
{
    static regex_t grammar;
    static bool made;

    if (!made)
        MUST(regcomp(&grammar, slow_grammar, REG_EXTENDED | REG_NOSUB) == 0);
    made = true;
    return regexec(&grammar, text, 0, NULL, 0) == 0;
}

static void check(struct str text, const char *copy, int64_t scale)
{
    int64_t want = -1, got = -1, read = -1;
    int known = is_quantity(copy) ? slow_quantity(copy, scale, &want) : -1;
    int rc = quantity_parse(text, scale, &got), how = quantity_read(text, scale, &read);

    MUST(rc == known);
    MUST(rc != 0 || (got == want && got >= 0 && read == got && how == 0));
    MUST(rc == 0 || (got == -1 && read == -1 && how != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size);
    char *copy;

    if (size > QUANTITY_MAX || memchr(text.p, '\0', size) || memchr(text.p, '\n', size))
        return -1;
    copy = fuzz_copy(text);
    check(text, copy, 1);
    check(text, copy, 1000);
    free(copy);
    return 0;
}
