/*
 * http_wire.h
 *	  Answers to several requests as one value, as the front reads it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_WIRE_H
#define WAZO_AUTH_HTTP_WIRE_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "http/http_reply.h"

extern void http_wire_start(StringInfo out, int n);
extern void http_wire_add(StringInfo out, const HttpReply *reply);
extern bytea *http_wire_end(StringInfo out);

#endif							/* WAZO_AUTH_HTTP_WIRE_H */
