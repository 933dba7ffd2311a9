/*
 * access_log.h: what the log says of requests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_ACCESS_LOG_H
#define WAZO_AUTH_FRONT_ACCESS_LOG_H

#include "request.h"

extern void access_log(const char *peer, const Request *req, const char *buf, int status, uint64_t bytes,
					   uint64_t microseconds);
extern void access_log_slow(const Request *req, const char *buf, int status, const char *lane, uint64_t took,
							uint64_t waited);

#endif
