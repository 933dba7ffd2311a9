/*
 * saml_program.h
 *	  The program that reads and makes SAML documents.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_SAML_PROGRAM_H
#define WAZO_AUTH_SAML_PROGRAM_H

extern void saml_program_init(void);

#endif							/* WAZO_AUTH_SAML_PROGRAM_H */
