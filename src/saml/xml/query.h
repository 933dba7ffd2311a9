/*
 * query.h
 *	  Messages in a query string: the binding HTTP-Redirect.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_QUERY_H
#define SAML_XML_QUERY_H

#include "work.h"

/* The parameters as they stand in the query string, not decoded. */
typedef struct Query
{
	Field		request;		/* either SAMLRequest */
	Field		response;		/* or SAMLResponse */
	Field		relay_state;
	Field		algorithm;
	Field		signature;
	Field		encoding;
} Query;

extern bool query_read(Work *w, Query *query);
extern bool query_signature_check(Work *w, const Query *query);
extern xmlBuffer *query_document(Work *w, const Query *query);
extern void query_relay_state_found(Work *w, const Query *query);
extern void location_found(Work *w, const char *parameter, const xmlBuffer *document);

#endif							/* SAML_XML_QUERY_H */
