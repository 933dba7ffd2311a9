/*
 * traceparent.h
 *	  The header traceparent of W3C Trace Context.  Plain C.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_TRACEPARENT_H
#define WAZO_AUTH_TRACEPARENT_H

#include <stddef.h>

/* hexadecimal digits of a trace id */
#define TRACE_ID_LEN	32

extern const char *traceparent_id(const char *value, size_t len);

#endif							/* WAZO_AUTH_TRACEPARENT_H */
