/*
 * make_key.h
 *	  The job that makes a key.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_MAKE_KEY_H
#define SAML_XML_MAKE_KEY_H

#include "work.h"

extern bool make_key(Work *w);

#endif							/* SAML_XML_MAKE_KEY_H */
