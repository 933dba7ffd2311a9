/*
 * http_form.c
 *	  The body of a request as a form, and its query string as it was sent.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/error.h"
#include "http/http_form.h"
#include "plain/form_body.h"
#include "validate/validate.h"

PG_FUNCTION_INFO_V1(wazo_auth_raw_query);

/* What kind of form the Content-Type names. */
static FormKind
kind_of_form(HttpCall *call, HttpSpan *boundary)
{
	HttpSpan	type;

	if (!http_header(call, "Content-Type", &type))
		return FORM_NONE;
	return form_kind(type.s, type.len, boundary);
}

/* Is the body a form, as its Content-Type says? */
bool
http_is_form(HttpCall *call)
{
	HttpSpan	boundary;

	return kind_of_form(call, &boundary) != FORM_NONE;
}

static bool
is_text(HttpSpan s)
{
	return pg_verify_mbstr(PG_UTF8, s.s, (int) s.len, true);
}

static bool
read_form(HttpCall *call, FormKind kind, HttpSpan boundary, FormBody *form)
{
	const char *s = VARDATA_ANY(call->body);
	size_t		len = VARSIZE_ANY_EXHDR(call->body);

	if (kind == FORM_URLENCODED ?
		!form_urlencoded(s, len, palloc(len + 1), form) :
		!form_multipart(s, len, boundary, form))
		return false;
	for (int i = 0; i < form->nfields; i++)
		if (!is_text(form->name[i]) || !is_text(form->value[i]))
			return false;
	return true;
}

/*
 * http_form_jsonb
 *
 * The fields of a form, {"name": "value"}, a file's content like a text; {} for
 * a body of another type, as if its sender had filled in nothing.  Raises WA413
 * for a body that is larger than the route's shape allows, WA400 for one that is
 * no form or holds what is no text in UTF-8.
 */
Jsonb *
http_form_jsonb(HttpCall *call)
{
	JsonbParseState *state = NULL;
	FormBody	form = {0};
	HttpSpan	boundary;
	FormKind	kind = kind_of_form(call, &boundary);

	if (call->body && kind != FORM_NONE)
	{
		validate_form_size(call->route->body_schema, VARSIZE_ANY_EXHDR(call->body));
		if (!read_form(call, kind, boundary, &form))
			raise_status(400, "The browser (or proxy) sent a request that this server could not understand.",
						 DETAIL_PLAIN);
	}
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < form.nfields; i++)
	{
		http_push_text(&state, WJB_KEY, form.name[i]);
		http_push_text(&state, WJB_VALUE, form.value[i]);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * wazo_auth.raw_query() returns text
 *
 * The query string of the request that is being answered, as it was sent; null
 * outside of one and for a request without a query string.
 */
Datum
wazo_auth_raw_query(PG_FUNCTION_ARGS)
{
	const text *target = http_current_call ? http_current_call->target_text : NULL;
	const char *question = target ? memchr(VARDATA_ANY(target), '?', VARSIZE_ANY_EXHDR(target)) : NULL;

	if (question == NULL)
		PG_RETURN_NULL();
	question++;
	PG_RETURN_TEXT_P(cstring_to_text_with_len(question, VARDATA_ANY(target) + VARSIZE_ANY_EXHDR(target) - question));
}
