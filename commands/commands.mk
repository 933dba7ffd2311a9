# The commands beside the server. They share the reader of the configuration files with it, and not Kore.
#
# SPDX-License-Identifier: GPL-3.0-or-later

COMMANDS_BUILD := build/commands
COMMANDS := $(addprefix build/wazo-auth-,bootstrap init-db upgrade-db wait)
COMMANDS_BINDIR ?= /usr/bin
COMMANDS_CFLAGS = $(shell dpkg-buildflags --get CPPFLAGS) $(shell dpkg-buildflags --get CFLAGS) -fPIE \
	-std=gnu11 -D_GNU_SOURCE -Wall -Wextra $(WERROR) -Wshadow -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes \
	$(shell pkg-config --cflags-only-I libpq)
COMMANDS_LDFLAGS = $(shell dpkg-buildflags --get LDFLAGS) -pie -Wl,-z,relro,-z,now
COMMANDS_SHARED = commands/command.c $(addprefix kore_front/,config_files.c settings.c tree.c bytes.c db_session.c)

all: commands
install: install-commands
clean: clean-commands

commands: $(COMMANDS)

.SECONDEXPANSION:
build/wazo-auth-bootstrap build/wazo-auth-init-db build/wazo-auth-upgrade-db build/wazo-auth-wait: \
		commands/$$(subst -,_,$$(patsubst build/wazo-auth-%,%,$$@)).c $(COMMANDS_SHARED) commands/commands.mk \
		$(wildcard commands/*.h kore_front/*.h kore_front/*.inc)
	@mkdir -p build
	$(call say,LINK $@)
	$(Q)$(CC) $(COMMANDS_CFLAGS) $(filter %.c,$^) $(COMMANDS_LDFLAGS) -lpq -lyaml -lm -o $@

install-commands: commands
	install -d $(DESTDIR)$(COMMANDS_BINDIR)
	install -m 755 $(COMMANDS) $(DESTDIR)$(COMMANDS_BINDIR)/

clean-commands:
	rm -f $(COMMANDS)

.PHONY: commands install-commands clean-commands
