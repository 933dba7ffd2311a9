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
#define SKEW_MAX_SECONDS		600

typedef struct Field
{
	const char *data;			/* NULL: not given */
	size_t		len;
} Field;

typedef enum JobKind
{
	JOB_NONE,
	JOB_VERIFY_RESPONSE,
	JOB_PARSE_METADATA,
	JOB_VERIFY_LOGOUT
} JobKind;

/* The fields point into the bytes that were read. */
typedef struct Job
{
	JobKind		kind;
	Field		document;
	Field		certificates[JOB_MAX_CERTIFICATES];
	int			certificate_count;
	Field		keys[JOB_MAX_KEYS];
	int			key_count;
	Field		issuer;
	Field		audience;
	Field		destination;
	Field		recipient;
	Field		in_response_to;
	int64_t		now;
	int64_t		skew;
	bool		now_given;
	bool		sign_response;
	bool		sign_assertion;
} Job;

extern const char *job_read(const char *bytes, size_t len, Job *job);
extern bool field_is(const Field *field, const char *text);

#endif							/* SAML_XML_JOB_H */
