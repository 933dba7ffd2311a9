# The front with the address and undefined behaviour sanitizers, beside the one
# that is installed: build/sanitize/wazo-auth, for the suite `sanitize`.
#
# The flags reach Kore's own Makefile, too, by dpkg-buildflags, which both ask.
# Its warnings are those of the other build; -w, as the sanitizers' code has
# gcc see more that is none.
#
# SPDX-License-Identifier: GPL-3.0-or-later

SANITIZE_BUILD := build/sanitize
SANITIZE_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# Without checks of the C library: a call that they have replaced is not one that the sanitizers see.
SANITIZE_CFLAGS := -O1 -g $(SANITIZE_FLAGS) -U_FORTIFY_SOURCE -w
SANITIZE_FRONT = DEB_CFLAGS_APPEND='$(SANITIZE_CFLAGS)' DEB_CPPFLAGS_APPEND=-U_FORTIFY_SOURCE \
	DEB_LDFLAGS_APPEND='$(SANITIZE_FLAGS) -Wl,--wrap=_exit' \
	$(MAKE) --no-print-directory -f kore_front/front.mk FRONT_BUILD=$(SANITIZE_BUILD)/front \
	KORE_BUILD=$(SANITIZE_BUILD)/kore FRONT_BINARY=$(SANITIZE_BUILD)/wazo-auth \
	FRONT_EXTRA_OBJECTS=$(SANITIZE_BUILD)/front_memory.o WERROR=

front-sanitize: $(SANITIZE_BUILD)/front_memory.o
	+@$(SANITIZE_FRONT) $(SANITIZE_BUILD)/kore/features
	@rm -f $(SANITIZE_BUILD)/kore/mem.o $(SANITIZE_BUILD)/kore/pool.o
	+@$(SANITIZE_FRONT) front

# In the place of Kore's mem.o and pool.o.
$(SANITIZE_BUILD)/front_memory.o: test/sanitize/front_memory.c test/sanitize/sanitize.mk
	@mkdir -p $(SANITIZE_BUILD)
	$(call say,CC $<)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wmissing-prototypes -DKORE_NO_HTTP \
		-isystem $(KORE_SOURCE)/include/kore $(filter-out -w,$(SANITIZE_CFLAGS)) -c $< -o $@

# What tells valgrind of PostgreSQL's memory.
$(SANITIZE_BUILD)/palloc_memory.so: test/sanitize/palloc_memory.c
	@mkdir -p $(SANITIZE_BUILD)
	$(call say,LINK $@)
	$(Q)$(CC) -std=gnu11 -O2 -g -Wall -Wextra -fPIC -shared -o $@ $<

# Has the faults that the suite `valgrind` must find; without debugging information, so that it is found by its name.
$(SANITIZE_BUILD)/planted.so: test/sanitize/planted.c
	@mkdir -p $(SANITIZE_BUILD)
	$(call say,LINK $@)
	$(Q)$(CC) -std=gnu11 -O0 -Wall -Wextra -Wno-unused-parameter -fPIC -shared \
		-I$$($(PG_CONFIG) --includedir-server) -o $@ $<

valgrind-libraries: $(SANITIZE_BUILD)/palloc_memory.so $(SANITIZE_BUILD)/planted.so

.PHONY: front-sanitize valgrind-libraries
