/*
 * mail_template.c
 *	  The language of mail templates:
 *
 *		{{ name }}									the variable's value
 *		{% if name %} ... {% else %} ... {% endif %}	by whether it has one
 *		{% if not name %}							the other way round
 *		{# ... #}									nothing
 *
 * Everything else is text.  One final newline is dropped, as Jinja2 does, so
 * that subjects can be files that end with one.  There are no expressions,
 * loops or inclusions: a template can neither run for long nor reach anything.
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

/* bytes */
#define MAX_TEMPLATE	(64 * 1024)
#define MAX_RESULT		(256 * 1024)
#define MAX_DEPTH		16
#define MAX_NAME		63

PG_FUNCTION_INFO_V1(wazo_auth_check_mail_template);
PG_FUNCTION_INFO_V1(wazo_auth_render_mail_template);

typedef struct Condition
{
	bool		shown;			/* of the present branch, those around it included */
	bool		outer;			/* what is around it is shown */
	bool		value;			/* what the condition says */
	bool		has_else;
	int			line;			/* where it begins */
} Condition;

typedef struct Reader
{
	const char *start;
	const char *pos;
	const char *end;
	ArrayType  *known;			/* names that there are; NULL: not looked at */
	Jsonb	   *variables;		/* their values; NULL: only to be checked */
	StringInfo	out;			/* NULL: likewise */
	int			depth;
	Condition	condition[MAX_DEPTH];
} Reader;

static int
line_of(const Reader *r, const char *pos)
{
	int			line = 1;

	for (const char *p = r->start; p < pos; p++)
		line += *p == '\n';
	return line;
}

pg_noreturn static void
pg_attribute_printf(3, 4)
raise_bad_template(const Reader *r, const char *pos, const char *fmt,...)
{
	StringInfoData why;

	initStringInfo(&why);
	for (;;)
	{
		va_list		args;
		int			needed;

		va_start(args, fmt);
		needed = appendStringInfoVA(&why, fmt, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&why, needed);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("mail template, line %d: %s", line_of(r, pos), why.data),
			 errhint("A template is text with {{ name }}, {%% if name %%}, {%% if not name %%}, {%% else %%}, {%% endif %%} and {# comments #}.")));
}

static bool
shown(const Reader *r)
{
	return r->depth == 0 || r->condition[r->depth - 1].shown;
}

static void
emit(Reader *r, const char *s, int len)
{
	if (r->out == NULL || !shown(r))
		return;
	if (r->out->len + len > MAX_RESULT)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a mail must not be longer than %d bytes", MAX_RESULT)));
	appendBinaryStringInfo(r->out, s, len);
}

static bool
is_known(const Reader *r, const char *name)
{
	Datum	   *names;
	int			n;

	deconstruct_array(r->known, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &n);
	for (int i = 0; i < n; i++)
		if (strcmp(TextDatumGetCString(names[i]), name) == 0)
			return true;
	return false;
}

/* The value of a variable; NULL for none, or for JSON's null. */
static const char *
value_of(const Reader *r, const char *name, int *len)
{
	JsonbValue	buffer;
	JsonbValue *value;
	char	   *text;

	if (r->variables == NULL || !JB_ROOT_IS_OBJECT(r->variables))
		return NULL;
	value = getKeyJsonValueFromContainer(&r->variables->root, name, strlen(name), &buffer);
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

/* Splits the inside of a tag into words; returns how many, at most max + 1. */
static int
split_words(const char *s, const char *end, char word[][MAX_NAME + 1], int max)
{
	int			n = 0;

	while (s < end)
	{
		const char *start;

		while (s < end && strchr(" \t\r\n", *s))
			s++;
		if (s == end)
			break;
		start = s;
		while (s < end && !strchr(" \t\r\n", *s))
			s++;
		if (n == max)
			return max + 1;
		strlcpy(word[n++], start, Min(s - start + 1, MAX_NAME + 1));
	}
	return n;
}

static void
check_name(const Reader *r, const char *tag, const char *name)
{
	if (*name == '\0' || strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != strlen(name))
		raise_bad_template(r, tag, "\"%s\" is no name of a variable", name);
	if (r->known && !is_known(r, name))
		raise_bad_template(r, tag, "there is no variable \"%s\" in this template", name);
}

static void
begin_condition(Reader *r, const char *tag, const char *name, bool negated)
{
	Condition  *c;
	int			len = 0;
	const char *value;

	check_name(r, tag, name);
	if (r->depth == MAX_DEPTH)
		raise_bad_template(r, tag, "conditions are nested more than %d deep", MAX_DEPTH);
	c = &r->condition[r->depth];
	c->outer = shown(r);
	value = value_of(r, name, &len);
	c->value = (value != NULL && len > 0) != negated;
	c->shown = c->outer && c->value;
	c->has_else = false;
	c->line = line_of(r, tag);
	r->depth++;
}

/* {% ... %} */
static void
read_statement(Reader *r, const char *tag, const char *end)
{
	char		word[3][MAX_NAME + 1];
	int			n = split_words(tag + 2, end, word, 3);
	Condition  *c = r->depth > 0 ? &r->condition[r->depth - 1] : NULL;

	if (n == 2 && strcmp(word[0], "if") == 0)
		begin_condition(r, tag, word[1], false);
	else if (n == 3 && strcmp(word[0], "if") == 0 && strcmp(word[1], "not") == 0)
		begin_condition(r, tag, word[2], true);
	else if (n == 1 && strcmp(word[0], "else") == 0)
	{
		if (c == NULL || c->has_else)
			raise_bad_template(r, tag, "{%% else %%} without {%% if %%}");
		c->has_else = true;
		c->shown = c->outer && !c->value;
	}
	else if (n == 1 && strcmp(word[0], "endif") == 0)
	{
		if (c == NULL)
			raise_bad_template(r, tag, "{%% endif %%} without {%% if %%}");
		r->depth--;
	}
	else
		raise_bad_template(r, tag, "{%% %s %%} is not understood", n > 0 ? word[0] : "");
}

/* {{ ... }} */
static void
read_variable(Reader *r, const char *tag, const char *end)
{
	char		word[1][MAX_NAME + 1];
	int			n = split_words(tag + 2, end, word, 1);
	int			len = 0;
	const char *value;

	if (n != 1)
		raise_bad_template(r, tag, "{{ }} takes the name of one variable");
	check_name(r, tag, word[0]);
	value = value_of(r, word[0], &len);
	if (value)
		emit(r, value, len);
}

static void
read_template(Reader *r)
{
	while (r->pos < r->end)
	{
		const char *tag = r->pos;
		const char *close;
		char		ending[3] = "}}";

		while ((tag = memchr(tag, '{', r->end - tag)) != NULL &&
			   (tag + 1 == r->end || !strchr("{%#", tag[1])))
			tag++;
		if (tag == NULL)
		{
			emit(r, r->pos, r->end - r->pos);
			break;
		}
		emit(r, r->pos, tag - r->pos);
		if (tag[1] != '{')
			ending[0] = tag[1];
		for (close = tag + 2; close + 1 < r->end; close++)
			if (close[0] == ending[0] && close[1] == '}')
				break;
		if (close + 1 >= r->end)
			raise_bad_template(r, tag, "{%c is never closed", tag[1]);
		if (tag[1] == '{')
			read_variable(r, tag, close);
		else if (tag[1] == '%')
			read_statement(r, tag, close);
		r->pos = close + 2;
	}
	if (r->depth > 0)
		raise_bad_template(r, r->end, "the {%% if %%} of line %d is never closed", r->condition[r->depth - 1].line);
}

static void
reader_init(Reader *r, const text *template)
{
	int			len = VARSIZE_ANY_EXHDR(template);

	memset(r, 0, sizeof(Reader));
	if (len > MAX_TEMPLATE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("a mail template must not be longer than %d bytes", MAX_TEMPLATE)));
	r->start = r->pos = VARDATA_ANY(template);
	if (len > 0 && r->start[len - 1] == '\n')
		len--;
	r->end = r->start + len;
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
	Reader		r;

	reader_init(&r, PG_GETARG_TEXT_PP(0));
	r.known = PG_GETARG_ARRAYTYPE_P(1);
	read_template(&r);
	PG_RETURN_VOID();
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
	Reader		r;
	StringInfoData out;

	reader_init(&r, PG_GETARG_TEXT_PP(0));
	r.variables = PG_GETARG_JSONB_P(1);
	initStringInfo(&out);
	r.out = &out;
	read_template(&r);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(out.data, out.len));
}
