#!/bin/sh
# SPDX-License-Identifier: MIT
# `make bench`: the figures, each beside its limit. Wants a quiet machine.
set -eu
exec "${PYTHON:-/usr/bin/python3}" -B tests/bench/bench.py
