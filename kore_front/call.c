/*
 * call.c: requests as calls of wazo_auth.http(), or of wazo_auth.http_batch() for several at a time: the statements,
 * their parameters, and the answers of a batch. All in PostgreSQL's binary format, whose numbers are big-endian.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "call.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "route.h"
#include "utf8.h"

#define BYTEAOID 17
#define INT4OID 23
#define TEXTOID 25
#define BYTEAARRAYOID 1001
#define INT4ARRAYOID 1007
#define TEXTARRAYOID 1009

#define ARRAY_HEAD 20			/* bytes: dimensions, nulls, type, elements, lower bound */

static const Oid call_types[] = {TEXTOID, TEXTOID, TEXTARRAYOID, BYTEAOID, TEXTOID};
static const Oid batch_types[] = {TEXTARRAYOID, TEXTARRAYOID, TEXTARRAYOID, INT4ARRAYOID, BYTEAARRAYOID, TEXTARRAYOID};

const DbStatement call_statement = {
	"wazo_auth.http", "SELECT wazo_auth.http($1, $2, $3, $4, $5)", 5, call_types
};
const DbStatement call_batch_statement = {
	"wazo_auth.http_batch", "SELECT wazo_auth.http_batch($1, $2, $3, $4, $5, $6)", 6, batch_types
};

/* An array that is being written. */
typedef struct Array
{
	Bytes		bytes;
	Oid			type;
	uint32_t	n;
	bool		has_null;
} Array;

static void
put_int32(char *p, uint32_t n)
{
	n = htonl(n);
	memcpy(p, &n, 4);
}

static void
add_int32(Bytes *b, uint32_t n)
{
	n = htonl(n);
	bytes_add(b, &n, 4);
}

/* Begins an array in the memory of its last use. */
static void
array_start(Array *a, Oid type)
{
	a->bytes.len = 0;
	bytes_reserve(&a->bytes, ARRAY_HEAD);
	a->bytes.len = ARRAY_HEAD;
	a->type = type;
	a->n = 0;
	a->has_null = false;
}

static void
array_add(Array *a, const char *data, size_t len)
{
	add_int32(&a->bytes, (uint32_t) len);
	bytes_add(&a->bytes, data, len);
	a->n++;
}

static void
array_add_null(Array *a)
{
	add_int32(&a->bytes, (uint32_t) -1);
	a->has_null = true;
	a->n++;
}

static void
array_add_int(Array *a, uint32_t value)
{
	char		wire[4];

	put_int32(wire, value);
	array_add(a, wire, sizeof(wire));
}

/* Adds text that may be Latin-1. */
static void
array_add_text(Array *a, const char *data, size_t len)
{
	char	   *p;
	size_t		written;

	bytes_reserve(&a->bytes, 4 + 2 * len);
	p = a->bytes.data + a->bytes.len;
	written = text_to_utf8(data, len, p + 4);
	put_int32(p, (uint32_t) written);
	a->bytes.len += 4 + written;
	a->n++;
}

/* Hands a finished array on as the parameter i. */
static void
array_parameter(Array *a, DbParameters *p, int i)
{
	char	   *head = a->bytes.data;

	/* one dimension; an empty array has none */
	put_int32(head, a->n > 0 ? 1 : 0);
	put_int32(head + 4, a->has_null ? 1 : 0);
	put_int32(head + 8, a->type);
	put_int32(head + 12, a->n);
	put_int32(head + 16, 1);
	p->values[i] = head;
	p->lengths[i] = a->n > 0 ? (int) a->bytes.len : 12;
}

/* Headers that end here: the body is handed on in one piece, without its trailer; what the front asks is its own. */
static bool
is_of_the_way(const RequestHeader *h, const char *buf)
{
	static const char *const names[] = {"Transfer-Encoding", "Trailer", ROUTE_ASK, ROUTE_QUICK_ONLY};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (h->name_len == strlen(names[i]) && strncasecmp(buf + h->name, names[i], h->name_len) == 0)
			return true;
	return false;
}

/* Adds a header of the front's own. */
static void
add_own(Array *a, const char *name)
{
	array_add(a, name, strlen(name));
	array_add(a, "1", 1);
}

/* Adds a request's headers: name, value, name, value. Returns how many elements. */
static uint32_t
add_headers(Array *a, const Call *call)
{
	uint32_t	before = a->n;

	for (int i = 0; i < call->req->n_headers; i++)
	{
		const RequestHeader *h = &call->req->headers[i];

		if (is_of_the_way(h, call->buf))
			continue;
		array_add(a, call->buf + h->name, h->name_len);
		array_add_text(a, call->buf + h->value, h->value_len);
	}
	if (call->quick_only)
		add_own(a, ROUTE_QUICK_ONLY);
	return a->n - before;
}

/* Fills the parameters of call_statement. They point to the arguments and to memory that the next call uses again. */
void
call_parameters(DbParameters *p, const Call *call)
{
	static Array headers;
	const Request *req = call->req;

	array_start(&headers, TEXTOID);
	(void) add_headers(&headers, call);
	add_own(&headers, ROUTE_ASK);
	p->values[0] = call->buf + req->method;
	p->lengths[0] = (int) req->method_len;
	p->values[1] = call->buf + req->target;
	p->lengths[1] = (int) req->target_len;
	array_parameter(&headers, p, 2);
	p->values[3] = req->body_len > 0 ? call->body : NULL;
	p->lengths[3] = (int) req->body_len;
	p->values[4] = call->peer;
	p->lengths[4] = (int) call->peer_len;
}

/* ---- batches ---- */

/* The parameters of call_batch_statement, in their order. */
static struct
{
	Array		methods;
	Array		targets;
	Array		headers;
	Array		header_counts;
	Array		bodies;
	Array		peers;
}			batch;

/* Begins a batch; there is one at a time. */
void
call_batch_start(void)
{
	array_start(&batch.methods, TEXTOID);
	array_start(&batch.targets, TEXTOID);
	array_start(&batch.headers, TEXTOID);
	array_start(&batch.header_counts, INT4OID);
	array_start(&batch.bodies, BYTEAOID);
	array_start(&batch.peers, TEXTOID);
}

/* Adds a request to the batch. */
void
call_batch_add(const Call *call)
{
	const Request *req = call->req;

	array_add(&batch.methods, call->buf + req->method, req->method_len);
	array_add(&batch.targets, call->buf + req->target, req->target_len);
	array_add_int(&batch.header_counts, add_headers(&batch.headers, call));
	if (req->body_len > 0)
		array_add(&batch.bodies, call->body, req->body_len);
	else
		array_add_null(&batch.bodies);
	array_add(&batch.peers, call->peer, call->peer_len);
}

/* Fills the parameters of call_batch_statement with the batch. They point to memory that the next batch uses again. */
void
call_batch_parameters(DbParameters *p)
{
	array_parameter(&batch.methods, p, 0);
	array_parameter(&batch.targets, p, 1);
	array_parameter(&batch.headers, p, 2);
	array_parameter(&batch.header_counts, p, 3);
	array_parameter(&batch.bodies, p, 4);
	array_parameter(&batch.peers, p, 5);
}

static uint32_t
get_int32(const char *p)
{
	uint32_t	n;

	memcpy(&n, p, 4);
	return ntohl(n);
}

/*
 * The answers in the value of call_batch_statement, an array of wazo_auth.http_response, for call_batch_next(). NULL
 * when it is not one of n elements.
 */
const char *
call_batch_answers(const char *value, size_t len, int n)
{
	const char *answers = value + ARRAY_HEAD;
	const char *next = answers;
	size_t		part;

	if (len < ARRAY_HEAD || get_int32(value) != 1 || get_int32(value + 12) != (uint32_t) n)
		return NULL;
	for (int i = 0; i < n; i++)
		if (call_batch_next(&next, value + len, &part) == NULL)
			return NULL;
	return next == value + len ? answers : NULL;
}

/* Takes the next of the answers that end there; NULL when there is none, or none that is whole and not null. */
const char *
call_batch_next(const char **answers, const char *end, size_t *len)
{
	const char *part = *answers + 4;

	if (end - *answers < 4)
		return NULL;
	*len = get_int32(*answers);
	if (*len > (size_t) (end - part))
		return NULL;
	*answers = part + *len;
	return part;
}
