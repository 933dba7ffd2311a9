/*
 * log.h: the front's log.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_LOG_H
#define WAZO_AUTH_FRONT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <syslog.h>				/* the levels */

extern void log_configure(const char *file, int level, bool json);
extern bool log_wants(int level);
extern bool log_is_json(void);
extern int	log_open(void);
extern void log_start_child(void);
extern void log_worker_start(void);
extern void log_flush(void);
extern void log_request_reopen(int sig);
extern void front_log(int level, const char *fmt,...) __attribute__((format(printf, 2, 3)));
extern size_t log_add_time(char *out, size_t size);
extern size_t log_add_json(char *out, size_t size, const char *text, size_t len);
extern size_t log_begin_json(char *out, size_t size);
extern void log_gather(const char *line, size_t len);

#endif
