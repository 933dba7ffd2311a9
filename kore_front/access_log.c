/*
 * access_log.c: what the log says of requests: a line each.
 *
 * No token, password, header value or body is ever written.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "access_log.h"

#include <stdio.h>

#include "log.h"
#include "mask.h"

#define TARGET_SIZE 1024		/* of a target that is shown */

/*
 * Adds the line of one request: time, peer, "METHOD target", status, bytes sent, milliseconds, trace id or "-"; as an
 * object of JSON also the route.
 * req: NULL or with method_len 0 when the request could not be read.
 */
void
access_log(const char *peer, const Request *req, const char *buf, RouteName route, int status, uint64_t bytes,
		   uint64_t microseconds)
{
	char		target[TARGET_SIZE];
	char		line[6 * TARGET_SIZE + 2048];
	size_t		method_len = 0;
	size_t		target_len = 0;
	size_t		n;
	const char *trace = NULL;

	if (!log_wants(LOG_INFO))
		return;
	if (req != NULL && req->method_len > 0)
	{
		method_len = req->method_len;
		target_len = mask_target(buf + req->target, req->target_len, target, sizeof(target));
		trace = mask_trace_id(req, buf);
	}
	if (log_is_json())
	{
		n = log_begin_json(line, sizeof(line));
		n += (size_t) snprintf(line + n, sizeof(line) - n, ", \"peer\": \"%s\", \"method\": ", peer);
		n += log_add_json(line + n, 256, method_len > 0 ? buf + req->method : "", method_len);
		n += (size_t) snprintf(line + n, sizeof(line) - n, ", \"target\": ");
		n += log_add_json(line + n, sizeof(line) - n - 1024, target, target_len);
		n += (size_t) snprintf(line + n, sizeof(line) - n, ", \"route\": ");
		n += log_add_json(line + n, 512, route.len > 0 ? route.s : "", route.len);
		n += (size_t) snprintf(line + n, sizeof(line) - n,
							   ", \"status\": %d, \"bytes\": %llu, \"ms\": %llu.%03llu, \"trace\": \"%.*s\"}\n", status,
							   (unsigned long long) bytes, (unsigned long long) (microseconds / 1000),
							   (unsigned long long) (microseconds % 1000), trace != NULL ? 32 : 0,
							   trace != NULL ? trace : "");
	}
	else
	{
		n = log_add_time(line, sizeof(line));
		n += (size_t) snprintf(line + n, sizeof(line) - n, " %s \"%.*s%s%.*s\" %d %llu %llu.%03llu %.*s\n", peer,
							   method_len > 0 ? (int) method_len : 1, method_len > 0 ? buf + req->method : "-",
							   method_len > 0 ? " " : "", (int) target_len, target, status, (unsigned long long) bytes,
							   (unsigned long long) (microseconds / 1000), (unsigned long long) (microseconds % 1000),
							   trace != NULL ? 32 : 1, trace != NULL ? trace : "-");
	}
	log_gather(line, n);
}
