/*
 * cors.c: the cross-origin headers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "cors.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config.h"

typedef struct Span
{
	const char *s;
	size_t		len;
} Span;

static int
compare_spans(const void *a, const void *b)
{
	const Span *x = a;
	const Span *y = b;
	int			c = memcmp(x->s, y->s, x->len < y->len ? x->len : y->len);

	return c != 0 ? c : x->len < y->len ? -1 : x->len > y->len;
}

/* Requested headers that are allowed: as spelled by the client, sorted, joined with comma and space. */
static void
add_allowed_headers(Bytes *out, const char *value, size_t len)
{
	Span		found[CONFIG_MAX_CORS_HEADERS];
	size_t		n = 0;
	const char *end = value + len;

	while (value < end)
	{
		const char *comma = memchr(value, ',', (size_t) (end - value));
		const char *stop = comma != NULL ? comma : end;
		const char *next = comma != NULL ? comma + 1 : end;

		while (value < stop && (*value == ' ' || *value == '\t'))
			value++;
		while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		for (int i = 0; i < front_config.n_cors_headers && n < CONFIG_MAX_CORS_HEADERS; i++)
		{
			const char *allowed = front_config.cors_headers[i];

			if (strlen(allowed) == (size_t) (stop - value) && strncasecmp(allowed, value, (size_t) (stop - value)) == 0)
			{
				found[n].s = value;
				found[n++].len = (size_t) (stop - value);
				break;
			}
		}
		value = next;
	}
	if (n == 0)
		return;
	qsort(found, n, sizeof(found[0]), compare_spans);
	BYTES_ADD(out, "Access-Control-Allow-Headers: ");
	for (size_t i = 0; i < n; i++)
	{
		if (i > 0)
			BYTES_ADD(out, ", ");
		bytes_add(out, found[i].s, found[i].len);
	}
	BYTES_ADD(out, "\r\n");
}

/*
 * Cross-origin headers of every response (responses.md, section 1); those of a preflight only for OPTIONS, with or
 * without an Origin.
 */
void
cors_add(Bytes *out, const Request *req, const char *buf)
{
	static const char *const methods[] = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"};
	const RequestHeader *h;

	if (!front_config.cors)
		return;
	if (req == NULL || req->origin < 0)
		BYTES_ADD(out, "Access-Control-Allow-Origin: *\r\n");
	else
	{
		h = &req->headers[req->origin];
		BYTES_ADD(out, "Access-Control-Allow-Origin: ");
		bytes_add(out, buf + h->value, h->value_len);
		BYTES_ADD(out, "\r\nVary: Origin\r\n");
	}
	if (req == NULL || !req->is_options || (h = request_header(req, buf, "Access-Control-Request-Method")) == NULL)
		return;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
	{
		if (strlen(methods[i]) == h->value_len && strncasecmp(methods[i], buf + h->value, h->value_len) == 0)
		{
			BYTES_ADD(out, "Access-Control-Allow-Methods: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n");
			if ((h = request_header(req, buf, "Access-Control-Request-Headers")) != NULL)
				add_allowed_headers(out, buf + h->value, h->value_len);
			break;
		}
	}
}
