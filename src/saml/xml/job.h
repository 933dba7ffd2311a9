/*
 * job.h
 *	  What the program is asked to do, read from its standard input.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_JOB_H
#define SAML_XML_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOB_MAX_BYTES			(4 * 1024 * 1024)
#define DOCUMENT_MAX_BYTES		(1024 * 1024)
#define JOB_MAX_CERTIFICATES	8
#define JOB_MAX_KEYS			2
#define JOB_MAX_SESSIONS		16
#define SKEW_MAX_SECONDS		600
#define DAYS_MAX				36500

typedef struct Field
{
	const char *data;			/* NULL: not given */
	size_t		len;
} Field;

typedef enum JobKind
{
	JOB_NONE,
	JOB_VERIFY_RESPONSE,
	JOB_VERIFY_LOGOUT,
	JOB_PEEK_LOGOUT,
	JOB_PARSE_METADATA,
	JOB_MAKE_AUTHN_REQUEST,
	JOB_MAKE_LOGOUT_REQUEST,
	JOB_MAKE_LOGOUT_RESPONSE,
	JOB_MAKE_METADATA,
	JOB_MAKE_KEY
} JobKind;

/* The fields point into the bytes that were read. */
typedef struct Job
{
	JobKind		kind;
	/* one of them for a job that reads */
	Field		document;
	Field		base64;
	Field		query;

	Field		certificates[JOB_MAX_CERTIFICATES];
	int			certificate_count;
	Field		keys[JOB_MAX_KEYS];
	int			key_count;
	Field		sessions[JOB_MAX_SESSIONS];
	int			session_count;

	Field		issuer;
	Field		audience;
	Field		destination;
	Field		recipient;
	Field		in_response_to;
	Field		logout_url;
	Field		relay_state;
	Field		name_id;
	Field		name_id_format;
	Field		name_id_name_qualifier;
	Field		name_id_sp_name_qualifier;
	Field		common_name;

	int64_t		now;
	int64_t		skew;
	int64_t		days;
	bool		now_given;
	bool		sign_response;
	bool		sign_assertion;
	bool		redirect;		/* to be made for HTTP-Redirect, else for HTTP-POST */
	bool		failed;			/* the LogoutResponse to be made says that it did not work */
} Job;

extern const char *job_read(const char *bytes, size_t len, Job *job);
extern bool field_is(const Field *field, const char *text);

#endif							/* SAML_XML_JOB_H */
