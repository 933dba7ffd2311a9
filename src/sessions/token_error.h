/*
 * token_error.h
 *	  What is said of a token that did not pass.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TOKEN_ERROR_H
#define WAZO_AUTH_TOKEN_ERROR_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/compat.h"
#include "sessions/token.h"

extern void token_error_message(StringInfo message, TokenStatus status, const char *what, size_t len);
extern int	token_error_status(TokenStatus status);
pg_noreturn extern void raise_token_error(TokenStatus status, const char *what, size_t len);

#endif							/* WAZO_AUTH_TOKEN_ERROR_H */
