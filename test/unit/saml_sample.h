/*
 * saml_sample.h
 *	  Documents that are good, each with the job that accepts it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_SAMPLE_H
#define SAML_SAMPLE_H

#include <stddef.h>

typedef enum SampleKind
{
	SAMPLE_RESPONSE,			/* the response is signed */
	SAMPLE_ASSERTION,			/* the assertion is signed */
	SAMPLE_LOGOUT,				/* a LogoutRequest, signed within */
	SAMPLE_QUERY,				/* a LogoutRequest in a query string, signed there */
	SAMPLE_METADATA				/* not signed */
} SampleKind;

#define SAMPLE_KINDS	5

typedef struct Sample
{
	const char *what;
	const char *job;
	const char *field;			/* of the job: document or query */
	const char *more;			/* further fields of the job */
	char	   *bytes;
	size_t		len;
} Sample;

extern void sample_make(void);
extern const Sample *sample(SampleKind kind);
extern char *sample_job(SampleKind kind, const char *bytes, size_t len, size_t *job_len);

#endif							/* SAML_SAMPLE_H */
