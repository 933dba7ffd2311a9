/*
 * settings.h: which settings there are, and whether a configuration keeps to them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_SETTINGS_H
#define WAZO_AUTH_FRONT_SETTINGS_H

#include "tree.h"

typedef enum Finding
{
	FINDING_NOTE,				/* known, and without effect */
	FINDING_WARNING,			/* not known */
	FINDING_ERROR				/* of the wrong type or out of range */
} Finding;

/* Told of each finding, a sentence without secrets that names file and line. */
typedef void (*SettingsTell) (Finding finding, const char *sentence);

extern void settings_check(const Tree *tree, SettingsTell tell);
extern bool settings_for_database(const char *name);

#endif
