/*
 * mail_template.c
 *	  Mail templates: checked when they are set, filled in for each mail.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "base/compat.h"
#include "plain/template_reader.h"

/* bytes */
#define MAX_TEMPLATE	(64 * 1024)
#define MAX_RESULT		(256 * 1024)

PG_FUNCTION_INFO_V1(wazo_auth_check_mail_template);
PG_FUNCTION_INFO_V1(wazo_auth_render_mail_template);

typedef struct Condition
{
	bool		outer;			/* what is around it is shown */
	bool		value;			/* what the condition says */
	bool		shown;			/* the present branch is, and what is around it */
} Condition;

pg_noreturn static void
raise_bad_template(int line, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("mail template, line %d: %s", line, why),
			 errhint("A template is text with {{ name }}, {%% if name %%}, {%% if not name %%}, {%% else %%}, {%% endif %%} and {# comments #}.")));
}

static void
start_reading(TemplateReader *reader, const text *template)
{
	if (VARSIZE_ANY_EXHDR(template) > MAX_TEMPLATE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a mail template must not be longer than %d bytes", MAX_TEMPLATE)));
	template_reader_init(reader, VARDATA_ANY(template), VARSIZE_ANY_EXHDR(template));
}

/* The next piece; false at the template's end.  Raises 22023 where it cannot be read. */
static bool
next_piece(TemplateReader *reader, TemplatePiece *piece)
{
	template_reader_next(reader, piece);
	if (piece->kind == TEMPLATE_BAD)
		raise_bad_template(piece->line, piece->why);
	return piece->kind != TEMPLATE_END;
}

static bool
has_name(const TemplatePiece *piece)
{
	return piece->kind == TEMPLATE_VARIABLE || piece->kind == TEMPLATE_IF || piece->kind == TEMPLATE_IF_NOT;
}

static bool
is_known(const TemplatePiece *piece, Datum *names, int n)
{
	for (int i = 0; i < n; i++)
	{
		const char *name = VARDATA_ANY(DatumGetPointer(names[i]));

		if (VARSIZE_ANY_EXHDR(DatumGetPointer(names[i])) == piece->len && memcmp(name, piece->s, piece->len) == 0)
			return true;
	}
	return false;
}

/*
 * wazo_auth.check_mail_template(template text, variables text[]) returns void
 *
 * Raises 22023, with the line and the reason, for a template that cannot be
 * read or uses other variables; 54000 for one that is too long.
 */
Datum
wazo_auth_check_mail_template(PG_FUNCTION_ARGS)
{
	TemplateReader reader;
	TemplatePiece piece;
	Datum	   *names;
	int			n;

	start_reading(&reader, PG_GETARG_TEXT_PP(0));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &n);
	while (next_piece(&reader, &piece))
		if (has_name(&piece) && !is_known(&piece, names, n))
			raise_bad_template(piece.line,
							   psprintf("there is no variable \"%.*s\" in this template",
										(int) piece.len, piece.s));
	PG_RETURN_VOID();
}

/* The value of a variable; NULL for none, or for JSON's null. */
static const char *
value_of(Jsonb *variables, const TemplatePiece *piece, int *len)
{
	JsonbValue	buffer;
	JsonbValue *value;
	char	   *text;

	if (!JB_ROOT_IS_OBJECT(variables))
		return NULL;
	value = getKeyJsonValueFromContainer(&variables->root, piece->s, piece->len, &buffer);
	if (value == NULL)
		return NULL;
	switch (value->type)
	{
		case jbvString:
			*len = value->val.string.len;
			return value->val.string.val;
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
			*len = strlen(text);
			return text;
		default:
			return NULL;
	}
}

static void
emit(StringInfo out, const char *s, int len)
{
	if (out->len + len > MAX_RESULT)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a mail must not be longer than %d bytes", MAX_RESULT)));
	appendBinaryStringInfo(out, s, len);
}

/*
 * wazo_auth.render_mail_template(template text, variables jsonb) returns text
 *
 * The text with the values of an object's keys filled in; a variable without
 * one is empty.  Raises as the above, and 54000 when the text gets too long.
 */
Datum
wazo_auth_render_mail_template(PG_FUNCTION_ARGS)
{
	Jsonb	   *variables = PG_GETARG_JSONB_P(1);
	TemplateReader reader;
	TemplatePiece piece;
	Condition	around[TEMPLATE_MAX_DEPTH + 1] = {{.shown = true}};
	Condition  *c = around;
	StringInfoData out;

	start_reading(&reader, PG_GETARG_TEXT_PP(0));
	initStringInfo(&out);
	while (next_piece(&reader, &piece))
	{
		int			len = 0;
		const char *value = has_name(&piece) ? value_of(variables, &piece, &len) : NULL;

		switch (piece.kind)
		{
			case TEMPLATE_TEXT:
				if (c->shown)
					emit(&out, piece.s, piece.len);
				break;
			case TEMPLATE_VARIABLE:
				if (c->shown && value)
					emit(&out, value, len);
				break;
			case TEMPLATE_IF:
			case TEMPLATE_IF_NOT:
				c[1].outer = c->shown;
				c++;
				c->value = (value != NULL && len > 0) == (piece.kind == TEMPLATE_IF);
				c->shown = c->outer && c->value;
				break;
			case TEMPLATE_ELSE:
				c->shown = c->outer && !c->value;
				break;
			case TEMPLATE_ENDIF:
				c--;
				break;
			case TEMPLATE_END:
			case TEMPLATE_BAD:
				break;
		}
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
