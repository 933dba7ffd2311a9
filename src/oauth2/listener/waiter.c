/*
 * waiter.c
 *	  What the program waits for at relays.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "oauth2/listener/waiter.h"

#define SCHEME	"wss://"

static Waiter *waiters = NULL;

/* Copies len bytes as a string; false when there is no room. */
static bool
copy(char *room, size_t size, const char *from, size_t len)
{
	if (len == 0 || len >= size)
		return false;
	memcpy(room, from, len);
	room[len] = '\0';
	return true;
}

/* wss://host:port/path, where the host may be an address in brackets. */
static bool
parse_url(Waiter *waiter, const char *url)
{
	const char *host = url + strlen(SCHEME);
	const char *path;
	const char *end;

	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0 || (path = strchr(host, '/')) == NULL)
		return false;
	end = *host == '[' ? strchr(host, ']') : host + strcspn(host, ":/");
	if (end == NULL || end > path)
		return false;
	waiter->port = 443;
	if (*host == '[')
	{
		if (!copy(waiter->host, sizeof(waiter->host), host + 1, (size_t) (end - host - 1)))
			return false;
		end++;
	}
	else if (!copy(waiter->host, sizeof(waiter->host), host, (size_t) (end - host)))
		return false;
	if (*end == ':')
		waiter->port = atoi(end + 1);
	else if (end != path)
		return false;
	return waiter->port > 0 && waiter->port < 65536 && copy(waiter->path, sizeof(waiter->path), path, strlen(path));
}

/* A new one, whose key is not there yet; NULL for what cannot be waited for. */
Waiter *
waiter_add(const char *key, const char *url)
{
	Waiter	   *waiter = calloc(1, sizeof(Waiter));

	if (waiter == NULL || waiter_find(key) || !copy(waiter->key, sizeof(waiter->key), key, strlen(key)) ||
		!parse_url(waiter, url))
	{
		free(waiter);
		return NULL;
	}
	waiter->next = waiters;
	waiters = waiter;
	return waiter;
}

/* NULL when there is none of this key. */
Waiter *
waiter_find(const char *key)
{
	for (Waiter *waiter = waiters; waiter; waiter = waiter->next)
		if (strcmp(waiter->key, key) == 0)
			return waiter;
	return NULL;
}

/* Forgets one; the caller has ended its connection and its timer. */
void
waiter_remove(Waiter *waiter)
{
	for (Waiter **at = &waiters; *at; at = &(*at)->next)
		if (*at == waiter)
		{
			*at = waiter->next;
			explicit_bzero(waiter, sizeof(Waiter));
			free(waiter);
			return;
		}
}
