/*
 * lookup.h
 *	  Looking up a host's addresses without waiting for the name server.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_LOOKUP_H
#define WAZO_AUTH_LOOKUP_H

#include "postgres.h"

#include <netdb.h>

typedef struct Lookup Lookup;

extern Lookup *lookup_start(const char *host, int port);
extern pgsocket lookup_socket(const Lookup *lookup);
extern bool lookup_is_done(const Lookup *lookup);
extern int	lookup_result(const Lookup *lookup, struct addrinfo **addresses);
extern void lookup_free(Lookup *lookup);

#endif							/* WAZO_AUTH_LOOKUP_H */
