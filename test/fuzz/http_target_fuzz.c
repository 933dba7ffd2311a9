/*
 * http_target_fuzz.c
 *	  libFuzzer target: a request target and the credentials of a header.  What
 *	  is read of a target, written with every byte in %XX, reads the same.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain/http_target.h"
#include "require.h"

static char *
escape(char *out, HttpSpan span)
{
	require(memchr(span.s, 0, span.len) == NULL);
	for (size_t i = 0; i < span.len; i++)
		out += sprintf(out, "%%%02X", (unsigned char) span.s[i]);
	return out;
}

static void
same(HttpSpan a, HttpSpan b)
{
	require(a.len == b.len && memcmp(a.s, b.s, a.len) == 0);
}

static void
again(const HttpTarget *target)
{
	/* three characters for each byte, of which there may be three for one that was sent */
	static char text[16 * HTTP_MAX_TARGET];
	static char buf[HTTP_TARGET_ROOM(sizeof(text))];
	static HttpTarget second;
	char	   *end = text;
	HttpSpan	found;

	for (int i = 0; i < target->nsegments; i++)
	{
		*end++ = '/';
		end = escape(end, target->segment[i]);
	}
	for (int i = 0; i < target->nquery; i++)
	{
		*end++ = i == 0 ? '?' : '&';
		end = escape(end, target->name[i]);
		*end++ = '=';
		end = escape(end, target->value[i]);
	}
	if ((size_t) (end - text) > HTTP_MAX_TARGET)
		return;
	require(http_target_parse(text, (size_t) (end - text), buf, &second) == HTTP_TARGET_OK);
	require(second.nsegments == target->nsegments && second.nquery == target->nquery);
	for (int i = 0; i < target->nsegments; i++)
		same(target->segment[i], second.segment[i]);
	for (int i = 0; i < target->nquery; i++)
	{
		char	   *name = strndup(target->name[i].s, target->name[i].len);

		same(target->name[i], second.name[i]);
		same(target->value[i], second.value[i]);
		require(http_query_find(target, name, &found));
		free(name);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *) data;
	char	   *buf = malloc(HTTP_TARGET_ROOM(size));
	HttpTarget	target;
	HttpSpan	login;
	HttpSpan	password;
	bool		malformed;

	if (http_target_parse(s, size, buf, &target) == HTTP_TARGET_OK)
		again(&target);
	if (http_basic_credentials(s, size, buf, &login, &password, &malformed))
		require(!malformed && login.len + password.len < 2 * size &&
				memchr(login.s, ':', login.len) == NULL);
	free(buf);
	return 0;
}
