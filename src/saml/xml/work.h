/*
 * work.h
 *	  The state of one job: what it was given, what it has found, and the
 *	  memory to be released at its end.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_WORK_H
#define SAML_XML_WORK_H

#include <libxml/tree.h>
#include <xmlsec/keys.h>

#include "job.h"

typedef struct Kept Kept;

typedef struct Work
{
	const Job  *job;
	xmlDoc	   *documents[2];	/* the document, and a decrypted assertion */
	xmlSecKey  *keys[JOB_MAX_CERTIFICATES]; /* of the trusted certificates */
	Kept	   *kept;
	xmlBuffer  *found;			/* the fields of the result */
	const char *refusal;		/* NULL: not refused */
	const char *detail;			/* a constant or kept */
} Work;

extern void work_begin(Work *w, const Job *job);
extern void work_end(Work *w);
extern const char *keep(Work *w, xmlChar *text);
extern bool refuse(Work *w, const char *name, const char *detail);
extern void found(Work *w, const char *name, const char *value);
extern void found_number(Work *w, const char *name, int64_t value);
extern void write_field(xmlBuffer *out, const char *name, const char *value);

#endif							/* SAML_XML_WORK_H */
