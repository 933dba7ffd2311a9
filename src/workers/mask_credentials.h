/*
 * mask_credentials.h
 *	  Leaves credentials in URIs out of messages.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_MASK_CREDENTIALS_H
#define WAZO_AUTH_MASK_CREDENTIALS_H

#include "postgres.h"

extern void mask_credentials(const char *text, char *masked, Size size);

#endif							/* WAZO_AUTH_MASK_CREDENTIALS_H */
