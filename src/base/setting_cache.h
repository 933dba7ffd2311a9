/*
 * setting_cache.h
 *	  Settings, kept by each backend until one of them changes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_SETTING_CACHE_H
#define WAZO_AUTH_SETTING_CACHE_H

#include "postgres.h"

extern void setting_cache_init(void);

#endif							/* WAZO_AUTH_SETTING_CACHE_H */
