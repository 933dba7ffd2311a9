/*
 * client.h: a client connection, for client.c (reading, answering, time limits), output.c (writing) and listen.c
 * (accepting).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CLIENT_H
#define WAZO_AUTH_FRONT_CLIENT_H

#include "front.h"

#include <arpa/inet.h>

#include "kore.h"

typedef enum ClientState
{
	READING_HEAD,				/* also: idle, when nothing has arrived */
	READING_BODY,
	WORKING,					/* with the database */
	LINGERING					/* answered for good, half closed */
} ClientState;

struct Client
{
	struct connection *c;
	TAILQ_ENTRY(Client) list;
	ClientState state;
	bool		peer_closing;	/* its end of sending was seen */
	bool		closing;		/* close when everything is sent */
	bool		advancing;
	bool		gone;
	int			empty_lines;
	char	   *in;
	uint32_t	in_len;
	uint32_t	in_size;
	size_t		charged;		/* what its body counts among the large ones */
	RequestScan scan;
	Request    *req;
	Job		   *job;
	uint64_t	deadline;		/* ms; of the state, unless WORKING */
	uint64_t	write_deadline; /* ms; while output is pending */
	uint64_t	started;		/* us; when the request was complete */
	Bytes		out;			/* what the socket did not take yet */
	size_t		out_pos;
	char		peer[INET6_ADDRSTRLEN];
};

/* client.c */
extern void client_new(struct connection *c);
extern void client_close(Client *client);
extern void client_continue(Client *client);

/* output.c */
extern void output_send(Client *client, const char *data, size_t len);
extern void output_ready(Client *client);
extern void output_finish(Client *client);

/* listen.c */
extern void listen_start(int fd, int family);
extern void listen_slot_free(void);
extern void listen_stop(void);

#endif
