/*
 * job.c
 *	  Reads a job: fields of the form "name length\n", that many bytes, "\n".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "job.h"

#include <string.h>

#define NAME_MAX_BYTES	32

typedef struct Reader
{
	const char *p;
	const char *end;
} Reader;

bool
field_is(const Field *field, const char *text)
{
	return field->data != NULL && text != NULL &&
		strlen(text) == field->len && memcmp(field->data, text, field->len) == 0;
}

/* Up to 18 decimal digits, so that nothing overflows. */
static bool
number(const char *s, size_t len, int64_t *out)
{
	int64_t		n = 0;

	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return false;
		n = n * 10 + (s[i] - '0');
	}
	*out = n;
	return true;
}

static bool
take_field(Reader *r, Field *name, Field *value)
{
	const char *newline = memchr(r->p, '\n', (size_t) (r->end - r->p));
	const char *space;
	int64_t		len;

	if (newline == NULL)
		return false;
	space = memchr(r->p, ' ', (size_t) (newline - r->p));
	if (space == NULL || space - r->p > NAME_MAX_BYTES ||
		!number(space + 1, (size_t) (newline - space - 1), &len))
		return false;
	if (len >= r->end - newline - 1 || newline[1 + len] != '\n')
		return false;
	*name = (Field) {r->p, (size_t) (space - r->p)};
	*value = (Field) {newline + 1, (size_t) len};
	r->p = newline + 1 + len + 1;
	return true;
}

static bool
set_once(Field *field, Field value)
{
	if (field->data != NULL)
		return false;
	*field = value;
	return true;
}

static bool
add(Field *fields, int *count, int max, Field value)
{
	if (*count == max)
		return false;
	fields[(*count)++] = value;
	return true;
}

static bool
set_flag(bool *flag, Field value)
{
	if (!field_is(&value, "0") && !field_is(&value, "1"))
		return false;
	*flag = value.data[0] == '1';
	return true;
}

/* The jobs, and what each cannot do without besides the time. */
static const struct
{
	const char *name;
	JobKind		kind;
	bool		reads;			/* a document in one of its forms */
	size_t		needs[6];		/* offsets of fields, to the first 0 */
	bool		certificate;
	bool		key;
}			kinds[] =
{
#define AT(member) offsetof(Job, member)
	{"verify_response", JOB_VERIFY_RESPONSE, true,
	{AT(issuer), AT(audience), AT(destination), AT(recipient), AT(in_response_to)}, true, false},
	{"verify_logout", JOB_VERIFY_LOGOUT, true, {AT(issuer), AT(destination)}, true, false},
	{"peek_logout", JOB_PEEK_LOGOUT, true, {0}, false, false},
	{"parse_metadata", JOB_PARSE_METADATA, true, {0}, false, false},
	{"make_authn_request", JOB_MAKE_AUTHN_REQUEST, false, {AT(issuer), AT(destination), AT(recipient)}, false, true},
	{"make_logout_request", JOB_MAKE_LOGOUT_REQUEST, false, {AT(issuer), AT(destination), AT(name_id)}, false, true},
	{"make_logout_response", JOB_MAKE_LOGOUT_RESPONSE, false,
	{AT(issuer), AT(destination), AT(in_response_to)}, false, true},
	{"make_metadata", JOB_MAKE_METADATA, false, {AT(issuer), AT(recipient)}, true, false},
	{"make_key", JOB_MAKE_KEY, false, {AT(common_name)}, false, false},
};

/* Fields that occur once. */
static const struct
{
	const char *name;
	size_t		at;
}			texts[] =
{
	{"document", AT(document)},
	{"base64", AT(base64)},
	{"query", AT(query)},
	{"issuer", AT(issuer)},
	{"audience", AT(audience)},
	{"destination", AT(destination)},
	{"recipient", AT(recipient)},
	{"in_response_to", AT(in_response_to)},
	{"logout_url", AT(logout_url)},
	{"relay_state", AT(relay_state)},
	{"name_id", AT(name_id)},
	{"name_id_format", AT(name_id_format)},
	{"name_id_name_qualifier", AT(name_id_name_qualifier)},
	{"name_id_sp_name_qualifier", AT(name_id_sp_name_qualifier)},
	{"common_name", AT(common_name)},
#undef AT
};

static const struct
{
	const char *name;
	size_t		at;
}			flags[] =
{
	{"sign_response", offsetof(Job, sign_response)},
	{"sign_assertion", offsetof(Job, sign_assertion)},
	{"redirect", offsetof(Job, redirect)},
	{"failed", offsetof(Job, failed)},
};

static bool
set_kind(JobKind *kind, Field value)
{
	if (*kind != JOB_NONE)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		if (field_is(&value, kinds[i].name))
			*kind = kinds[i].kind;
	}
	return *kind != JOB_NONE;
}

/* The field of the job at that place. */
static Field *
text_at(const Job *job, size_t at)
{
	return (Field *) ((char *) job + at);
}

/* Sets a number or a flag, or adds to a list. */
static bool
set_other(Job *job, Field name, Field value)
{
	if (field_is(&name, "job"))
		return set_kind(&job->kind, value);
	if (field_is(&name, "certificate"))
		return add(job->certificates, &job->certificate_count, JOB_MAX_CERTIFICATES, value);
	if (field_is(&name, "key"))
		return add(job->keys, &job->key_count, JOB_MAX_KEYS, value);
	if (field_is(&name, "session_index"))
		return add(job->sessions, &job->session_count, JOB_MAX_SESSIONS, value);
	if (field_is(&name, "now"))
		return job->now_given = number(value.data, value.len, &job->now);
	if (field_is(&name, "skew"))
		return number(value.data, value.len, &job->skew) && job->skew <= SKEW_MAX_SECONDS;
	if (field_is(&name, "days"))
		return number(value.data, value.len, &job->days) && job->days <= DAYS_MAX;
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
	{
		if (field_is(&name, flags[i].name))
			return set_flag((bool *) ((char *) job + flags[i].at), value);
	}
	return false;
}

static bool
set_field(Job *job, Field name, Field value)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if (field_is(&name, texts[i].name))
			return set_once(text_at(job, texts[i].at), value);
	}
	return set_other(job, name, value);
}

static const char *
name_of(size_t at)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if (texts[i].at == at)
			return texts[i].name;
	}
	return "a field";
}

/* What this kind of job lacks. */
static const char *
what_kind_lacks(const Job *job, size_t kind)
{
	int			documents = (job->document.data != NULL) + (job->base64.data != NULL) + (job->query.data != NULL);

	if (documents != kinds[kind].reads)
		return "one of document, base64 and query";
	for (const size_t *need = kinds[kind].needs; *need != 0; need++)
	{
		if (text_at(job, *need)->len == 0)
			return name_of(*need);
	}
	if (kinds[kind].certificate && job->certificate_count == 0)
		return "certificate";
	if (kinds[kind].key && job->key_count == 0)
		return "key";
	return NULL;
}

/* An expectation that was forgotten must not read as "anything will do". */
static const char *
what_is_missing(const Job *job)
{
	if (job->kind == JOB_NONE)
		return "job";
	if (!job->now_given)
		return "now";
	if (job->kind == JOB_VERIFY_RESPONSE && !job->sign_response && !job->sign_assertion)
		return "sign_response or sign_assertion";
	if (job->query.data != NULL && job->kind != JOB_VERIFY_LOGOUT && job->kind != JOB_PEEK_LOGOUT)
		return "document or base64";
	if (job->kind == JOB_MAKE_KEY && job->days == 0)
		return "days";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		if (kinds[i].kind == job->kind)
			return what_kind_lacks(job, i);
	}
	return "job";
}

/*
 * Fills job from len bytes, which it points into. NULL when good, else what is
 * wrong: the name of a missing field, or of one that cannot be read.
 */
const char *
job_read(const char *bytes, size_t len, Job *job)
{
	Reader		r = {bytes, bytes + len};
	Field		name;
	Field		value;

	memset(job, 0, sizeof(*job));
	if (len > JOB_MAX_BYTES)
		return "too large";
	while (r.p < r.end)
	{
		if (!take_field(&r, &name, &value))
			return "a field's frame";
		if (!set_field(job, name, value))
			return "a field that is unknown, repeated or no good";
	}
	return what_is_missing(job);
}
