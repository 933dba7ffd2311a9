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

/* bytes of "2026-01-01T00:00:00Z" and its end */
#define MOMENT_TEXT		21

extern bool moment_read(const char *text, int64_t *seconds);
extern void moment_write(int64_t seconds, char text[MOMENT_TEXT]);

#endif							/* SAML_XML_MOMENT_H */
