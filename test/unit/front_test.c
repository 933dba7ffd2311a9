/*
 * front_test.c: the parts of the HTTP front that need neither a socket nor Kore: the request reader, the reader of the
 * database's answer, and the mask of the access log; with fixed cases and with random damage, under sanitizers.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../../kore_front/chunked.h"
#include "../../kore_front/config.h"
#include "../../kore_front/elapsed.h"
#include "../../kore_front/fair_queue.h"
#include "../../kore_front/log.h"
#include "../../kore_front/mask.h"
#include "../../kore_front/peer.h"
#include "../../kore_front/response.h"
#include "../../kore_front/route.h"
#include "../../kore_front/utf8.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

FrontConfig front_config;

void
front_log(int level, const char *fmt,...)
{
	(void) level;
	(void) fmt;
}

/* Copies into a buffer of exactly that size, so that the sanitizer sees every step beyond it. */
static char *
exact(const char *s, size_t len)
{
	char	   *copy = malloc(len > 0 ? len : 1);

	memcpy(copy, s, len);
	return copy;
}

/* Reads a request as client.c does, in steps. Returns a status or REQUEST_READY or REQUEST_MORE. */
static int
read_request(Request *req, const char *bytes, size_t len, size_t step)
{
	RequestScan scan = {0};
	size_t		have = 0;
	int			r = REQUEST_MORE;
	char	   *buf;

	while (r == REQUEST_MORE && have < len)
	{
		have = have + step < len ? have + step : len;
		buf = exact(bytes, have);
		r = request_scan(&scan, buf, have);
		if (r == REQUEST_READY)
			r = request_parse(req, buf, scan.pos, 1000);
		free(buf);
	}
	return r;
}

static uint32_t
random_number(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t) (state >> 16);
}

static void
test_requests(void)
{
	static const struct
	{
		const char *bytes;
		int			status;
	}			cases[] = {
		{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", REQUEST_READY},
		{"GET / HTTP/1.0\r\n\r\n", REQUEST_READY},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", REQUEST_READY},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", REQUEST_READY},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", 413},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0001\r\n\r\n", REQUEST_READY},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1 1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: x\r\n", REQUEST_MORE},
		{"G", REQUEST_MORE},
		{"\n", 400},
		{"GET / HTTP/1.9\r\nHost: x\r\n\r\n", REQUEST_READY},
		{"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
		{"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", REQUEST_READY},
		{"GET http://y HTTP/1.1\r\nHost: x\r\n\r\n", REQUEST_READY},
		{"GET HTTPS://y:1/a HTTP/1.1\r\nHost: x\r\n\r\n", REQUEST_READY},
		{"GET http://y?a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"GET http://u@y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"GET http:/// HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"GET http: HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"GET ftp://y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
		{"GET http://y/ HTTP/1.1\r\n\r\n", 400},
		{"CONNECT y:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501},
		{"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
		{"GET / HTTP/11\r\nHost: x\r\n\r\n", 400},
		{"GET / http/1.1\r\nHost: x\r\n\r\n", 400},
		{"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", REQUEST_READY},
		{"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
		{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
	};
	char		what[80];
	Request    *req = malloc(sizeof(Request));

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t		len = strlen(cases[i].bytes);
		bool		good = true;

		for (size_t step = 1; step <= len; step++)
			good = good && read_request(req, cases[i].bytes, len, step) == cases[i].status;
		snprintf(what, sizeof(what), "request %zu, in steps of every size", i);
		ok(good, "%s", what);
	}

	/* Damage: what is read as a request must obey the rules it claims. */
	bool		good = true;
	int			accepted = 0;
	static const char seed[] = "POST /0.1/token/x/scopes/check?a=b HTTP/1.1\r\nHost: a:1\r\nContent-Length: 12\r\n"
	"Connection: close, x\r\nX-Forwarded-For: a, b\r\nX-Forwarded-For: c\r\ntraceparent: 00-0\r\n"
	"Expect: 100-continue\r\n\r\n";

	for (int i = 0; i < 300000; i++)
	{
		char		bytes[sizeof(seed)];
		size_t		len = sizeof(seed) - 1;
		RequestScan scan = {0};
		char	   *buf;

		memcpy(bytes, seed, sizeof(seed));
		for (uint32_t n = random_number() % 4; n > 0; n--)
		{
			uint32_t	at = random_number() % (uint32_t) len;

			switch (random_number() % 3)
			{
				case 0:
					bytes[at] = (char) random_number();
					break;
				case 1:
					bytes[at] = "\r\n :,\t\0%"[random_number() % 8];
					break;
				default:
					memmove(bytes + at, bytes + at + 1, len - at - 1);
					len--;
					break;
			}
		}
		buf = exact(bytes, len);
		if (request_scan(&scan, buf, len) == REQUEST_READY &&
			request_parse(req, buf, scan.pos, 1000) == REQUEST_READY)
		{
			char		peer[PEER_SIZE];

			accepted++;
			good = good && req->head_len == scan.pos && req->method_len > 0 && req->body_len <= 1000 &&
				memcmp(buf + req->head_len - 4, "\r\n\r\n", 4) == 0 &&
				memchr(buf + req->target, ' ', req->target_len) == NULL;
			for (int h = 0; h < req->n_headers; h++)
				good = good && memchr(buf + req->headers[h].value, '\r', req->headers[h].value_len) == NULL &&
					memchr(buf + req->headers[h].value, '\n', req->headers[h].value_len) == NULL &&
					memchr(buf + req->headers[h].value, '\0', req->headers[h].value_len) == NULL;
			for (int proxies = 0; proxies < 5; proxies++)
				good = good && peer_address(req, buf, proxies, "::1", peer) <= sizeof(peer);
			(void) route_class(req, buf);
		}
		free(buf);
	}
	ok(good && accepted > 1000, "damaged requests: refused, or sound");
	free(req);
}

/* Decodes a body that arrives in pieces. Returns as chunked_decode(); out has the body then, and what comes after. */
static int
decode(const char *bytes, size_t len, size_t step, size_t most, char *out, size_t *body_len, size_t *out_len)
{
	Chunked		ch = {0};
	size_t		have = 0;
	int			r = CHUNKED_MORE;

	*body_len = *out_len = 0;
	while (r == CHUNKED_MORE && have < len)
	{
		size_t		n = have + step < len ? step : len - have;
		char	   *copy = malloc(*out_len + n);

		memcpy(copy, out, *out_len);
		memcpy(copy + *out_len, bytes + have, n);
		have += n;
		*out_len += n;
		r = chunked_decode(&ch, copy, body_len, out_len, most);
		memcpy(out, copy, *out_len);
		free(copy);
	}
	memcpy(out + *out_len, bytes + have, len - have);
	*out_len += len - have;
	return r;
}

static void
test_chunked(void)
{
	static const char seed[] = "5;a=\"b\\\"\"\r\nhello\r\n6 ; c\r\n world\r\n00\r\nA: b\r\n\r\nNEXT";
	char		out[256];
	size_t		body_len;
	size_t		len;
	bool		good = true;
	int			accepted = 0;

	for (size_t step = 1; step < sizeof(seed); step++)
		good = good && decode(seed, sizeof(seed) - 1, step, 11, out, &body_len, &len) == CHUNKED_DONE &&
			body_len == 11 && len == 15 && memcmp(out, "hello worldNEXT", 15) == 0;
	ok(good, "chunks, in steps of every size");
	ok(decode(seed, sizeof(seed) - 1, 3, 10, out, &body_len, &len) == 413, "... beyond the limit");
	good = true;
	for (size_t cut = 0; cut < sizeof(seed) - 5; cut++)
		good = good && decode(seed, cut, 1, 11, out, &body_len, &len) == CHUNKED_MORE;
	ok(good, "... cut anywhere: more is waited for");

	/* Damage: however the bytes are cut, it is read in the same way, and never beyond its limit. */
	good = true;
	for (int i = 0; i < 100000; i++)
	{
		char		bytes[sizeof(seed)];
		char		again[256];
		size_t		body_again;
		size_t		len_again;
		int			r;

		memcpy(bytes, seed, sizeof(seed));
		for (uint32_t n = random_number() % 4; n > 0; n--)
			bytes[random_number() % (sizeof(seed) - 1)] =
				random_number() % 2 ? (char) random_number() : "\r\n;=0 5:"[random_number() % 8];
		r = decode(bytes, sizeof(seed) - 1, sizeof(seed), 20, out, &body_len, &len);
		good = good && body_len <= 20;
		good = good && r == decode(bytes, sizeof(seed) - 1, 1 + random_number() % 9, 20,
								   again, &body_again, &len_again);
		if (r == CHUNKED_DONE)
		{
			accepted++;
			good = good && body_len == body_again && len == len_again && memcmp(out, again, len) == 0;
		}
	}
	ok(good && accepted > 1000, "damaged chunks: read in one way only, however they arrive");
}

static void
test_fair_queue(void)
{
	static FairQueue q;
	FairKey		a = fair_key("192.0.2.1", 9);
	FairKey		b = fair_key("192.0.2.2", 9);
	FairKey		c = fair_key("::ffff:192.0.2.1", 16);
	FairKey		d = fair_key("2001:db8::1", 11);
	FairKey		e = fair_key("2001:db8::ffff:1", 16);
	FairKey		f = fair_key("2001:db8:0:1::1", 15);
	FairKey		g;
	FairItem	items[20] = {0};
	FairItem   *item;
	bool		good = true;
	int			n = 0;

	ok(memcmp(&a, &b, sizeof(a)) != 0 && memcmp(&a, &c, sizeof(a)) == 0, "an IPv4 address is one peer, mapped or not");
	ok(memcmp(&d, &e, sizeof(d)) == 0 && memcmp(&d, &f, sizeof(d)) != 0, "an IPv6 network of 64 bits is one peer");
	fair_init(&q, 12);
	while (n < 20 && fair_put(&q, &items[n], &a))
		n++;
	ok(n == 6, "one peer gets half of the room");
	ok(fair_ahead(&q, &a) == 6 && fair_ahead(&q, &b) == 1, "who comes next waits for one turn of the other");
	good = fair_put(&q, &items[n], &b) && fair_put(&q, &items[n + 1], &b);
	for (int i = 0; i < 5; i++)
	{
		static const int turns[] = {0, 6, 1, 7, 2};

		item = fair_first(&q);
		good = good && item == &items[turns[i]];
		fair_take(&q, item);
		fair_release(&q, item);
	}
	ok(good, "peers take turns");
	while ((item = fair_first(&q)) != NULL)
	{
		fair_take(&q, item);
		fair_release(&q, item);
	}
	good = true;
	fair_init(&q, 40);
	for (int i = 0; i < 6; i++)
		good = good && fair_put(&q, &items[i], &a);
	g = a;
	fair_key_set_tenant(&g, "47bf1ca5-0000-4000-8000-000000000001", 36);
	good = good && g.flow != a.flow && fair_ahead(&q, &g) == 1 && fair_ahead(&q, &a) == 6 && fair_ahead(&q, &b) == 1;
	good = good && fair_put(&q, &items[6], &g) && fair_put(&q, &items[7], &g) && fair_put(&q, &items[8], &b);
	good = good && fair_ahead(&q, &g) == 6;
	for (int i = 0; i < 9; i++)
	{
		static const int turns[] = {0, 8, 6, 1, 7, 2, 3, 4, 5};

		item = fair_first(&q);
		good = good && item == &items[turns[i]];
		fair_take(&q, item);
		fair_release(&q, item);
	}
	ok(good, "within a peer's turns its tenants take turns, and make it no more of them");

	/* Whatever is put and taken: counts agree, nobody starves, nothing is lost (the sanitizers see leaks). */
	good = true;
	while ((item = fair_first(&q)) != NULL)
	{
		fair_take(&q, item);
		fair_release(&q, item);
	}
	for (int i = 0; i < 200000; i++)
	{
		item = &items[random_number() % 20];
		if (item->peer == NULL)
		{
			char		address[20];
			FairKey		key;

			snprintf(address, sizeof(address), "10.0.0.%u", random_number() % 5);
			key = fair_key(address, strlen(address));
			key.flow = random_number() % 3;
			(void) fair_put(&q, item, &key);
		}
		else if ((item = fair_first(&q)) != NULL)
		{
			fair_take(&q, item);
			fair_release(&q, item);
		}
		good = good && q.held <= q.limit && q.queued == q.held && (q.queued > 0) == (q.peers > 0) &&
			(fair_first(&q) != NULL) == (q.queued > 0);
	}
	while ((item = fair_first(&q)) != NULL)
	{
		fair_take(&q, item);
		fair_release(&q, item);
	}
	ok(good && q.held == 0 && q.peers == 0, "its counts agree, whatever is put and taken");
}

static void
test_routes(void)
{
	static const struct
	{
		const char *line;
		RouteClass	class;
		bool		repeatable;
	}			cases[] = {
		{"HEAD /0.1/token/x?scope=a", ROUTE_FAST, true},
		{"GET /0.1/token/x", ROUTE_FAST, true},
		{"POST /0.1/token/x/scopes/check?tenant=y", ROUTE_FAST, true},
		{"GET /0.1/tenants", ROUTE_OFTEN_FAST, true},
		{"GET /0.1/tenants?", ROUTE_OTHER, true},
		{"GET /0.1/tenants?search=x", ROUTE_OTHER, true},
		{"GET /0.1/tenants/x", ROUTE_OTHER, true},
		{"HEAD /0.1/tenants", ROUTE_OTHER, true},
		{"POST /0.1/tenants", ROUTE_OTHER, false},
		{"POST /0.1/token", ROUTE_LOGIN, false},
		{"POST /0.1/token?x", ROUTE_LOGIN, false},
		{"PUT /0.1/users/x/password", ROUTE_LOGIN, false},
		{"GET /0.1/users/password/reset?username=x", ROUTE_LOGIN, false},
		{"POST /0.1/users/password/reset", ROUTE_LOGIN, false},
		{"POST /0.1/users/register", ROUTE_LOGIN, false},
		{"GET /0.1/token", ROUTE_OTHER, true},
		{"DELETE /0.1/token/x", ROUTE_OTHER, false},
		{"GET /0.1/token/", ROUTE_OTHER, true},
		{"GET /0.1/token/x/y", ROUTE_OTHER, true},
		{"GET /0.1/tokens/x", ROUTE_OTHER, true},
		{"get /0.1/token/x", ROUTE_OTHER, false},
		{"POST /0.1/token//scopes/check", ROUTE_OTHER, false},
		{"POST /0.1/token/x/scopes/checks", ROUTE_OTHER, false},
		{"HEAD /0.1/users", ROUTE_OTHER, true},
		{"POST /0.1/users", ROUTE_OTHER, false}
	};
	static Request req;
	char		bytes[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		RequestScan scan = {0};
		size_t		len = (size_t) snprintf(bytes, sizeof(bytes), "%s HTTP/1.1\r\nHost: x\r\nAuthorization: y\r\n\r\n",
											cases[i].line);
		bool		good = request_scan(&scan, bytes, len) == REQUEST_READY &&
		request_parse(&req, bytes, len, 9999) == REQUEST_READY;

		ok(good && route_class(&req, bytes) == cases[i].class &&
		   route_is_repeatable(&req, bytes) == cases[i].repeatable, "%s", cases[i].line);
		if (cases[i].class == ROUTE_FAST || cases[i].class == ROUTE_OFTEN_FAST)
		{
			req.body_len = 4097;
			ok(route_class(&req, bytes) == ROUTE_OTHER, "... not with a long body");
		}
		else if (strncmp(cases[i].line, "POST /0.1/token", 15) == 0 && cases[i].class == ROUTE_LOGIN)
		{
			req.n_headers = 1;
			ok(route_class(&req, bytes) == ROUTE_OTHER, "... not without a password");
		}
	}
}

static void
test_utf8(void)
{
	static const char pieces[] = "\xc3\xa9\xed\xa0\xf4\x8f\xbf\xe2\x82\xac" "ab";
	bool		good = true;

	for (int i = 0; i < 300000; i++)
	{
		char		in[16];
		char		out[32];
		char		again[64];
		size_t		len = random_number() % 8;
		size_t		n;
		char	   *copy;

		for (size_t k = 0; k < len; k++)
			in[k] = random_number() % 3 ? pieces[random_number() % 12] : (char) random_number();
		copy = exact(in, len);
		n = text_to_utf8(copy, len, out);
		/* the result is UTF-8: a second pass changes nothing */
		good = good && n >= len && n <= 2 * len && text_to_utf8(out, n, again) == n && memcmp(out, again, n) == 0;
		free(copy);
	}
	ok(good, "whatever the bytes, the result is UTF-8");
}

static size_t
put_int32(char *out, int32_t n)
{
	uint32_t	v = htonl((uint32_t) n);

	memcpy(out, &v, 4);
	return 4;
}

/* A value of type http_response with two headers and a body, in binary. */
static size_t
make_row(char *out)
{
	static const char *const texts[] = {"Content-Type", "application/json", "X-Two", "2"};
	size_t		n = 0;
	size_t		array_len;

	n += put_int32(out + n, 3);
	n += put_int32(out + n, 23);
	n += put_int32(out + n, 4);
	n += put_int32(out + n, 200);
	n += put_int32(out + n, 1009);
	array_len = n;
	n += 4;
	n += put_int32(out + n, 1);
	n += put_int32(out + n, 0);
	n += put_int32(out + n, 25);
	n += put_int32(out + n, 4);
	n += put_int32(out + n, 1);
	for (int i = 0; i < 4; i++)
	{
		n += put_int32(out + n, (int32_t) strlen(texts[i]));
		memcpy(out + n, texts[i], strlen(texts[i]));
		n += strlen(texts[i]);
	}
	put_int32(out + array_len, (int32_t) (n - array_len - 4));
	n += put_int32(out + n, 17);
	n += put_int32(out + n, 2);
	memcpy(out + n, "{}", 2);
	return n + 2;
}

static void
test_responses(void)
{
	char		row[512];
	size_t		len = make_row(row);
	Request		req = {.origin = -1, .traceparent = -1};
	RouteName	route = {NULL, 0};
	Bytes		out = {0};
	bool		good = true;

	front_config.cors = true;
	ok(response_from_row(&out, &req, "", row, len, false, &route) == 200, "a row is read");
	ok(response_status(row, len) == 200, "... or its status alone");
	bytes_add(&out, "", 1);
	ok(strstr(out.data, "\r\nContent-Type: application/json\r\nX-Two: 2\r\nContent-Length: 2\r\n\r\n{}") != NULL, "... and sent");
	for (size_t cut = 0; cut < len; cut++)
	{
		char	   *copy = exact(row, cut);

		out.len = 0;
		good = good && response_from_row(&out, &req, "", copy, cut, false, &route) == 0 && out.len == 0 &&
			response_status(copy, cut) == 0;
		free(copy);
	}
	ok(good, "a row cut anywhere is not taken");
	good = true;
	for (int i = 0; i < 300000; i++)
	{
		char	   *copy = exact(row, len);
		int			status;
		char	   *end;

		for (uint32_t n = 1 + random_number() % 3; n > 0; n--)
			copy[random_number() % len] = (char) (random_number() % 2 ? random_number() : random_number() % 32);
		out.len = 0;
		status = response_from_row(&out, &req, "", copy, len, false, &route);
		if (status != 0)
		{
			/* One head, in lines of printable bytes that have a colon. */
			bytes_add(&out, "", 1);
			end = strstr(out.data, "\r\n\r\n");
			good = good && end != NULL && status >= 200 && status <= 599;
			if (end != NULL)
			{
				char	   *line = strstr(out.data, "\r\n") + 2;

				end[2] = '\0';
				while (*line != '\0')
				{
					char	   *next = strstr(line, "\r\n");

					good = good && next != NULL && memchr(line, ':', (size_t) (next - line)) != NULL &&
						memchr(line, '\n', (size_t) (next - line)) == NULL;
					line = next + 2;
				}
			}
		}
		free(copy);
	}
	ok(good, "a damaged row never breaks a header line");
	bytes_free(&out);
}

static void
test_mask(void)
{
	static const char *const cases[][2] = {
		{"/0.1/token/abc", "/0.1/token/***"},
		{"/0.1/token/abc/scopes/check", "/0.1/token/***/scopes/check"},
		{"/0.1/token", "/0.1/token"},
		{"/0.1/token?x", "/0.1/token?x"},
		{"/0.1/t%6fken/abc?token=1", "/0.1/t%6fken/***?token=***"},
		{"/?token=a&b=c&refresh_token=", "/?token=***&b=c&refresh_token=***"},
		{"/x/authorize?state=a&code=b&iss=c", "/x/authorize?state=***&code=***&iss=c"},
		{"/?&&;=x&=", "/?&&;=x&="},
		{"*", "*"},
	};
	char		out[64];
	char		what[80];
	bool		good = true;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t		n = mask_target(cases[i][0], strlen(cases[i][0]), out, sizeof(out));

		snprintf(what, sizeof(what), "mask %s", cases[i][0]);
		ok(n == strlen(cases[i][1]) && memcmp(out, cases[i][1], n) == 0, "%s", what);
	}
	for (int i = 0; i < 300000; i++)
	{
		char		in[100];
		size_t		len = random_number() % sizeof(in);
		size_t		size = 16 + random_number() % 60;
		char	   *copy;
		char	   *to = malloc(size);

		for (size_t k = 0; k < len; k++)
			in[k] = "/?&;=%token6fF"[random_number() % 14];
		copy = exact(in, len);
		good = good && mask_target(copy, len, to, size) <= size;
		free(copy);
		free(to);
	}
	ok(good, "masking never leaves its buffer");
}

static void
test_elapsed(void)
{
	ok(!elapsed(1000, 500, 1500) && elapsed(1000, 500, 1501), "a time has passed when it is over");
	ok(!elapsed(1001, 500, 1000) && !elapsed(UINT64_MAX, 0, 0), "what is noted later than now has only begun");
}

int
main(void)
{
	test_elapsed();
	test_requests();
	test_chunked();
	test_fair_queue();
	test_routes();
	test_utf8();
	test_responses();
	test_mask();
	return tap_end();
}
