/*
 * peer_count.h: how many connections each peer has.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_PEER_COUNT_H
#define WAZO_AUTH_FRONT_PEER_COUNT_H

#include <stdbool.h>

typedef struct PeerCount PeerCount;

extern bool peer_count_enter(const char *address, PeerCount **count);
extern void peer_count_leave(PeerCount *count);

#endif
