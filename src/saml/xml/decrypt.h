/*
 * decrypt.h
 *	  Encrypted assertions.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_DECRYPT_H
#define SAML_XML_DECRYPT_H

#include "work.h"

extern xmlNode *assertion_decrypt(Work *w, const xmlNode *encrypted, bool is_signed);

#endif							/* SAML_XML_DECRYPT_H */
