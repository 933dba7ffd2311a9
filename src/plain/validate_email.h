/*
 * validate_email.h
 *	  Which texts upstream takes for an e-mail address.  Plain C.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_VALIDATE_EMAIL_H
#define WAZO_AUTH_VALIDATE_EMAIL_H

#include <stdbool.h>
#include <stddef.h>

/* longest domain, in bytes, that is turned into its ASCII form */
#define EMAIL_IDNA_MAX_BYTES 1024

extern bool email_valid(const char *s, size_t len);

#endif							/* WAZO_AUTH_VALIDATE_EMAIL_H */
