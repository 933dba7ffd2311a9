/*
 * logout.h
 *	  The jobs about what is said of a logout.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_LOGOUT_H
#define SAML_XML_LOGOUT_H

#include "work.h"

extern bool verify_logout(Work *w, xmlNode *root);
extern bool peek_logout(Work *w, xmlNode *root);
extern bool read_query(Work *w);

#endif							/* SAML_XML_LOGOUT_H */
