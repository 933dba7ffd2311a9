/*
 * signature.h
 *	  Enveloped signatures of SAML elements.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_SIGNATURE_H
#define SAML_XML_SIGNATURE_H

#include "work.h"

extern bool signature_check(Work *w, xmlNode *element, bool required);

#endif							/* SAML_XML_SIGNATURE_H */
