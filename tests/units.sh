#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every unit test of the given folders; a sanitizer's report fails the test that made it.
set -u
export ASAN_OPTIONS="exitcode=99:detect_leaks=1:strict_string_checks=1"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:exitcode=99"
export TSAN_OPTIONS="exitcode=66:second_deadlock_stack=1"
ran=0
failed=
for folder in "$@"; do
    for test in "$folder"/test_*; do
        if [ ! -f "$test" ] || [ ! -x "$test" ]; then
            continue # what the compiler wrote beside it
        fi
        echo "== $test"
        "$test" || failed="$failed $test"
        ran=$((ran + 1))
    done
done
[ "$ran" -gt 0 ] || failed=" none found in $*"
[ -z "$failed" ] || {
    echo "unit tests: FAILED:$failed"
    exit 1
}
echo "unit tests: $ran programs passed"
