/*
 * public_address.h
 *	  Addresses that are nobody's private ones.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_PUBLIC_ADDRESS_H
#define WAZO_AUTH_PUBLIC_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

extern bool public_address(const struct sockaddr *address);

#endif							/* WAZO_AUTH_PUBLIC_ADDRESS_H */
