# quiet.mk - what a command that is not shown does: $(call say,CC $<) before
# $(Q)command. V=1 shows the commands instead.
#
# SPDX-License-Identifier: GPL-3.0-or-later

say = $(if $(V),,@echo '  $(1)')
Q = $(if $(V),,@)
