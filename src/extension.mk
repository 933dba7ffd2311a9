# Builds and installs the extension with PGXS: the top Makefile includes this
# file in a make of its own (EXTENSION_ONLY=1).
#
# SPDX-License-Identifier: GPL-3.0-or-later

MODULE_big = wazo_auth
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
EXTENSION = wazo_auth
# The install scripts of earlier versions, and an upgrade from each.
DATA = $(wildcard migrations/wazo_auth--*.sql)
UPGRADES = $(patsubst migrations/wazo_auth--%.sql,build/wazo_auth--%--$(WAZO_AUTH_VERSION).sql,$(DATA))
DATA_built = build/wazo_auth--$(WAZO_AUTH_VERSION).sql $(UPGRADES)

PG_CPPFLAGS = -Isrc -DWAZO_AUTH_VERSION='"$(WAZO_AUTH_VERSION)"'
PG_CFLAGS = -Wall -Wextra $(WERROR) -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-clobbered -Wno-cast-function-type -MMD
SHLIB_LINK = -largon2 -lcrypto -lutf8proc -lidn -lrabbitmq -lssl -lcurl
EXTRA_CLEAN = $(wildcard src/*.d src/*/*.d)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
include tools/quiet.mk

# Programs that the backend starts, beside the library (src/base/helper_process.c).
include src/saml/xml/xml.mk
HELPERS = build/wazo-auth-ldap build/wazo-auth-oauth2 build/wazo-auth-oauth2-relay $(SAML_XML_BINARY)
HELPER_CFLAGS = -std=gnu11 -O2 -g -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wall -Wextra $(WERROR) -Isrc
HELPER_LDFLAGS = -pie -Wl,-z,relro,-z,now

all: $(HELPERS)

build/wazo-auth-ldap: $(wildcard src/ldap/program/*.c) src/plain/ldap_text.c src/plain/job_strings.c src/plain/process_limits.c \
		$(wildcard src/ldap/program/*.h) src/plain/ldap_text.h src/plain/job_strings.h src/plain/process_limits.h
	@mkdir -p build
	$(call say,LINK $@)
	$(Q)$(CC) $(HELPER_CFLAGS) $(HELPER_LDFLAGS) -o $@ $(filter %.c,$^) -lldap -llber

build/wazo-auth-oauth2: $(wildcard src/oauth2/program/*.c) src/plain/public_address.c src/plain/job_strings.c src/plain/process_limits.c \
		$(wildcard src/oauth2/program/*.h) src/plain/public_address.h src/plain/job_strings.h src/plain/process_limits.h
	@mkdir -p build
	$(call say,LINK $@)
	$(Q)$(CC) $(HELPER_CFLAGS) $(HELPER_LDFLAGS) -o $@ $(filter %.c,$^) -lcurl

build/wazo-auth-oauth2-relay: $(wildcard src/oauth2/listener/*.c) src/plain/public_address.c src/plain/process_limits.c \
		$(wildcard src/oauth2/listener/*.h) src/plain/public_address.h src/plain/process_limits.h
	@mkdir -p build
	$(call say,LINK $@)
	$(Q)$(CC) $(HELPER_CFLAGS) $(HELPER_LDFLAGS) -o $@ $(filter %.c,$^) -lwebsockets -lssl -lcrypto

install: install-helpers
install-helpers: $(HELPERS)
	@mkdir -p '$(DESTDIR)$(pkglibdir)'
	$(Q)$(INSTALL_PROGRAM) $(HELPERS) '$(DESTDIR)$(pkglibdir)/'

uninstall: uninstall-helpers
uninstall-helpers:
	rm -f $(addprefix '$(DESTDIR)$(pkglibdir)'/,$(notdir $(HELPERS)))

.PHONY: install-helpers uninstall-helpers

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

$(UPGRADES): build/wazo_auth--%--$(WAZO_AUTH_VERSION).sql: build/wazo_auth--$(WAZO_AUTH_VERSION).sql $(wildcard migrations/*.sql)
	$(call say,SQL $@)
	$(Q)sh sql/assemble upgrade $* > $@.tmp
	@mv $@.tmp $@

# A header that is gone is no error: what included it is compiled anew.
src/%.h: ;

-include $(wildcard src/*.d src/*/*.d)
