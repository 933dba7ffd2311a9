/*
 * http_request.h
 *	  Runs the checks and the handler of a route.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_HTTP_REQUEST_H
#define WAZO_AUTH_HTTP_REQUEST_H

#include "http/http_call.h"

extern void http_run_handler(HttpCall *call);

#endif							/* WAZO_AUTH_HTTP_REQUEST_H */
