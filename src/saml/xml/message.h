/*
 * message.h
 *	  What all SAML protocol messages have in common.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_MESSAGE_H
#define SAML_XML_MESSAGE_H

#include "work.h"

#define BINDING_REDIRECT	"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
#define BINDING_POST		"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
#define FORMAT_ENTITY		"urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
#define STATUS_SUCCESS		"urn:oasis:names:tc:SAML:2.0:status:Success"
#define STATUS_RESPONDER	"urn:oasis:names:tc:SAML:2.0:status:Responder"

extern bool issuer_is(Work *w, const xmlNode *parent);
extern bool issued_lately(Work *w, const xmlNode *node);
extern bool message_head_is_good(Work *w, const xmlNode *root);
extern bool status_is_success(Work *w, const xmlNode *root);
extern bool children_are(Work *w, const xmlNode *parent, const char *const *allowed);
extern bool not_yet(const Work *w, int64_t moment);
extern bool over(const Work *w, int64_t moment);
extern bool optional_moment(Work *w, const xmlNode *node, const char *name, int64_t absent, int64_t *moment);
extern bool name_id_found(Work *w, const xmlNode *parent);

#endif							/* SAML_XML_MESSAGE_H */
