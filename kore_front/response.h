/*
 * response.h: the bytes of an HTTP response.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_RESPONSE_H
#define WAZO_AUTH_FRONT_RESPONSE_H

#include "bytes.h"
#include "request.h"
#include "route.h"

extern int	response_status(const char *row, size_t len);
extern int	response_from_row(Bytes *out, const Request *req, const char *buf, const char *row, size_t len,
							  bool close, RouteName *route);
extern void response_error(Bytes *out, const Request *req, const char *buf, int status, bool retry_after,
						   bool close);

#endif
