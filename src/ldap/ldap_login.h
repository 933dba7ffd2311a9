/*
 * ldap_login.h
 *	  Logins against a tenant's directory.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LDAP_LOGIN_H
#define WAZO_AUTH_LDAP_LOGIN_H

extern void ldap_login_init(void);

#endif							/* WAZO_AUTH_LDAP_LOGIN_H */
