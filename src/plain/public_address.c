/*
 * public_address.c
 *	  Addresses that are nobody's private ones.
 *
 * A name that somebody else chose may lead anywhere, also to services that
 * listen for this machine or its network only.  What a connection is made to is
 * judged by its address, when it is made.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "plain/public_address.h"

typedef struct Net4
{
	uint32_t	net;
	int			bits;
} Net4;

/* IANA's registry of special-purpose addresses, what is not globally reachable; multicast and the future */
static const Net4 special4[] = {
	{0x00000000, 8}, {0x0A000000, 8}, {0x64400000, 10}, {0x7F000000, 8}, {0xA9FE0000, 16}, {0xAC100000, 12},
	{0xC0000000, 24}, {0xC0000200, 24}, {0xC0586300, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24},
	{0xCB007100, 24}, {0xE0000000, 4}, {0xF0000000, 4},
};

static bool
public4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(special4) / sizeof(special4[0]); i++)
		if (((address ^ special4[i].net) >> (32 - special4[i].bits)) == 0)
			return false;
	return true;
}

static uint32_t
bytes4(const uint8_t *at)
{
	return (uint32_t) at[0] << 24 | (uint32_t) at[1] << 16 | (uint32_t) at[2] << 8 | at[3];
}

/* Global unicast, without its special nets; what carries an IPv4 address is judged by that. */
static bool
public6(const uint8_t *at)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
	static const uint8_t translated[12] = {0, 0x64, 0xFF, 0x9B};
	uint32_t	head = bytes4(at);

	if (memcmp(at, mapped, sizeof(mapped)) == 0 || memcmp(at, translated, sizeof(translated)) == 0)
		return public4(bytes4(at + 12));
	if (head >> 16 == 0x2002)
		return public4(bytes4(at + 2));
	return head >> 29 == 1 && head >> 9 != 0x20010000 >> 9 && head != 0x20010DB8 && head >> 12 != 0x3FFF0;
}

/* May a connection go there?  False also for what is neither IPv4 nor IPv6. */
bool
public_address(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return public4(ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return public6(((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr);
	return false;
}
