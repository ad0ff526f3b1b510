#!/bin/sh
# SPDX-License-Identifier: MIT
# `make bench`: every part of the table of which we are the subject, then the results. Wants a quiet machine, and about a quarter of
# an hour; BENCH_SECONDS=1 BENCH_ROUNDS=1 BENCH_JOBS=10000 is for trying.
set -u
python=${PYTHON:-/usr/bin/python3}
failed=
for part in tests/bench/*.py; do
    case $part in
    */kit.py | */results.py | */peers.py) continue ;;
    esac
    grep -q '\bPart(' "$part" || continue
    echo "== $part"
    "$python" -B "$part" || failed="$failed $part"
done
"$python" -B tests/bench/kube.py || failed="$failed kube"
if [ "$(id -u)" -eq 0 ]; then
    "$python" -B tests/bench/openstack.py || failed="$failed openstack"
else
    echo "openstack: left out, since its services are started as root"
fi
"$python" -B tests/bench/results.py || failed="$failed results"
[ -z "$failed" ] || {
    echo "failed:$failed" >&2
    exit 1
}
