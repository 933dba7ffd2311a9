/*
 * client.c: client connections: reading, answering, time limits.
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

#include "call.h"
#include "chunked.h"
#include "config.h"
#include "lanes.h"
#include "listen.h"
#include "log.h"
#include "output.h"
#include "peer.h"
#include "request.h"
#include "response.h"
#include "route.h"

#define READ_FIRST 4096			/* first size of the buffer; kept while idle only if not larger */
#define READ_HEAD_MOST (REQUEST_MAX_LINE + REQUEST_MAX_HEADER_BLOCK + 512)
#define SWEEP 500				/* ms */
#define BATCHED_MOST 4096		/* bytes of a request that may go with others to the database */
#define EMPTY_LINES_MOST 4
#define LINGER 2000				/* ms to read and ignore what a refused client still sends */
#define LARGE_BODY (64 * 1024)
#define LARGE_BODIES_MOST (64 * 1024 * 1024)	/* bytes of large bodies that a worker holds at a time */

typedef enum ClientState
{
	READING_HEAD,				/* also: idle, when nothing has arrived */
	READING_BODY,
	WORKING,					/* with the database */
	LINGERING					/* answered for good, half closed */
} ClientState;

TAILQ_HEAD(client_list, Client);

typedef struct Client
{
	struct connection *c;
	TAILQ_ENTRY(Client) list;
	struct client_list *waiting;	/* which of the two lists it is in */
	TAILQ_ENTRY(Client) wait;
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
	Chunked		chunked;
	Request    *req;
	Job		   *job;
	uint64_t	deadline;		/* ms; of the state, unless WORKING */
	uint64_t	write_deadline; /* ms; while output is pending */
	uint64_t	started;		/* us; when the request was complete */
	Output		out;
	char		peer[INET6_ADDRSTRLEN];
} Client;

static struct client_list clients = TAILQ_HEAD_INITIALIZER(clients);

/* Those that may go when the table is full, the oldest first: without a complete request so far; between two. */
static struct client_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
static struct client_list idle = TAILQ_HEAD_INITIALIZER(idle);
static u_int32_t n_fresh;
static bool draining;
static size_t large_bodies;
static Bytes response;			/* scratch, reused */

static void client_read(Client *client);
static void client_continue(Client *client);
static void client_event(void *arg, int error);

/* Puts a connection at the end of one of the two lists, or out of both. */
static void
set_waiting(Client *client, struct client_list *list)
{
	if (client->waiting != NULL)
		TAILQ_REMOVE(client->waiting, client, wait);
	n_fresh += (list == &fresh);
	n_fresh -= (client->waiting == &fresh);
	client->waiting = list;
	if (list != NULL)
		TAILQ_INSERT_TAIL(list, client, wait);
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
	set_waiting(client, NULL);
	if (client->job != NULL)
		lane_abandon(client->job);
	client->job = NULL;
	large_bodies -= client->charged;
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
static void
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
	set_waiting(client, &fresh);
	kore_platform_event_all(c->fd, c);
}

/* ---- answering ---- */

/* Name of the client for the access log: what proxies say, but nothing that could be taken for another field. */
static const char *
log_peer(const Client *client)
{
	static char name[PEER_SIZE + 1];
	size_t		len;

	if (client->req == NULL)
		return client->peer;
	len = peer_address(client->req, client->in, front_config.num_proxies, client->peer, name);
	if (len > 64)
		len = 64;
	for (size_t i = 0; i < len; i++)
	{
		char		c = name[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			  c == '.' || c == ':' || c == '-' || c == '%' || c == '[' || c == ']'))
			name[i] = '_';
	}
	name[len] = '\0';
	return name;
}

/* Ends a connection whose last answer has been sent. */
static void
client_finish(Client *client)
{
	/*
	 * Closing with unread input makes the kernel send a reset, which can destroy the answer before the client has read
	 * it. So only our direction is closed, and the rest of the input is read for a while.
	 */
	(void) shutdown(client->c->fd, SHUT_WR);
	client->state = LINGERING;
	set_waiting(client, &fresh);
	client->deadline = kore_time_ms() + LINGER;
	client->in_len = 0;
	client->c->evt.flags |= KORE_EVENT_READ;
}

/* Sends, or begins to. The connection may be gone afterwards. */
static void
client_send(Client *client, const char *data, size_t len)
{
	bool		pending = client->out.kept.len > 0;

	if (!output_send(&client->out, client->c->fd, data, len))
		client_close(client);
	else if (!pending && client->out.kept.len > 0)
		client->write_deadline = kore_time_ms() + front_config.body_timeout;
}

/* Sends what is in the scratch buffer as the answer to the current request, and goes on with the next one. */
static void
client_answered(Client *client, int status, bool close)
{
	const Request *req = client->req;

	log_access(log_peer(client), req, client->in, status, response.len,
			   client->started != 0 ? front_time_us() - client->started : 0);
	client->job = NULL;
	client->started = 0;
	large_bodies -= client->charged;
	client->charged = 0;
	if (!close)
	{
		/* Keep what was pipelined behind the request; wipe the rest, it may hold a password. */
		uint32_t	used = req->head_len + (uint32_t) req->body_len;
		uint32_t	rest = client->in_len - used;

		memmove(client->in, client->in + used, rest);
		explicit_bzero(client->in + rest, used);
		client->in_len = rest;
		if (rest == 0 && client->in_size > READ_FIRST)
		{
			free(client->in);
			client->in = NULL;
			client->in_size = 0;
		}
		client->state = READING_HEAD;
		set_waiting(client, &idle);
		client->deadline = kore_time_ms() + (rest > 0 ? front_config.header_timeout : front_config.keepalive_timeout);
	}
	memset(&client->scan, 0, sizeof(client->scan));
	client->empty_lines = 0;
	client->closing = close;
	client_send(client, response.data, response.len);
	if (client->gone)
		return;
	if (close)
	{
		if (client->in_len > 0)
			explicit_bzero(client->in, client->in_len);
		if (client->out.kept.len == 0)
			client_finish(client);
		else
			client->state = LINGERING;
		set_waiting(client, &fresh);
	}
	if (!client->advancing)
		client_continue(client);
}

/* An answer of the front to a request that was read whole. */
static void
client_answer_error(Client *client, int status)
{
	bool		close = !client->req->keep_alive || draining || client->peer_closing;

	response.len = 0;
	response_error(&response, client->req, client->in, status, status == 503, close);
	client_answered(client, status, close);
}

/* The database's answer, in binary format. */
static void
client_answer_row(void *owner, const char *row, size_t len)
{
	Client	   *client = owner;
	bool		close = !client->req->keep_alive || draining;
	int			status;

	response.len = 0;
	status = response_from_row(&response, client->req, client->in, row, len, close);
	if (status == 0)
	{
		front_log(LOG_ERR, "wazo_auth.http_response has a layout that this front does not know");
		client_answer_error(client, 500);
		return;
	}
	client_answered(client, status, close);
	if (response.size > 1024 * 1024)
		bytes_free(&response);
}

/* The database has none. */
static void
client_answer_failure(void *owner, JobFailure failure)
{
	static const int status[] = {[JOB_UNAVAILABLE] = 503, [JOB_LATE] = 504, [JOB_BROKEN] = 500};

	client_answer_error(owner, status[failure]);
}

/* Refuses what cannot be read any further; the connection ends. */
static void
client_refuse(Client *client, int status)
{
	Request    *req = client->req;

	/* A request whose head was not understood must not be read as one. */
	response.len = 0;
	response_error(&response, req, client->in, status, status == 503, true);
	client_answered(client, status, true);
}

/* ---- reading ---- */

/* The request as it was sent. address: PEER_SIZE bytes that it points to. */
static Call
client_call(const Client *client, char *address)
{
	const Request *req = client->req;

	return (Call) {
				   .req = req,
				   .buf = client->in,
				   .body = client->in + req->head_len,
				   .peer = address,
				   .peer_len = peer_address(req, client->in, front_config.num_proxies, client->peer, address)
		};
}

/* What the database is asked. */
static void
client_parameters(void *owner, DbParameters *p)
{
	static char address[PEER_SIZE];
	Call		call = client_call(owner, address);

	call_parameters(p, &call);
}

/* The same for several. */
static void
client_batch_parameters(void *const *owners, int n, DbParameters *p)
{
	char		address[PEER_SIZE];

	call_batch_start();
	for (int i = 0; i < n; i++)
	{
		Call		call = client_call(owners[i], address);

		call_batch_add(&call);
	}
	call_batch_parameters(p);
}

static const JobCalls job_calls = {
	.parameters = client_parameters,
	.batch_parameters = client_batch_parameters,
	.batch_answers = call_batch_answers,
	.batch_next = call_batch_next,
	.answered = client_answer_row,
	.failed = client_answer_failure
};

static void
reserve_input(Client *client, size_t size)
{
	if (client->in_size >= size)
		return;
	client->in = realloc(client->in, size);
	if (client->in == NULL)
	{
		front_log(LOG_CRIT, "out of memory");
		_exit(1);
	}
	client->in_size = (uint32_t) size;
}

/* Empty lines before a request line are ignored, a few of them (RFC 9112, 2.2). */
static bool
skip_empty_lines(Client *client)
{
	while (client->in_len >= 2 && client->in[0] == '\r' && client->in[1] == '\n')
	{
		if (++client->empty_lines > EMPTY_LINES_MOST)
			return false;
		client->in_len -= 2;
		memmove(client->in, client->in + 2, client->in_len);
		client->scan.pos = 0;
	}
	return true;
}

static void
submit(Client *client)
{
	const Request *req = client->req;
	static const LaneId lane[] = {[ROUTE_FAST] = LANE_FAST, [ROUTE_LOGIN] = LANE_LOGIN, [ROUTE_OTHER] = LANE_SLOW};
	char		address[PEER_SIZE];
	FairKey		peer;
	const RequestHeader *tenant;

	client->state = WORKING;
	client->started = front_time_us();
	peer = fair_key(address, peer_address(req, client->in, front_config.num_proxies, client->peer, address));
	tenant = request_header(req, client->in, "Wazo-Tenant");
	if (tenant != NULL)
		fair_key_set_tenant(&peer, client->in + tenant->value, tenant->value_len);
	client->job = lanes_submit(lane[route_class(req, client->in)], &peer, route_is_repeatable(req, client->in),
							   req->head_len + req->body_len <= BATCHED_MOST, &job_calls, client);
	if (client->job == NULL)
		client_answer_error(client, 503);
}

/* Reads a head that may be complete. Returns false when there is nothing to do before more arrives. */
static bool
read_head(Client *client)
{
	Request    *req = client->req;
	int			r;

	if (client->scan.lines == 0)
	{
		if (req != NULL)
		{
			/* what is left of the last request is nothing for the answer to this one */
			memset(req, 0, offsetof(Request, headers));
			req->origin = req->traceparent = -1;
		}
		if (!skip_empty_lines(client))
		{
			client_refuse(client, 400);
			return false;
		}
		if (client->in_len == 0 || (client->in_len == 1 && client->in[0] == '\r'))
			return false;
	}
	if (req == NULL)
	{
		req = client->req = calloc(1, sizeof(Request));
		if (req == NULL)
		{
			client_close(client);
			return false;
		}
		req->origin = req->traceparent = -1;
	}
	r = request_scan(&client->scan, client->in, client->in_len);
	if (r == REQUEST_MORE)
		return false;
	if (r == REQUEST_READY)
		r = request_parse(req, client->in, client->scan.pos, front_config.max_body);
	if (r != REQUEST_READY)
	{
		client_refuse(client, r);
		return false;
	}
	client->state = READING_BODY;
	set_waiting(client, NULL);
	client->deadline = kore_time_ms() + front_config.body_timeout;
	memset(&client->chunked, 0, sizeof(client->chunked));
	if (req->expect_continue && client->in_len == req->head_len)
	{
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

		client_send(client, go_on, sizeof(go_on) - 1);
	}
	return true;
}

/* Counts a body among the large ones when it is one. Returns false when there is no room for it. */
static bool
charge_body(Client *client, size_t len)
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

/* Decodes what has arrived of a chunked body. Returns whether it is complete; refuses what is wrong. */
static bool
decode_body(Client *client)
{
	Request    *req = client->req;
	size_t		body_len = req->body_len;
	size_t		len = client->in_len - req->head_len;
	int			r = chunked_decode(&client->chunked, client->in + req->head_len, &body_len, &len,
								   front_config.max_body);

	req->body_len = body_len;
	client->in_len = req->head_len + (uint32_t) len;
	if (r == CHUNKED_MORE && !charge_body(client, body_len))
		r = 503;
	if (r != CHUNKED_MORE && r != CHUNKED_DONE)
		client_refuse(client, r);
	return r == CHUNKED_DONE;
}

/* Reads a body that may be complete. Returns false when there is nothing to do before more arrives. */
static bool
read_body(Client *client)
{
	Request    *req = client->req;
	size_t		total = req->head_len + req->body_len;

	if (req->chunked)
	{
		if (!decode_body(client))
			return false;
	}
	else if (client->in_len < total)
	{
		if (charge_body(client, req->body_len))
			reserve_input(client, total);
		else
			client_refuse(client, 503);
		return false;
	}
	submit(client);
	return true;
}

/* Does with the buffered input what can be done with it. */
static void
process_input(Client *client)
{
	bool		more = true;

	client->advancing = true;
	while (more && !client->gone && client->out.kept.len == 0)
	{
		if (client->state == READING_HEAD)
			more = client->in_len > 0 && read_head(client);
		else if (client->state == READING_BODY)
			more = read_body(client);
		else
			more = false;
	}
	client->advancing = false;
}

/* Throws away what comes after the last answer, until the client closes. */
static void
discard(Client *client)
{
	char		waste[16384];

	for (;;)
	{
		ssize_t		n = recv(client->c->fd, waste, sizeof(waste), 0);

		if (n > 0)
			continue;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			client->c->evt.flags &= ~KORE_EVENT_READ;
		else
			client_close(client);
		return;
	}
}

/* Reads while there is something to read and room for it, one request at a time. */
static void
client_read(Client *client)
{
	while (!client->gone && (client->c->evt.flags & KORE_EVENT_READ) && client->out.kept.len == 0)
	{
		size_t		room;
		ssize_t		n;

		if (client->state == LINGERING)
		{
			discard(client);
			return;
		}
		if (client->state == WORKING)
			return;
		if (client->in_len == client->in_size)
		{
			size_t		size = client->in_size == 0 ? READ_FIRST : (size_t) client->in_size * 2;

			if (client->state == READING_HEAD && size > READ_HEAD_MOST && client->in_size < READ_HEAD_MOST)
				size = READ_HEAD_MOST;
			reserve_input(client, size);
		}
		room = client->in_size - client->in_len;
		n = recv(client->c->fd, client->in + client->in_len, room, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		{
			client->c->evt.flags &= ~KORE_EVENT_READ;
			return;
		}
		if (n <= 0)
		{
			client_close(client);	/* also in the middle of a request: nobody is left to tell */
			return;
		}
		if (client->in_len == 0 && client->waiting == &idle)
			client->deadline = kore_time_ms() + front_config.header_timeout;
		client->in_len += (uint32_t) n;

		/*
		 * Less than asked for: the socket is empty, and epoll will tell when that changes. Unless the end was seen
		 * already, for that is not told twice.
		 */
		if ((size_t) n < room && !client->peer_closing)
			client->c->evt.flags &= ~KORE_EVENT_READ;
		process_input(client);
	}
}

/* Goes on after an answer: with what is buffered, then with what the socket has. */
static void
client_continue(Client *client)
{
	process_input(client);
	client_read(client);
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
	Client	   *client = TAILQ_FIRST(n_fresh > worker_max_connections / 4 ? &fresh : &idle);

	return client != NULL ? client : TAILQ_FIRST(&fresh);
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
		if (!client->gone && client->waiting != NULL && client->out.kept.len == 0)
			client_close(client);
		else if (!client->gone && client->waiting != NULL)
			set_waiting(client, client->waiting);	/* it still takes its answer */
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
			discard(client);
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

	draining = true;
	listen_stop();
	while (close_idle() > 0 && kore_time_ms() < end)
	{
		kore_platform_event_wait(20);
		kore_timer_run(kore_time_ms());
		kore_connection_prune(KORE_CONNECTION_PRUNE_DISCONNECT);
	}
	kore_connection_prune(KORE_CONNECTION_PRUNE_ALL);
}
