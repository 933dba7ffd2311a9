/*
 * login_fold.c
 *	  Folds usernames and e-mail addresses for comparison.
 *
 * The result is stored and indexed, so it must not depend on the C library or
 * on a collation: an upgrade of either would corrupt the unique index.  The
 * mapping is Unicode's simple lower-case mapping, code point by code point,
 * which never changes for an assigned character.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include <utf8proc.h>

#include "base/compat.h"
#include "sessions/login_fold.h"

PG_FUNCTION_INFO_V1(wazo_auth_fold_login);

/*
 * fold_login
 *
 * Returns the folded text, in the current memory context.  Raises 22021 for
 * text that is no UTF-8, which cannot be in the database.
 */
text *
fold_login(const text *login)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *) VARDATA_ANY(login);
	size_t		len = VARSIZE_ANY_EXHDR(login);
	/* A lower-case form takes at most one byte more than the original. */
	text	   *result = palloc(VARHDRSZ + 2 * len + 4);
	utf8proc_uint8_t *w = (utf8proc_uint8_t *) VARDATA(result);

	while (len > 0)
	{
		utf8proc_int32_t c;
		utf8proc_ssize_t used = utf8proc_iterate(s, len, &c);

		if (used <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
					 errmsg("invalid byte sequence for encoding \"UTF8\"")));
		w += utf8proc_encode_char(utf8proc_tolower(c), w);
		s += used;
		len -= used;
	}
	SET_VARSIZE(result, (char *) w - (char *) result);
	return result;
}

/* wazo_auth.fold_login(login text) returns text; errors as fold_login() */
Datum
wazo_auth_fold_login(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(fold_login(PG_GETARG_TEXT_PP(0)));
}
