/*
 * client_state.h: what is kept of a client connection.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_CLIENT_STATE_H
#define WAZO_AUTH_FRONT_CLIENT_STATE_H

#include <netinet/in.h>

#include "chunked.h"
#include "lanes.h"
#include "output.h"
#include "peer_count.h"
#include "request.h"
#include "slow.h"

#define READ_FIRST 4096			/* first size of the buffer; kept while idle only if not larger */

typedef enum ClientState
{
	READING_HEAD,				/* also: idle, when nothing has arrived */
	READING_BODY,
	WORKING,					/* with the database */
	LINGERING					/* answered for good, half closed */
} ClientState;

/* What it waits for without being worked for; those that wait may go when the table is full. */
typedef enum ClientWait
{
	CLIENT_BUSY,				/* nothing: its request is read or worked on */
	CLIENT_FRESH,				/* without a complete request so far, or lingering */
	CLIENT_IDLE					/* between two requests */
} ClientWait;

TAILQ_HEAD(client_list, Client);

typedef struct Client
{
	struct connection *c;
	TAILQ_ENTRY(Client) list;
	ClientWait	waiting;		/* which of the lists it is in */
	TAILQ_ENTRY(Client) wait;
	ClientState state;
	bool		peer_closing;	/* its end of sending was seen */
	bool		closing;		/* close when everything is sent */
	bool		gone;
	int			empty_lines;
	char	   *in;
	uint32_t	in_len;
	uint32_t	in_size;
	size_t		charged;		/* what its body counts among the large ones */
	RequestScan scan;
	Chunked		chunked;
	Request    *req;
	Job		   *job;
	uint64_t	deadline;		/* ms; of the state, unless WORKING */
	uint64_t	write_deadline; /* ms; while output is pending */
	uint64_t	started;		/* us; when the request was complete */
	uint64_t	sent;			/* us; when it went to the database, last */
	int			lane;			/* that has it; -1: none */
	bool		quick_only;		/* it has it as long as the answer is quick to make */
	Output		out;
	SlowNote   *slow;			/* of the answer in it, or NULL */
	PeerCount  *counted;		/* among its peer's connections, or NULL */
	char		peer[INET6_ADDRSTRLEN];
} Client;

extern struct client_list client_all;
extern bool client_draining;	/* the worker ends: no connection stays for another request */

extern Client *client_make(struct connection *c);
extern void client_close(Client *client);
extern void client_wait(Client *client, ClientWait wait);
extern Client *client_least_missed(void);
extern bool client_charge(Client *client, size_t len);
extern void client_discharge(Client *client);

#endif
