/*
 * listen.c: accepting connections on the socket that all workers share.
 *
 * Kore's own way hands a lock around between workers, and the one that has it takes all connections until it is full.
 * Here every worker watches the socket, the kernel wakes one of them, and that one takes a few. The kernel wakes the
 * first in its list that sleeps, which would be the same one again and again; so who has taken some goes to the list's
 * end.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "listen.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"

#define ACCEPT_AT_ONCE 4		/* leave some for the other workers */
#define ROOM_LEAST 4			/* how many connections go at once when the table is full: a 64th of it, ... */
#define ROOM_MOST 64			/* ... at most what is closed within a millisecond */
#define ACCEPT_PAUSE 100		/* ms, when file descriptors have run out */
#define FULL_PAUSE 50			/* ms, when all connections are at work */

static struct kore_server server;	/* plain HTTP; Kore looks at the flag only */
static struct listener listener;
static bool accepting;
static bool wanted;
static bool again;				/* accept_again() will be called */
static void (*on_accept) (struct connection *c);
static int	(*on_full) (int wanted);

static void
start_accepting(void)
{
	if (accepting || !wanted)
		return;
	accepting = true;
	/* EPOLLEXCLUSIVE: a new connection wakes one worker, not all. */
	kore_platform_event_schedule(listener.fd, EPOLLIN | (int) EPOLLEXCLUSIVE, 0, &listener);
}

static void
stop_accepting(void)
{
	if (accepting)
		kore_platform_disable_read(listener.fd);
	accepting = false;
}

static void
accept_again(void *arg, u_int64_t now)
{
	(void) arg;
	(void) now;
	again = false;
	start_accepting();
}

/* Accepts again after some milliseconds. */
static void
accept_later(u_int64_t pause)
{
	if (!again)
		(void) kore_timer_add(accept_again, pause, NULL, KORE_TIMER_ONESHOT);
	again = true;
}

/* A connection went. Its slot is free once Kore has counted it out, that is, in the next loop turn. */
void
listen_slot_free(void)
{
	if (!accepting && wanted)
		accept_later(1);
}

/*
 * The table is full and a client waits: the oldest idle connections go, several at once, so that those who wait
 * behind a flood of silent ones soon have their turn. Nothing is accepted until their slots are free, else epoll would
 * report the listener again and again; when all are at work, until a while has passed.
 */
static void
make_room(void)
{
	int			room = (int) worker_max_connections / 64;

	stop_accepting();
	if (room < ROOM_LEAST)
		room = ROOM_LEAST;
	if (wanted && on_full(room > ROOM_MOST ? ROOM_MOST : room) == 0)
		accept_later(FULL_PAUSE);
}

/* Accepts what waits, at most some connections. Returns how many. */
static int
accept_some(int most)
{
	struct connection *c;
	int			i;

	for (i = 0; i < most; i++)
	{
		if (worker_active_connections >= worker_max_connections)
		{
			/* Only who is known to wait is made room for; epoll tells of the next one. */
			if (i == 0)
				make_room();
			break;
		}
		if (!kore_connection_accept(&listener, &c))
		{
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			{
				front_log(LOG_ERR, "cannot accept a connection: %s", strerror(errno));
				stop_accepting();
				accept_later(ACCEPT_PAUSE);
			}
			break;
		}
		on_accept(c);
	}
	return i;
}

static void
listener_event(void *arg, int error)
{
	(void) arg;
	(void) error;
	listener.evt.flags = 0;
	if (accepting && accept_some(ACCEPT_AT_ONCE) > 0 && accepting)
	{
		stop_accepting();
		start_accepting();
	}
}

/*
 * Starts to accept. fd: a listening, non-blocking socket. family: AF_INET or AF_INET6. accepted: gets each connection.
 * room: asked to close so many idle connections, returns how many it has closed.
 */
void
listen_start(int fd, int family, void (*accepted) (struct connection *c), int (*room) (int wanted))
{
	on_accept = accepted;
	on_full = room;
	listener.fd = fd;
	listener.family = family;
	listener.server = &server;
	listener.evt.type = KORE_TYPE_LISTENER;
	listener.evt.handle = listener_event;
	wanted = true;
	start_accepting();
}

/* Accepts what waits in the kernel's queue, then nothing more; clients that come later are refused. */
void
listen_stop(void)
{
	wanted = false;
	if (accepting)
	{
		(void) accept_some((int) worker_max_connections);
		stop_accepting();
	}
	(void) close(listener.fd);
}
