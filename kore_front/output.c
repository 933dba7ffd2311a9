/*
 * output.c: writing to a socket that may take less than there is.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "output.h"

#include <errno.h>
#include <sys/socket.h>

/* Writes as much as the socket takes. Returns false when the connection is gone. */
static bool
write_some(int fd, const char *data, size_t len, size_t *done)
{
	*done = 0;
	while (*done < len)
	{
		ssize_t		n = send(fd, data + *done, len - *done, MSG_NOSIGNAL);

		if (n > 0)
			*done += (size_t) n;
		else if (n < 0 && errno == EINTR)
			continue;
		else
			return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
	}
	return true;
}

/* Sends, and keeps what the socket does not take. Returns false when the connection is gone. */
bool
output_send(Output *out, int fd, const char *data, size_t len)
{
	size_t		done = 0;

	if (out->kept.len == 0 && !write_some(fd, data, len, &done))
		return false;
	if (done < len)
		bytes_add(&out->kept, data + done, len - done);
	return true;
}

/*
 * The socket can take more of what was kept; out->kept.len is 0 when all has gone. moved: whether any went.
 * Returns false when the connection is gone.
 */
bool
output_ready(Output *out, int fd, bool *moved)
{
	size_t		done;

	if (!write_some(fd, out->kept.data + out->pos, out->kept.len - out->pos, &done))
		return false;
	*moved = done > 0;
	out->pos += done;
	if (out->pos == out->kept.len)
		output_free(out);
	return true;
}

/* Forgets what was kept. */
void
output_free(Output *out)
{
	bytes_free(&out->kept);
	out->pos = 0;
}
