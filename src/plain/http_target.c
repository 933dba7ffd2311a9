/*
 * http_target.c
 *	  Splits a request target into decoded path segments and query parameters,
 *	  and reads Basic credentials.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/http_target.h"

#include <string.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * The length of the UTF-8 sequence (RFC 3629) at p, which lies before end.
 * Where there is none, *valid is false and the length is that of what a decoder
 * replaces by one U+FFFD: the longest beginning of a sequence, or one byte.
 */
static size_t
utf8_sequence(const unsigned char *p, const unsigned char *end, bool *valid)
{
	unsigned char c = *p;
	size_t		more;
	size_t		n = 1;
	unsigned	low = 0x80;
	unsigned	high = 0xBF;

	*valid = c < 0x80;
	if (c >= 0xC2 && c <= 0xDF)
		more = 1;
	else if (c >= 0xE0 && c <= 0xEF)
	{
		more = 2;
		if (c == 0xE0)
			low = 0xA0;			/* no overlong forms */
		else if (c == 0xED)
			high = 0x9F;		/* no surrogates */
	}
	else if (c >= 0xF0 && c <= 0xF4)
	{
		more = 3;
		if (c == 0xF0)
			low = 0x90;
		else if (c == 0xF4)
			high = 0x8F;		/* up to U+10FFFF */
	}
	else
		return n;
	while (n <= more && p + n < end && p[n] >= low && p[n] <= high)
	{
		low = 0x80;
		high = 0xBF;
		n++;
	}
	*valid = n > more;
	return n;
}

/*
 * Is this well-formed UTF-8 (RFC 3629) without a NUL?
 */
static bool
utf8_valid(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *) s;
	const unsigned char *end = p + len;
	bool		valid = true;

	/* ASCII, as nearly all is */
	while (p < end && *p > 0 && *p < 0x80)
		p++;
	while (p < end && valid && *p != 0)
		p += utf8_sequence(p, end, &valid);
	return p == end && valid;
}

/*
 * Decodes percent escapes into *buf and advances it; a text without any, as
 * nearly all are, is left where it is.  A "%" that starts no escape stays as it
 * is.  A "/" that was escaped is a character of its segment like any other,
 * since the path has been split before.
 */
static HttpSpan
decode(const char *s, size_t len, bool is_path, char **buf)
{
	HttpSpan	out = {*buf, 0};
	char	   *w = *buf;

	if (memchr(s, '%', len) == NULL && (is_path || memchr(s, '+', len) == NULL))
		return (HttpSpan) {s, len};
	for (size_t i = 0; i < len; i++)
	{
		char		c = s[i];

		if (c == '%' && i + 2 < len && hex_digit(s[i + 1]) >= 0 && hex_digit(s[i + 2]) >= 0)
		{
			*w++ = (char) (hex_digit(s[i + 1]) << 4 | hex_digit(s[i + 2]));
			i += 2;
		}
		else
			*w++ = (c == '+' && !is_path) ? ' ' : c;
	}
	out.len = w - *buf;
	*buf = w;
	return out;
}

/*
 * Decodes a name or value of the query.  What is no UTF-8 in it is read as
 * U+FFFD, as Python's server does; that takes up to three bytes for one.
 * False: it holds a NUL, which no text can.
 */
static bool
decode_query(const char *s, size_t len, char **buf, HttpSpan *out)
{
	static const char replacement[] = "\xEF\xBF\xBD";
	const unsigned char *p;
	const unsigned char *end;
	char	   *w;

	*out = decode(s, len, false, buf);
	if (memchr(out->s, 0, out->len) != NULL)
		return false;
	if (utf8_valid(out->s, out->len))
		return true;
	p = (const unsigned char *) out->s;
	end = p + out->len;
	w = *buf;
	out->s = w;
	while (p < end)
	{
		bool		valid;
		size_t		n = utf8_sequence(p, end, &valid);

		memcpy(w, valid ? (const char *) p : replacement, valid ? n : 3);
		w += valid ? n : 3;
		p += n;
	}
	out->len = w - out->s;
	*buf = w;
	return true;
}

static HttpTargetResult
parse_query(const char *s, const char *end, char *buf, HttpTarget *out)
{
	while (s < end)
	{
		const char *amp = memchr(s, '&', end - s);
		const char *stop = amp ? amp : end;
		const char *eq = memchr(s, '=', stop - s);
		const char *name_end = eq ? eq : stop;

		if (stop > s)
		{
			int			n = out->nquery;

			if (n == HTTP_MAX_QUERY)
				return HTTP_TARGET_LONG_QUERY;
			out->value[n] = (HttpSpan) {buf, 0};
			if (!decode_query(s, name_end - s, &buf, &out->name[n]) ||
				(eq && !decode_query(eq + 1, stop - eq - 1, &buf, &out->value[n])))
				return HTTP_TARGET_NUL_QUERY;
			out->nquery++;
		}
		s = amp ? amp + 1 : end;
	}
	return HTTP_TARGET_OK;
}

/*
 * http_target_parse
 *
 * target, len: path and query as sent, percent-encoded; at most
 * HTTP_MAX_TARGET bytes.  buf: room for HTTP_TARGET_ROOM(len) bytes; the spans
 * of *out point into it and into the target.  An empty segment ("//", a trailing "/") can match no route.
 */
HttpTargetResult
http_target_parse(const char *target, size_t len, char *buf, HttpTarget *out)
{
	const char *end = target + len;
	const char *question = memchr(target, '?', len);
	const char *path_end = question ? question : end;
	const char *s = target;

	out->nsegments = 0;
	out->nquery = 0;
	if (len == 0 || len > HTTP_MAX_TARGET || *s != '/')
		return HTTP_TARGET_NO_PATH;
	while (s < path_end)
	{
		const char *slash;
		const char *stop;
		HttpSpan   *segment;

		s++;					/* the slash */
		slash = memchr(s, '/', path_end - s);
		stop = slash ? slash : path_end;
		if (stop == s || out->nsegments == HTTP_MAX_SEGMENTS)
			return HTTP_TARGET_NO_PATH;
		segment = &out->segment[out->nsegments++];
		*segment = decode(s, stop - s, true, &buf);
		if (!utf8_valid(segment->s, segment->len))
			return HTTP_TARGET_NO_PATH;
		s = stop;
	}
	return question ? parse_query(question + 1, end, buf, out) : HTTP_TARGET_OK;
}

/* The first parameter of that name. */
bool
http_query_find(const HttpTarget *target, const char *name, HttpSpan *value)
{
	size_t		len = strlen(name);

	for (int i = 0; i < target->nquery; i++)
	{
		if (target->name[i].len == len && memcmp(target->name[i].s, name, len) == 0)
		{
			*value = target->value[i];
			return true;
		}
	}
	return false;
}

static int
base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

/*
 * http_basic_credentials
 *
 * Reads the value of an Authorization header as schemas.md (TokenRequest) says:
 * the scheme is exactly "Basic" and a space, characters outside the alphabet
 * are skipped, bytes that are no UTF-8 are Latin-1, login and password are
 * parted at the first colon.  buf: room for 2 * len bytes; it holds the
 * password afterwards, so wipe it.  Returns false when there are no credentials
 * (another scheme, no colon, or one of the two empty); *malformed tells bad
 * padding.
 */
bool
http_basic_credentials(const char *header, size_t len, char *buf,
					   HttpSpan *login, HttpSpan *password, bool *malformed)
{
	static const char scheme[] = "Basic ";
	unsigned	bits = 0;
	int			nbits = 0;
	size_t		digits = 0;
	size_t		padding = 0;
	size_t		n = 0;
	char	   *colon;

	*malformed = false;
	if (len < strlen(scheme) || memcmp(header, scheme, strlen(scheme)) != 0)
		return false;
	for (size_t i = strlen(scheme); i < len; i++)
	{
		int			digit = base64_digit(header[i]);

		if (header[i] == '=')
		{
			padding++;
			if (digits % 4 >= 2 && digits % 4 + padding >= 4)
				break;			/* complete; the rest is not looked at */
			continue;
		}
		if (digit < 0)
			continue;
		padding = 0;
		digits++;
		bits = (bits << 6 | (unsigned) digit) & 0xFFFFFF;
		nbits += 6;
		if (nbits >= 8)
		{
			nbits -= 8;
			buf[n++] = (char) (bits >> nbits & 0xFF);
		}
	}
	if (digits % 4 != 0 && (digits % 4 == 1 || digits % 4 + padding < 4))
	{
		*malformed = true;
		return false;
	}
	if (!utf8_valid(buf, n) && memchr(buf, 0, n) == NULL)
	{
		/* Latin-1: each byte from 0x80 on becomes two; from the end, in place */
		size_t		high = 0;
		size_t		w;

		for (size_t i = 0; i < n; i++)
			high += (unsigned char) buf[i] >= 0x80;
		w = n + high;
		for (size_t i = n; i-- > 0;)
		{
			unsigned char c = (unsigned char) buf[i];

			if (c >= 0x80)
			{
				buf[--w] = (char) (0x80 | (c & 0x3F));
				buf[--w] = (char) (0xC0 | c >> 6);
			}
			else
				buf[--w] = (char) c;
		}
		n += high;
	}
	colon = n ? memchr(buf, ':', n) : NULL;
	if (colon == NULL || colon == buf || colon == buf + n - 1)
		return false;
	*login = (HttpSpan) {buf, (size_t) (colon - buf)};
	*password = (HttpSpan) {colon + 1, (size_t) (buf + n - colon - 1)};
	return true;
}
