#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes the numbered .sql files given as arguments as C: one string literal each, comments kept out.
set -eu
echo '/* Made from common/schema/ by embed.sh. */'
echo '#include "migrate.h"'
echo 'const char *const migrate_steps[] = {'
for f in "$@"; do
    echo '    (' # clang takes a text of two lines for two texts whose comma was forgotten
    sed -e 's/^[[:space:]]*--.*$//' -e 's/[[:space:]]--[[:space:]].*$//' -e '/^[[:space:]]*$/d' \
        -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$f"
    echo '    ),'
done
echo '};'
echo "const int migrate_count = $#;"
