#!/bin/sh
# SPDX-License-Identifier: MIT
# Lets libFuzzer search: run.sh FOLDER SECONDS [TARGET…], each target (all, if none is named) for so long. What it finds stands in
# FOLDER/found, the inputs that reached something new in FOLDER/corpus; "make fuzz-merge" takes the best of these to corpus/*.txt.
set -u
folder=$1 seconds=$2
shift 2
here=$(dirname "$0")
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1" ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:quarantine_size_mb=16:max_malloc_fill_size=256"
mkdir -p "$folder/found"
failed=
[ $# -gt 0 ] || set -- "$here"/fuzz_*.c
for target in "$@"; do
    name=$(basename "$target" .c)
    name=${name#fuzz_}
    python3 -B "$here/corpus.py" unpack "$here/corpus/$name.txt" "$folder/corpus/$name" || exit 1
    dict=
    [ ! -f "$here/dict/$name.dict" ] || dict="-dict=$here/dict/$name.dict"
    # shellcheck disable=SC2086 # one word or none
    "$folder/fuzzers/$name" $dict -max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$folder/found/$name-" "$folder/corpus/$name" </dev/null >"$folder/$name.log" 2>&1 || failed="$failed $name"
    echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$name.log") inputs," \
        "$(sed -n 's/^#.* cov: \([0-9]*\) ft: \([0-9]*\).*/\1 branches, \2 features/p' "$folder/$name.log" | tail -n 1)"
done
[ -z "$failed" ] || {
    for name in $failed; do
        grep -v '^#[0-9]' "$folder/$name.log" | tail -n 40
    done
    echo "fuzz: FAILED:$failed; see $folder/found"
    exit 1
}
