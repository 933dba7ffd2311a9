/*
 * access_log.h: what the log says of requests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_ACCESS_LOG_H
#define WAZO_AUTH_FRONT_ACCESS_LOG_H

#include "request.h"
#include "route.h"

extern void access_log(const char *peer, const Request *req, const char *buf, RouteName route, int status,
					   uint64_t bytes, uint64_t microseconds);

#endif
