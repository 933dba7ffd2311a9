/*
 * extension.h
 *	  Where the extension is, and whose.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_EXTENSION_H
#define WAZO_AUTH_EXTENSION_H

#include "postgres.h"

extern void extension_place(Oid *schema, Oid *owner);
extern Oid	extension_usable(void);

#endif							/* WAZO_AUTH_EXTENSION_H */
