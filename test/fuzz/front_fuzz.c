/*
 * front_fuzz.c
 *	  libFuzzer target: what the front reads of strangers and of the database:
 *	  requests, chunked bodies, rows; and what its log shows of a target. The
 *	  first byte chooses.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../../kore_front/chunked.h"
#include "../../kore_front/config.h"
#include "../../kore_front/log.h"
#include "../../kore_front/mask.h"
#include "../../kore_front/peer.h"
#include "../../kore_front/response.h"
#include "../../kore_front/route.h"
#include "require.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

FrontConfig front_config = {.cors = true};

void
front_log(int level, const char *fmt,...)
{
	(void) level;
	(void) fmt;
}

/* A copy of exactly that size, so that the sanitizer sees every step beyond it. */
static char *
exact(const void *data, size_t size)
{
	char	   *copy = malloc(size + (size == 0));

	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

static void
fuzz_request(const char *buf, size_t size)
{
	static Request req;
	RequestScan scan = {0};
	RequestScan whole = {0};
	Bytes		out = {0};
	char		address[PEER_SIZE];
	int			r = REQUEST_MORE;

	for (size_t have = 1; r == REQUEST_MORE && have <= size; have++)
		r = request_scan(&scan, buf, have);
	require(size == 0 || request_scan(&whole, buf, size) == r);
	if (r != REQUEST_READY)
		return;
	r = request_parse(&req, buf, scan.pos, 1000);
	response_error(&out, &req, buf, r == REQUEST_READY ? 503 : r, false, true);
	if (r == REQUEST_READY)
	{
		require(req.method_len > 0 && req.body_len <= 1000 && !(req.chunked && (req.body_len > 0 || req.http_1_0)));
		require(memmem(buf + req.target, req.target_len, " ", 1) == NULL);
		require(peer_address(&req, buf, 2, "::1", address) <= sizeof(address));
		(void) route_class(&req, buf);
		(void) route_is_repeatable(&req, buf);
		(void) mask_trace_id(&req, buf);
	}
	bytes_free(&out);
}

/* Whether it comes in one piece or byte by byte, it means the same. */
static void
fuzz_chunked(const char *buf, size_t size)
{
	Chunked		one = {0};
	Chunked		many = {0};
	char	   *a = exact(buf, size);
	char	   *b = exact(buf, size);
	size_t		body_a = 0;
	size_t		body_b = 0;
	size_t		len_a = size;
	size_t		len_b = 0;
	int			ra = chunked_decode(&one, a, &body_a, &len_a, 100);
	int			rb = CHUNKED_MORE;
	size_t		i = 0;

	while (rb == CHUNKED_MORE && i < size)
	{
		b[len_b++] = buf[i++];
		rb = chunked_decode(&many, b, &body_b, &len_b, 100);
	}
	require(ra == rb && body_a <= 100);
	require(ra != CHUNKED_DONE ||
			(body_a == body_b && memcmp(a, b, body_a) == 0 && len_a - body_a == size - i && len_a <= size));
	free(a);
	free(b);
}

/* However damaged a row is, one head comes out, in lines that have a colon. */
static void
fuzz_row(const char *row, size_t size)
{
	Request		req = {.origin = -1, .traceparent = -1};
	RouteName	route = {NULL, 0};
	Bytes		out = {0};
	int			status = response_from_row(&out, &req, "", row, size, false, &route);

	if (status != 0)
	{
		char	   *line;
		char	   *next;

		bytes_add(&out, "", 1);
		line = strstr(out.data, "\r\n");
		require(status >= 200 && status <= 599 && line != NULL);
		for (line += 2; strncmp(line, "\r\n", 2) != 0; line = next + 2)
		{
			next = strstr(line, "\r\n");
			require(next != NULL && memchr(line, ':', (size_t) (next - line)) != NULL);
		}
	}
	bytes_free(&out);
}

static void
fuzz_mask(const char *target, size_t size)
{
	static const char token[] = "c0ffee00-1111";
	char		text[600];
	char		out[300];
	size_t		n;

	if (size > 400)
		return;
	n = mask_target(target, size, out, sizeof(out));
	require(n <= sizeof(out));
	/* A token at its place shows nowhere, whatever comes after it. */
	n = (size_t) snprintf(text, sizeof(text), "/0.1/token/%s/%.*s", token, (int) size, target);
	n = mask_target(text, n, out, sizeof(out));
	require(memmem(out, n, token, sizeof(token) - 1) == NULL || memmem(target, size, token, sizeof(token) - 1) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[]) (const char *, size_t) = {fuzz_request, fuzz_chunked, fuzz_row, fuzz_mask};
	char	   *copy;

	if (size == 0)
		return 0;
	copy = exact(data + 1, size - 1);
	targets[data[0] % 4] (copy, size - 1);
	free(copy);
	return 0;
}
