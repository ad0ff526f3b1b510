# SPDX-License-Identifier: MIT
# Fuzzing. `make fuzz SECONDS=60` lets libFuzzer search in every target for so long (Debian's clang 14 and libclang-rt-14-dev; of
# another version where clang is another one), TARGETS="json url" in these only. `make fuzz-merge` keeps what it found worth keeping.
# `make test` replays what is kept, with the ordinary compiler.
SECONDS ?= 60
TARGETS ?=
fuzz_FLAGS := -DAR_SANITIZED -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

FUZZERS := $(patsubst tests/fuzz/fuzz_%.c,$(BUILD)/fuzzers/%,$(wildcard tests/fuzz/fuzz_*.c))
# Who calls the target: libFuzzer has a main of its own.
FUZZ_MAIN := $(if $(filter fuzz,$(SAN)),-fsanitize=fuzzer,$(BUILD)/tests/fuzz/replay.o)

.PHONY: fuzzers fuzz fuzz-merge
fuzzers: $(FUZZERS)
$(BUILD)/tests/fuzz/%.o: ALL_CFLAGS += -I. -Icron -Ifcgi -Itests/unit
$(FUZZERS): $(BUILD)/fuzzers/%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/replay.o $(CRON) $(FCGI) $(COMMON)
	@mkdir -p $(@D)
	$(CC) -o $@ $< $(FUZZ_MAIN) $(ALL_LDFLAGS) $(CRON) $(FCGI) $(COMMON) -lfcgi $(LIBS)

fuzz:
	@tests/deps.sh fuzz
	$(MAKE) $(JOBS) SAN=fuzz CC=clang CFLAGS="-O1 -g" fuzzers
	tests/fuzz/run.sh build/fuzz $(SECONDS) $(TARGETS)
fuzz-merge:
	tests/fuzz/merge.sh build/fuzz
