# wazo_auth: the extension, its HTTP front, and everything to try and test them.
#
#   make              build the extension and the front
#   make install      install both (PG_CONFIG chooses the PostgreSQL)
#   make run          try it: packages, build, a private cluster, the front
#   make check        all tests, on private clusters
#   make chaos        kills at random (KILLS=1000), then compares; Ctrl-C ends the kills
#   make installcheck the regression tests on an installed server
#   make lint         compiler warnings, static analysis, plpgsql_check
#   make bench        the figures, as ratios measured side by side
#
# SPDX-License-Identifier: GPL-3.0-or-later

# The control file is the only place of the version.
WAZO_AUTH_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" wazo_auth.control)
PG_CONFIG ?= pg_config
RUN_DIR ?= .run
PORT ?= 9497
KILLS ?= 1000
# A warning ends CI's build, not a user's: their compiler may be newer than ours.
WERROR ?= $(if $(CI),-Werror)
export PG_CONFIG WAZO_AUTH_VERSION WERROR

# PGXS has targets named as ours (check, all, install), so it runs in a make of
# its own and ours neither clash nor warn.
ifdef EXTENSION_ONLY
include src/extension.mk
else

# Without LLVM bitcode: it only serves to inline C functions into JIT code.
EXTENSION_MAKE = $(MAKE) --no-print-directory EXTENSION_ONLY=1 with_llvm=no

all: extension front

extension:
	$(EXTENSION_MAKE) all

include $(wildcard kore_front/front.mk)
include $(wildcard test/unit/unit.mk)

install: install-extension install-front

install-extension: extension
	$(EXTENSION_MAKE) install

clean: clean-front
	$(EXTENSION_MAKE) clean
	rm -rf build

# Installs what debian/control lists (the one list of packages); silent when
# nothing is missing.
packages:
	@sh tools/packages.sh

run: packages
	@$(MAKE) --no-print-directory all
	@bash tools/run.sh $(RUN_DIR) $(PORT)

check: packages
	@$(MAKE) --no-print-directory all
	@sh tools/npm.sh
	@bash test/lib/check.sh $(SUITES)

chaos: packages
	@$(MAKE) --no-print-directory all
	@CHAOS_KILLS=$(KILLS) CHAOS_SEED=$(SEED) CHAOS_SECONDS=$(SECONDS) bash test/lib/check.sh chaos

installcheck:
	$(EXTENSION_MAKE) installcheck

lint: packages
	@bash tools/lint.sh

bench: packages
	@$(MAKE) --no-print-directory all
	@bash test/bench/bench.sh

.PHONY: all extension install install-extension clean packages run check chaos installcheck lint bench
.DEFAULT_GOAL := all

endif
