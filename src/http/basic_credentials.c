/*
 * basic_credentials.c
 *	  Login and password of an Authorization header.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/error.h"
#include "crypto/secret.h"
#include "plain/http_target.h"

PG_FUNCTION_INFO_V1(wazo_auth_basic_credentials);

/*
 * wazo_auth.basic_credentials(header text, OUT login text, OUT password text)
 *
 * Both null when the header holds none.  Raises WA400 for bad base64 padding.
 */
Datum
wazo_auth_basic_credentials(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		value[2] = {0};
	bool		isnull[2] = {true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (!PG_ARGISNULL(0))
	{
		text	   *header = PG_GETARG_TEXT_PP(0);
		size_t		len = VARSIZE_ANY_EXHDR(header);
		char	   *buf = secret_palloc(CurrentMemoryContext, 2 * len + 1);
		HttpSpan	login;
		HttpSpan	password;
		bool		malformed;

		if (http_basic_credentials(VARDATA_ANY(header), len, buf, &login, &password, &malformed) &&
			memchr(login.s, 0, login.len) == NULL && memchr(password.s, 0, password.len) == NULL)
		{
			value[0] = PointerGetDatum(cstring_to_text_with_len(login.s, login.len));
			value[1] = PointerGetDatum(cstring_to_text_with_len(password.s, password.len));
			isnull[0] = isnull[1] = false;
		}
		secret_wipe(buf, 2 * len);
		if (malformed)
			raise_status(400, "Incorrect padding of the credentials", NULL);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, isnull)));
}
