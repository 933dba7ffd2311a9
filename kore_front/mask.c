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
#include "plain/traceparent.h"

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

/* What is being written, with room for "..." behind it. */
typedef struct Shown
{
	char	   *out;
	size_t		len;
	size_t		size;
	bool		cut;			/* there was no room for all: nothing more is added */
} Shown;

static void
show(Shown *shown, const char *s, size_t len)
{
	size_t		room = shown->size - 3 - shown->len;

	if (shown->cut)
		return;
	shown->cut = len > room;
	memcpy(shown->out + shown->len, s, shown->cut ? room : len);
	shown->len += shown->cut ? room : len;
}

/* Whether what comes behind a path segment is a token. */
static bool
is_before_token(const char *segment, size_t len)
{
	char		name[16];

	decode_name(segment, len, name, sizeof(name));
	return strcmp(name, "token") == 0 || strcmp(name, "tokens") == 0;
}

static void
show_path(Shown *shown, const char *p, const char *end)
{
	bool		mask_next = false;

	while (p < end && !shown->cut)
	{
		const char *slash = memchr(p, '/', (size_t) (end - p));
		size_t		len = (size_t) ((slash != NULL ? slash : end) - p);

		if (len > 0 && mask_next)
			show(shown, MASK, 3);
		else if (len > 0)
			show(shown, p, len);
		if (len > 0)
			mask_next = !mask_next && is_before_token(p, len);
		if (slash != NULL)
			show(shown, "/", 1);
		p = slash != NULL ? slash + 1 : end;
	}
}

/* p: at its '?'. */
static void
show_query(Shown *shown, const char *p, const char *end)
{
	while (p < end && !shown->cut)
	{
		const char *start = p + 1;	/* after '?', '&' or ';' */
		const char *stop = start;
		const char *eq;

		while (stop < end && *stop != '&' && *stop != ';')
			stop++;
		eq = memchr(start, '=', (size_t) (stop - start));
		show(shown, p, (size_t) ((eq != NULL ? eq + 1 : stop) - p));
		if (eq != NULL && is_secret_name(start, (size_t) (eq - start)))
			show(shown, MASK, 3);
		else if (eq != NULL)
			show(shown, eq + 1, (size_t) (stop - eq - 1));
		p = stop;
	}
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
	Shown		shown = {.out = out, .size = out_size};

	show_path(&shown, target, query != NULL ? query : end);
	if (query != NULL)
		show_query(&shown, query, end);
	for (int i = 0; shown.cut && i < 3; i++)
		out[shown.len++] = '.';
	return shown.len;
}

/* The trace id of the request's traceparent, 32 hex digits without an end; NULL without a good one. */
const char *
mask_trace_id(const Request *req, const char *buf)
{
	const RequestHeader *header;

	if (req->traceparent < 0)
		return NULL;
	header = &req->headers[req->traceparent];
	return traceparent_id(buf + header->value, header->value_len);
}
