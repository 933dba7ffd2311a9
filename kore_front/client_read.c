/*
 * client_read.c: reading a client's requests, and handing them on to the database.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "client_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.h"
#include "client_answer.h"
#include "config.h"
#include "elapsed.h"
#include "log.h"
#include "peer.h"
#include "response.h"
#include "route.h"

#define READ_HEAD_MOST (REQUEST_MAX_LINE + REQUEST_MAX_HEADER_BLOCK + 512)
#define BATCHED_MOST 4096		/* bytes of a request that may go with others to the database */
#define EMPTY_LINES_MOST 4

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
				   .peer_len = peer_address(req, client->in, front_config.num_proxies, client->peer, address),
				   .quick_only = client->quick_only
		};
}

/* A request goes to the database. */
static void
note_sent(void *owner)
{
	((Client *) owner)->sent = front_time_us();
}

/* What the database is asked. */
static void
client_parameters(void *owner, DbParameters *p)
{
	static char address[PEER_SIZE];
	Call		call = client_call(owner, address);

	note_sent(owner);
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

		note_sent(owners[i]);
		call_batch_add(&call);
	}
	call_batch_parameters(p);
}

static void job_answered(void *owner, const char *value, size_t len);

static void
job_failed(void *owner, JobFailure failure)
{
	client_answer_failure(owner, failure);
	client_continue(owner);
}

static const JobCalls job_calls = {
	.parameters = client_parameters,
	.batch_parameters = client_batch_parameters,
	.batch_answers = call_batch_answers,
	.batch_next = call_batch_next,
	.answered = job_answered,
	.failed = job_failed
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

/* Has a lane work at the request. */
static void
submit(Client *client, LaneId lane)
{
	const Request *req = client->req;
	char		address[PEER_SIZE];
	FairKey		peer;
	const RequestHeader *tenant;

	peer = fair_key(address, peer_address(req, client->in, front_config.num_proxies, client->peer, address));
	tenant = request_header(req, client->in, "Wazo-Tenant");
	if (tenant != NULL)
		fair_key_set_tenant(&peer, client->in + tenant->value, tenant->value_len);
	client->lane = lane;
	client->job = lanes_submit(lane, &peer, route_is_repeatable(req, client->in),
							   req->head_len + req->body_len <= BATCHED_MOST, &job_calls, client);
	if (client->job == NULL)
		client_answer_error(client, 503);
}

/* Has the lane for such requests work at it. */
static void
start_work(Client *client)
{
	static const LaneId lane[] = {
		[ROUTE_FAST] = LANE_FAST, [ROUTE_OFTEN_FAST] = LANE_FAST, [ROUTE_LOGIN] = LANE_LOGIN, [ROUTE_OTHER] = LANE_SLOW
	};
	RouteClass	class = route_class(client->req, client->in);

	/* a standby may be behind, and who lists tenants may have made one just now */
	if (class == ROUTE_OFTEN_FAST && front_config.read_database != NULL)
		class = ROUTE_OTHER;
	client->state = WORKING;
	client->started = front_time_us();
	client->quick_only = class == ROUTE_OFTEN_FAST;
	submit(client, lane[class]);
}

/*
 * The fast lane may ask a standby, which says so when it does not know yet of what the client has written (421). The
 * primary knows. So says the database of what is not quick to answer after all, and is no work for this lane.
 */
static bool
is_misdirected(const Client *client, const char *row, size_t len)
{
	return client->lane == LANE_FAST && (front_config.read_database != NULL || client->quick_only) &&
		response_status(row, len) == 421;
}

static void
job_answered(void *owner, const char *value, size_t len)
{
	Client	   *client = owner;

	if (is_misdirected(client, value, len))
	{
		client->quick_only = false;
		submit(client, LANE_SLOW);
	}
	else
		client_answer_row(client, value, len);
	client_continue(client);
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
	client_wait(client, CLIENT_BUSY);
	client->deadline = kore_time_ms() + front_config.body_timeout;
	memset(&client->chunked, 0, sizeof(client->chunked));
	if (req->expect_continue && client->in_len == req->head_len)
	{
		static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

		client_send(client, go_on, sizeof(go_on) - 1);
	}
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
	if (r == CHUNKED_MORE && !client_charge(client, body_len))
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
		if (client_charge(client, req->body_len))
			reserve_input(client, total);
		else
			client_refuse(client, 503);
		return false;
	}
	start_work(client);
	return true;
}

/* Does with the buffered input what can be done with it. */
static void
process_input(Client *client)
{
	bool		more = true;

	while (more && !client->gone && client->out.kept.len == 0)
	{
		if (client->state == READING_HEAD)
			more = client->in_len > 0 && read_head(client);
		else if (client->state == READING_BODY)
			more = read_body(client);
		else
			more = false;
	}
}

/* Throws away what comes after the last answer, until the client closes. */
void
client_discard(Client *client)
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
void
client_read(Client *client)
{
	while (!client->gone && (client->c->evt.flags & KORE_EVENT_READ) && client->out.kept.len == 0)
	{
		size_t		room;
		ssize_t		n;

		if (client->state == LINGERING)
		{
			client_discard(client);
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
		if (client->in_len == 0 && client->waiting == CLIENT_IDLE)
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
void
client_continue(Client *client)
{
	process_input(client);
	client_read(client);
}
