/*
 * login_fold.c
 *	  Usernames, e-mail addresses and domain names as they are compared.
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
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include <utf8proc.h>

#include "base/compat.h"
#include "plain/normal_domain.h"
#include "sessions/login_fold.h"

PG_FUNCTION_INFO_V1(wazo_auth_fold_login);
PG_FUNCTION_INFO_V1(wazo_auth_normal_login);
PG_FUNCTION_INFO_V1(wazo_auth_normal_domain);

/*
 * fold_login
 *
 * Returns the folded text, in the current memory context.  Raises 22021 for
 * text that is no UTF-8, which cannot be in the database.
 */
static text *
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

/*
 * Unicode's compatibility form, composed (NFKC): what looks alike or is typed
 * in pieces becomes the same.  Never changes for an assigned character either.
 */
static text *
compose(const text *value)
{
	const utf8proc_uint8_t *s = (const utf8proc_uint8_t *) VARDATA_ANY(value);
	utf8proc_ssize_t len = VARSIZE_ANY_EXHDR(value);
	const utf8proc_option_t options = UTF8PROC_COMPAT | UTF8PROC_COMPOSE | UTF8PROC_STABLE;
	utf8proc_ssize_t n = utf8proc_decompose(s, len, NULL, 0, options);
	utf8proc_int32_t *buffer;
	text	   *result;

	if (n < 0)
		return cstring_to_text_with_len((const char *) s, len);
	buffer = palloc((n + 1) * sizeof(*buffer));
	n = utf8proc_decompose(s, len, buffer, n, options);
	n = n < 0 ? n : utf8proc_reencode(buffer, n, options);
	if (n < 0)
		return cstring_to_text_with_len((const char *) s, len);
	result = cstring_to_text_with_len((char *) buffer, n);
	pfree(buffer);
	return result;
}

/*
 * A quoted string without what it quotes needlessly: its quotes where a
 * dot-atom is in them, and backslashes before other characters than quotes and
 * backslashes.
 */
static text *
unquote(const char *s, int len)
{
	StringInfoData plain;
	StringInfoData quoted;
	bool		is_atom = len > 2;

	if (len < 2 || s[0] != '"' || s[len - 1] != '"')
		return cstring_to_text_with_len(s, len);
	initStringInfo(&plain);
	initStringInfo(&quoted);
	appendStringInfoChar(&quoted, '"');
	for (int i = 1; i < len - 1; i++)
	{
		if (s[i] == '\\' && i + 1 < len - 1)
			i++;
		if (s[i] == '"' || s[i] == '\\')
			appendStringInfoChar(&quoted, '\\');
		is_atom &= (unsigned char) s[i] > ' ' && s[i] != '\x7f' && strchr("()<>[]:;@\\,\"", s[i]) == NULL &&
			(s[i] != '.' || (plain.len > 0 && plain.data[plain.len - 1] != '.' && i < len - 2));
		appendStringInfoChar(&plain, s[i]);
		appendStringInfoChar(&quoted, s[i]);
	}
	appendStringInfoChar(&quoted, '"');
	return is_atom ? cstring_to_text_with_len(plain.data, plain.len) :
		cstring_to_text_with_len(quoted.data, quoted.len);
}

/*
 * normal_login
 *
 * Returns the form that stands for all spellings of a username or e-mail
 * address, in the current memory context.  A text with an "@" is an address,
 * whoever has it as what.  Raises 22021 as fold_login() does.
 */
text *
normal_login(const text *login)
{
	const char *s = VARDATA_ANY(login);
	int			len = VARSIZE_ANY_EXHDR(login);
	int			at = len - 1;
	char		domain[DOMAIN_MAX_BYTES];
	size_t		domain_len = 0;
	StringInfoData address;
	text	   *local;

	while (at >= 0 && s[at] != '@')
		at--;
	if (at > 0)
		domain_len = normal_domain(s + at + 1, len - at - 1, domain);
	if (domain_len == 0)
		return fold_login(login);
	local = compose(fold_login(compose(unquote(s, at))));
	initStringInfo(&address);
	appendBinaryStringInfo(&address, VARDATA_ANY(local), VARSIZE_ANY_EXHDR(local));
	appendStringInfoChar(&address, '@');
	appendBinaryStringInfo(&address, domain, (int) domain_len);
	return cstring_to_text_with_len(address.data, address.len);
}

/* wazo_auth.normal_login(login text) returns text; errors as fold_login() */
Datum
wazo_auth_normal_login(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(normal_login(PG_GETARG_TEXT_PP(0)));
}

/* wazo_auth.normal_domain(name text) returns text: the text itself when it has no other form */
Datum
wazo_auth_normal_domain(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	char		domain[DOMAIN_MAX_BYTES];
	size_t		len = normal_domain(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), domain);

	if (len == 0)
		PG_RETURN_TEXT_P(name);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(domain, (int) len));
}
