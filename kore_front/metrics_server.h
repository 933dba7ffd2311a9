/*
 * metrics_server.h: the listener for /metrics.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_METRICS_SERVER_H
#define WAZO_AUTH_FRONT_METRICS_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

extern void metrics_server_listen(void);
extern int64_t metrics_server_turn(void);
extern bool metrics_server_ended(pid_t pid, int status);
extern void metrics_server_stop(void);

#endif
