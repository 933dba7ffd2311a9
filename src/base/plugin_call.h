/*
 * plugin_call.h
 *	  Calls of functions that others have registered.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PLUGIN_CALL_H
#define WAZO_AUTH_PLUGIN_CALL_H

#include "postgres.h"

#define PLUGIN_MAX_ARGS		4
#define PLUGIN_MAX_SECRETS	4

typedef struct PluginCall
{
	const char *kind;			/* key of wazo_auth.registration */
	const char *name;
	int			nargs;
	Oid			argtype[PLUGIN_MAX_ARGS];
	Datum		arg[PLUGIN_MAX_ARGS];
	bool		argnull[PLUGIN_MAX_ARGS];
	Oid			result_type;	/* InvalidOid or void: of no interest */
	bool		may_be_void;	/* it may return void in the place of that */
	Size		max_result;		/* bytes */
	bool		may_answer;		/* its errors of class WA are answers */
	int			nsecrets;
	const char *secret[PLUGIN_MAX_SECRETS]; /* what no message of it may show */
} PluginCall;

extern Datum plugin_call(const PluginCall *call, bool *isnull);

#endif							/* WAZO_AUTH_PLUGIN_CALL_H */
