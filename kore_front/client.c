/*
 * client.c: client connections: coming, going, time limits.
 *
 * A connection has one request in work at a time; what a client pipelines behind it waits in the buffer or in the
 * kernel, so answers come in order and memory stays bounded. The request stays in the connection's buffer until it is
 * answered, and nobody copies it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client_state.h"
#include "config.h"
#include "listen.h"
#include "log.h"

#define SWEEP 500				/* ms */

static struct client_list clients = TAILQ_HEAD_INITIALIZER(clients);

/* Those that may go when the table is full, the oldest first. */
static struct client_list waiting[] = {
	[CLIENT_FRESH] = TAILQ_HEAD_INITIALIZER(waiting[CLIENT_FRESH]),
	[CLIENT_IDLE] = TAILQ_HEAD_INITIALIZER(waiting[CLIENT_IDLE])
};
static u_int32_t n_fresh;
bool		client_draining;

static void client_event(void *arg, int error);

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

/* Called by Kore when a connection goes; the struct itself is freed by Kore at the end of the loop turn. */
static void
client_gone(struct connection *c)
{
	Client	   *client = c->hdlr_extra;

	if (client == NULL || client->gone)
		return;
	client->gone = true;
	TAILQ_REMOVE(&clients, client, list);
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

/* A connection was accepted. */
static void
client_new(struct connection *c)
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
	c->evt.handle = client_event;
	c->evt.flags = 0;
	c->proto = CONN_PROTO_UNKNOWN;
	c->idle_timer.length = UINT64_MAX;	/* the time limits are ours */
	TAILQ_INSERT_TAIL(&clients, client, list);
	client_wait(client, CLIENT_FRESH);
	kore_platform_event_all(c->fd, c);
}

/* The socket takes more of what is to be sent. */
static void
client_writable(Client *client)
{
	bool		moved;

	if (!output_ready(&client->out, client->c->fd, &moved))
	{
		client_close(client);
		return;
	}
	if (moved)
		client->write_deadline = kore_time_ms() + front_config.body_timeout;
	if (client->out.kept.len > 0)
		return;
	if (client->closing)
		client_finish(client);
	else if (client->state != WORKING)
		client_continue(client);
}

static void
client_event(void *arg, int error)
{
	struct connection *c = arg;
	Client	   *client = c->hdlr_extra;
	bool		writable = (c->evt.flags & KORE_EVENT_WRITE) != 0;

	c->evt.flags &= ~KORE_EVENT_WRITE;
	if (c->state == CONN_STATE_DISCONNECTING || client->gone)
		return;
	if (error)
	{
		char		byte;

		client->peer_closing = true;
		c->evt.flags |= KORE_EVENT_READ;
		/* A client that has only finished sending still gets its answer; one that is gone needs none. */
		if (client->state == WORKING && recv(c->fd, &byte, 1, MSG_PEEK) < 0 && errno != EAGAIN && errno != EINTR)
		{
			client_close(client);
			return;
		}
	}
	if (writable && client->out.kept.len > 0)
		client_writable(client);
	client_read(client);
}

/* ---- time limits ---- */

static void
sweep(void *arg, u_int64_t now)
{
	Client	   *client;
	Client	   *next;

	(void) arg;
	for (client = TAILQ_FIRST(&clients); client != NULL; client = next)
	{
		next = TAILQ_NEXT(client, list);
		if (client->out.kept.len > 0)
		{
			if (now >= client->write_deadline)
				client_close(client);
		}
		else if (client->state == WORKING || now < client->deadline)
			continue;
		else if (client->state == LINGERING || client->in_len == 0)
			client_close(client);
		else
			client_refuse(client, 408);
	}
}

/*
 * Who goes first when the table is full. New clients have a quarter of it, whoever is there already; beyond that they
 * take each other's place, so that a flood of them drives out nobody who has been of use.
 */
static Client *
least_missed(void)
{
	Client	   *client = TAILQ_FIRST(&waiting[n_fresh > worker_max_connections / 4 ? CLIENT_FRESH : CLIENT_IDLE]);

	return client != NULL ? client : TAILQ_FIRST(&waiting[CLIENT_FRESH]);
}

/* Closes connections that have nothing to do, at most so many. Returns how many have gone. */
static int
make_room(int wanted)
{
	int			gone = 0;

	for (int tries = 4 * wanted; tries > 0 && gone < wanted; tries--)
	{
		Client	   *client = least_missed();

		if (client == NULL)
			break;
		/* A request may have arrived just now. */
		client->c->evt.flags |= KORE_EVENT_READ;
		client_read(client);
		if (!client->gone && client->waiting != CLIENT_BUSY && client->out.kept.len == 0)
			client_close(client);
		else if (!client->gone && client->waiting != CLIENT_BUSY)
			client_wait(client, client->waiting);	/* it still takes its answer */
		gone += client->gone;
	}
	return gone;
}

/*
 * Starts to serve. fd: a listening, non-blocking socket, shared by all workers. family: AF_INET or AF_INET6.
 */
void
client_listen(int fd, int family)
{
	(void) kore_timer_add(sweep, SWEEP, NULL, 0);
	listen_start(fd, family, client_new, make_room);
}

/* Closes the connections that wait for a request. Returns how many others there are. */
static int
close_idle(void)
{
	Client	   *client;
	Client	   *next;
	int			busy = 0;

	for (client = TAILQ_FIRST(&clients); client != NULL; client = next)
	{
		next = TAILQ_NEXT(client, list);
		if (client->state == LINGERING && client->out.kept.len == 0)
		{
			client_discard(client);
			client_close(client);
			continue;
		}
		if (client->state == READING_HEAD && client->in_len == 0 && client->out.kept.len == 0)
		{
			/* A request may have arrived just now. */
			client->c->evt.flags |= KORE_EVENT_READ;
			client_read(client);
			if (client->gone)
				continue;
			if (client->state == READING_HEAD && client->in_len == 0 && client->out.kept.len == 0)
			{
				client_close(client);
				continue;
			}
		}
		busy++;
	}
	return busy;
}

/*
 * The end of a worker: no new connections, but those that wait in the kernel's queue; open requests are answered, for
 * at most drain_timeout; then everything is closed.
 */
void
client_drain(void)
{
	uint64_t	end = kore_time_ms() + front_config.drain_timeout;

	client_draining = true;
	listen_stop();
	while (close_idle() > 0 && kore_time_ms() < end)
	{
		kore_platform_event_wait(20);
		kore_timer_run(kore_time_ms());
		kore_connection_prune(KORE_CONNECTION_PRUNE_DISCONNECT);
	}
	kore_connection_prune(KORE_CONNECTION_PRUNE_ALL);
}
