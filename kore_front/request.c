/*
 * request.c: the strict reader of HTTP/1.x requests.
 *
 * Works on bytes alone (no socket, no Kore), so that it can be tested and fuzzed by itself. Where RFC 9112 lets a
 * server choose between repair and refusal it refuses: what two servers in a row may read differently (smuggling)
 * ends with 400 and a closed connection.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "request.h"

#include <string.h>
#include <strings.h>

#define CLASS_TOKEN 1			/* RFC 9110 tchar */
#define CLASS_FIELD 2			/* field value: visible, space, tab, 0x80 and above */
#define CLASS_TARGET 4			/* printable ASCII without space and '#' */
#define CLASS_HOST 8			/* RFC 3986 authority without userinfo */

static uint8_t char_class[256];

static void
__attribute__((constructor))
init_char_class(void)
{
	for (int c = 0; c < 256; c++)
	{
		bool		alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');

		if (alnum || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL))
			char_class[c] |= CLASS_TOKEN;
		if (c == '\t' || (c >= 0x20 && c != 0x7f))
			char_class[c] |= CLASS_FIELD;
		if (c > 0x20 && c < 0x7f && c != '#')
			char_class[c] |= CLASS_TARGET;
		if (alnum || (c != 0 && strchr("-._~!$&'()*+;=:[]%", c) != NULL))
			char_class[c] |= CLASS_HOST;
	}
}

static bool
all_of(const char *s, size_t len, int class)
{
	for (size_t i = 0; i < len; i++)
		if (!(char_class[(unsigned char) s[i]] & class))
			return false;
	return true;
}

/* Compares a counted text with a literal, ASCII letters of either case alike. */
static bool
same_name(const char *s, size_t len, const char *literal)
{
	return len == strlen(literal) && strncasecmp(s, literal, len) == 0;
}

/*
 * Looks for the end of a header block in what has arrived so far.
 * scan: zeroed before the first call of a request, then kept. buf, len: all bytes of the request up to now.
 * Returns REQUEST_MORE, REQUEST_READY (scan->pos is then the length of request line and headers with the empty line)
 * or a status: 400 for a line that does not end with CR LF, 414, 431 for what is longer than allowed.
 */
int
request_scan(RequestScan *scan, const char *buf, size_t len)
{
	while (scan->pos < len)
	{
		const char *nl = memchr(buf + scan->pos, '\n', len - scan->pos);
		uint32_t	end;

		if (nl == NULL)
		{
			scan->pos = (uint32_t) len;
			break;
		}
		end = (uint32_t) (nl - buf);
		if (end == scan->line || buf[end - 1] != '\r')
			return 400;
		scan->pos = end + 1;
		if (scan->lines == 0)
			scan->first_line = end + 1;
		if (end - 1 == scan->line)
		{
			/* an empty line: no request line before it is told by the parser */
			return scan->pos - scan->first_line > REQUEST_MAX_HEADER_BLOCK ? 431 : REQUEST_READY;
		}
		scan->line = end + 1;
		scan->lines++;
	}
	if (scan->lines == 0)
		return len > REQUEST_MAX_LINE ? 414 : REQUEST_MORE;
	return len - scan->first_line > REQUEST_MAX_HEADER_BLOCK ? 431 : REQUEST_MORE;
}

/*
 * A target "http://authority/path", as a proxy gets it and every server must take it (RFC 9112, 3.2.2): leaves the path
 * as the target, "/" when there is none, and the authority, which wins over the header Host. A query without a path is
 * refused: there is no "/" before it to be handed on.
 */
static bool
take_absolute_form(Request *req, const char *buf)
{
	const char *target = buf + req->target;
	const char *end = target + req->target_len;
	size_t		scheme = req->target_len > 7 && strncasecmp(target, "http://", 7) == 0 ? 7 :
	req->target_len > 8 && strncasecmp(target, "https://", 8) == 0 ? 8 : 0;
	const char *authority = target + scheme;
	const char *path = scheme > 0 ? memchr(authority, '/', (size_t) (end - authority)) : NULL;
	const char *stop = path != NULL ? path : end;

	if (scheme == 0 || stop == authority || !all_of(authority, (size_t) (stop - authority), CLASS_HOST))
		return false;
	req->authority = (uint32_t) (authority - buf);
	req->authority_len = (uint32_t) (stop - authority);
	req->target = path != NULL ? (uint32_t) (path - buf) : req->authority - 1;
	req->target_len = path != NULL ? (uint32_t) (end - path) : 1;
	return true;
}

/* METHOD SP target SP HTTP/1.x; anything else is malformed. */
static int
parse_request_line(Request *req, const char *buf, size_t len)
{
	const char *sp1 = memchr(buf, ' ', len);
	const char *sp2;
	const char *version;
	size_t		version_len;

	if (sp1 == NULL || sp1 == buf)
		return 400;
	sp2 = memchr(sp1 + 1, ' ', len - (size_t) (sp1 + 1 - buf));
	if (sp2 == NULL || sp2 == sp1 + 1)
		return 400;
	if (!all_of(buf, (size_t) (sp1 - buf), CLASS_TOKEN) || !all_of(sp1 + 1, (size_t) (sp2 - sp1 - 1), CLASS_TARGET))
		return 400;
	version = sp2 + 1;
	version_len = len - (size_t) (version - buf);
	if (version_len != 8 || memcmp(version, "HTTP/", 5) != 0 || version[6] != '.' ||
		version[5] < '0' || version[5] > '9' || version[7] < '0' || version[7] > '9')
		return 400;
	if (sp1 - buf > REQUEST_MAX_METHOD)
		return 501;
	if (sp2 - sp1 - 1 > REQUEST_MAX_TARGET)
		return 414;

	req->method_len = (uint32_t) (sp1 - buf);
	req->target = (uint32_t) (sp1 + 1 - buf);
	req->target_len = (uint32_t) (sp2 - sp1 - 1);
	req->is_head = req->method_len == 4 && memcmp(buf, "HEAD", 4) == 0;
	req->is_options = req->method_len == 7 && memcmp(buf, "OPTIONS", 7) == 0;

	if (version[5] != '1')
		return 505;
	req->http_1_0 = version[7] == '0';	/* a later 1.x is read as 1.1 (RFC 9110, 2.5) */

	/* This is no proxy. */
	if (request_method_is(req, buf, "CONNECT"))
		return 501;
	if (sp1[1] != '/' && !(req->is_options && req->target_len == 1 && sp1[1] == '*') && !take_absolute_form(req, buf))
		return 400;
	return REQUEST_READY;
}

/* What the headers that matter to the reader add up to. */
typedef struct Framing
{
	int			hosts;
	int			host;			/* index of the header */
	int			lengths;
	int			encodings;
	bool		bad_encoding;
	bool		other_encoding;
	bool		bad_length;
	bool		huge_length;
	bool		bad_expect;
	bool		close;
	bool		keep_alive;
} Framing;

/* Reads a comma separated list of options of the connection. */
static void
parse_connection(Framing *f, const char *value, size_t len)
{
	const char *end = value + len;

	while (value < end)
	{
		const char *comma = memchr(value, ',', (size_t) (end - value));
		const char *item_end = comma != NULL ? comma : end;
		const char *next = comma != NULL ? comma + 1 : end;

		while (value < item_end && (*value == ' ' || *value == '\t'))
			value++;
		while (item_end > value && (item_end[-1] == ' ' || item_end[-1] == '\t'))
			item_end--;
		if (same_name(value, (size_t) (item_end - value), "close"))
			f->close = true;
		else if (same_name(value, (size_t) (item_end - value), "keep-alive"))
			f->keep_alive = true;
		value = next;
	}
}

static void
parse_length(Request *req, Framing *f, const char *value, size_t len)
{
	uint64_t	n = 0;

	f->lengths++;
	if (len == 0)
		f->bad_length = true;
	for (size_t i = 0; i < len; i++)
	{
		if (value[i] < '0' || value[i] > '9')
		{
			f->bad_length = true;
			return;
		}
		if (n > UINT64_MAX / 10 - 10)
			f->huge_length = true;
		else
			n = n * 10 + (uint64_t) (value[i] - '0');
	}
	req->body_len = n;
}

/*
 * A list of transfer codings. Only "chunked" is known, once and as the last; a list that is not well formed, or does
 * not end with it, leaves open where the body ends.
 */
static void
parse_encoding(Request *req, Framing *f, const char *value, size_t len)
{
	const char *end = value + len;

	f->encodings++;
	for (;;)
	{
		const char *comma = memchr(value, ',', (size_t) (end - value));
		const char *stop = comma != NULL ? comma : end;

		while (value < stop && (*value == ' ' || *value == '\t'))
			value++;
		while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		if (stop == value || !all_of(value, (size_t) (stop - value), CLASS_TOKEN) || req->chunked)
			f->bad_encoding = true;
		if (same_name(value, (size_t) (stop - value), "chunked"))
			req->chunked = true;
		else
			f->other_encoding = true;
		if (comma == NULL)
			return;
		value = comma + 1;
	}
}

/* One header line, without its end. */
static int
parse_header(Request *req, Framing *f, const char *buf, uint32_t start, uint32_t end)
{
	const char *line = buf + start;
	const char *colon = memchr(line, ':', end - start);
	RequestHeader *h;
	const char *name;
	const char *value;

	if (colon == NULL || colon == line || !all_of(line, (size_t) (colon - line), CLASS_TOKEN) ||
		!all_of(colon + 1, (size_t) (buf + end - colon - 1), CLASS_FIELD))
		return 400;				/* also a folded line, and a space before the colon */
	if (req->n_headers == REQUEST_MAX_HEADERS)
		return 431;
	h = &req->headers[req->n_headers];
	h->name = start;
	h->name_len = (uint32_t) (colon - line);
	h->value = (uint32_t) (colon + 1 - buf);
	while (h->value < end && (buf[h->value] == ' ' || buf[h->value] == '\t'))
		h->value++;
	while (end > h->value && (buf[end - 1] == ' ' || buf[end - 1] == '\t'))
		end--;
	h->value_len = end - h->value;
	req->n_headers++;

	name = buf + h->name;
	value = buf + h->value;
	switch (h->name_len)
	{
		case 4:
			if (same_name(name, 4, "Host"))
			{
				f->hosts++;
				f->host = req->n_headers - 1;
				if (!all_of(value, h->value_len, CLASS_HOST))
					return 400;
			}
			break;
		case 6:
			if (same_name(name, 6, "Origin") && req->origin < 0)
				req->origin = req->n_headers - 1;
			else if (same_name(name, 6, "Expect"))
			{
				if (same_name(value, h->value_len, "100-continue"))
					req->expect_continue = true;
				else
					f->bad_expect = true;
			}
			break;
		case 10:
			if (same_name(name, 10, "Connection"))
				parse_connection(f, value, h->value_len);
			break;
		case 11:
			if (same_name(name, 11, "traceparent") && req->traceparent < 0)
				req->traceparent = req->n_headers - 1;
			break;
		case 14:
			if (same_name(name, 14, "Content-Length"))
				parse_length(req, f, value, h->value_len);
			break;
		case 17:
			if (same_name(name, 17, "Transfer-Encoding"))
				parse_encoding(req, f, value, h->value_len);
			break;
		default:
			break;
	}
	return REQUEST_READY;
}

/*
 * Parses a complete header block.
 * req: filled as far as the block is understood, also on failure (the answer to a refused request needs the origin).
 * buf, head_len: the block with its empty line. max_body: most bytes of a body.
 * Returns REQUEST_READY or a status: 400, 413, 414, 417, 431, 501, 505 (RFC 9110, 9112). After any of them the
 * connection has to be closed, since where the next request starts is not known.
 */
int
request_parse(Request *req, const char *buf, size_t head_len, size_t max_body)
{
	Framing		f = {0};
	uint32_t	pos = 0;
	int			status = REQUEST_READY;
	bool		first = true;

	memset(req, 0, offsetof(Request, headers));
	req->head_len = (uint32_t) head_len;
	req->origin = req->traceparent = -1;

	while (pos < head_len - 2)
	{
		const char *nl = memchr(buf + pos, '\n', head_len - pos);
		uint32_t	end = (uint32_t) (nl - buf) - 1;	/* request_scan has seen CR LF */
		int			result;

		if (first)
			result = parse_request_line(req, buf, end);
		else
			result = parse_header(req, &f, buf, pos, end);
		if (result == 400)
			return 400;
		if (status == REQUEST_READY)
			status = result;	/* the first complaint, unless a later one shows the request as malformed */
		first = false;
		pos = end + 2;
	}
	if (first)
		return 400;
	req->keep_alive = !f.close && (!req->http_1_0 || f.keep_alive);
	if (f.bad_length || f.lengths > 1 || (f.encodings > 0 && f.lengths > 0) || f.hosts > 1 ||
		(f.hosts == 0 && !req->http_1_0 && status != 505))
		return 400;
	if (f.bad_encoding || f.encodings > 1 || (f.encodings > 0 && (req->http_1_0 || !req->chunked)))
		return 400;
	if (status != REQUEST_READY)
		return status;
	if (f.other_encoding)
		return 501;
	if (f.huge_length || req->body_len > max_body)
		return 413;
	if (f.bad_expect && !req->http_1_0)
		return 417;
	if (req->http_1_0 || (req->body_len == 0 && !req->chunked))
		req->expect_continue = false;
	if (req->authority_len > 0 && f.hosts > 0)
	{
		req->headers[f.host].value = req->authority;
		req->headers[f.host].value_len = req->authority_len;
	}
	return REQUEST_READY;
}

/* Whether all bytes may be in a name: of a header, a chunk extension. */
bool
request_is_token(const char *s, size_t len)
{
	return all_of(s, len, CLASS_TOKEN);
}

/* Whether all bytes may be in a header's value. */
bool
request_is_field(const char *s, size_t len)
{
	return all_of(s, len, CLASS_FIELD);
}

/* Whether the method is this one; methods are told apart by case. */
bool
request_method_is(const Request *req, const char *buf, const char *method)
{
	return req->method_len == strlen(method) && memcmp(buf + req->method, method, req->method_len) == 0;
}

/* The first header of that name, NULL without one. */
const RequestHeader *
request_header(const Request *req, const char *buf, const char *name)
{
	for (int i = 0; i < req->n_headers; i++)
		if (same_name(buf + req->headers[i].name, req->headers[i].name_len, name))
			return &req->headers[i];
	return NULL;
}
