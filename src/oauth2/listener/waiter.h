/*
 * waiter.h
 *	  What the program waits for at relays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_OAUTH2_WAITER_H
#define WAZO_AUTH_OAUTH2_WAITER_H

#include <libwebsockets.h>
#include <stdbool.h>

/* a message that is longer is none */
#define MESSAGE_MAX_BYTES	8192
#define KEY_MAX_BYTES		128
#define HOST_MAX_BYTES		256
#define PATH_MAX_BYTES		1024

typedef struct Waiter
{
	struct Waiter *next;
	char		key[KEY_MAX_BYTES];
	char		host[HOST_MAX_BYTES];
	int			port;
	char		path[PATH_MAX_BYTES];
	struct lws *connection;		/* NULL while there is none */
	lws_sorted_usec_list_t again;	/* the next attempt */
	int			attempts;		/* since the last connection that stood */
	size_t		len;
	char		message[MESSAGE_MAX_BYTES];
} Waiter;

extern Waiter *waiter_add(const char *key, const char *url);
extern Waiter *waiter_find(const char *key);
extern void waiter_remove(Waiter *waiter);

#endif							/* WAZO_AUTH_OAUTH2_WAITER_H */
