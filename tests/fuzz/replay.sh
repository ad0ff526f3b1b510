#!/bin/sh
# SPDX-License-Identifier: MIT
# Replays the kept inputs of every fuzz target: replay.sh FOLDER, which has a program for each of corpus/*.txt.
set -u
export ASAN_OPTIONS="exitcode=99:detect_leaks=1:strict_string_checks=1"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:exitcode=99"
here=$(dirname "$0")
failed=
for target in "$here"/fuzz_*.c; do
    name=$(basename "$target" .c)
    name=${name#fuzz_}
    "$1/$name" "$here/corpus/$name.txt" || failed="$failed $name"
done
for kept in "$here"/corpus/*.txt; do
    name=$(basename "$kept" .txt)
    [ -f "$here/fuzz_$name.c" ] || failed="$failed $name(no target)"
done
[ -z "$failed" ] || {
    echo "replay of fuzz inputs: FAILED:$failed"
    exit 1
}
