# SPDX-License-Identifier: MIT
# Anteroom. `make run` starts it all on this machine; `make test` runs every test. All output is under build/.
VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
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

.PHONY: all bins units run test test-openstack lint bench install clean
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
$(FCGI): $(call lib_objs,fcgi)
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

# A unit test sees the inside of the rooms: it may include their headers by folder ("cron/fit.h").
$(BUILD)/unit/%: tests/unit/%.c $(CRON) $(FCGI) $(COMMON)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -I. -Icron -Ifcgi -Itests/unit -o $@ $< $(ALL_LDFLAGS) $(CRON) $(FCGI) $(COMMON) -lfcgi -lcmocka $(LIBS)

# For `make bench`. fixed.c takes the place of fcgi/route.c: the linker leaves that in the archive.
$(BUILD)/bench/fixed: tests/bench/fixed.c $(BUILD)/fcgi/main.o $(FCGI) $(COMMON)
$(BUILD)/bench/raw $(BUILD)/bench/fill: $(BUILD)/bench/%: tests/bench/%.c $(COMMON)
$(BUILD)/bench/%:
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Ifcgi -o $@ $^ $(ALL_LDFLAGS) -lfcgi $(LIBS)

# "exec": the script is what gets the signal that ends make.
run:
	@PORT="$(PORT)" STATE="$(STATE)" exec nginx/run.sh

# The unit tests, then everything through the real web server; both again with AddressSanitizer and with ThreadSanitizer.
PYTEST := $(PYTHON) -B -m pytest -c tests/api/pytest.ini tests/api
JOBS := -j$(shell nproc)
test:
	@tests/deps.sh test
	$(MAKE) $(JOBS) bins units
	$(MAKE) $(JOBS) SAN=asan bins units
	$(MAKE) $(JOBS) SAN=tsan bins units
	tests/units.sh build/unit build/asan/unit build/tsan/unit
	ANTEROOM_BIN=build $(PYTEST)
	ANTEROOM_BIN=build/asan $(PYTEST)
	ANTEROOM_BIN=build/tsan $(PYTEST)

# The whole way with a real Keystone, Placement and Nova, which it starts and ends again. As root.
test-openstack:
	@tests/deps.sh openstack
	$(MAKE) $(JOBS) bins
	ANTEROOM_BIN=build $(PYTHON) -B -m pytest -c tests/openstack/pytest.ini tests/openstack

lint:
	@tests/deps.sh lint
	tests/lint/run.sh

bench:
	@tests/deps.sh bench
	$(MAKE) bins $(addprefix build/bench/,fixed raw fill)
	tests/bench/run.sh

SHARE := $(PREFIX)/share/anteroom
INSTALL_DATA = install -m 644
install: bins
	install -d $(addprefix $(DESTDIR),$(PREFIX)/bin $(SHARE)/examples $(PREFIX)/lib/systemd/system $(PREFIX)/share/doc/anteroom \
	    $(PREFIX)/share/man/man5 $(PREFIX)/share/man/man8)
	install -m 755 $(BINS) $(DESTDIR)$(PREFIX)/bin
	$(INSTALL_DATA) fcgi/anteroom.fcgi.8 cron/anteroom-dispatch.8 cron/anteroom.8 $(DESTDIR)$(PREFIX)/share/man/man8
	$(INSTALL_DATA) common/anteroom.yaml.5 $(DESTDIR)$(PREFIX)/share/man/man5
	$(INSTALL_DATA) nginx/anteroom.conf nginx/anteroom-locations.conf nginx/anteroom-apache.conf nginx/anteroom.yaml \
	    $(DESTDIR)$(SHARE)
	install -m 755 cron/examples/*.sh $(DESTDIR)$(SHARE)/examples
	$(INSTALL_DATA) README.md INSTALL LICENSE CHANGES $(DESTDIR)$(PREFIX)/share/doc/anteroom
	for f in fcgi/*.service fcgi/*.socket cron/*.service; do \
	    sed 's|/usr/local/|$(PREFIX)/|g' $$f > $(DESTDIR)$(PREFIX)/lib/systemd/system/$${f##*/} || exit 1; done
	sed 's|/usr/local/|$(PREFIX)/|g' cron/anteroom.cron > $(DESTDIR)$(SHARE)/anteroom.cron

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
