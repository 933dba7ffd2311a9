/*
 * call.c: a request as a call of wazo_auth.http(): its statement and parameters.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "call.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "utf8.h"

#define TEXTOID 25
#define BYTEAOID 17
#define TEXTARRAYOID 1009

static const Oid call_types[] = {TEXTOID, TEXTOID, TEXTARRAYOID, BYTEAOID, TEXTOID};

const DbStatement call_statement = {
	"wazo_auth.http", "SELECT wazo_auth.http($1, $2, $3, $4, $5)", 5, call_types
};

/* Puts a value of the wire format, big-endian, where there is room for it. */
static void
put_int32(char **p, uint32_t n)
{
	n = htonl(n);
	memcpy(*p, &n, 4);
	*p += 4;
}

/* Headers of the way here: the body is handed on in one piece, without its trailer. */
static bool
is_of_the_way(const RequestHeader *h, const char *buf)
{
	return (h->name_len == 17 && strncasecmp(buf + h->name, "Transfer-Encoding", 17) == 0) ||
		(h->name_len == 7 && strncasecmp(buf + h->name, "Trailer", 7) == 0);
}

/* The request's headers as text[] in binary format: name, value, name, value. Returns the length. */
static size_t
encode_headers(const Request *req, const char *buf, char *out)
{
	char	   *p = out;
	char	   *count;
	uint32_t	n = 0;

	put_int32(&p, 1);			/* dimensions */
	put_int32(&p, 0);			/* no NULLs */
	put_int32(&p, TEXTOID);
	count = p;
	p += 4;
	put_int32(&p, 1);			/* lower bound */
	for (int i = 0; i < req->n_headers; i++)
	{
		const RequestHeader *h = &req->headers[i];
		size_t		len;

		if (is_of_the_way(h, buf))
			continue;
		n++;
		put_int32(&p, h->name_len);
		memcpy(p, buf + h->name, h->name_len);
		p += h->name_len;
		len = text_to_utf8(buf + h->value, h->value_len, p + 4);
		put_int32(&p, (uint32_t) len);
		p += len;
	}
	put_int32(&count, n * 2);
	if (n == 0)
	{
		p = out;
		put_int32(&p, 0);		/* an empty array has no dimensions */
		p += 8;
	}
	return (size_t) (p - out);
}

/*
 * Fills the parameters of call_statement. They point to the arguments and to memory that the next call uses again.
 * buf: base of the request's offsets. body: req->body_len bytes.
 */
void
call_parameters(DbParameters *p, const Request *req, const char *buf, const char *body, const char *peer,
				size_t peer_len)
{
	/* headers: at most doubled by transcoding, plus two lengths each */
	static char headers[2 * REQUEST_MAX_HEADER_BLOCK + 8 * REQUEST_MAX_HEADERS + 32];

	p->values[0] = buf + req->method;
	p->lengths[0] = (int) req->method_len;
	p->values[1] = buf + req->target;
	p->lengths[1] = (int) req->target_len;
	p->values[2] = headers;
	p->lengths[2] = (int) encode_headers(req, buf, headers);
	p->values[3] = req->body_len > 0 ? body : NULL;
	p->lengths[3] = (int) req->body_len;
	p->values[4] = peer;
	p->lengths[4] = (int) peer_len;
}
