/*
 * call.h: requests as calls of wazo_auth.http() and wazo_auth.http_batch().
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CALL_H
#define WAZO_AUTH_FRONT_CALL_H

#include "dbconn.h"
#include "request.h"

/* A request as its client sent it. */
typedef struct Call
{
	const Request *req;
	const char *buf;			/* base of the request's offsets */
	const char *body;			/* req->body_len bytes */
	const char *peer;
	size_t		peer_len;
	bool		quick_only;		/* to be asked elsewhere if the answer is not quick to make */
} Call;

extern const DbStatement call_statement;
extern const DbStatement call_batch_statement;

extern void call_parameters(DbParameters *p, const Call *call);
extern void call_batch_start(void);
extern void call_batch_add(const Call *call);
extern void call_batch_parameters(DbParameters *p);
extern const char *call_batch_answers(const char *value, size_t len, int n);
extern const char *call_batch_next(const char **answers, const char *end, size_t *len);

#endif
