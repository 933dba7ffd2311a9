/*
 * peer_count.c: how many connections each peer has, and no more than its share.
 *
 * A peer is an IPv4 address or an IPv6 network, as in the queues. Not counted: this machine, from where a proxy comes,
 * and anybody while proxies are configured, since all clients of a proxy have its address.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "peer_count.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "config.h"
#include "fair_queue.h"
#include "log.h"

#define BUCKETS 1024

struct PeerCount
{
	FairKey		key;
	int			connections;
	bool		told;
	LIST_ENTRY(PeerCount) bucket;
};

static LIST_HEAD(PeerBucket, PeerCount) buckets[BUCKETS];

static bool
is_counted(const char *address)
{
	return front_config.max_peer_connections > 0 && front_config.num_proxies == 0 && strcmp(address, "local") != 0 &&
		strcmp(address, "127.0.0.1") != 0 && strcmp(address, "::1") != 0 && strcmp(address, "::ffff:127.0.0.1") != 0;
}

static struct PeerBucket *
bucket_of(const FairKey *key)
{
	uint32_t	hash = 2166136261u;

	for (size_t i = 0; i < sizeof(key->bytes); i++)
		hash = (hash ^ key->bytes[i]) * 16777619u;
	return &buckets[hash % BUCKETS];
}

static PeerCount *
find(const FairKey *key)
{
	PeerCount  *count;

	LIST_FOREACH(count, bucket_of(key), bucket)
	{
		/* cppcheck-suppress uninitvar ; the macro sets it */
		if (memcmp(count->key.bytes, key->bytes, sizeof(key->bytes)) == 0)
			return count;
	}
	return NULL;
}

/*
 * A connection from that address comes. Returns whether it may: not when the peer has its share, which is told once
 * until it has none left. count: for peer_count_leave(); NULL when it is not counted.
 */
bool
peer_count_enter(const char *address, PeerCount **count)
{
	FairKey		key;
	PeerCount  *found;

	*count = NULL;
	if (!is_counted(address))
		return true;
	key = fair_key(address, strlen(address));
	found = find(&key);
	if (found == NULL)
	{
		found = calloc(1, sizeof(*found));
		if (found == NULL)
			return false;
		found->key = key;
		LIST_INSERT_HEAD(bucket_of(&key), found, bucket);
	}
	if (found->connections >= front_config.max_peer_connections)
	{
		if (!found->told)
			front_log(LOG_WARNING, "%s has %d connections to this worker; further ones are closed", address,
					  found->connections);
		found->told = true;
		return false;
	}
	found->connections++;
	*count = found;
	return true;
}

/* A connection goes. NULL is one that was not counted. */
void
peer_count_leave(PeerCount *count)
{
	if (count == NULL || --count->connections > 0)
		return;
	LIST_REMOVE(count, bucket);
	free(count);
}
