/*
 * assertion.h
 *	  An assertion that was verified: is it for us and for now, and what it says.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_ASSERTION_H
#define SAML_XML_ASSERTION_H

#include "work.h"

extern bool assertion_found(Work *w, const xmlNode *assertion);

#endif							/* SAML_XML_ASSERTION_H */
