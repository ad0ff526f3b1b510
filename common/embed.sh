#!/bin/sh
# SPDX-License-Identifier: MIT
# embed.sh NAME FILE: writes the file as C, to be declared by NAME.h: its text and, as its entity tag, a digest of it.
set -eu
echo "/* Made from ${2##*/} by embed.sh. */"
echo "#include \"$1.h\""
echo "const char $1_text[] ="
# "?" is escaped for the sake of trigraphs.
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/?/\\?/g' -e 's/^/    "/' -e 's/$/\\n"/' "$2"
echo '    ;'
echo "const size_t $1_length = sizeof $1_text - 1;"
echo "const char $1_etag[] = \"\\\"$(sha256sum "$2" | cut -c 1-32)\\\"\";"
