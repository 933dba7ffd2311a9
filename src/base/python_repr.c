/*
 * python_repr.c
 *	  Texts as Python's repr() shows them, in messages that clients know.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/python_repr.h"

PG_FUNCTION_INFO_V1(wazo_auth_python_repr);

/* Appends a text in quotes.  Letters of all scripts stay as they are. */
void
append_python_repr(StringInfo out, const char *s, size_t len)
{
	char		quote = memchr(s, '\'', len) && !memchr(s, '"', len) ? '"' : '\'';

	appendStringInfoChar(out, quote);
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = s[i];

		if (c == '\\' || c == (unsigned char) quote)
			appendStringInfo(out, "\\%c", c);
		else if (c == '\n' || c == '\r' || c == '\t')
			appendStringInfo(out, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		else if (c < 0x20 || c == 0x7f)
			appendStringInfo(out, "\\x%02x", c);
		else
			appendStringInfoChar(out, c);
	}
	appendStringInfoChar(out, quote);
}

/*
 * wazo_auth.python_repr(value text) returns text
 */
Datum
wazo_auth_python_repr(PG_FUNCTION_ARGS)
{
	text	   *value = PG_GETARG_TEXT_PP(0);
	StringInfoData out;

	initStringInfo(&out);
	append_python_repr(&out, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
