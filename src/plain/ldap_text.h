/*
 * ldap_text.h
 *	  Distinguished names and search filters of LDAP, made of what users typed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LDAP_TEXT_H
#define WAZO_AUTH_LDAP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* what stands for the placeholders of a filter */
typedef struct LdapNames
{
	const char *username;
	const char *login_attribute;
	const char *email_attribute;
} LdapNames;

extern bool ldap_escape_dn(char *out, size_t size, const char *value);
extern bool ldap_escape_filter(char *out, size_t size, const char *value);
extern bool ldap_user_dn(char *out, size_t size, const char *attribute, const char *login, const char *base);
extern bool ldap_filter(char *out, size_t size, const char *filter, const LdapNames *names);
extern bool ldap_filter_well_formed(const char *filter);
extern bool ldap_attribute_valid(const char *name);

#endif							/* WAZO_AUTH_LDAP_TEXT_H */
