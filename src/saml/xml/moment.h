/*
 * moment.h
 *	  SAML's moments: xs:dateTime in UTC.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_MOMENT_H
#define SAML_XML_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

extern bool moment_read(const char *text, int64_t *seconds);

#endif							/* SAML_XML_MOMENT_H */
