/*
 * response.c: from the function's result to the bytes of an HTTP response.
 *
 * The composite (status, headers, body) is read in PostgreSQL's binary format without copying. What would let a
 * header value end its line (response splitting) turns the whole answer into a 500.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "response.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "config.h"
#include "cors.h"
#include "log.h"

#define INT4OID 23
#define BYTEAOID 17
#define TEXTOID 25
#define TEXTARRAYOID 1009

#define MAX_RESPONSE_HEADERS 200

/* The standard phrase in upper case, as upstream sends it. Returns "" for a status without one. */
static const char *
response_reason(int status)
{
	static const struct
	{
		int			status;
		const char *reason;
	}			reasons[] = {
		{200, "OK"}, {201, "CREATED"}, {202, "ACCEPTED"}, {204, "NO CONTENT"}, {206, "PARTIAL CONTENT"},
		{301, "MOVED PERMANENTLY"}, {302, "FOUND"}, {303, "SEE OTHER"}, {304, "NOT MODIFIED"},
		{307, "TEMPORARY REDIRECT"}, {308, "PERMANENT REDIRECT"},
		{400, "BAD REQUEST"}, {401, "UNAUTHORIZED"}, {403, "FORBIDDEN"}, {404, "NOT FOUND"},
		{405, "METHOD NOT ALLOWED"}, {406, "NOT ACCEPTABLE"}, {408, "REQUEST TIMEOUT"}, {409, "CONFLICT"},
		{410, "GONE"}, {411, "LENGTH REQUIRED"}, {412, "PRECONDITION FAILED"},
		{413, "REQUEST ENTITY TOO LARGE"}, {414, "REQUEST URI TOO LONG"}, {415, "UNSUPPORTED MEDIA TYPE"},
		{417, "EXPECTATION FAILED"}, {422, "UNPROCESSABLE ENTITY"}, {429, "TOO MANY REQUESTS"},
		{431, "REQUEST HEADER FIELDS TOO LARGE"},
		{500, "INTERNAL SERVER ERROR"}, {501, "NOT IMPLEMENTED"}, {502, "BAD GATEWAY"},
		{503, "SERVICE UNAVAILABLE"}, {504, "GATEWAY TIMEOUT"}, {505, "HTTP VERSION NOT SUPPORTED"}
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "";
}

/* The Date header, made once a second. */
static void
add_date(Bytes *out)
{
	static time_t last;
	static char text[64];
	static size_t len;
	time_t		now = time(NULL);

	if (now != last)
	{
		struct tm	tm;

		gmtime_r(&now, &tm);
		len = strftime(text, sizeof(text), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
		last = now;
	}
	bytes_add(out, text, len);
}

typedef struct Span
{
	const char *s;
	size_t		len;
} Span;

/* Status line and the headers that every response has. */
static void
add_head(Bytes *out, const Request *req, const char *buf, int status, bool close)
{
	const char *reason = response_reason(status);

	bytes_reserve(out, 1024);
	BYTES_ADD(out, "HTTP/1.1 ");
	bytes_add_number(out, (uint64_t) status);
	BYTES_ADD(out, " ");
	bytes_add(out, reason, strlen(reason));
	BYTES_ADD(out, "\r\n");
	add_date(out);
	if (close)
		BYTES_ADD(out, "Connection: close\r\n");
	else if (req != NULL && req->http_1_0)
		BYTES_ADD(out, "Connection: keep-alive\r\n");
	cors_add(out, req, buf);
}

/*
 * An answer of the front itself. req, buf: NULL when there is none. retry_after: adds "Retry-After: 1".
 * The body is {"message": "..."} and a newline, as the API's framework errors (errors.md).
 */
void
response_error(Bytes *out, const Request *req, const char *buf, int status, bool retry_after, bool close)
{
	static const struct
	{
		int			status;
		const char *message;
	}			messages[] = {
		{400, "The browser (or proxy) sent a request that this server could not understand."},
		{408, "The server timed out waiting for the request."},
		{413, "The data value transmitted exceeds the capacity limit."},
		{414, "The length of the requested URL exceeds the capacity limit for this server."},
		{417, "The server could not meet the requirements of the Expect header."},
		{431, "One or more header fields exceed the maximum size."},
		{500, "Internal Server Error"},
		{501, "The server does not support the action requested by the browser."},
		{503, "The server is temporarily unable to service your request. Please try again later."},
		{504, "The request took too long."},
		{505, "The server does not support the HTTP protocol version used in the request."}
	};
	static const char before[] = "{\"message\": \"";
	static const char after[] = "\"}\n";
	const char *message = "Internal Server Error";

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		if (messages[i].status == status)
			message = messages[i].message;
	add_head(out, req, buf, status, close);
	if (retry_after)
		BYTES_ADD(out, "Retry-After: 1\r\n");
	BYTES_ADD(out, "Content-Type: application/json\r\nContent-Length: ");
	bytes_add_number(out, sizeof(before) - 1 + strlen(message) + sizeof(after) - 1);
	BYTES_ADD(out, "\r\n\r\n");
	if (req != NULL && req->is_head)
		return;
	BYTES_ADD(out, before);
	bytes_add(out, message, strlen(message));
	BYTES_ADD(out, after);
}

/* Reads big-endian integers of the wire format, never past the end. */
typedef struct Reader
{
	const char *p;
	const char *end;
	bool		bad;
} Reader;

static int32_t
read_int32(Reader *r)
{
	uint32_t	n;

	if (r->end - r->p < 4)
	{
		r->bad = true;
		return 0;
	}
	memcpy(&n, r->p, 4);
	r->p += 4;
	return (int32_t) ntohl(n);
}

/* A counted value; len -1 is NULL. */
static Span
read_value(Reader *r, bool *is_null)
{
	Span		v = {NULL, 0};
	int32_t		len = read_int32(r);

	*is_null = len == -1;
	if (r->bad || len == -1)
		return v;
	if (len < 0 || r->end - r->p < len)
	{
		r->bad = true;
		return v;
	}
	v.s = r->p;
	v.len = (size_t) len;
	r->p += len;
	return v;
}

static bool
header_name_ok(Span name)
{
	if (name.len == 0)
		return false;
	for (size_t i = 0; i < name.len; i++)
	{
		unsigned char c = (unsigned char) name.s[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			  (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
			return false;
	}
	return true;
}

static bool
header_value_ok(Span value)
{
	for (size_t i = 0; i < value.len; i++)
	{
		unsigned char c = (unsigned char) value.s[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool
is_name(Span s, const char *name)
{
	return s.len == strlen(name) && strncasecmp(s.s, name, s.len) == 0;
}

/* Headers that are the front's to send: framing, and cross-origin when that is on. */
static bool
is_ours(Span name)
{
	static const char *const ours[] = {"Connection", "Transfer-Encoding", "Keep-Alive", "Date", "Upgrade", "Trailer"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (is_name(name, ours[i]))
			return true;
	return front_config.cors && name.len > 21 && strncasecmp(name.s, "Access-Control-Allow-", 21) == 0;
}

/*
 * Copies the header array; keeps the announced length of a HEAD in *length, and in *route what is for the front alone.
 * Returns false when it is not sound.
 */
static bool
add_headers(Bytes *out, Span array, Span *length, RouteName *route)
{
	Reader		r = {array.s, array.s + array.len, false};
	int32_t		dims = read_int32(&r);
	int32_t		n;

	(void) read_int32(&r);		/* flags: has NULLs */
	if (read_int32(&r) != TEXTOID || r.bad)
		return false;
	if (dims == 0)
		return true;
	if (dims != 1)
		return false;
	n = read_int32(&r);
	(void) read_int32(&r);		/* lower bound */
	if (r.bad || n < 0 || n % 2 != 0 || n > 2 * MAX_RESPONSE_HEADERS)
		return false;
	for (int32_t i = 0; i < n; i += 2)
	{
		bool		null1;
		bool		null2;
		Span		name = read_value(&r, &null1);
		Span		value = read_value(&r, &null2);

		if (r.bad || null1 || null2 || !header_name_ok(name) || !header_value_ok(value))
			return false;
		if (is_name(name, "Content-Length"))
			*length = value;
		else if (is_name(name, ROUTE_TELL))
			*route = (RouteName) {value.s, value.len};
		else if (!is_ours(name))
		{
			bytes_reserve(out, name.len + value.len + 4);
			bytes_add(out, name.s, name.len);
			BYTES_ADD(out, ": ");
			bytes_add(out, value.s, value.len);
			BYTES_ADD(out, "\r\n");
		}
	}
	return true;
}

/* Takes such a value apart. Returns whether it has the layout that is known. */
static bool
read_row(const char *row, size_t len, Span field[3], bool null[3])
{
	static const int32_t oids[3] = {INT4OID, TEXTARRAYOID, BYTEAOID};
	Reader		r = {row, row + len, false};

	if (read_int32(&r) != 3)
		return false;
	for (int i = 0; i < 3; i++)
	{
		if (read_int32(&r) != oids[i])
			return false;
		field[i] = read_value(&r, &null[i]);
	}
	return !r.bad;
}

/* Its status, 0 if it has none. */
static int32_t
read_status(Span field, bool null)
{
	Reader		r = {field.s, field.s + field.len, false};

	return null || field.len != 4 ? 0 : read_int32(&r);
}

/* The status of such a value, 0 if it is none. */
int
response_status(const char *row, size_t len)
{
	Span		field[3];
	bool		null[3];

	return read_row(row, len, field, null) ? read_status(field[0], null[0]) : 0;
}

/*
 * Turns a value of type wazo_auth.http_response, in binary format, into a response.
 * out: appended to. req, buf: the request. row, len: the value. close: announce the end of the connection.
 * route: the route's template within the value, left alone where it does not tell.
 * Returns the status, 0 if the value has another layout than known (out is then as before), 500 with a complete
 * answer in out if headers or status are not sound.
 */
int
response_from_row(Bytes *out, const Request *req, const char *buf, const char *row, size_t len, bool close,
				  RouteName *route)
{
	size_t		before = out->len;
	Span		field[3];
	bool		null[3];
	Span		length = {NULL, 0};
	int32_t		status;
	bool		bodyless;

	if (!read_row(row, len, field, null))
		return 0;
	status = read_status(field[0], null[0]);
	if (status < 200 || status > 599)
		goto unsound;

	add_head(out, req, buf, status, close);
	if (!null[1] && !add_headers(out, field[1], &length, route))
		goto unsound;
	if (null[2])
		field[2].len = 0;
	bodyless = status == 204 || status == 304;
	if (!bodyless)
	{
		if (!req->is_head)
		{
			BYTES_ADD(out, "Content-Length: ");
			bytes_add_number(out, field[2].len);
			BYTES_ADD(out, "\r\n");
		}
		else if (length.len > 0)
		{
			for (size_t i = 0; i < length.len; i++)
				if (length.s[i] < '0' || length.s[i] > '9')
					goto unsound;
			BYTES_ADD(out, "Content-Length: ");
			bytes_add(out, length.s, length.len);
			BYTES_ADD(out, "\r\n");
		}
	}
	BYTES_ADD(out, "\r\n");
	if (!bodyless && !req->is_head)
		bytes_add(out, field[2].s, field[2].len);
	return status;

unsound:
	front_log(LOG_ERR, "the database's answer has a status or header that cannot be sent");
	out->len = before;
	response_error(out, req, buf, 500, false, close);
	return 500;
}
