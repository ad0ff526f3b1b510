# SPDX-License-Identifier: MIT
# make install, uninstall and deb. DESTDIR, in front of every path, is for packagers.
PREFIX     ?= /usr/local
DESTDIR    ?=
SYSCONFDIR ?= /etc
BINDIR     ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec
UNITDIR    ?= $(PREFIX)/lib/systemd/system
MANDIR     ?= $(PREFIX)/share/man
ZSHDIR     ?= $(PREFIX)/share/zsh/site-functions
SHAREDIR   := $(PREFIX)/share/anteroom
DOCDIR     := $(PREFIX)/share/doc/anteroom

# One word a file, source:kind:destination. The kinds: program; plain, as it is; doc, in which our paths are made those of PREFIX;
# text and script, those of SYSCONFDIR too; conf and secret (not for everybody to read), the same, but never in the place of a file
# that is there. A destination that ends in a slash is a folder.
each = $(foreach f,$(3),$(f):$(1):$(2))
# whole folders: each file below $(1), at the same place below $(2)
below = $(foreach f,$(patsubst ./%,%,$(shell cd $(1) 2>/dev/null && find . -type f)),$(1)/$(f):plain:$(2)/$(f))
LAYOUT = \
    $(call each,program,$(BINDIR)/,$(BUILD)/anteroom $(BUILD)/anteroom-dispatch) \
    $(call each,program,$(LIBEXECDIR)/anteroom/,$(BUILD)/anteroom.fcgi) \
    $(call each,doc,$(MANDIR)/man5/,$(wildcard common/*.5)) \
    $(call each,doc,$(MANDIR)/man8/,$(wildcard fcgi/*.8 cron/*.8)) \
    $(call each,text,$(UNITDIR)/,$(wildcard fcgi/*.service fcgi/*.socket cron/*.service cron/*.timer)) \
    common/anteroom-hardening.conf:text:$(UNITDIR)/anteroom-.service.d/10-hardening.conf \
    $(call each,text,$(SHAREDIR)/,$(wildcard nginx/anteroom*.conf) nginx/anteroom.yaml nginx/htaccess cron/anteroom.cron) \
    $(call each,script,$(SHAREDIR)/,nginx/anteroom.cgi) \
    $(call each,script,$(SHAREDIR)/examples/,$(wildcard cron/examples/*.sh)) \
    $(call below,nginx/www,$(SHAREDIR)/www) \
    $(call below,nginx/prometheus,$(SHAREDIR)/prometheus) \
    $(addsuffix :plain:$(PREFIX)/share/bash-completion/completions/,$(wildcard cron/completion/anteroom)) \
    $(addsuffix :plain:$(ZSHDIR)/,$(wildcard cron/completion/_anteroom)) \
    $(call each,doc,$(DOCDIR)/,README.md INSTALL CHANGES) LICENSE:plain:$(DOCDIR)/ \
    nginx/anteroom.yaml:secret:$(SYSCONFDIR)/anteroom/ \
    cron/anteroom.logrotate:conf:$(SYSCONFDIR)/logrotate.d/anteroom

# Each rule below is a loop over the words with these variables: $from, $kind, $to (with DESTDIR), and $new, a function that writes
# what is to be installed.
OURS := bin/anteroom|libexec/anteroom|share/anteroom|share/doc/anteroom
define each_file
set -e; \
prefix() { sed -E -e 's#/usr/local/($(OURS))#$(PREFIX)/\1#g' -e 's#$(PREFIX)/bin/anteroom#$(BINDIR)/anteroom#g' \
    -e 's#$(PREFIX)/libexec/anteroom#$(LIBEXECDIR)/anteroom#g' "$$from"; }; \
new() { case $$kind in program | plain) cat "$$from" ;; doc) prefix ;; \
    *) prefix | sed -e 's#/etc/anteroom#$(SYSCONFDIR)/anteroom#g' ;; esac; }; \
for word in $(LAYOUT); do \
    from=$${word%%:*}; to=$${word#*:}; kind=$${to%%:*}; to=$(DESTDIR)$${to#*:}; \
    case $$to in */) to=$$to$${from##*/} ;; esac;
endef

.PHONY: install uninstall deb
install: bins
	@$(each_file) \
	    case $$kind in program | script) mode=755 ;; secret) mode=640 ;; *) mode=644 ;; esac; \
	    case $$kind in conf | secret) if [ -e "$$to" ]; then echo "kept       $$to"; continue; fi ;; esac; \
	    echo "installed  $$to"; [ -d "$${to%/*}" ] || install -d -m 755 "$${to%/*}"; \
	    rm -f "$$to"; test -f "$$from"; new >"$$to"; chmod $$mode "$$to"; \
	done

# What somebody has changed, configuration, stays; and so do the folders that others use too.
uninstall:
	@$(each_file) \
	    case $$kind in conf | secret) if [ -e "$$to" ] && ! new | cmp -s - "$$to"; then echo "kept       $$to"; continue; fi ;; esac; \
	    rm -f "$$to"; dir=$${to%/*}; \
	    while case $$dir in */anteroom | */anteroom/* | */anteroom-.service.d) true ;; *) false ;; esac; do \
	        rmdir "$$dir" 2>/dev/null || break; dir=$${dir%/*}; done; \
	done

deb: bins
	nginx/deb/build.sh $(VERSION)
