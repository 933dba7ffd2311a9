# wazo_auth: the extension, its HTTP front, and everything to try and test them.
# `make help` lists the targets; V=1 shows the compiler's commands.
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
EXTENSION_MAKE = $(MAKE) --no-print-directory $(if $(V),,-s) EXTENSION_ONLY=1 with_llvm=no

all: extension front ## build the extension with its programs, and the front

extension:
	@$(EXTENSION_MAKE) all

include $(wildcard kore_front/front.mk)
include $(wildcard src/saml/xml/xml.mk)
include $(wildcard commands/commands.mk)
include $(wildcard test/unit/unit.mk)
include $(wildcard test/fuzz/fuzz.mk)
include $(wildcard test/sanitize/sanitize.mk)

install: install-extension install-front ## install them (PG_CONFIG chooses the PostgreSQL)

install-extension: extension
	@$(EXTENSION_MAKE) install

clean: clean-front clean-xml ## remove what was built
	@$(EXTENSION_MAKE) clean
	rm -rf build

# Install what debian/control lists (the one list of packages); silent when
# nothing is missing.
packages-run:
	@sh tools/packages.sh run

packages:
	@sh tools/packages.sh check

run: packages-run ## try it: packages, build, a private cluster, the front (PORT, RUN_DIR)
	@$(MAKE) --no-print-directory all
	@bash tools/run.sh $(RUN_DIR) $(PORT)

check: packages ## all tests, on private clusters (SUITES, REGRESS, SPECS, PGTAP, TESTS choose)
	@$(MAKE) --no-print-directory all
	@sh tools/npm.sh || echo "npm gave not all: the tests with what it lacks will fail, the others run"
	@bash test/lib/check.sh $(SUITES)

check-fresh: packages ## what the README promises, make check included, on a Debian with nothing installed
	@bash test/fresh/fresh.sh full

# Ctrl-C ends the kills; what they did is compared then.
# Kept roots are below ROOT_CACHE; SUITES and TESTS choose as they do for check.
check-debian: all ## the tests on another Debian's PostgreSQL (SUITE=trixie or sid)
	@SUITES='$(SUITES)' TESTS='$(TESTS)' bash tools/check_debian.sh $(SUITE)

.PHONY: check-import check-upgrade check-pg-upgrade

check-import: packages ## import 100,000 users and 1,000,000 tokens of a Python wazo-auth, with its time
	@$(MAKE) --no-print-directory all
	@bash test/lib/check.sh import

check-upgrade: packages ## upgrades from the earlier versions, with the front of the last one (built from its tag)
	@$(MAKE) --no-print-directory all
	@sh tools/old_front.sh v0.1.0 build/old/wazo-auth
	@TESTS=test/t/upgrade.t bash test/lib/check.sh tap

check-pg-upgrade: all ## PostgreSQL 15 with live sessions becomes 17, by pg_upgrade (in the root of check-debian)
	@bash test/pg_upgrade/pg_upgrade.sh

.PHONY: check-standby check-cluster
check-cluster: packages ## the layout of docs/scaling.md with Patroni and HAProxy, its leader killed (needs patroni, haproxy, etcd-server)
	@$(MAKE) --no-print-directory all
	@bash test/lib/check.sh cluster

check-standby: packages ## RACES (100000) between the end of a session and its check on a standby that is kept behind
	@$(MAKE) --no-print-directory all
	@STANDBY_RACES=$(or $(RACES),100000) TESTS=test/t/standby.t bash test/lib/check.sh tap

framings: packages ## FRAMINGS (20000) requests whose end is in doubt, through nginx and beside it
	@$(MAKE) --no-print-directory all
	@FRAMINGS=$(or $(FRAMINGS),20000) FRAMING_SEED=$(SEED) TESTS=test/t/front_nginx.t bash test/lib/check.sh tap

history: packages ## random histories (HISTORIES=10000, SEED) of which explain_access(…, at) must tell every state
	@$(MAKE) --no-print-directory all
	@HISTORIES=$(or $(HISTORIES),10000) HISTORY_SEED=$(SEED) bash test/lib/check.sh history

chaos: packages ## kill servers at random (KILLS=1000) and compare what arrived
	@$(MAKE) --no-print-directory all
	@CHAOS_KILLS=$(KILLS) CHAOS_SEED=$(SEED) CHAOS_SECONDS=$(SECONDS) bash test/lib/check.sh chaos

.PHONY: timing soak asvs
timing: packages ## can it be told from its time whether a login is somebody's? (TRIES=10000 of each kind, KINDS)
	@$(MAKE) --no-print-directory all
	@TIMING_TRIES=$(TRIES) TIMING_KINDS='$(KINDS)' TIMING_SEED=$(SEED) bash test/lib/check.sh timing

soak: packages ## a mixed load for MINUTES (60) or HOURS: memory, files, tables and queues stay as they are
	@$(MAKE) --no-print-directory all
	@SOAK_MINUTES=$(or $(MINUTES),$(and $(HOURS),$(shell expr $(HOURS) \* 60))) bash test/lib/check.sh soak

asvs: packages ## what docs/asvs.md says about OWASP ASVS 5.0: that all of its tests pass
	@$(MAKE) --no-print-directory all
	@bash test/lib/check.sh asvs

.PHONY: hostile
hostile: packages ## REQUESTS (1000000) at random with hostile values, over the real front (SEED chooses others)
	@$(MAKE) --no-print-directory all
	@HOSTILE_REQUESTS=$(or $(REQUESTS),1000000) HOSTILE_SEED=$(SEED) TESTS=test/t/hostile_requests.t bash test/lib/check.sh tap

.PHONY: sanitize
sanitize: packages ## memory errors: unit tests and front with sanitizers, the extension under valgrind (TESTS, REGRESS, PGTAP)
	@$(MAKE) --no-print-directory all
	@SANITIZE=all bash test/lib/check.sh unit sanitize valgrind

installcheck: ## the regression tests on an installed server
	@bash tools/installcheck.sh

format: packages ## lay out the C sources
	@perl tools/indent.pl

# Types of PostgreSQL and the libraries that the sources use, for make format.
typedefs: all
	@perl tools/indent.pl --types $(filter-out $(wildcard build/kore/*.o),$(wildcard src/*.o src/*/*.o build/*/*.o)) \
		build/wazo-auth-ldap build/wazo-auth-oauth2 build/wazo-auth-oauth2-relay >tools/typedefs.list.new
	@mv tools/typedefs.list.new tools/typedefs.list

deb: packages-run ## Debian packages, into build/deb
	@bash tools/deb.sh

check-deb: packages ## the packages in a clean Debian 12: installed, used, upgraded, removed
	@bash test/packages/packages.sh

check-deb-trixie: ## the extension's package for Debian 13 and PostgreSQL 17, built and installed there
	@bash test/packages/trixie.sh

lint: packages ## compiler warnings, static analysis, plpgsql_check
	@bash tools/lint.sh

bench: packages ## the figures, as ratios measured side by side (QUICK=1)
	@$(MAKE) --no-print-directory all
	@QUICK='$(QUICK)' bash test/bench/bench.sh

docs: extension ## the pages that are made of the database: docs/rest-api.md, docs/sql-api.md
	@bash tools/docs.sh

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: help docs framings packages-run all extension install install-extension clean packages run check check-debian chaos deb check-deb check-deb-trixie installcheck format typedefs lint bench history
.DEFAULT_GOAL := all

endif
