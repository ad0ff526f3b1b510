# SPDX-License-Identifier: MIT
# Anteroom. `make run` starts it all on this machine; `make test` runs every test. All output is under build/.
VERSION := 0.1.0
PORT    ?= 8080
STATE   ?= var
PYTHON  ?= /usr/bin/python3

# SAN=asan (with UBSan) or SAN=tsan builds the same tree beside the ordinary one.
SAN   ?=
BUILD := build$(if $(SAN),/$(SAN))
asan_FLAGS := -DAR_SANITIZED -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
tsan_FLAGS := -fsanitize=thread

PKGS := json-c sqlite3 libcurl yaml-0.1 libcrypto
CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
        -Wformat=2 -Wundef -Wcast-qual -Wwrite-strings
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DANTEROOM_VERSION='"$(VERSION)"' -Icommon $(WARN) $(HARDEN) $(CFLAGS) $($(SAN)_FLAGS) \
             $(shell pkg-config --cflags $(PKGS)) -MMD -MP -pthread
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS) $($(SAN)_FLAGS) -pthread
LIBS = $(shell pkg-config --libs $(PKGS))

# Every .c of a folder is in its archive, but for the files that hold a main(): main.c and main_*.c.
lib_objs = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(1)/main.c $(1)/main_%.c,$(wildcard $(1)/*.c)))
COMMON := $(BUILD)/libcommon.a
FCGI   := $(BUILD)/libfcgiroom.a
CRON   := $(BUILD)/libcron.a
BINS   := $(BUILD)/anteroom.fcgi $(BUILD)/anteroom-dispatch $(BUILD)/anteroom
UNITS  := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/test_*.c))

# make takes a blank for the end of a name.
ifneq ($(words $(CURDIR)),1)
$(error the path of this folder has a blank in it, which make cannot work with: move it to another one)
endif

.PHONY: all bins units faults benches run test soak test-openstack test-install lint bench bench-peers clean
.DELETE_ON_ERROR:
all: bins
bins: $(BINS)
units: $(UNITS)

$(BUILD)/anteroom.fcgi: $(BUILD)/fcgi/main.o $(FCGI) $(COMMON)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lfcgi $(LIBS)
$(BUILD)/anteroom-dispatch: $(BUILD)/cron/main.o $(CRON) $(COMMON)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(BUILD)/anteroom: $(BUILD)/cron/main_anteroom.o $(CRON) $(COMMON)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(COMMON): $(call lib_objs,common) $(BUILD)/schema.o
$(FCGI): $(call lib_objs,fcgi) $(BUILD)/openapi_text.o
$(CRON): $(call lib_objs,cron)
$(BUILD)/%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(BUILD)/schema.o: $(BUILD)/schema.c
	$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(BUILD)/schema.c: common/schema/embed.sh $(sort $(wildcard common/schema/*.sql))
	@mkdir -p $(@D)
	sh $^ > $@
$(BUILD)/openapi_text.o: $(BUILD)/openapi_text.c
	$(CC) $(ALL_CFLAGS) -Ifcgi -c -o $@ $<
$(BUILD)/openapi_text.c: common/embed.sh $(BUILD)/openapi.json
	sh common/embed.sh openapi $(BUILD)/openapi.json > $@
$(BUILD)/openapi.json: fcgi/openapi.json Makefile
	@mkdir -p $(@D)
	sed 's/@VERSION@/$(VERSION)/' $< > $@

# A unit test sees the inside of the rooms: it may include their headers by folder ("cron/fit.h").
$(BUILD)/unit/%: tests/unit/%.c $(CRON) $(FCGI) $(COMMON)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -I. -Icron -Ifcgi -Itests/unit -o $@ $< $(ALL_LDFLAGS) $(CRON) $(FCGI) $(COMMON) -lfcgi -lcmocka $(LIBS)

# What breaks what the programs stand on: pre_*.c is loaded before libc (LD_PRELOAD), each other file is a program.
FAULT_LIBS := $(patsubst tests/fault/%.c,$(BUILD)/fault/%.so,$(wildcard tests/fault/pre_*.c))
FAULT_BINS := $(patsubst tests/fault/%.c,$(BUILD)/fault/%,$(filter-out tests/fault/pre_%.c,$(wildcard tests/fault/*.c)))
faults: $(FAULT_LIBS) $(FAULT_BINS)
	@mkdir -p $(BUILD)/fault
$(FAULT_LIBS): $(BUILD)/fault/%.so: tests/fault/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $< -ldl -lsqlite3
$(FAULT_BINS): $(BUILD)/fault/%: tests/fault/%.c $(CRON) $(FCGI) $(COMMON)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -I. -Icron -Ifcgi -Itests/unit -o $@ $< $(ALL_LDFLAGS) $(CRON) $(FCGI) $(COMMON) -lfcgi $(LIBS)

# For `make bench`. fixed.c takes the place of fcgi/route.c, and single.c that of fcgi/writer.c: the linker leaves them in the archive.
benches: $(addprefix $(BUILD)/bench/,fixed single raw fill fit receiver pre_disk.so peers/load)
$(BUILD)/bench/fixed $(BUILD)/bench/single: $(BUILD)/bench/%: tests/bench/%.c $(BUILD)/fcgi/main.o $(FCGI) $(COMMON)
$(BUILD)/bench/%.so: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<
$(BUILD)/bench/raw $(BUILD)/bench/fill $(BUILD)/bench/receiver $(BUILD)/bench/peers/load: $(BUILD)/bench/%: tests/bench/%.c $(COMMON)
$(BUILD)/bench/fit: tests/bench/fit.c $(CRON) $(COMMON)
$(BUILD)/bench/%:
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Ifcgi -Icron -o $@ $(filter %/$*.c %.o %.a,$^) $(ALL_LDFLAGS) -lfcgi $(LIBS)
# Of what Debian's packages have in /usr/share/gocode, without a network.
$(BUILD)/bench/peers/service: tests/bench/peers/service.go
	@mkdir -p $(@D)
	GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$(abspath $(BUILD)/bench/go) go build -o $@ $<

# "exec": the script is what gets the signal that ends make.
run:
	@PORT="$(PORT)" STATE="$(STATE)" exec nginx/run.sh

# The unit tests, then everything through the real web server, then what breaks under it; all of it again with AddressSanitizer and
# with ThreadSanitizer, but for the tests in a browser, which are of files that no compiler makes, and for those that take the place
# of calls whose place a sanitizer takes, too. A test through the web server waits more than it works: four
# files of them at once; of those of tests/fault two, but for some that measure time.
PYTEST := $(PYTHON) -B -m pytest -n 4 --dist loadfile -c tests/api/pytest.ini tests/api
FAULTS := $(PYTHON) -B -m pytest -c tests/fault/pytest.ini tests/fault
BY_TWO := -n 2 --dist loadfile
JOBS := -j$(shell nproc)
test:
	@tests/deps.sh test
	$(MAKE) $(JOBS) bins units faults
	$(MAKE) $(JOBS) SAN=asan bins units faults fuzzers
	$(MAKE) $(JOBS) SAN=tsan bins units faults
	tests/units.sh build/unit build/asan/unit build/tsan/unit
	tests/fuzz/replay.sh build/asan/fuzzers
	tests/model/run.sh
	ANTEROOM_BIN=build $(PYTEST)
	ANTEROOM_BIN=build $(FAULTS) $(BY_TWO) -m "not alone"
	ANTEROOM_BIN=build $(FAULTS) -m alone
	ANTEROOM_BIN=build/asan $(PYTEST) -m "not browser"
	ANTEROOM_BIN=build/asan $(FAULTS) $(BY_TWO) -m "not ordinary"
	ANTEROOM_BIN=build/tsan $(PYTEST) -m "not browser"
	ANTEROOM_BIN=build/tsan $(FAULTS) $(BY_TWO) -m "not ordinary"

# The long forms of the tests that take as long as one lets them: each test MINUTES at most.
MINUTES ?= 10
soak:
	@tests/deps.sh test
	$(MAKE) $(JOBS) bins units faults
	ANTEROOM_SOAK=$$(($(MINUTES) * 60)) tests/model/run.sh
	set -e; for test in sim_plan observed pass_order; do ANTEROOM_SOAK=$$(($(MINUTES) * 60)) build/unit/test_$$test; done
	ANTEROOM_BIN=build ANTEROOM_SOAK=$$(($(MINUTES) * 60)) $(FAULTS)

# The whole way with a real Keystone, Placement and Nova, which it starts and ends again. As root.
test-openstack:
	@tests/deps.sh openstack
	$(MAKE) $(JOBS) bins
	ANTEROOM_BIN=build $(PYTHON) -B -m pytest -c tests/openstack/pytest.ini tests/openstack

# Every way to install it, each in a throw-away copy of this machine. As root.
test-install:
	@tests/deps.sh install
	$(MAKE) $(JOBS) bins
	$(PYTHON) -B -m pytest -c tests/install/pytest.ini tests/install

lint:
	@tests/deps.sh lint
	tests/lint/run.sh

bench:
	@tests/deps.sh bench
	$(MAKE) bins benches
	tests/bench/run.sh

bench-peers:
	@tests/deps.sh peers
	$(MAKE) bins $(addprefix build/bench/peers/,load service)
	$(PYTHON) -B tests/bench/peers.py
	$(PYTHON) -B tests/bench/results.py

include nginx/install.mk
include tests/cover.mk
include tests/fuzz/fuzz.mk

clean:
	rm -rf build

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)
