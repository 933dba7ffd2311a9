/*
 * output.c: writing to clients, and the end of a connection.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "client.h"

#include <errno.h>
#include <sys/socket.h>

#define LINGER 2000				/* ms to read and ignore what a refused client still sends */

/* Ends a connection whose last answer has been sent. */
void
output_finish(Client *client)
{
	/*
	 * Closing with unread input makes the kernel send a reset, which can destroy the answer before the client has
	 * read it. So only our direction is closed, and the rest of the input is read for a while.
	 */
	(void) shutdown(client->c->fd, SHUT_WR);
	client->state = LINGERING;
	client->deadline = kore_time_ms() + LINGER;
	client->in_len = 0;
	client->c->evt.flags |= KORE_EVENT_READ;
}

/* Writes as much as the socket takes. Returns false when the connection is gone. */
static bool
write_some(Client *client, const char *data, size_t len, size_t *done)
{
	*done = 0;
	while (*done < len)
	{
		ssize_t		n = send(client->c->fd, data + *done, len - *done, MSG_NOSIGNAL);

		if (n > 0)
			*done += (size_t) n;
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return true;
		else
		{
			client_close(client);
			return false;
		}
	}
	return true;
}

/* Sends, and keeps what the socket does not take. The connection may be gone afterwards. */
void
output_send(Client *client, const char *data, size_t len)
{
	size_t		done = 0;

	if (client->out.len == 0 && !write_some(client, data, len, &done))
		return;
	if (done < len)
	{
		if (client->out.len == 0)
			client->write_deadline = kore_time_ms() + front_config.body_timeout;
		bytes_add(&client->out, data + done, len - done);
	}
}

/* The socket can take more of what was kept. */
void
output_ready(Client *client)
{
	size_t		done;

	if (!write_some(client, client->out.data + client->out_pos, client->out.len - client->out_pos, &done))
		return;
	client->out_pos += done;
	if (done > 0)
		client->write_deadline = kore_time_ms() + front_config.body_timeout;
	if (client->out_pos < client->out.len)
		return;
	bytes_free(&client->out);
	client->out_pos = 0;
	if (client->closing)
		output_finish(client);
	else if (client->state != WORKING)
		client_continue(client);
}
