/*
 * password_kinds.c
 *	  Which kinds of password hashes are stored: schemes and their parameters.
 *
 * A check costs one hash of each kind, so that its time does not tell of which
 * kind a user's is, nor whether there is such a user.  The index by kind is
 * read from one kind to the next, so that the number of users does not matter.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/row_by_key.h"
#include "crypto/password_kinds.h"

PG_FUNCTION_INFO_V1(wazo_auth_password_kind);

/*
 * password_kinds
 *
 * Fills in one hash of each kind that is stored, as the active snapshot sees
 * it, and returns their number.  Only what they cost is of interest.
 */
int
password_kinds(PhcHash kind[PASSWORD_MAX_KINDS])
{
	text	   *last = cstring_to_text("");
	int			n = 0;

	while (n < PASSWORD_MAX_KINDS)
	{
		RowByKey	row;
		bool		found = row_open_after(&row, PASSWORD_KIND, last);
		bool		usable = false;

		if (found)
		{
			text	   *hash = row_get_text(&row, PASSWORD_HASH);

			last = row_get_text(&row, PASSWORD_KIND);
			usable = phc_parse(VARDATA_ANY(hash), VARSIZE_ANY_EXHDR(hash), &kind[n]);
		}
		row_close(&row);
		if (!found)
			break;
		if (usable)
			n++;
	}
	return n;
}

/* Do they cost the same? */
bool
password_same_kind(const PhcHash *a, const PhcHash *b)
{
	return a->scheme == b->scheme && a->iterations == b->iterations &&
		(a->scheme != PHC_ARGON2ID || (a->memory == b->memory && a->parallelism == b->parallelism));
}

/*
 * wazo_auth.password_kind(hash text) returns text
 *
 * Scheme and parameters of a stored hash: what stands before its salt.  Null
 * for a text that is no usable hash.
 */
Datum
wazo_auth_password_kind(PG_FUNCTION_ARGS)
{
	text	   *hash = PG_GETARG_TEXT_PP(0);
	int			len = VARSIZE_ANY_EXHDR(hash);
	const char *s = VARDATA_ANY(hash);
	PhcHash		parsed;

	if (!phc_parse(s, len, &parsed))
		PG_RETURN_NULL();
	for (int parts = 0; len > 0 && parts < 2;)
		parts += s[--len] == '$';
	PG_RETURN_TEXT_P(cstring_to_text_with_len(s, len));
}
