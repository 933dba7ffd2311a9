# The program build/wazo-auth-xml, which parses what strangers send for SAML logins.
#
# Included by src/extension.mk, which builds and installs it beside the library,
# and by the top Makefile for the tests and for `make xml`.
#
# SPDX-License-Identifier: GPL-3.0-or-later

include tools/quiet.mk

SAML_XML_BUILD := build/saml_xml
SAML_XML_BINARY := build/wazo-auth-xml
# All but main and the sandbox: what tests and fuzzers link.
SAML_XML_PURE := $(filter-out %/main.c %/sandbox.c,$(sort $(wildcard src/saml/xml/*.c)))
SAML_XML_OBJECTS := $(patsubst src/saml/xml/%.c,$(SAML_XML_BUILD)/%.o,$(sort $(wildcard src/saml/xml/*.c)))
SAML_XML_INCLUDES = $(shell pkg-config --cflags xmlsec1-openssl zlib)
SAML_XML_LIBS = $(shell pkg-config --libs xmlsec1-openssl zlib)

SAML_XML_CFLAGS = $(shell dpkg-buildflags --get CPPFLAGS) $(shell dpkg-buildflags --get CFLAGS) -fPIE \
	-std=gnu11 -D_GNU_SOURCE -Wall -Wextra $(WERROR) -Wshadow -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wmissing-declarations $(SAML_XML_INCLUDES)
SAML_XML_LDFLAGS = $(shell dpkg-buildflags --get LDFLAGS) -pie -Wl,-z,relro,-z,now

xml: $(SAML_XML_BINARY)

$(SAML_XML_BUILD)/%.o: src/saml/xml/%.c $(wildcard src/saml/xml/*.h) src/saml/xml/xml.mk
	@mkdir -p $(SAML_XML_BUILD)
	$(call say,CC $<)
	$(Q)$(CC) $(SAML_XML_CFLAGS) -c $< -o $@

$(SAML_XML_BINARY): $(SAML_XML_OBJECTS)
	$(call say,LD $@)
	$(Q)$(CC) $(SAML_XML_OBJECTS) $(SAML_XML_LDFLAGS) $(SAML_XML_LIBS) -lseccomp -o $@

clean-xml:
	rm -rf $(SAML_XML_BUILD) $(SAML_XML_BINARY)

.PHONY: xml clean-xml
