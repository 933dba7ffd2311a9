/*
 * log.h: the front's log.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_LOG_H
#define WAZO_AUTH_FRONT_LOG_H

#include <syslog.h>				/* the levels */

#include "request.h"

extern int	log_open(void);
extern void log_start_child(void);
extern void log_worker_start(void);
extern void log_flush(void);
extern void log_request_reopen(int sig);
extern void front_log(int level, const char *fmt,...) __attribute__((format(printf, 2, 3)));
extern void log_access(const char *peer, const Request *req, const char *buf, int status, uint64_t bytes,
					   uint64_t microseconds);
extern void log_slow(const Request *req, const char *buf, int status, const char *lane, uint64_t took, uint64_t waited);
extern uint64_t front_time_us(void);

#endif
