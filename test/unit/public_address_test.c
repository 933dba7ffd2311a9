/*
 * public_address_test.c
 *	  Which addresses are public, at the borders of each special net.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "plain/public_address.h"
#include "tap.h"

static bool
is_public(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return public_address((const struct sockaddr *) &v4);
	if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
		return false;
	return public_address((const struct sockaddr *) &v6);
}

int
main(void)
{
	static const char *const good[] = {
		"1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0",
		"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0",
		"203.0.112.255", "203.0.114.0", "223.255.255.255", "8.8.8.8", "2000::", "2a00:1450:4001:82a::200e",
		"2001:200::1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
	};
	static const char *const bad[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
		"127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255", "172.16.0.0", "172.31.255.255",
		"192.0.0.1", "192.0.2.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.7",
		"203.0.113.7", "224.0.0.0", "239.255.255.255", "240.0.0.0", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
		"::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "fe80::1", "fec0::1", "fc00::1",
		"fd12:3456::1", "ff02::1", "2001::1", "2001:1ff:ffff::1", "2001:db8::1", "2002:a00:1::1", "2002:7f00:1::",
		"3fff::1",
		"4000::1",
	};
	struct sockaddr local = {.sa_family = AF_UNIX};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(is_public(good[i]), "%s is public", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!is_public(bad[i]), "%s is not", bad[i]);
	ok(!public_address(&local), "nor is a socket of the file system");
	return tap_end();
}
