/*
 * normal_domain.h
 *	  The one form of a domain name that stands for all of its spellings.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_NORMAL_DOMAIN_H
#define WAZO_AUTH_NORMAL_DOMAIN_H

#include <stddef.h>

/* Longer names than a DNS name can be have no other form than their own. */
#define DOMAIN_MAX_BYTES	1024

extern size_t normal_domain(const char *s, size_t len, char out[DOMAIN_MAX_BYTES]);

#endif							/* WAZO_AUTH_NORMAL_DOMAIN_H */
