/*
 * call.h: a request as a call of wazo_auth.http().
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CALL_H
#define WAZO_AUTH_FRONT_CALL_H

#include "dbconn.h"
#include "request.h"

extern const DbStatement call_statement;

extern void call_parameters(DbParameters *p, const Request *req, const char *buf, const char *body,
							const char *peer, size_t peer_len);

#endif
