/*
 * token_json.h
 *	  A token as the API shows it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TOKEN_JSON_H
#define WAZO_AUTH_TOKEN_JSON_H

#include "lib/stringinfo.h"

#include "sessions/token.h"

extern void token_append_json(StringInfo out, const char *token, const Session *session,
							  bool precise, const text *refresh_token);

#endif							/* WAZO_AUTH_TOKEN_JSON_H */
