#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs every unit test of the given folders, as many at once as there are processors; a sanitizer's report fails the test that made it.
set -u
export ASAN_OPTIONS="exitcode=99:detect_leaks=1:strict_string_checks=1"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:exitcode=99"
export TSAN_OPTIONS="exitcode=66:second_deadlock_stack=1"

# What a test says comes out as a whole, when it has ended.
if [ "${1-}" = --one ]; then
    said=$("$2" 2>&1)
    status=$?
    printf '== %s\n%s\n' "$2" "$said"
    [ "$status" -eq 0 ] && exit 0
    echo "unit tests: FAILED: $2"
    exit 1
fi

tests=$(find "$@" -maxdepth 1 -type f -name 'test_*' -perm -u+x | sort)
[ -n "$tests" ] || {
    echo "unit tests: FAILED: none found in $*"
    exit 1
}
echo "$tests" | xargs -n 1 -P "$(nproc)" "$0" --one || exit 1
echo "unit tests: $(echo "$tests" | wc -l) programs passed"
