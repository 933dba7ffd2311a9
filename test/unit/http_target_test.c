/*
 * http_target_test.c
 *	  Request targets and Basic credentials, with sanitizers; prints TAP.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/http_target.h"
#include "tap.h"

/*
 * Parses from and into blocks of the exact size, so that a byte too far is
 * seen.  Writes path and query in a readable form.
 */
static void
show(const char *target, size_t len, char *out)
{
	char	   *copy = malloc(len ? len : 1);
	char	   *buf = malloc(HTTP_TARGET_ROOM(len));
	HttpTarget *t = malloc(sizeof(*t));
	HttpTargetResult result;

	memcpy(copy, target, len);
	result = http_target_parse(copy, len, buf, t);
	*out = '\0';
	if (result == HTTP_TARGET_NO_PATH)
		strcpy(out, "no path");
	else
	{
		for (int i = 0; i < t->nsegments; i++)
			out += sprintf(out, "[%.*s]", (int) t->segment[i].len, t->segment[i].s);
		for (int i = 0; i < t->nquery; i++)
			out += sprintf(out, "(%.*s=%.*s)", (int) t->name[i].len, t->name[i].s,
						   (int) t->value[i].len, t->value[i].s);
		if (result != HTTP_TARGET_OK)
			strcpy(out, result == HTTP_TARGET_NUL_QUERY ? " null in query" : " bad query");
	}
	free(t);
	free(buf);
	free(copy);
}

static void
target_is(const char *target, const char *expected)
{
	char		out[20000];

	show(target, strlen(target), out);
	ok(strcmp(out, expected) == 0, "target: %s", target);
	if (strcmp(out, expected) != 0)
		printf("# got %s\n", out);
}

static void
credentials_are(const char *header, const char *expected)
{
	size_t		len = strlen(header);
	char	   *copy = malloc(len ? len : 1);
	char	   *buf = malloc(2 * len + 1);
	HttpSpan	login;
	HttpSpan	password;
	bool		malformed;
	char		out[300];

	memcpy(copy, header, len);
	if (http_basic_credentials(copy, len, buf, &login, &password, &malformed))
		snprintf(out, sizeof(out), "%.*s|%.*s", (int) login.len, login.s, (int) password.len, password.s);
	else
		strcpy(out, malformed ? "malformed" : "none");
	ok(strcmp(out, expected) == 0, "credentials: %s", header);
	if (strcmp(out, expected) != 0)
		printf("# got %s\n", out);
	free(buf);
	free(copy);
}

int
main(void)
{
	static const char pieces[][8] = {"/", "?", "&", "=", "%", "%2", "%41", "%00", "%2F", "%c3%a9", "%ff", "+", "a", ".",
	"\xc3", "%E0%80"};
	char		many[9000];
	char		out[40000];
	unsigned	seed = 1;

	target_is("/0.1/token", "[0.1][token]");
	target_is("/a/b?x=1&y=2", "[a][b](x=1)(y=2)");
	target_is("/a%2Fb", "[a/b]");
	target_is("/a%2fb/%2F", "[a/b][/]");
	target_is("/a%20b%C3%A9", "[a b\xC3\xA9]");
	target_is("/a+b?c+d=e+f", "[a+b](c d=e f)");
	target_is("/a?x=%2F%26%3D", "[a](x=/&=)");
	target_is("/a?x", "[a](x=)");
	target_is("/a?=v&&x=y=z&", "[a](=v)(x=y=z)");
	target_is("/a%zz%4", "[a%zz%4]");
	target_is("/a%4", "[a%4]");
	target_is("/a%", "[a%]");
	target_is("/a?x=%", "[a](x=%)");
	target_is("", "no path");
	target_is("a", "no path");
	target_is("/", "no path");
	target_is("//a", "no path");
	target_is("/a/", "no path");
	target_is("/a//b", "no path");
	target_is("/a%00", "no path");
	target_is("/a%ff", "no path");
	target_is("/a%ed%a0%80", "no path");
	target_is("/a%c0%af", "no path");
	target_is("/a?x=%00", "[a] null in query");
	target_is("/a?y&%ff%00", "[a](y=) null in query");
	target_is("/a?%ff=1", "[a](\xEF\xBF\xBD=1)");
	target_is("/a?x=a%e2%82b%C3%A9%ed%a0%80", "[a](x=a\xEF\xBF\xBD" "b\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD)");
	target_is("/a?x=%f4%90%80%80", "[a](x=\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD)");
	target_is("/a?x=%f0%9f%98%80", "[a](x=\xf0\x9f\x98\x80)");
	target_is("*", "no path");

	/* Limits: too long, too many segments, too many parameters */
	memset(many, 'a', sizeof(many));
	many[0] = '/';
	show(many, HTTP_MAX_TARGET + 1, out);
	ok(strcmp(out, "no path") == 0, "target: one byte too long");
	for (int i = 0; i < 2 * (HTTP_MAX_SEGMENTS + 1); i += 2)
		memcpy(many + i, "/a", 2);
	show(many, 2 * HTTP_MAX_SEGMENTS, out);
	ok(strncmp(out, "[a]", 3) == 0, "target: as many segments as allowed");
	show(many, 2 * (HTTP_MAX_SEGMENTS + 1), out);
	ok(strcmp(out, "no path") == 0, "target: one segment too many");
	memcpy(many, "/a?", 3);
	for (int i = 0; i < 2 * (HTTP_MAX_QUERY + 1); i += 2)
		memcpy(many + 3 + i, "x&", 2);
	show(many, 3 + 2 * HTTP_MAX_QUERY, out);
	ok(strstr(out, "bad query") == NULL, "target: as many parameters as allowed");
	show(many, 3 + 2 * (HTTP_MAX_QUERY + 1), out);
	ok(strstr(out, "bad query") != NULL, "target: one parameter too many");

	credentials_are("Basic YWRtaW46c2VjcmV0", "admin|secret");
	credentials_are("Basic    YWRtaW46c2VjcmV0", "admin|secret");
	credentials_are("Basic YWRtaW46c2Vj-cmV0", "admin|secret");
	credentials_are("Basic YWRtaW46czpl", "admin|s:e");
	credentials_are("Basic YTpi", "a|b");
	credentials_are("Basic YTpiYw==", "a|bc");
	credentials_are("Basic YTpiYw==trailing", "a|bc");
	credentials_are("Basic YTpiYw=", "malformed");
	credentials_are("Basic YTpiYw", "malformed");
	credentials_are("Basic YTpiY", "malformed");
	credentials_are("Basic Y", "malformed");
	credentials_are("basic YTpi", "none");
	credentials_are("Bearer YTpi", "none");
	credentials_are("Basic", "none");
	credentials_are("Basic ", "none");
	credentials_are("", "none");
	credentials_are("Basic YWI=", "none");
	credentials_are("Basic Onh4", "none");
	credentials_are("Basic eHg6", "none");
	credentials_are("Basic 6To=", "none");
	credentials_are("Basic 6TrpYQ==", "\xC3\xA9|\xC3\xA9" "a");
	credentials_are("Basic w6k6w6k=", "\xC3\xA9|\xC3\xA9");

	/* Anything at all must neither crash nor read astray. */
	for (int round = 0; round < 200000; round++)
	{
		size_t		len = 0;

		for (int n = (seed = seed * 1103515245 + 12345) >> 16 & 15; n > 0; n--)
		{
			const char *piece = pieces[(seed = seed * 1103515245 + 12345) >> 16 & 15];

			memcpy(many + len, piece, strlen(piece));
			len += strlen(piece);
		}
		show(many, len, out);
		many[len] = '\0';
	}
	ok(true, "random targets: 200000");

	return tap_end();
}
