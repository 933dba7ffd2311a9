/*
 * plugin_limits.h
 *	  How long a registered function may run, and how much memory it may take.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PLUGIN_LIMITS_H
#define WAZO_AUTH_PLUGIN_LIMITS_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* The limits that were in force before a call. */
typedef struct PluginLimits
{
	TimestampTz outer_end;
	int			depth;
} PluginLimits;

/* What has ended a call, if something has */
typedef enum PluginStop
{
	PLUGIN_NOT_STOPPED,
	PLUGIN_OUT_OF_TIME,
	PLUGIN_CANCELLED			/* the statement was, by whoever may */
} PluginStop;

extern void plugin_limits_init(void);
extern PluginLimits plugin_limits_begin(int time_limit_ms);
extern PluginStop plugin_limits_end(const PluginLimits *outer);

#endif							/* WAZO_AUTH_PLUGIN_LIMITS_H */
