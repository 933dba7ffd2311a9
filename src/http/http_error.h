/*
 * http_error.h
 *	  Errors with a chosen HTTP status, and their way into an answer.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_ERROR_H
#define WAZO_AUTH_HTTP_ERROR_H

#include "postgres.h"

#include "sessions/token.h"

struct HttpReply;

#define HTTP_PLAIN	"{\"plain\": true}"

extern void http_error(int status, const char *message, const char *detail) pg_attribute_noreturn();
extern void http_unreadable_body(void) pg_attribute_noreturn();
extern void token_error(TokenStatus status, const char *what, size_t len) pg_attribute_noreturn();
extern void http_plain_reply(struct HttpReply *reply, int status, const char *message);
extern void http_token_reply(struct HttpReply *reply, int status, const char *message);
extern void http_error_reply(struct HttpReply *reply, const ErrorData *edata, const char *route);
extern void token_error_message(StringInfo message, TokenStatus status, const char *what, size_t len);

#endif							/* WAZO_AUTH_HTTP_ERROR_H */
