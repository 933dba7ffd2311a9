/*
 * encoding.h
 *	  How messages travel: base64, percent signs, and DEFLATE with a limit.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_ENCODING_H
#define SAML_XML_ENCODING_H

#include <libxml/tree.h>

#include "job.h"

extern xmlBuffer *base64_decode(const char *text, size_t len);
extern xmlBuffer *base64_encode(const void *bytes, size_t len);
extern xmlBuffer *percent_decode(const Field *text);
extern void percent_encode(xmlBuffer *out, const char *text, size_t len);
extern xmlBuffer *inflate_limited(const xmlBuffer *deflated, size_t max, bool *too_large);
extern xmlBuffer *deflated(const char *bytes, size_t len);

#endif							/* SAML_XML_ENCODING_H */
