/*
 * write.h
 *	  Documents of ours: a tree, its signature, its text.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_WRITE_H
#define SAML_XML_WRITE_H

#include "work.h"

extern xmlNode *document_begin(Work *w, const char *prefix, const char *ns, const char *name);
extern xmlNode *add_element(xmlNode *parent, const char *prefix, const char *ns, const char *name);
extern void add_text(Work *w, xmlNode *node, const Field *text);
extern void add_attribute(xmlNode *node, const char *name, const char *value);
extern void add_attribute_field(Work *w, xmlNode *node, const char *name, const Field *value);
extern bool document_sign(Work *w, xmlNode *after);
extern xmlBuffer *document_text(const xmlNode *root);

#endif							/* SAML_XML_WRITE_H */
