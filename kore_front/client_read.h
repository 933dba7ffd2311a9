/*
 * client_read.h: reading a client's requests.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CLIENT_READ_H
#define WAZO_AUTH_FRONT_CLIENT_READ_H

#include "client_state.h"

extern void client_read(Client *client);
extern void client_continue(Client *client);
extern void client_discard(Client *client);

#endif
