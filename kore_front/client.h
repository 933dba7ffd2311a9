/*
 * client.h: client connections.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CLIENT_H
#define WAZO_AUTH_FRONT_CLIENT_H

extern void client_listen(int fd, int family);
extern void client_drain(void);

#endif
