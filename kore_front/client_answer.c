/*
 * client_answer.c: answering a client: what is sent, what is logged, and what comes after.
 *
 * An answer leaves its connection ready for the next request, or closed for one; who has it sent goes on with it
 * (client_continue()).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "client_answer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "access_log.h"
#include "config.h"
#include "elapsed.h"
#include "lanes.h"
#include "log.h"
#include "metrics.h"
#include "peer.h"
#include "response.h"
#include "slow.h"

#define LARGE (64 * 1024)		/* bytes of an answer that a socket may not take at once */
#define LINGER 2000				/* ms to read and ignore what a refused client still sends */

static Bytes response;			/* scratch, reused */

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
void
client_finish(Client *client)
{
	/*
	 * Closing with unread input makes the kernel send a reset, which can destroy the answer before the client has read
	 * it. So only our direction is closed, and the rest of the input is read for a while.
	 */
	(void) shutdown(client->c->fd, SHUT_WR);
	client->state = LINGERING;
	client_wait(client, CLIENT_FRESH);
	client->deadline = kore_time_ms() + LINGER;
	client->in_len = 0;
	client->c->evt.flags |= KORE_EVENT_READ;
}

/* Sends, or begins to. The connection may be gone afterwards. */
void
client_send(Client *client, const char *data, size_t len)
{
	bool		pending = client->out.kept.len > 0;

	if (!output_send(&client->out, client->c->fd, data, len))
		client_close(client);
	else if (!pending && client->out.kept.len > 0)
		client->write_deadline = kore_time_ms() + front_config.body_timeout;
}

/* The access log, the metrics, and a note of a request that took long, or may take long to be sent. */
static void
tell_answered(Client *client, RouteName route, int status)
{
	SlowTimes	times = {client->started, client->sent, front_time_us()};
	uint64_t	took = times.started != 0 ? times.answered - times.started : 0;

	access_log(log_peer(client), client->req, client->in, route, status, response.len, took);
	metrics_request(client->lane, client->req, client->in, &route, status, took);
	if (client->lane >= 0 && (took > front_config.slow_request * 1000 || response.len > LARGE))
		client->slow = slow_note(client->req, client->in, route, status, lanes_name((LaneId) client->lane), &times);
}

/*
 * Sends what is in the scratch buffer as the answer to the current request, and makes ready for the next one. told: the
 * route that the database has named.
 */
static void
client_answered(Client *client, RouteName told, int status, bool close)
{
	const Request *req = client->req;

	tell_answered(client, route_name(req, client->in, told), status);
	client->job = NULL;
	client->started = client->sent = 0;
	client->lane = -1;
	client_discharge(client);
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
		client_wait(client, CLIENT_IDLE);
		client->deadline = kore_time_ms() + (rest > 0 ? front_config.header_timeout : front_config.keepalive_timeout);
	}
	memset(&client->scan, 0, sizeof(client->scan));
	client->empty_lines = 0;
	client->closing = close;
	client_send(client, response.data, response.len);
	if (client->gone)
		return;
	if (client->out.kept.len == 0)
	{
		slow_tell(client->slow, true);
		client->slow = NULL;
	}
	if (close)
	{
		if (client->in_len > 0)
			explicit_bzero(client->in, client->in_len);
		if (client->out.kept.len == 0)
			client_finish(client);
		else
		{
			client->state = LINGERING;
			client_wait(client, CLIENT_FRESH);
		}
	}
}

/* An answer of the front to a request that was read whole. */
void
client_answer_error(Client *client, int status)
{
	bool		close = !client->req->keep_alive || client_draining || client->peer_closing;

	response.len = 0;
	response_error(&response, client->req, client->in, status, status == 503, close);
	client_answered(client, (RouteName) {NULL, 0}, status, close);
}

/* The database's answer, in binary format. */
void
client_answer_row(Client *client, const char *row, size_t len)
{
	bool		close = !client->req->keep_alive || client_draining;
	RouteName	route = {NULL, 0};
	int			status;

	response.len = 0;
	status = response_from_row(&response, client->req, client->in, row, len, close, &route);
	if (status == 0)
	{
		front_log(LOG_ERR, "wazo_auth.http_response has a layout that this front does not know");
		client_answer_error(client, 500);
		return;
	}
	client_answered(client, route, status, close);
	if (response.size > 1024 * 1024)
		bytes_free(&response);
}

/* The database has none. */
void
client_answer_failure(Client *client, JobFailure failure)
{
	static const int status[] = {[JOB_UNAVAILABLE] = 503, [JOB_LATE] = 504, [JOB_BROKEN] = 500};

	client_answer_error(client, status[failure]);
}

/* Refuses what cannot be read any further; the connection ends. */
void
client_refuse(Client *client, int status)
{
	Request    *req = client->req;

	/* A request whose head was not understood must not be read as one. */
	response.len = 0;
	response_error(&response, req, client->in, status, status == 503, true);
	client_answered(client, (RouteName) {NULL, 0}, status, true);
}
