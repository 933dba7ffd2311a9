/*
 * response.h
 *	  The job verify_response: what a login answered.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_RESPONSE_H
#define SAML_XML_RESPONSE_H

#include "work.h"

extern bool verify_response(Work *w, xmlNode *root);

#endif							/* SAML_XML_RESPONSE_H */
