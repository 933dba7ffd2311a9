/*
 * mask.c: what of a request may be shown in the access log.
 *
 * Tokens are part of paths and queries of this API, so a target is never logged as it came. Names are compared after
 * percent-decoding, as the database reads them, or an encoded letter would switch the mask off.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "mask.h"

#include <string.h>

#include "bytes.h"

#define MASK "***"

/* Percent-decodes into out (lower-cased, NUL-terminated), as much as fits: only for comparing with known names. */
static void
decode_name(const char *s, size_t len, char *out, size_t size)
{
	size_t		n = 0;

	for (size_t i = 0; i < len && n + 1 < size; i++)
	{
		unsigned char c = (unsigned char) s[i];

		if (c == '%' && i + 2 < len && bytes_hex_digit(s[i + 1]) >= 0 && bytes_hex_digit(s[i + 2]) >= 0)
		{
			c = (unsigned char) (bytes_hex_digit(s[i + 1]) * 16 + bytes_hex_digit(s[i + 2]));
			i += 2;
		}
		if (c >= 'A' && c <= 'Z')
			c = (unsigned char) (c + 32);
		out[n++] = (char) (c != '\0' ? c : ' ');
	}
	out[n] = '\0';
}

/* Names of query values that may be shown nowhere. */
static bool
is_secret_name(const char *s, size_t len)
{
	static const char *const parts[] = {"token", "passw", "secret", "session", "code", "state", "assertion", "saml",
	"auth", "key"};
	char		name[64];

	if (len >= sizeof(name))
		return true;
	decode_name(s, len, name, sizeof(name));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(name, parts[i]) != NULL)
			return true;
	return false;
}

/*
 * Copies a request target with its secrets masked: the path segment after "token" (or "tokens"), and the values of
 * query keys that name one. out_size: at least 16. A longer target is cut and ends with "...". Returns the length.
 */
size_t
mask_target(const char *target, size_t len, char *out, size_t out_size)
{
	const char *end = target + len;
	const char *query = memchr(target, '?', len);
	const char *p = target;
	const char *path_end = query != NULL ? query : end;
	size_t		n = 0;
	bool		mask_next = false;
	bool		cut = false;

#define PUT(s, l) \
	do { \
		size_t		room = out_size - 3 - n; \
		size_t		want = (l); \
\
		cut = want > room; \
		memcpy(out + n, (s), cut ? room : want); \
		n += cut ? room : want; \
	} while (0)

	while (p < path_end && !cut)
	{
		const char *slash = memchr(p, '/', (size_t) (path_end - p));
		const char *seg_end = slash != NULL ? slash : path_end;
		size_t		seg_len = (size_t) (seg_end - p);

		if (seg_len > 0)
		{
			if (mask_next)
			{
				PUT(MASK, 3);
				mask_next = false;
			}
			else
			{
				char		name[16];

				decode_name(p, seg_len, name, sizeof(name));
				mask_next = strcmp(name, "token") == 0 || strcmp(name, "tokens") == 0;
				PUT(p, seg_len);
			}
		}
		if (slash != NULL && !cut)
			PUT("/", 1);
		p = slash != NULL ? slash + 1 : path_end;
	}
	while (p < end && !cut)
	{
		const char *start = p + 1;	/* after '?', '&' or ';' */
		const char *stop = start;
		const char *eq;

		while (stop < end && *stop != '&' && *stop != ';')
			stop++;
		eq = memchr(start, '=', (size_t) (stop - start));
		PUT(p, 1);
		if (eq == NULL)
		{
			if (!cut)
				PUT(start, (size_t) (stop - start));
		}
		else
		{
			bool		secret = is_secret_name(start, (size_t) (eq - start));

			if (!cut)
				PUT(start, (size_t) (eq + 1 - start));
			if (!cut)
				PUT(secret ? MASK : eq + 1, secret ? 3 : (size_t) (stop - eq - 1));
		}
		p = stop;
	}
#undef PUT
	for (int i = 0; cut && i < 3; i++)
		out[n++] = '.';
	return n;
}

/* The trace id of a well-formed W3C traceparent, 32 hex digits without an end; NULL otherwise. */
const char *
mask_trace_id(const Request *req, const char *buf)
{
	const char *v;

	if (req->traceparent < 0 || req->headers[req->traceparent].value_len < 55)
		return NULL;
	v = buf + req->headers[req->traceparent].value;
	if (v[2] != '-' || v[35] != '-' || v[52] != '-')
		return NULL;
	for (int i = 0; i < 55; i++)
		if (i != 2 && i != 35 && i != 52 && (bytes_hex_digit(v[i]) < 0 || (v[i] >= 'A' && v[i] <= 'F')))
			return NULL;
	return v + 3;
}
