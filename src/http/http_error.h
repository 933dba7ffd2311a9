/*
 * http_error.h
 *	  The answer for an error that stopped a request.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_ERROR_H
#define WAZO_AUTH_HTTP_ERROR_H

#include "postgres.h"

#include "http/http_reply.h"

extern void http_error_reply(HttpReply *reply, const ErrorData *edata, const char *route);

#endif							/* WAZO_AUTH_HTTP_ERROR_H */
