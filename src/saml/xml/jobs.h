/*
 * jobs.h
 *	  The jobs. Those that read are given the parsed document; each reports or refuses.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_JOBS_H
#define SAML_XML_JOBS_H

#include "work.h"

extern bool verify_response(Work *w, xmlNode *root);
extern bool verify_logout(Work *w, xmlNode *root);
extern bool peek_logout(Work *w, xmlNode *root);
extern bool read_query(Work *w);
extern bool parse_metadata(Work *w, xmlNode *root);

extern bool make_authn_request(Work *w);
extern bool make_logout_request(Work *w);
extern bool make_logout_response(Work *w);
extern bool make_metadata(Work *w);
extern bool make_key(Work *w);

#endif							/* SAML_XML_JOBS_H */
