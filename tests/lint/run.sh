#!/bin/bash
# SPDX-License-Identifier: MIT
# `make lint`: runs every check, goes on after one that fails, and says at the end which did.
set -u
cd "$(dirname "$0")/../.." || exit 1
python=${PYTHON:-/usr/bin/python3}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
failed=()
count=0

# check NAME COMMAND…: quiet when all is well.
check() {
    local name=$1
    shift
    count=$((count + 1))
    if "$@" >"$out/log" 2>&1; then
        echo "ok      $name"
    else
        echo "FAILED  $name"
        tail -n 100 "$out/log"
        failed+=("$name")
    fi
}

# A complete build in a folder of its own, where a warning is an error.
build_with() {
    make -s CC="$1" BUILD="build/lint-$1" CFLAGS="-O2 -g -Werror" bins units fuzzers faults benches
}

# Each finding is one line; `clang-tidy FILE -- FLAGS` by hand shows how it comes about.
tidy() {
    if ! printf '%s\0' "${rooms[@]}" | xargs -0 -n 4 -P 2 clang-tidy --quiet "-extra-arg=-std=c11" -extra-arg=-D_GNU_SOURCE \
        '-extra-arg=-DANTEROOM_VERSION="lint"' -extra-arg=-Icommon >"$out/tidy" 2>/dev/null; then
        grep -E '(error|warning):' "$out/tidy" | sort -u
        return 1
    fi
}

mapfile -d '' c_files < <(git ls-files -z --cached --others --exclude-standard '*.c' '*.h')
mapfile -d '' rooms < <(git ls-files -z --cached --others --exclude-standard 'common/*.c' 'cron/*.c' 'fcgi/*.c')
mapfile -d '' pages < <(git ls-files -z --cached --others --exclude-standard '*.[1-8]')
mapfile -d '' python_files < <(git ls-files -z --cached --others --exclude-standard '*.py')
mapfile -d '' shell_files < <(git ls-files -z --cached --others --exclude-standard '*.sh' '*.cgi' 'nginx/deb/p*' .ci/run)

check "the rules can fail" "$python" -B -m pytest -q -p no:cacheprovider tests/lint
check "layers and outside headers" "$python" -B tests/lint/includes.py
check "lengths, licence line, opening comment" "$python" -B tests/lint/size.py
check "clang-format" clang-format --dry-run -Werror "${c_files[@]}"
check "shellcheck" shellcheck "${shell_files[@]}"
check "manual pages" mandoc -Tlint -Wwarning "${pages[@]}"
check "python syntax" "$python" -B -c 'import ast, sys; [ast.parse(open(f).read(), f) for f in sys.argv[1:]]' "${python_files[@]}"
check "gcc without a warning" build_with gcc
check "clang without a warning" build_with clang
check "the program for the next check" make -s bins
check "documents: keys, code map, paths" "$python" -B tests/lint/docs.py
check "/openapi.json by a validator of OpenAPI" tests/lint/openapi.sh
check "cppcheck" cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
    --suppress=missingIncludeSystem -DANTEROOM_VERSION='"lint"' -D_GNU_SOURCE -Icommon -j 2 "${rooms[@]}"
check "clang-tidy" tidy

if [ ${#failed[@]} -gt 0 ]; then
    echo "lint: ${#failed[@]} of $count checks FAILED:$(printf ' [%s]' "${failed[@]}")"
    exit 1
fi
echo "lint: all $count checks passed"
