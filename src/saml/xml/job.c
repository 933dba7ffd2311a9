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

static bool
set_kind(JobKind *kind, Field value)
{
	if (*kind != JOB_NONE)
		return false;
	if (field_is(&value, "verify_response"))
		*kind = JOB_VERIFY_RESPONSE;
	else if (field_is(&value, "parse_metadata"))
		*kind = JOB_PARSE_METADATA;
	else if (field_is(&value, "verify_logout"))
		*kind = JOB_VERIFY_LOGOUT;
	return *kind != JOB_NONE;
}

static bool
set_field(Job *job, Field name, Field value)
{
	if (field_is(&name, "job"))
		return set_kind(&job->kind, value);
	if (field_is(&name, "document"))
		return set_once(&job->document, value);
	if (field_is(&name, "certificate"))
		return add(job->certificates, &job->certificate_count, JOB_MAX_CERTIFICATES, value);
	if (field_is(&name, "key"))
		return add(job->keys, &job->key_count, JOB_MAX_KEYS, value);
	if (field_is(&name, "issuer"))
		return set_once(&job->issuer, value);
	if (field_is(&name, "audience"))
		return set_once(&job->audience, value);
	if (field_is(&name, "destination"))
		return set_once(&job->destination, value);
	if (field_is(&name, "recipient"))
		return set_once(&job->recipient, value);
	if (field_is(&name, "in_response_to"))
		return set_once(&job->in_response_to, value);
	if (field_is(&name, "now"))
		return job->now_given = number(value.data, value.len, &job->now);
	if (field_is(&name, "skew"))
		return number(value.data, value.len, &job->skew) && job->skew <= SKEW_MAX_SECONDS;
	if (field_is(&name, "sign_response"))
		return set_flag(&job->sign_response, value);
	if (field_is(&name, "sign_assertion"))
		return set_flag(&job->sign_assertion, value);
	return false;
}

/* An expectation that was forgotten must not read as "anything will do". */
static const char *
what_is_missing(const Job *job)
{
	if (job->kind == JOB_NONE)
		return "job";
	if (job->document.data == NULL)
		return "document";
	if (!job->now_given)
		return "now";
	if (job->kind == JOB_PARSE_METADATA)
		return NULL;
	if (job->certificate_count == 0)
		return "certificate";
	if (job->issuer.len == 0)
		return "issuer";
	if (job->destination.len == 0)
		return "destination";
	if (job->kind == JOB_VERIFY_LOGOUT)
		return NULL;
	if (job->audience.len == 0)
		return "audience";
	if (job->recipient.len == 0)
		return "recipient";
	if (job->in_response_to.len == 0)
		return "in_response_to";
	if (!job->sign_response && !job->sign_assertion)
		return "sign_response or sign_assertion";
	return NULL;
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
