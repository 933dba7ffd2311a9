/*
 * ldap_fuzz.c
 *	  libFuzzer target: whatever a user types, a filter that is one stays one
 *	  with the same items, and a name gets no further part.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plain/ldap_text.h"
#include "require.h"

static size_t
count(const char *s, char c)
{
	size_t		n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

/* The parts of a name: commas without a backslash before them. */
static size_t
parts(const char *dn)
{
	size_t		n = 1;

	for (; *dn; dn++)
	{
		if (*dn == '\\' && dn[1])
			dn++;
		else if (*dn == ',' || *dn == '+' || *dn == ';')
			n++;
	}
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char		text[2][512];
	char		one[4096];
	char		two[4096];
	size_t		half = size / 2 > 500 ? 500 : size / 2;
	LdapNames	harmless = {"x", "x", "x"};
	LdapNames	hostile = {text[1], "x", "x"};

	memcpy(text[0], data, half);
	text[0][half] = '\0';
	memcpy(text[1], data + half, half);
	text[1][half] = '\0';

	if (ldap_filter(one, sizeof(one), text[0], &harmless) && ldap_filter(two, sizeof(two), text[0], &hostile))
	{
		require(count(one, '(') == count(two, '(') && count(one, ')') == count(two, ')') &&
				count(one, '*') == count(two, '*'));
		if (strcmp(text[0], "(&(a={username})(b=c))") == 0)
			require(ldap_filter_well_formed(two));
	}
	require(ldap_filter(two, sizeof(two), "(&(a={username})(b=c))", &hostile) && ldap_filter_well_formed(two));
	require(ldap_user_dn(one, sizeof(one), "cn", text[1], "dc=z") && parts(one) == 2);
	(void) ldap_attribute_valid(text[0]);
	return 0;
}
