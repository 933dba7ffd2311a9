/*
 * token_error.c
 *	  What is said of a token that did not pass.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include <utf8proc.h>

#include "base/compat.h"
#include "base/error.h"
#include "sessions/token_error.h"

PG_FUNCTION_INFO_V1(wazo_auth_ascii);

/*
 * Messages of the token routes are ASCII: marks come off letters, and what has
 * no ASCII counterpart goes (contract: errors.md section 6).
 */
static void
append_ascii(StringInfo out, const char *s, size_t len)
{
	utf8proc_int32_t c;
	utf8proc_int32_t parts[32];
	utf8proc_ssize_t used;
	int			last = 0;

	while (len > 0 && (used = utf8proc_iterate((const utf8proc_uint8_t *) s, len, &c)) > 0)
	{
		utf8proc_ssize_t n = utf8proc_decompose_char(c, parts, lengthof(parts),
													 UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &last);

		for (utf8proc_ssize_t i = 0; i < n && i < (utf8proc_ssize_t) lengthof(parts); i++)
			if (parts[i] < 0x80)
				appendStringInfoChar(out, (char) parts[i]);
		s += used;
		len -= used;
	}
}

/*
 * wazo_auth.ascii(value text) returns text
 *
 * The text as messages of the token routes show it.
 */
Datum
wazo_auth_ascii(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	StringInfoData out;

	initStringInfo(&out);
	append_ascii(&out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}

/* The message for a status that is not TOKEN_VALID; "what" was refused. */
void
token_error_message(StringInfo message, TokenStatus status, const char *what, size_t len)
{
	if (status == TOKEN_UNKNOWN)
	{
		appendStringInfoString(message, "No such token");
		return;
	}
	appendStringInfoString(message, status == TOKEN_TENANT_DENIED ? "Unauthorized for tenant " : "Unauthorized for ");
	append_ascii(message, what, len);
}

/* The HTTP status for a status that is not TOKEN_VALID. */
int
token_error_status(TokenStatus status)
{
	return status == TOKEN_UNKNOWN ? 404 : 403;
}

/* Raises WA404 or WA403 for a token that did not pass. */
void
raise_token_error(TokenStatus status, const char *what, size_t len)
{
	StringInfoData message;

	initStringInfo(&message);
	token_error_message(&message, status, what, len);
	raise_status(token_error_status(status), message.data, NULL);
}
