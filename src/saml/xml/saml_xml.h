/*
 * saml_xml.h
 *	  The program as a function: a job's bytes to a result's.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_H
#define SAML_XML_H

#include <libxml/tree.h>
#include <stddef.h>

/* Exit statuses too. */
typedef enum Verdict
{
	VERDICT_VERIFIED = 0,
	VERDICT_REFUSED = 1,
	VERDICT_BAD_JOB = 2
} Verdict;

extern int	saml_xml_init(void);
extern Verdict saml_xml_run(const char *bytes, size_t len, xmlBuffer *out);

#endif							/* SAML_XML_H */
