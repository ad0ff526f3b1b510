#!/bin/sh
# SPDX-License-Identifier: MIT
# Which lines and branches the tests reach, in the build that counts them (build/cover): cover.sh units|all
# The report is tests/cover.py's; the same, line by line, is in build/cover/html/index.html.
set -eu
cd "$(dirname "$0")/.."
build=build/cover
python=${PYTHON:-/usr/bin/python3}

# Branches of an assert are none: what it says cannot be is not tested.
measure() {
    gcovr --root . --object-directory $build --filter common/ --filter fcgi/ --filter cron/ \
        --exclude-branches-by-pattern '^\s*assert\(.*' --json "$build/$1.json" $build/common $build/fcgi $build/cron
}

find $build -name '*.gcda' -delete
failed=
tests/units.sh $build/unit || failed=units
measure units
if [ "$1" = all ]; then
    ANTEROOM_BIN=$build $python -B -m pytest -n 4 --dist loadfile -c tests/api/pytest.ini tests/api -m "not browser" || failed="$failed api"
    # Of tests/fault the quick ones whose programs end in order: one that is killed has not written what it reached. Those of
    # test_nth_*.py are for the ordinary build alone, since they count calls; what they reach is a reason in tests/cover.ini.
    for name in full_disk clocks overload restart every_status flipped_byte; do
        ANTEROOM_BIN=$build $python -B -m pytest -q -c tests/fault/pytest.ini "tests/fault/test_$name.py" || failed="$failed $name"
    done
    measure all
fi
mkdir -p $build/html
gcovr --root . --add-tracefile "$build/$1.json" --html-details $build/html/index.html --html-title Anteroom
if [ "$1" = all ]; then
    $python -B tests/cover.py $build/units.json $build/all.json || failed="$failed cover"
else
    $python -B tests/cover.py $build/units.json || failed="$failed cover"
fi
[ -z "$failed" ]
