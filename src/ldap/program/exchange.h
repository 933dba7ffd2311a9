/*
 * exchange.h
 *	  Asks a directory whether a login and a password are right.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LDAP_EXCHANGE_H
#define WAZO_AUTH_LDAP_EXCHANGE_H

#include "ldap/program/job.h"

#define EMAIL_MAX_BYTES		1024

/* NULL, or why the login is refused; then email is the user's address */
extern const char *exchange_run(const Job *job, char email[EMAIL_MAX_BYTES]);

#endif							/* WAZO_AUTH_LDAP_EXCHANGE_H */
