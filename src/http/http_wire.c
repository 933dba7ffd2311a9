/*
 * http_wire.c
 *	  Answers to several requests as one value, as the front reads it.
 *
 * The bytes are those that array_send() makes of wazo_auth.http_response[]
 * (PostgreSQL's array_send, record_send and textsend).  The functions behind
 * those would be called for each column of each row, which costs a token check
 * more than its session does.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "libpq/pqformat.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "http/http_wire.h"

/* The head of an array of one dimension without nulls; of an empty one it has none. */
static void
add_array_head(StringInfo out, Oid type, int n)
{
	pq_sendint32(out, n > 0 ? 1 : 0);
	pq_sendint32(out, 0);
	pq_sendint32(out, type);
	if (n > 0)
	{
		pq_sendint32(out, n);
		pq_sendint32(out, 1);
	}
}

static void
add_bytes(StringInfo out, const char *data, int len)
{
	pq_sendint32(out, len);
	pq_sendbytes(out, data, len);
}

static void
add_text(StringInfo out, Datum value)
{
	const text *t = DatumGetTextPP(value);

	add_bytes(out, VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
}

/* Leaves room for the length of what comes next; fill_length() writes it. */
static int
leave_length(StringInfo out)
{
	pq_sendint32(out, 0);
	return out->len;
}

static void
fill_length(StringInfo out, int start)
{
	uint32		len = pg_hton32((uint32) (out->len - start));

	memcpy(out->data + start - sizeof(len), &len, sizeof(len));
}

/* Begins the answers to n requests, which http_wire_add() adds; out is not in use yet. */
void
http_wire_start(StringInfo out, int n)
{
	initStringInfo(out);
	appendStringInfoSpaces(out, VARHDRSZ);
	add_array_head(out, wazo_catalog()->http_response, n);
}

/* Adds an answer; its content type is the last of its headers. */
void
http_wire_add(StringInfo out, const HttpReply *reply)
{
	int			row = leave_length(out);
	int			headers;

	pq_sendint32(out, 3);
	pq_sendint32(out, INT4OID);
	pq_sendint32(out, sizeof(int32));
	pq_sendint32(out, reply->status);
	pq_sendint32(out, TEXTARRAYOID);
	headers = leave_length(out);
	add_array_head(out, TEXTOID, reply->nheaders + (reply->content_type ? 2 : 0));
	for (int i = 0; i < reply->nheaders; i++)
		add_text(out, reply->headers[i]);
	if (reply->content_type)
	{
		add_bytes(out, "Content-Type", strlen("Content-Type"));
		add_bytes(out, reply->content_type, strlen(reply->content_type));
	}
	fill_length(out, headers);
	pq_sendint32(out, BYTEAOID);
	add_bytes(out, reply->body.data, reply->body.len);
	fill_length(out, row);
}

/* The answers as a value; out is used up. */
bytea *
http_wire_end(StringInfo out)
{
	bytea	   *value = (bytea *) out->data;

	SET_VARSIZE(value, out->len);
	return value;
}
