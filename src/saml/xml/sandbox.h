/*
 * sandbox.h
 *	  Takes from the process what it does not need for its job.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef SAML_XML_SANDBOX_H
#define SAML_XML_SANDBOX_H

extern int	sandbox_enter(void);

#endif							/* SAML_XML_SANDBOX_H */
