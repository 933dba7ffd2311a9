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

#include <errno.h>
#include <sys/socket.h>

#include "client_answer.h"
#include "client_read.h"
#include "client_state.h"
#include "config.h"
#include "listen.h"

#define SWEEP 500				/* ms */

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
	slow_tell(client->slow, true);
	client->slow = NULL;
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

/* A connection was accepted. */
static void
client_new(struct connection *c)
{
	Client	   *client = client_make(c);

	if (!peer_count_enter(client->peer, &client->counted))
	{
		client_close(client);
		return;
	}
	c->evt.handle = client_event;
	kore_platform_event_all(c->fd, c);
}

/* ---- time limits ---- */

static void
sweep(void *arg, u_int64_t now)
{
	Client	   *client;
	Client	   *next;

	(void) arg;
	for (client = TAILQ_FIRST(&client_all); client != NULL; client = next)
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
		{
			client_refuse(client, 408);
			client_continue(client);
		}
	}
}

/* Closes connections that have nothing to do, at most so many. Returns how many have gone. */
static int
make_room(int wanted)
{
	int			gone = 0;

	for (int tries = 4 * wanted; tries > 0 && gone < wanted; tries--)
	{
		Client	   *client = client_least_missed();

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

	for (client = TAILQ_FIRST(&client_all); client != NULL; client = next)
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
