/*
 * http_grant.h
 *	  What a caller may give to others and take from them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_GRANT_H
#define WAZO_AUTH_HTTP_GRANT_H

#include "http/http_call.h"

extern void http_check_grant(HttpCall *call, bool removing);

#endif							/* WAZO_AUTH_HTTP_GRANT_H */
