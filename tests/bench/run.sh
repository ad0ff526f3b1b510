#!/bin/sh
# SPDX-License-Identifier: MIT
# `make bench`: the figures, each beside its limit. Wants a quiet machine; a few minutes.
set -eu
python=${PYTHON:-/usr/bin/python3}
"$python" -B tests/bench/bench.py
"$python" -B tests/bench/kube.py
if [ "$(id -u)" -eq 0 ]; then
    "$python" -B tests/bench/openstack.py
else
    echo "openstack: left out, since its services are started as root"
fi
