/*
 * jobs.h
 *	  The jobs: each reads the parsed document, and reports or refuses.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_JOBS_H
#define SAML_XML_JOBS_H

#include "work.h"

extern bool verify_response(Work *w, xmlNode *root);
extern bool verify_logout(Work *w, xmlNode *root);
extern bool parse_metadata(Work *w, xmlNode *root);

#endif							/* SAML_XML_JOBS_H */
