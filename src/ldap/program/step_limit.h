/*
 * step_limit.h
 *	  A time limit for each step of the program, whatever code it is in.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LDAP_STEP_LIMIT_H
#define WAZO_AUTH_LDAP_STEP_LIMIT_H

#define STEP_SECONDS	2

extern void step_limit_init(void);
extern void step_begin(const char *step);
extern void step_late(void) __attribute__((noreturn));
extern const char *step_name(void);

#endif							/* WAZO_AUTH_LDAP_STEP_LIMIT_H */
