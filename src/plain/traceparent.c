/*
 * traceparent.c
 *	  The header traceparent of W3C Trace Context.
 *
 * What a client sends there is shown in logs and in the activity of the server, so nothing but the digits of a
 * well-formed one is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/traceparent.h"

#include <stdbool.h>

/* version, trace id, id of the parent, flags */
#define TRACEPARENT_LEN		55

static bool
is_lower_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/*
 * The trace id in a well-formed value: TRACE_ID_LEN digits without an end.  NULL for any other value, also for the
 * version ff and for an id of zeroes.  A later version may have more behind a dash.
 */
const char *
traceparent_id(const char *value, size_t len)
{
	bool		zero = true;

	if (len < TRACEPARENT_LEN || (len > TRACEPARENT_LEN && value[TRACEPARENT_LEN] != '-'))
		return NULL;
	for (size_t i = 0; i < TRACEPARENT_LEN; i++)
		if (i == 2 || i == 35 || i == 52 ? value[i] != '-' : !is_lower_hex(value[i]))
			return NULL;
	if (value[0] == 'f' && value[1] == 'f')
		return NULL;
	for (size_t i = 3; i < 3 + TRACE_ID_LEN; i++)
		zero = zero && value[i] == '0';
	return zero ? NULL : value + 3;
}
