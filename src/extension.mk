# Builds and installs the extension with PGXS: the top Makefile includes this
# file in a make of its own (EXTENSION_ONLY=1).
#
# SPDX-License-Identifier: GPL-3.0-or-later

MODULE_big = wazo_auth
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
EXTENSION = wazo_auth
DATA = $(wildcard migrations/wazo_auth--*--*.sql)
DATA_built = build/wazo_auth--$(WAZO_AUTH_VERSION).sql

PG_CPPFLAGS = -Isrc -DWAZO_AUTH_VERSION='"$(WAZO_AUTH_VERSION)"'
PG_CFLAGS = -Wall -Wextra $(WERROR) -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-clobbered -Wno-cast-function-type -MMD
SHLIB_LINK = -largon2 -lcrypto -lutf8proc -lidn -lrabbitmq -lssl -lcurl
EXTRA_CLEAN = $(wildcard src/*.d src/*/*.d)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
include tools/quiet.mk

# As PGXS does it, but said in a word a file.
%.o: %.c
	$(call say,CC $<)
	$(Q)$(COMPILE.c) -o $@ $<

# The manifest decides the order; the scripts decide the text.
build/wazo_auth--$(WAZO_AUTH_VERSION).sql: sql/manifest sql/assemble $(shell find sql -name '*.sql') wazo_auth.control
	@mkdir -p build
	$(call say,SQL $@)
	$(Q)sh sql/assemble install > $@.tmp
	@mv $@.tmp $@

# A header that is gone is no error: what included it is compiled anew.
src/%.h: ;

-include $(wildcard src/*.d src/*/*.d)
