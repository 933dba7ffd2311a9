/*
 * broker_headers.h
 *	  A JSON object as the headers of an AMQP message.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_BROKER_HEADERS_H
#define WAZO_AUTH_BROKER_HEADERS_H

#include "postgres.h"

#include "relay/rabbitmq.h"

#define BROKER_HEADERS_MAX	32

typedef struct BrokerHeaders
{
	amqp_table_t table;			/* points to the entries below */
	amqp_table_entry_t entries[BROKER_HEADERS_MAX];
} BrokerHeaders;

extern const char *broker_headers_parse(const char *json, Size len, BrokerHeaders *headers);

#endif							/* WAZO_AUTH_BROKER_HEADERS_H */
