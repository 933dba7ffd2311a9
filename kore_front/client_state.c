/*
 * client_state.c: what is kept of client connections: which there are, what they wait for, and how one goes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "client_state.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "listen.h"

#define LARGE_BODY (64 * 1024)
#define LARGE_BODIES_MOST (64 * 1024 * 1024)	/* bytes of large bodies that a worker holds at a time */

struct client_list client_all = TAILQ_HEAD_INITIALIZER(client_all);

/* Those that may go when the table is full, the oldest first. */
static struct client_list waiting[] = {
	[CLIENT_FRESH] = TAILQ_HEAD_INITIALIZER(waiting[CLIENT_FRESH]),
	[CLIENT_IDLE] = TAILQ_HEAD_INITIALIZER(waiting[CLIENT_IDLE])
};
static u_int32_t n_fresh;
bool		client_draining;
static size_t large_bodies;		/* bytes of them that the worker holds */

/* Says what a connection waits for; it is then the youngest of those that do. */
void
client_wait(Client *client, ClientWait wait)
{
	if (client->waiting != CLIENT_BUSY)
		TAILQ_REMOVE(&waiting[client->waiting], client, wait);
	n_fresh += (wait == CLIENT_FRESH);
	n_fresh -= (client->waiting == CLIENT_FRESH);
	client->waiting = wait;
	if (wait != CLIENT_BUSY)
		TAILQ_INSERT_TAIL(&waiting[wait], client, wait);
}

/*
 * Who goes first when the table is full. New clients have a quarter of it, whoever is there already; beyond that they
 * take each other's place, so that a flood of them drives out nobody who has been of use.
 */
Client *
client_least_missed(void)
{
	Client	   *client = TAILQ_FIRST(&waiting[n_fresh > worker_max_connections / 4 ? CLIENT_FRESH : CLIENT_IDLE]);

	return client != NULL ? client : TAILQ_FIRST(&waiting[CLIENT_FRESH]);
}

/* Its body counts no more. */
void
client_discharge(Client *client)
{
	large_bodies -= client->charged;
	client->charged = 0;
}

/* Counts a body among the large ones when it is one. Returns false when there is no room for it. */
bool
client_charge(Client *client, size_t len)
{
	size_t		others = large_bodies - client->charged;

	if (len <= LARGE_BODY)
		return true;
	if (others + len > LARGE_BODIES_MOST + front_config.max_body)
		return false;
	large_bodies = others + len;
	client->charged = len;
	return true;
}

/* Called by Kore when a connection goes; the struct itself is freed by Kore at the end of the loop turn. */
static void
client_gone(struct connection *c)
{
	Client	   *client = c->hdlr_extra;

	if (client == NULL || client->gone)
		return;
	client->gone = true;
	TAILQ_REMOVE(&client_all, client, list);
	peer_count_leave(client->counted);
	client_wait(client, CLIENT_BUSY);
	if (client->job != NULL)
		lane_abandon(client->job);
	client->job = NULL;
	client_discharge(client);
	if (client->in != NULL)
		explicit_bzero(client->in, client->in_len);
	free(client->in);
	client->in = NULL;
	free(client->req);
	client->req = NULL;
	slow_tell(client->slow, false);
	client->slow = NULL;
	output_free(&client->out);
	listen_slot_free();
}

/* Closes a connection; the struct lives on until the end of the loop turn. */
void
client_close(Client *client)
{
	if (!client->gone)
		kore_connection_disconnect(client->c);
}

/*
 * What is kept of a connection that was accepted. Who calls sets the handler of its events, and begins to watch them.
 */
Client *
client_make(struct connection *c)
{
	Client	   *client = kore_calloc(1, sizeof(Client));

	client->c = c;
	client->lane = -1;
	client->deadline = kore_time_ms() + front_config.header_timeout;
	switch (c->family)
	{
		case AF_INET:
			inet_ntop(AF_INET, &c->addr.ipv4.sin_addr, client->peer, sizeof(client->peer));
			break;
		case AF_INET6:
			inet_ntop(AF_INET6, &c->addr.ipv6.sin6_addr, client->peer, sizeof(client->peer));
			break;
		default:
			strcpy(client->peer, "local");
			break;
	}
	c->hdlr_extra = client;
	c->disconnect = client_gone;
	c->evt.flags = 0;
	c->proto = CONN_PROTO_UNKNOWN;
	c->idle_timer.length = UINT64_MAX;	/* the time limits are ours */
	TAILQ_INSERT_TAIL(&client_all, client, list);
	client_wait(client, CLIENT_FRESH);
	return client;
}
