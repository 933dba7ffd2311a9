/*
 * make.h
 *	  The jobs that make what is sent to an identity provider.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_MAKE_H
#define SAML_XML_MAKE_H

#include "work.h"

extern bool make_authn_request(Work *w);
extern bool make_logout_request(Work *w);
extern bool make_logout_response(Work *w);
extern bool make_metadata(Work *w);

#endif							/* SAML_XML_MAKE_H */
