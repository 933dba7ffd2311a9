/*
 * peer.c: who sent a request: the TCP peer, or whom the trusted proxies before us name.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "peer.h"

#include <string.h>
#include <strings.h>

#include "utf8.h"

/*
 * The value at a place, counted from the right from 1, of all X-Forwarded-For lines together, without the blanks
 * around it. Returns NULL when there are fewer.
 */
static const char *
forwarded_for(const Request *req, const char *buf, int place, size_t *len)
{
	for (int i = req->n_headers - 1; i >= 0; i--)
	{
		const RequestHeader *h = &req->headers[i];
		const char *start = buf + h->value;
		const char *end = start + h->value_len;

		if (h->name_len != 15 || strncasecmp(buf + h->name, "X-Forwarded-For", 15) != 0)
			continue;
		for (;;)
		{
			const char *item = end;

			while (item > start && item[-1] != ',')
				item--;
			if (--place == 0)
			{
				while (item < end && (*item == ' ' || *item == '\t'))
					item++;
				while (end > item && (end[-1] == ' ' || end[-1] == '\t'))
					end--;
				*len = (size_t) (end - item);
				return item;
			}
			if (item == start)
				break;
			end = item - 1;
		}
	}
	return NULL;
}

/* The length of UTF-8 text cut to a number of characters. */
static size_t
cut_characters(const char *s, size_t len, size_t most)
{
	size_t		chars = 0;

	for (size_t i = 0; i < len; i++)
		if (((unsigned char) s[i] & 0xc0) != 0x80 && ++chars > most)
			return i;
	return len;
}

/*
 * The client's address as the database shall store it.
 * num_proxies n > 0: the n-th value from the right of all X-Forwarded-For lines together; fewer values, an empty one
 * or n = 0: the TCP peer. No check of its form, as upstream (config.md, section 8). out: PEER_SIZE bytes, gets UTF-8
 * without an end, cut to PEER_MAX characters. Returns its length.
 */
size_t
peer_address(const Request *req, const char *buf, int num_proxies, const char *tcp_peer, char *out)
{
	char		value[2 * REQUEST_MAX_HEADER_BLOCK];
	size_t		len = 0;
	const char *item = num_proxies > 0 ? forwarded_for(req, buf, num_proxies, &len) : NULL;

	if (item == NULL || len == 0)
	{
		len = strlen(tcp_peer);
		memcpy(out, tcp_peer, len);
		return len;
	}
	len = text_to_utf8(item, len, value);
	len = cut_characters(value, len, PEER_MAX);
	memcpy(out, value, len);
	return len;
}
