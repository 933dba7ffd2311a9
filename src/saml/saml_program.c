/*
 * saml_program.c
 *	  Runs the program that reads and makes SAML documents.
 *
 * No XML is parsed, verified or signed here: wazo-auth-xml (saml/xml, its README
 * tells the jobs) does it in a process without files and network.  Its answer is
 * checked as if it came from a stranger, which took over the program.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/helper_process.h"
#include "base/lock_slots.h"
#include "crypto/secret.h"
#include "plain/log_text.h"
#include "plain/uuid_text.h"
#include "saml/saml_program.h"

#define PROGRAM				"wazo-auth-xml"
#define JOB_MAX_BYTES		(4 * 1024 * 1024)
#define ANSWER_MAX_BYTES	(2 * 1024 * 1024)
#define NAME_MAX_BYTES		32
#define LINE_MAX_BYTES		1024
#define FRAME_BYTES			32	/* around a name and a value: a space, the length, line feeds */

static int	saml_timeout = 10000;
static int	max_saml_documents = 3;

PG_FUNCTION_INFO_V1(wazo_auth_saml_job);

/* One field of an answer, pointing into it. */
typedef struct Field
{
	char		name[NAME_MAX_BYTES + 1];
	const char *value;
	int			len;
} Field;

typedef struct Answer
{
	Field	   *fields;
	int			count;
} Answer;

/* By job, the fields that may repeat: such a member of the result is always a list. */
typedef struct Lists
{
	const char *job;
	const char *names[8];		/* to the first null */
	bool		attributes;
} Lists;

static const Lists lists_of_jobs[] = {
	{"verify_response", {"session_index"}, true},
	{"verify_logout", {"session_index"}, false},
	{"parse_metadata", {
			"certificate", "sso_redirect", "sso_post", "slo_redirect", "slo_post",
			"slo_redirect_response", "slo_post_response"
	}, false},
	{NULL, {NULL}, false}
};

/* The arguments after the tenant, as names and values in turn. */
typedef struct Pairs
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
} Pairs;

static void
read_pairs(ArrayType *array, Pairs *pairs)
{
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &pairs->values, &pairs->nulls, &pairs->count);
	if (pairs->count < 2 || pairs->count % 2 != 0 || pairs->nulls[0] || pairs->nulls[1] ||
		strcmp(TextDatumGetCString(pairs->values[0]), "job") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a job of " PROGRAM " is a list of names and values, the first name is job")));
}

static Size
size_of_pairs(const Pairs *pairs)
{
	Size		size = 1;

	for (int i = 0; i < pairs->count; i++)
		size += (pairs->nulls[i] ? 0 : VARSIZE_ANY_EXHDR(DatumGetPointer(pairs->values[i]))) + FRAME_BYTES;
	return size;
}

/* The job as the program reads it; a value that is null is left out. */
static void
write_job(StringInfo job, const Pairs *pairs, Size size)
{
	initStringInfo(job);
	/* never moved, so that no copy of a key stays behind */
	enlargeStringInfo(job, (int) size);
	for (int i = 0; i < pairs->count; i += 2)
	{
		text	   *name = (text *) DatumGetPointer(pairs->values[i]);
		text	   *value = (text *) DatumGetPointer(pairs->values[i + 1]);

		if (pairs->nulls[i] || pairs->nulls[i + 1])
			continue;
		appendBinaryStringInfo(job, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
		appendStringInfo(job, " %zu\n", (size_t) VARSIZE_ANY_EXHDR(value));
		appendBinaryStringInfo(job, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
		appendStringInfoChar(job, '\n');
	}
}

/* Reads "name length\n" at p; the place after it, or NULL when it is none. */
static const char *
read_head(const char *p, const char *end, Field *field)
{
	size_t		n = strspn(p, "abcdefghijklmnopqrstuvwxyz_");
	int64		len = 0;

	if (n == 0 || n > NAME_MAX_BYTES || p[n] != ' ')
		return NULL;
	memcpy(field->name, p, n);
	field->name[n] = '\0';
	for (p += n + 1; *p >= '0' && *p <= '9' && len <= ANSWER_MAX_BYTES; p++)
		len = len * 10 + (*p - '0');
	if (*p != '\n' || len >= end - p - 1)
		return NULL;
	field->len = (int) len;
	return p + 1;
}

/* Finds the fields of an answer, which ends with a NUL; false when it is none. */
static bool
read_answer(StringInfo output, Answer *answer)
{
	const char *p = output->data;
	const char *end = output->data + output->len;
	int			room = 64;

	answer->fields = palloc(room * sizeof(Field));
	answer->count = 0;
	if (output->len == 0 || !pg_verify_mbstr(PG_UTF8, output->data, output->len, true))
		return false;
	while (p < end)
	{
		Field	   *field;

		if (answer->count == room)
			answer->fields = repalloc(answer->fields, (room *= 2) * sizeof(Field));
		field = &answer->fields[answer->count++];
		p = read_head(p, end, field);
		if (p == NULL || p[field->len] != '\n')
			return false;
		field->value = p;
		p += field->len + 1;
	}
	return true;
}

static const Lists *
lists_of(const Pairs *pairs)
{
	char	   *job = TextDatumGetCString(pairs->values[1]);
	const Lists *lists = lists_of_jobs;

	while (lists->job != NULL && strcmp(lists->job, job) != 0)
		lists++;
	return lists;
}

static bool
is_list(const Lists *lists, const char *name)
{
	for (const char *const *list = lists->names; *list != NULL; list++)
	{
		if (strcmp(name, *list) == 0)
			return true;
	}
	return lists->attributes && strncmp(name, "attribute", strlen("attribute")) == 0;
}

static void
append_string(StringInfo out, const char *s, int len)
{
	char	   *copy = pnstrdup(s, len);

	escape_json(out, copy);
	pfree(copy);
}

static void
append_name(StringInfo out, const char *name)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoChar(out, ',');
	escape_json(out, name);
	appendStringInfoChar(out, ':');
}

static void
append_comma(StringInfo out)
{
	if (out->data[out->len - 1] != '[')
		appendStringInfoChar(out, ',');
}

static void
append_list(StringInfo out, const Answer *answer, const char *name)
{
	append_name(out, name);
	appendStringInfoChar(out, '[');
	for (int i = 0; i < answer->count; i++)
	{
		if (strcmp(answer->fields[i].name, name) != 0)
			continue;
		append_comma(out);
		append_string(out, answer->fields[i].value, answer->fields[i].len);
	}
	appendStringInfoChar(out, ']');
}

/* The attribute at i and what follows of it; the place after it. */
static int
append_attribute(StringInfo out, const Answer *answer, int i)
{
	const Field *field = &answer->fields[i];

	append_comma(out);
	appendStringInfoString(out, "{\"name\":");
	append_string(out, field->value, field->len);
	if (++i < answer->count && strcmp(answer->fields[i].name, "attribute_format") == 0)
	{
		appendStringInfoString(out, ",\"format\":");
		append_string(out, answer->fields[i].value, answer->fields[i].len);
		i++;
	}
	else
		appendStringInfoString(out, ",\"format\":null");
	appendStringInfoString(out, ",\"values\":[");
	for (; i < answer->count && strcmp(answer->fields[i].name, "attribute_value") == 0; i++)
	{
		append_comma(out);
		append_string(out, answer->fields[i].value, answer->fields[i].len);
	}
	appendStringInfoString(out, "]}");
	return i;
}

static void
append_attributes(StringInfo out, const Answer *answer)
{
	int			i = 0;

	append_name(out, "attributes");
	appendStringInfoChar(out, '[');
	while (i < answer->count)
	{
		if (strcmp(answer->fields[i].name, "attribute") == 0)
			i = append_attribute(out, answer, i);
		else
			i++;
	}
	appendStringInfoChar(out, ']');
}

/* A result as jsonb: single fields as strings, lists as lists. */
static Datum
result_of(const Answer *answer, const Lists *lists)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	/* the first field says that it is a result */
	for (int i = 1; i < answer->count; i++)
	{
		const Field *field = &answer->fields[i];

		if (is_list(lists, field->name))
			continue;
		append_name(&out, field->name);
		append_string(&out, field->value, field->len);
	}
	for (const char *const *list = lists->names; *list != NULL; list++)
		append_list(&out, answer, *list);
	if (lists->attributes)
		append_attributes(&out, answer);
	appendStringInfoChar(&out, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

/* One line about a job that gave no result: of whom, which, and why, without what was in it. */
static void
log_failure(const pg_uuid_t *tenant, const Pairs *pairs, const char *what, const char *why)
{
	char		uuid[UUID_TEXT_LEN + 1] = "none";
	char		line[LINE_MAX_BYTES];

	if (tenant != NULL)
		uuid_text_format(tenant->data, uuid);
	(void) log_text(line, sizeof(line), why, strlen(why), LOG_PLAIN);
	ereport(LOG_SERVER_ONLY,
			(errmsg("SAML job %s of tenant %s %s: %s", TextDatumGetCString(pairs->values[1]), uuid, what, line),
			 errhidestmt(true), errhidecontext(true)));
}

/* {"refused": name, "detail": where}, and a line in the log. */
static Datum
refusal(const pg_uuid_t *tenant, const Pairs *pairs, const char *name, const char *detail)
{
	StringInfoData out;
	char		masked[LINE_MAX_BYTES];

	log_failure(tenant, pairs, "was refused", detail ? psprintf("%s: %s", name, detail) : name);
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"refused\":");
	escape_json(&out, name);
	if (detail != NULL)
	{
		(void) log_text(masked, sizeof(masked), detail, strlen(detail), LOG_PLAIN);
		appendStringInfoString(&out, ",\"detail\":");
		escape_json(&out, masked);
	}
	appendStringInfoChar(&out, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(out.data));
}

static char *
value_of(const Answer *answer, int i, const char *name)
{
	if (i >= answer->count || strcmp(answer->fields[i].name, name) != 0)
		return NULL;
	return pnstrdup(answer->fields[i].value, answer->fields[i].len);
}

pg_noreturn static void
raise_no_answer(const pg_uuid_t *tenant, const Pairs *pairs, const char *why)
{
	log_failure(tenant, pairs, "has no answer", why);
	raise_status_hint(503, "the reader of SAML documents does not answer in time",
					  "Try again later; the server's log says what happened.");
}

/* What an answer means.  Only what says so by its status and in its first field is a result. */
static Datum
judge(const pg_uuid_t *tenant, const Pairs *pairs, HelperEnd end, StringInfo output)
{
	Answer		answer;
	char	   *first;
	bool		readable = read_answer(output, &answer);

	if (end == HELPER_NOT_STARTED)
		raise_no_answer(tenant, pairs, "the program " PROGRAM " did not start");
	if (end == HELPER_LATE)
		raise_no_answer(tenant, pairs, "it took longer than wazo_auth.saml_timeout");
	if (readable && end == HELPER_FAILED && (first = value_of(&answer, 0, "bad_job")) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a SAML job lacks, or has no good, %s", first)));
	if (readable && end == HELPER_REFUSED && (first = value_of(&answer, 0, "refused")) != NULL)
		return refusal(tenant, pairs, first, value_of(&answer, 1, "detail"));
	if (!readable || end != HELPER_DONE || (first = value_of(&answer, 0, "result")) == NULL ||
		strcmp(first, "verified") != 0)
		return refusal(tenant, pairs, "reader_failed", NULL);
	return result_of(&answer, lists_of(pairs));
}

/*
 * Anybody may post a document, and each is a process with a backend that waits
 * for it: few at a time in the whole server, so that others go on.
 */
static void
take_slot(LOCKTAG *slot, const pg_uuid_t *tenant, const Pairs *pairs)
{
	SlotWait	wait = {0};

	while (!lock_slot_take(slot, InvalidOid, 0, SAML_SLOT_CLASS, max_saml_documents))
	{
		if (lock_slot_wait(&wait, SAML_SLOT_CLASS))
			continue;
		log_failure(tenant, pairs, "was not tried", "too many SAML documents are being read");
		raise_status_hint(503, "too many SAML documents are being read",
						  "Try again later, or raise wazo_auth.max_saml_documents.");
	}
}

/* Puts the job to the program. */
static HelperEnd
run_program(const Pairs *pairs, Size size, StringInfo output)
{
	StringInfoData job;
	HelperEnd	end;

	write_job(&job, pairs, size);
	PG_TRY();
	{
		end = helper_run(PROGRAM, job.data, job.len, output, ANSWER_MAX_BYTES, saml_timeout);
	}
	PG_FINALLY();
	{
		secret_wipe(job.data, job.maxlen);
	}
	PG_END_TRY();
	return end;
}

/*
 * wazo_auth.saml_job(tenant uuid, VARIADIC fields text[]) returns jsonb
 */
Datum
wazo_auth_saml_job(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *tenant = PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0);
	StringInfoData output;
	Pairs		pairs;
	Size		size;
	LOCKTAG		slot;
	HelperEnd	end;
	Datum		result;

	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	read_pairs(PG_GETARG_ARRAYTYPE_P(1), &pairs);
	size = size_of_pairs(&pairs);
	if (size > JOB_MAX_BYTES)
		PG_RETURN_DATUM(refusal(tenant, &pairs, "too_large", NULL));
	take_slot(&slot, tenant, &pairs);
	initStringInfo(&output);
	end = run_program(&pairs, size, &output);
	lock_slot_release(&slot);
	result = judge(tenant, &pairs, end, &output);
	/* it may have made a key */
	secret_wipe(output.data, output.maxlen);
	PG_RETURN_DATUM(result);
}

/* Defines the settings; called from _PG_init. */
void
saml_program_init(void)
{
	DefineCustomIntVariable("wazo_auth.saml_timeout",
							"Longest time that a SAML document is read or made.",
							"After it the request fails with SQLSTATE WA503 (HTTP 503).",
							&saml_timeout,
							10000, 100, 60000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.max_saml_documents",
							"Most SAML documents that are read or made at the same time in the whole server.",
							"Further ones fail with SQLSTATE WA503 (HTTP 503).",
							&max_saml_documents,
							3, 1, 1024, PGC_SIGHUP, 0, NULL, NULL, NULL);
}
