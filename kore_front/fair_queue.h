/*
 * fair_queue.h: a bounded queue in which every peer has its turn.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_FRONT_FAIR_QUEUE_H
#define WAZO_AUTH_FRONT_FAIR_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define FAIR_BUCKETS 1024

#define FAIR_FLOWS 64

/* Who shares: an IPv4 address, an IPv6 network, or anything else that was called an address; and for which tenant. */
typedef struct FairKey
{
	uint8_t		bytes[16];
	uint8_t		flow;			/* below FAIR_FLOWS; tenants of one peer that have the same one share its turns */
} FairKey;

typedef struct FairItem FairItem;
typedef struct FairPeer FairPeer;

TAILQ_HEAD(FairItems, FairItem);

/* To be embedded in what is queued. */
struct FairItem
{
	FairPeer   *peer;			/* NULL: not held */
	uint64_t	round;			/* of its peer's turns; its flow has one in each */
	TAILQ_ENTRY(FairItem) list;
};

struct FairPeer
{
	FairKey		key;
	int			held;			/* its items, queued or being worked on */
	int			queued;
	struct FairItems items;		/* by their rounds */
	uint64_t	round;			/* of what was taken last */
	uint64_t	last[FAIR_FLOWS];	/* round of each flow's last item */
	LIST_ENTRY(FairPeer) bucket;
	TAILQ_ENTRY(FairPeer) turn; /* while it has something queued */
};

typedef struct FairQueue
{
	int			limit;			/* items held at a time */
	int			held;
	int			queued;
	int			peers;			/* that have something queued */
	TAILQ_HEAD(FairTurns, FairPeer) turns;
	LIST_HEAD(FairBucket, FairPeer) buckets[FAIR_BUCKETS];
} FairQueue;

extern FairKey fair_key(const char *address, size_t len);
extern void fair_key_set_tenant(FairKey *key, const char *tenant, size_t len);
extern void fair_init(FairQueue *q, int limit);
extern int	fair_ahead(const FairQueue *q, const FairKey *key);
extern bool fair_put(FairQueue *q, FairItem *item, const FairKey *key);
extern FairItem *fair_first(const FairQueue *q);
extern void fair_take(FairQueue *q, FairItem *item);
extern void fair_release(FairQueue *q, FairItem *item);

#endif
