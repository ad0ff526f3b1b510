# SPDX-License-Identifier: MIT
# `make cover`: which lines and branches the tests reach, in a build of its own (SAN=cover); FAST=1: by the unit tests alone.
# Fails where a pure file is not whole, and where a line that no test reaches has no reason in tests/cover.ini.
# Several processes and threads count into the same files: atomically, and each adds to what is there when it ends.
cover_FLAGS := --coverage -fprofile-update=atomic -O0 -Wno-format-truncation

.PHONY: cover
cover:
	@tests/deps.sh cover
	$(MAKE) $(JOBS) SAN=cover bins units $(if $(FAST),,faults)
	PYTHON="$(PYTHON)" tests/cover.sh $(if $(FAST),units,all)
