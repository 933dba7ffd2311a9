/*
 * pinned.h
 *	  Settings that a caller cannot change under us.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PINNED_H
#define WAZO_AUTH_PINNED_H

#include "postgres.h"

extern void pin_settings(void);
extern void pin_settings_of_session(void);

#endif							/* WAZO_AUTH_PINNED_H */
