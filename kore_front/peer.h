/*
 * peer.h: who sent a request.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_PEER_H
#define WAZO_AUTH_FRONT_PEER_H

#include "request.h"

#define PEER_MAX 256			/* characters of the client's address */
#define PEER_SIZE (4 * PEER_MAX)	/* bytes that hold any */

extern size_t peer_address(const Request *req, const char *buf, int num_proxies, const char *tcp_peer, char *out);

#endif
