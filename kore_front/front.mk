# The HTTP front: Kore's objects and the binary build/wazo-auth.
#
# Included by the top Makefile; works alone too, from the top folder: make -f kore_front/front.mk
# Nothing is written to Kore's folder.
#
# SPDX-License-Identifier: GPL-3.0-or-later

ifndef WAZO_AUTH_VERSION
WAZO_AUTH_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" wazo_auth.control)
endif

include tools/quiet.mk

KORE_SOURCE ?= /usr/share/kore
# Who builds another one beside it gives other places in make's command line, and what is to be linked besides
# (FRONT_EXTRA_OBJECTS): test/sanitize/sanitize.mk.
FRONT_BUILD := build/front
KORE_BUILD := build/kore
FRONT_BINARY := build/wazo-auth
FRONT_SBINDIR ?= /usr/sbin

FRONT_SOURCES := main config supervise sandbox listen client client_state client_read client_answer output slow request chunked response cors route peer peer_count call lanes lane lane_limits line job \
	fair_queue dbconn log access_log mask utf8 bytes
# Its configuration, and what hands it to the database.
FRONT_SOURCES += metrics metrics_server config_files settings tree configure db_session
# Rules that hold for the extension, too.
FRONT_PLAIN := traceparent
FRONT_OBJECTS := $(FRONT_SOURCES:%=$(FRONT_BUILD)/%.o) $(FRONT_PLAIN:%=$(FRONT_BUILD)/plain/%.o)
KORE_STAMP := $(KORE_BUILD)/features

# "4.1.0" to 40100, which kore_release.h compares: struct layouts and hooks are those of that release.
FRONT_KORE_RELEASE := $(shell awk -F. '{ print $$1 * 10000 + $$2 * 100 + $$3 }' $(KORE_SOURCE)/RELEASE 2>/dev/null || echo 0)
FRONT_PQ_INCLUDE := $(shell pkg-config --cflags-only-I libpq 2>/dev/null || echo -I/usr/include/postgresql)

FRONT_CFLAGS = $(shell dpkg-buildflags --get CPPFLAGS) $(shell dpkg-buildflags --get CFLAGS) -fPIE \
	-std=gnu11 -D_GNU_SOURCE -Wall -Wextra $(WERROR) -Wshadow -Wpointer-arith -Wcast-qual -Wstrict-prototypes \
	-Wmissing-prototypes -Wmissing-declarations -Wno-deprecated-declarations \
	-DFRONT_KORE_RELEASE=$(FRONT_KORE_RELEASE) -DWAZO_AUTH_VERSION='"$(WAZO_AUTH_VERSION)"' \
	-Isrc -I$(KORE_SOURCE)/include/kore -I$(KORE_BUILD) $(FRONT_PQ_INCLUDE) $(FRONT_EXTRA_CFLAGS)
FRONT_LDFLAGS = $(shell dpkg-buildflags --get LDFLAGS) -pie -Wl,-z,relro,-z,now -rdynamic $(FRONT_EXTRA_LDFLAGS)
FRONT_LIBS = -lpq -lyaml -l:libutf8proc.a -lssl -lcrypto -lm -ldl

.DEFAULT_GOAL ?= front

front: $(FRONT_BINARY)

# One make for all of Kore's objects: its own Makefile knows how. NOHTTP: the HTTP layer is ours (README.md).
$(KORE_STAMP): $(KORE_SOURCE)/RELEASE $(KORE_SOURCE)/Makefile
	@mkdir -p $(KORE_BUILD)
	@rm -f $(KORE_BUILD)/*.o
	$(call say,KORE $(KORE_SOURCE))
	$(Q)MAKEFLAGS= MFLAGS= $(MAKE) -s -C $(KORE_SOURCE) OBJDIR=$(abspath $(KORE_BUILD)) CC='$(CC)' \
		KORE_SINGLE_BINARY=1 NOHTTP=1 objects

$(FRONT_BUILD)/%.o: kore_front/%.c $(wildcard kore_front/*.h kore_front/*.inc) kore_front/front.mk wazo_auth.control $(KORE_STAMP)
	@mkdir -p $(FRONT_BUILD)
	$(call say,CC $<)
	$(Q)$(CC) $(FRONT_CFLAGS) $$(cat $(KORE_STAMP)) -c $< -o $@

$(FRONT_BUILD)/plain/%.o: src/plain/%.c src/plain/%.h kore_front/front.mk
	@mkdir -p $(FRONT_BUILD)/plain
	$(call say,CC $<)
	$(Q)$(CC) $(FRONT_CFLAGS) -c $< -o $@

$(FRONT_BINARY): $(FRONT_OBJECTS) $(FRONT_EXTRA_OBJECTS)
	$(call say,LD $@)
	$(Q)$(CC) $(FRONT_OBJECTS) $(FRONT_EXTRA_OBJECTS) $(KORE_BUILD)/*.o $(FRONT_LDFLAGS) $(FRONT_LIBS) -o $@

install-front: front
	install -d $(DESTDIR)$(FRONT_SBINDIR)
	install -m 755 $(FRONT_BINARY) $(DESTDIR)$(FRONT_SBINDIR)/wazo-auth

clean-front:
	rm -rf $(FRONT_BUILD) $(KORE_BUILD) $(FRONT_BINARY)

.PHONY: front install-front clean-front
