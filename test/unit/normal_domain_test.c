/*
 * normal_domain_test.c
 *	  Tests of src/plain/normal_domain.c, as TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/normal_domain.h"
#include "tap.h"

/* The normal form is as expected, and is its own; the name in a copy of exact size. */
static void
is(const char *name, const char *expected)
{
	size_t		len = strlen(name);
	char	   *copy = malloc(len ? len : 1);
	char		out[DOMAIN_MAX_BYTES];
	char		again[DOMAIN_MAX_BYTES];
	size_t		n;
	bool		good;

	memcpy(copy, name, len);
	n = normal_domain(copy, len, out);
	good = n == strlen(expected) && memcmp(out, expected, n) == 0 &&
		normal_domain(out, n, again) == n && memcmp(out, again, n) == 0;
	free(copy);
	ok(good, "%s", len < 100 ? name : "a long one");
}

static void
random_names(int n)
{
	bool		good = true;

	srand(1);
	for (int i = 0; i < n && good; i++)
	{
		char		name[80];
		char		out[DOMAIN_MAX_BYTES];
		char		again[DOMAIN_MAX_BYTES];
		size_t		len = (size_t) (rand() % 80);

		for (size_t j = 0; j < len; j++)
			name[j] = (char) (rand() % 4 ? rand() % 128 : rand() % 256);
		len = normal_domain(name, len, out);
		good = len < DOMAIN_MAX_BYTES;
		/* a normal form is its own */
		if (good && len > 0)
			good = normal_domain(out, len, again) == len && memcmp(out, again, len) == 0;
	}
	ok(good, "bytes at random");
}

int
main(void)
{
	char		longest[DOMAIN_MAX_BYTES + 1];

	is("", "");
	is("acme.example", "acme.example");
	is("ACME.example", "acme.example");
	is("acme.example.", "acme.example");
	is(".", ".");
	is("acme.example..", "acme.example..");
	is("m。example", "m.example");
	is("ｍ．ＥＸＡＭＰＬＥ", "m.example");
	is("EXÄMPLE.de", "xn--exmple-cua.de");
	is("exämple.de.", "xn--exmple-cua.de");
	is("XN--EXMPLE-CUA.de", "xn--exmple-cua.de");
	is("\xe2\x84\xaa.example", "k.example");
	is("straße.de", "strasse.de");
	is("[127.000.0.01]", "[127.0.0.1]");
	is("[10.20.30.40]", "[10.20.30.40]");
	is("\xff.example", "");
	memset(longest, 'A', sizeof(longest));
	longest[DOMAIN_MAX_BYTES] = '\0';
	is(longest, "");
	random_names(100000);
	return tap_end();
}
