/*
 * saml_sample.h
 *	  A key, its certificate and a response signed with it, for the tests and the
 *	  fuzzer of src/saml/xml.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_SAMPLE_H
#define SAML_SAMPLE_H

#include <stddef.h>

extern void sample_make(void);
extern const char *sample_response(size_t *len);
extern char *sample_job(const char *kind, const char *document, size_t len, size_t *job_len);

#endif							/* SAML_SAMPLE_H */
