/*
 * document.h
 *	  The one strict parse of a document, and reading of its tree.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_DOCUMENT_H
#define SAML_XML_DOCUMENT_H

#include "work.h"

#define NS_SAMLP	"urn:oasis:names:tc:SAML:2.0:protocol"
#define NS_SAML		"urn:oasis:names:tc:SAML:2.0:assertion"
#define NS_MD		"urn:oasis:names:tc:SAML:2.0:metadata"
#define NS_DS		"http://www.w3.org/2000/09/xmldsig#"
#define NS_XENC		"http://www.w3.org/2001/04/xmlenc#"
#define NS_EXC_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"

extern xmlNode *document_parse(Work *w, int place, const char *bytes, size_t len);
extern bool is(const xmlNode *node, const char *ns, const char *name);
extern xmlNode *first_child(const xmlNode *node);
extern xmlNode *next_element(const xmlNode *node);
extern xmlNode *walk(const xmlNode *root, const xmlNode *node);
extern xmlNode *only_child(const xmlNode *parent, const char *ns, const char *name);
extern int	count_below(const xmlNode *root, const char *ns, const char *name);
extern const char *attribute(Work *w, const xmlNode *node, const char *name);
extern const char *text_of(Work *w, const xmlNode *node);
extern const char *uri_of(Work *w, const xmlNode *node);
extern bool is_plain_id(const char *id);

#endif							/* SAML_XML_DOCUMENT_H */
