/*
 * configure.h: handing the configuration files to the database.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CONFIGURE_H
#define WAZO_AUTH_FRONT_CONFIGURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

extern bool configure_pending(void);
extern int64_t configure_turn(void);
extern bool configure_ended(pid_t pid, int status);
extern void configure_stop(void);

#endif
