/*
 * listen.h: accepting connections.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_LISTEN_H
#define WAZO_AUTH_FRONT_LISTEN_H

#include "kore_release.h"

extern void listen_start(int fd, int family, void (*accepted) (struct connection *c), int (*room) (int wanted));
extern void listen_slot_free(void);
extern void listen_stop(void);

#endif
