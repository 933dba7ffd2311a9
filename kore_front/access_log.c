/*
 * access_log.c: what the log says of requests: a line each, and more of those that took long.
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
 * Adds the line of one request: time, peer, "METHOD target", status, bytes sent, milliseconds, trace id or "-".
 * req: NULL or with method_len 0 when the request could not be read.
 */
void
access_log(const char *peer, const Request *req, const char *buf, int status, uint64_t bytes, uint64_t microseconds)
{
	char		target[TARGET_SIZE];
	char		line[6 * TARGET_SIZE + 1024];
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
		n += log_add_json(line + n, sizeof(line) - n - 256, target, target_len);
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

/*
 * Tells where the time of a request went that took long: what it waited for its turn, and what the database took.
 * took, waited: us.
 */
void
access_log_slow(const Request *req, const char *buf, int status, const char *lane, uint64_t took, uint64_t waited)
{
	char		target[512];
	size_t		len = mask_target(buf + req->target, req->target_len, target, sizeof(target));
	const char *trace = mask_trace_id(req, buf);

	front_log(LOG_WARNING, "slow request: %.*s %.*s, %d after %llu ms: %llu ms in the queue of the %s lane, %llu ms in the "
			  "database%s%.*s", (int) req->method_len, buf + req->method, (int) len, target, status,
			  (unsigned long long) (took / 1000), (unsigned long long) (waited / 1000), lane,
			  (unsigned long long) ((took - waited) / 1000), trace != NULL ? ", trace " : "", trace != NULL ? 32 : 0,
			  trace != NULL ? trace : "");
}
