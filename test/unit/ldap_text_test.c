/*
 * ldap_text_test.c
 *	  Names and filters of LDAP: examples of the RFCs, and what must not get a
 *	  meaning.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/ldap_text.h"

static int	tests = 0;
static int	failures = 0;

static void
ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

typedef bool (*Escape) (char *out, size_t size, const char *value);

/* Exactly so, and refused in one byte less room, of which nothing beyond is touched. */
static void
escapes(Escape escape, const char *value, const char *want)
{
	size_t		need = strlen(want) + 1;
	char	   *room = malloc(need);

	ok(escape(room, need, value) && strcmp(room, want) == 0, want);
	free(room);
	room = malloc(need);
	ok(!escape(room, need - 1, value), "... not with less room");
	free(room);
}

static void
test_names(void)
{
	char		room[100];

	escapes(ldap_escape_dn, "James \"Jim\" Smith, III", "James \\\"Jim\\\" Smith\\, III");
	escapes(ldap_escape_dn, "Before\rAfter", "Before\\0dAfter");
	escapes(ldap_escape_dn, " a b ", "\\ a b\\ ");
	escapes(ldap_escape_dn, "#a#", "\\#a#");
	escapes(ldap_escape_dn, "a,b+c=d\"<>;\\", "a\\,b\\+c\\=d\\\"\\<\\>\\;\\\\");
	escapes(ldap_escape_dn, "Lu\xc4\x8di\xc4\x87", "Lu\xc4\x8di\xc4\x87");
	escapes(ldap_escape_dn, "", "");
	ok(ldap_user_dn(room, sizeof(room), "cn", "x,ou=y", "dc=z") && strcmp(room, "cn=x\\,ou\\=y,dc=z") == 0,
	   "a user's name");
}

static void
test_filters(void)
{
	LdapNames	names = {"a*(b)\\", "uid", "mail"};
	char		room[200];

	escapes(ldap_escape_filter, "Parens R Us (for all your parenthetical needs)",
			"Parens R Us \\28for all your parenthetical needs\\29");
	escapes(ldap_escape_filter, "*", "\\2a");
	escapes(ldap_escape_filter, "C:\\MyFile", "C:\\5cMyFile");
	escapes(ldap_escape_filter, "a\n\x7f", "a\\0a\\7f");
	ok(ldap_filter(room, sizeof(room), "(&({user_login_attribute}={username})({user_email_attribute}=*))", &names) &&
	   strcmp(room, "(&(uid=a\\2a\\28b\\29\\5c)(mail=*))") == 0, "placeholders");
	ok(ldap_filter(room, sizeof(room), "{{username}}", &names) && strcmp(room, "{username}") == 0, "doubled braces");
	ok(!ldap_filter(room, sizeof(room), "{other}", &names), "another placeholder");
	ok(!ldap_filter(room, sizeof(room), "{username", &names), "an open brace");
	ok(!ldap_filter(room, sizeof(room), "username}", &names), "a closing one");
	ok(!ldap_filter(room, 10, "(uid={username})", &names), "no room");
	ok(!ldap_filter(room, 0, "", &names), "no room at all");
}

static void
test_grammar(void)
{
	const char *const good[] = {
		"a=b", "(a=b)", "(a=)", "(a=*)", "(a=*b*c)", "(a>=1)", "(a<=1)", "(a~=1)", "(&(a=b)(c=d))", "(|(a=b))",
		"(!(a=b))", "(&(|(a=b)(c=d))(!(e=f)))", "(a:dn:2.4.6.8.10:=x)", "(:dn:1.2.3:=x)", "(a=\\2a)", "(a=b=c)",
	};
	const char *const bad[] = {
		"", "a", "=b", "(", ")", "()", "(a=b", "a=b)", "(a=b))", "(a=b)(c=d)", "(&)", "(!)", "(!(a=b)(c=d))", "(&(a=b)",
		"((a=b))", "(&a=b)", "(a=(b))", "(a=\\2)", "(a=\\zz)", "(a=b)x", "(a>b)", "(&(a=b)x)", "a=b(c=d)",
	};
	char		deep[200] = "";

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(ldap_filter_well_formed(good[i]), good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!ldap_filter_well_formed(bad[i]), bad[i]);
	for (int i = 0; i < 40; i++)
		strcat(deep, "(!");
	strcat(deep, "(a=b)");
	for (int i = 0; i < 40; i++)
		strcat(deep, ")");
	ok(!ldap_filter_well_formed(deep), "too deep");
	ok(ldap_attribute_valid("sAMAccountName") && ldap_attribute_valid("cn;lang-en") && ldap_attribute_valid("2.5.4.3"),
	   "attributes");
	ok(!ldap_attribute_valid("") && !ldap_attribute_valid("a=b") && !ldap_attribute_valid("a,b") &&
	   !ldap_attribute_valid("a)("), "no attributes");
}

int
main(void)
{
	test_names();
	test_filters();
	test_grammar();
	printf("1..%d\n", tests);
	return failures != 0;
}
