/*
 * form_body_test.c
 *	  Bodies of forms, with sanitizers; prints TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/form_body.h"
#include "tap.h"

#define B "Content-Disposition: form-data; name="

static void
show(const FormBody *form, bool good, char *out)
{
	*out = '\0';
	if (!good)
		strcpy(out, "refused");
	for (int i = 0; good && i < form->nfields; i++)
		out += sprintf(out, "(%.*s=%.*s)", (int) form->name[i].len, form->name[i].s,
					   (int) form->value[i].len, form->value[i].s);
}

/* Parses a block of the exact size, so that a byte too far is seen. */
static void
body_is(const char *type, const char *body, const char *expected)
{
	size_t		len = strlen(body);
	char	   *copy = malloc(len ? len : 1);
	char	   *buf = malloc(len ? len : 1);
	char		out[4096];
	FormBody	form;
	HttpSpan	boundary;
	bool		good = false;

	memcpy(copy, body, len);
	switch (form_kind(type, strlen(type), &boundary))
	{
		case FORM_NONE:
			break;
		case FORM_URLENCODED:
			good = form_urlencoded(copy, len, buf, &form);
			break;
		case FORM_MULTIPART:
			good = form_multipart(copy, len, boundary, &form);
			break;
	}
	show(&form, good, out);
	ok(strcmp(out, expected) == 0, "%s: %s: %s", type, body, out);
	free(copy);
	free(buf);
}

static void
url_is(const char *body, const char *expected)
{
	body_is("application/x-www-form-urlencoded", body, expected);
}

static void
parts_are(const char *body, const char *expected)
{
	body_is("multipart/form-data; boundary=b", body, expected);
}

static void
test_kinds(void)
{
	static const char *const one = "--b\r\n" B "\"a\"\r\n\r\n1\r\n--b--\r\n";

	body_is("Application/X-WWW-Form-URLEncoded; charset=utf-8", "a=1", "(a=1)");
	body_is("application/json", "a=1", "refused");
	body_is("", "a=1", "refused");
	body_is("Multipart/Form-Data; charset=utf-8; Boundary=\"b\"", one, "(a=1)");
	body_is("multipart/form-data;boundary=b", one, "(a=1)");
	body_is("multipart/form-data", one, "refused");
	body_is("multipart/form-data; boundary=", one, "refused");
	body_is("multipart/form-data; boundary=\"b", one, "refused");
	body_is("multipart/form-data; boundary=b; boundary=c", one, "refused");
	body_is("multipart/form-data; boundary=\"b\\\"\"", one, "refused");
	body_is("multipart/form-data; boundary=\"b \"", one, "refused");
	body_is("multipart/form-data; boundary=1234567890123456789012345678901234567890123456789012345678901234567890x",
			one, "refused");
	body_is("multipart/mixed; boundary=b", one, "refused");
}

static void
test_urlencoded(void)
{
	char		many[FORM_MAX_FIELDS * 8 + 8] = "";

	url_is("", "");
	url_is("a=1&b=2", "(a=1)(b=2)");
	url_is("a=1&b=", "(a=1)(b=)");
	url_is("a=1&", "(a=1)");
	url_is("a=x%2By+z%3D%3d&b%20=2", "(a=x+y z==)(b =2)");
	url_is("a=b=c", "(a=b=c)");
	url_is("a", "refused");
	url_is("a=1&&b=2", "refused");
	url_is("=1", "refused");
	url_is("a=1&a=2", "refused");
	url_is("a=1&%61=2", "refused");
	url_is("a=%", "refused");
	url_is("a=%2", "refused");
	url_is("a=%zz", "refused");
	url_is("a=%2z", "refused");
	for (int i = 0; i < FORM_MAX_FIELDS + 1; i++)
		sprintf(many + strlen(many), "a%d=1&", i);
	url_is(many, "refused");
}

static void
test_multipart(void)
{
	char		long_head[FORM_MAX_PART_HEAD + 200];

	parts_are("--b--", "");
	parts_are("--b--\r\n", "");
	parts_are("--b\r\n" B "\"a\"\r\n\r\n1\r\n--b--", "(a=1)");
	parts_are("--b\r\n" B "\"a\"\r\n\r\n\r\n--b--", "(a=)");
	parts_are("--b\r\n" B "a\r\n\r\n1\r\n--b\r\nX-Y: z\r\ncontent-disposition:form-data;name=\"c\"; filename=\"x;y\\\"z\"\r\n"
			  "Content-Type: text/xml\r\n\r\n<x>\r\n--\r\n--bx</x>\n\r\n--b--\r\n", "refused");
	parts_are("--b\r\n" B "a\r\n\r\n1\r\n--b\r\nX-Y: z\r\ncontent-disposition:form-data;name=\"c\"; filename=\"x;y\\\"z\"\r\n"
			  "Content-Type: text/xml\r\n\r\n<x>\r\n--\r\n-b</x>\n\r\n--b--\r\n", "(a=1)(c=<x>\r\n--\r\n-b</x>\n)");
	parts_are("", "refused");
	parts_are("--b", "refused");
	parts_are("--b\r\n", "refused");
	parts_are("x\r\n--b--", "refused");
	parts_are("\r\n--b--", "refused");
	parts_are("--c\r\n" B "\"a\"\r\n\r\n1\r\n--c--", "refused");
	parts_are("--b\r\n" B "\"a\"\r\n\r\n1\r\n--b", "refused");
	parts_are("--b\r\n" B "\"a\"\r\n\r\n1\n--b--", "refused");
	parts_are("--b\n" B "\"a\"\n\n1\n--b--", "refused");
	parts_are("--b\r\n" B "\"a\"\r\n\r\n1\r\n--b--x", "refused");
	parts_are("--b\r\n" B "\"a\"\r\n\r\n1\r\n--b--\r\nx", "refused");
	parts_are("--b\r\n" B "\"a\"\r\n\r\n1\r\n--b\r\n" B "\"a\"\r\n\r\n2\r\n--b--", "refused");
	parts_are("--b\r\n" B "\"a\"; name=\"b\"\r\n\r\n1\r\n--b--", "refused");
	parts_are("--b\r\n" B "\"a\"\r\n" B "\"b\"\r\n\r\n1\r\n--b--", "refused");
	parts_are("--b\r\n" B "\"\"\r\n\r\n1\r\n--b--", "refused");
	parts_are("--b\r\n" B "\"a\r\n\r\n1\r\n--b--", "refused");
	parts_are("--b\r\n" B "\"a\"x\r\n\r\n1\r\n--b--", "refused");
	parts_are("--b\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n1\r\n--b--", "refused");
	parts_are("--b\r\n\r\n1\r\n--b--", "refused");
	parts_are("--b\r\n" B "\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--b--", "refused");
	memset(long_head, 'x', sizeof(long_head));
	memcpy(long_head, "--b\r\n" B "\"a\"\r\nX: ", strlen("--b\r\n" B "\"a\"\r\nX: "));
	strcpy(long_head + sizeof(long_head) - 20, "\r\n\r\n1\r\n--b--");
	parts_are(long_head, "refused");
}

int
main(void)
{
	test_kinds();
	test_urlencoded();
	test_multipart();
	return tap_end();
}
