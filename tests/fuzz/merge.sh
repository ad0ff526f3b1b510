#!/bin/sh
# SPDX-License-Identifier: MIT
# merge.sh FOLDER: adds to corpus/*.txt what run.sh left in FOLDER/corpus and reaches what no kept input does, small ones only.
set -eu
here=$(dirname "$0")
for target in "$here"/fuzz_*.c; do
    name=$(basename "$target" .c)
    name=${name#fuzz_}
    [ -d "$1/corpus/$name" ] || continue
    rm -rf "$1/kept/$name"
    python3 -B "$here/corpus.py" unpack "$here/corpus/$name.txt" "$1/kept/$name"
    "$1/fuzzers/$name" -merge=1 -max_len=2048 "$1/kept/$name" "$1/corpus/$name" >"$1/$name.merge.log" 2>&1
    python3 -B "$here/corpus.py" add "$here/corpus/$name.txt" "$1/kept/$name" 2048
done
