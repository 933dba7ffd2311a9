/*
 * fair_queue.c: a bounded queue in which every peer has its turn.
 *
 * Peers with something queued take turns, one item each, so whoever sends much waits behind himself alone. A peer
 * holds at most as many items as there is still room for: one alone gets half of the room, two a third each, and
 * whoever comes next always finds some (the "dynamic threshold" of Choudhury and Hahne).
 *
 * Many tenants may come by one peer, a daemon or a proxy; within its turns they take turns, too. Which tenant it is,
 * the client says: who makes some up gets no more turns than his address has.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "fair_queue.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/*
 * The key of an address as text, without an end. Addresses of one IPv6 network of 64 bits are one peer: a host may use
 * any of them. What is no address is told apart by its bytes.
 */
FairKey
fair_key(const char *address, size_t len)
{
	FairKey		key = {.flow = 0};
	char		text[INET6_ADDRSTRLEN];
	struct in6_addr v6;

	if (len < sizeof(text))
	{
		memcpy(text, address, len);
		text[len] = '\0';
		key.bytes[0] = 4;
		if (inet_pton(AF_INET, text, key.bytes + 1) == 1)
			return key;
		key.bytes[0] = 6;
		if (inet_pton(AF_INET6, text, &v6) == 1)
		{
			memcpy(key.bytes + 1, &v6, 8);
			if (IN6_IS_ADDR_V4MAPPED(&v6))
			{
				key.bytes[0] = 4;
				memcpy(key.bytes + 1, (const char *) &v6 + 12, 4);
				memset(key.bytes + 5, 0, sizeof(key.bytes) - 5);
			}
			return key;
		}
	}
	key.bytes[0] = 1;
	for (size_t i = 0; i < len; i++)
	{
		uint8_t    *b = &key.bytes[1 + i % (sizeof(key.bytes) - 1)];

		*b = (uint8_t) (*b * 31 + (uint8_t) address[i]);
	}
	return key;
}

static uint32_t
hash(const uint8_t *bytes, size_t len)
{
	uint32_t	h = 2166136261u;	/* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * 16777619u;
	return h ^ (h >> 16);
}

/* Says for which tenant the items of this key are. */
void
fair_key_set_tenant(FairKey *key, const char *tenant, size_t len)
{
	key->flow = (uint8_t) (hash((const uint8_t *) tenant, len) % FAIR_FLOWS);
}

static uint32_t
bucket_of(const FairKey *key)
{
	return hash(key->bytes, sizeof(key->bytes)) % FAIR_BUCKETS;
}

static FairPeer *
find_peer(const FairQueue *q, const FairKey *key)
{
	FairPeer   *peer;

	LIST_FOREACH(peer, &q->buckets[bucket_of(key)], bucket)
	{
		/* cppcheck-suppress uninitvar ; the macro sets it */
		if (memcmp(peer->key.bytes, key->bytes, sizeof(key->bytes)) == 0)
			return peer;
	}
	return NULL;
}

/* Makes an empty queue. limit: most items held at a time, by all peers together. */
void
fair_init(FairQueue *q, int limit)
{
	memset(q, 0, sizeof(*q));
	q->limit = limit;
	TAILQ_INIT(&q->turns);
}

/* The round of a new item: the flow's next one. */
static uint64_t
round_of(const FairPeer *peer, uint8_t flow)
{
	return (peer->last[flow] > peer->round ? peer->last[flow] : peer->round) + 1;
}

/* The item before which one of that round is queued, NULL: after all. ahead: how many are before it. */
static FairItem *
find_place(const FairPeer *peer, uint64_t round, int *ahead)
{
	FairItem   *item = TAILQ_LAST(&peer->items, FairItems);

	*ahead = peer->queued;
	if (item == NULL || item->round <= round)
		return NULL;
	*ahead = 0;
	TAILQ_FOREACH(item, &peer->items, list)
	{
		if (item->round > round)
			break;
		++*ahead;
	}
	return item;
}

/* How many queued items would have their turn before a new one of this key. */
int
fair_ahead(const FairQueue *q, const FairKey *key)
{
	const FairPeer *mine = find_peer(q, key);
	const FairPeer *peer;
	int			own = 0;
	int			n = 0;

	if (mine != NULL)
		(void) find_place(mine, round_of(mine, key->flow), &own);
	TAILQ_FOREACH(peer, &q->turns, turn)
		n += peer == mine ? own : peer->queued <= own ? peer->queued : own + 1;
	return n;
}

/* Queues an item, as its flow's last. Returns false when the queue is full or the peer's share used up. */
bool
fair_put(FairQueue *q, FairItem *item, const FairKey *key)
{
	FairPeer   *peer = find_peer(q, key);
	FairItem   *next;
	int			ahead;

	if (q->held >= q->limit || (peer != NULL && peer->held >= q->limit - q->held))
		return false;
	if (peer == NULL)
	{
		peer = calloc(1, sizeof(*peer));
		if (peer == NULL)
			return false;
		peer->key = *key;
		TAILQ_INIT(&peer->items);
		LIST_INSERT_HEAD(&q->buckets[bucket_of(key)], peer, bucket);
	}
	item->peer = peer;
	item->round = peer->last[key->flow] = round_of(peer, key->flow);
	next = find_place(peer, item->round, &ahead);
	if (next != NULL)
		TAILQ_INSERT_BEFORE(next, item, list);
	else
		TAILQ_INSERT_TAIL(&peer->items, item, list);
	if (peer->queued++ == 0)
	{
		TAILQ_INSERT_TAIL(&q->turns, peer, turn);
		q->peers++;
	}
	peer->held++;
	q->queued++;
	q->held++;
	return true;
}

/* The item whose turn it is, NULL when nothing is queued. */
FairItem *
fair_first(const FairQueue *q)
{
	const FairPeer *peer = TAILQ_FIRST(&q->turns);

	return peer != NULL ? TAILQ_FIRST(&peer->items) : NULL;
}

/* Takes an item out of the queue, to be worked on; its peer's next turn comes after all others'. */
void
fair_take(FairQueue *q, FairItem *item)
{
	FairPeer   *peer = item->peer;

	if (item == TAILQ_FIRST(&peer->items))
		peer->round = item->round;
	TAILQ_REMOVE(&peer->items, item, list);
	TAILQ_REMOVE(&q->turns, peer, turn);
	q->queued--;
	if (--peer->queued > 0)
		TAILQ_INSERT_TAIL(&q->turns, peer, turn);
	else
		q->peers--;
}

/* An item that was taken is done with, and makes room. */
void
fair_release(FairQueue *q, FairItem *item)
{
	FairPeer   *peer = item->peer;

	item->peer = NULL;
	q->held--;
	if (--peer->held > 0)
		return;
	LIST_REMOVE(peer, bucket);
	free(peer);
}
