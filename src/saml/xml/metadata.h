/*
 * metadata.h
 *	  The job parse_metadata: what an identity provider says of itself.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_METADATA_H
#define SAML_XML_METADATA_H

#include "work.h"

extern bool parse_metadata(Work *w, xmlNode *root);

#endif							/* SAML_XML_METADATA_H */
