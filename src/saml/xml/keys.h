/*
 * keys.h
 *	  Certificates as keys: those that are trusted, and those of metadata.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_KEYS_H
#define SAML_XML_KEYS_H

#include <openssl/x509.h>

#include "work.h"

extern bool keys_of_certificates(Work *w);
extern xmlSecKey *key_of_pem(const Field *pem);
extern const char *certificate_base64(Work *w, const Field *pem);
extern const char *certificate_pem(Work *w, const char *base64);

#endif							/* SAML_XML_KEYS_H */
