/*
 * relay_client.h
 *	  Connections to relays of OAuth2 over WebSocket.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_OAUTH2_RELAY_CLIENT_H
#define WAZO_AUTH_OAUTH2_RELAY_CLIENT_H

#include <stdbool.h>

extern int	relay_client_run(const char *ca_file, bool private_addresses);

#endif							/* WAZO_AUTH_OAUTH2_RELAY_CLIENT_H */
