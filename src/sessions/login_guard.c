/*
 * login_guard.c
 *	  Counts of failed logins, of which every login asks for three.
 *
 * Nearly always there is none of them, so that is what is asked here; what a
 * count means is for SQL to say (sql/sessions/guard_functions.sql).
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <sys/socket.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/inet.h"

#include "base/catalog.h"
#include "base/compat.h"
#include "base/row_by_key.h"
#include "crypto/secret.h"

#define IPV4_BITS			32
#define IPV6_BITS			128
#define IPV6_NETWORK_BITS	64
#define IPV4_MAPPED_BYTES	12	/* of an IPv6 address stand before an IPv4 one in it */
#define PEER_ROOM			64	/* no address is longer */

PG_FUNCTION_INFO_V1(wazo_auth_login_failure_key);
PG_FUNCTION_INFO_V1(wazo_auth_peer_network);
PG_FUNCTION_INFO_V1(wazo_auth_has_login_failures);

/* The digest of a login and a network, either of which may be null. */
static void
failure_key(const text *login, inet * network, pg_uuid_t *key)
{
	StringInfoData name;

	initStringInfo(&name);
	if (network)
		appendStringInfoString(&name, DatumGetCString(DirectFunctionCall1(cidr_out, InetPGetDatum(network))));
	if (login)
	{
		appendStringInfoString(&name, " login ");
		appendBinaryStringInfo(&name, VARDATA_ANY(login), VARSIZE_ANY_EXHDR(login));
	}
	text_digest(name.data, name.len, key);
}

/*
 * wazo_auth.login_failure_key(login text, network cidr) returns uuid
 */
Datum
wazo_auth_login_failure_key(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *key = palloc(sizeof(pg_uuid_t));

	failure_key(PG_ARGISNULL(0) ? NULL : PG_GETARG_TEXT_PP(0), PG_ARGISNULL(1) ? NULL : PG_GETARG_INET_PP(1), key);
	PG_RETURN_UUID_P(key);
}

/* A network of the first bits of an address, which has no others. */
static inet *
make_network(int family, const unsigned char *address, int bits)
{
	inet	   *network = palloc0(sizeof(inet));
	inet_struct *fields = (inet_struct *) VARDATA(network);

	fields->family = family;
	fields->bits = bits;
	memcpy(fields->ipaddr, address, bits / BITS_PER_BYTE);
	SET_INET_VARSIZE(network);
	return network;
}

/*
 * Who counts as one client: an IPv4 address, also one within IPv6, or the 64
 * bits of an IPv6 network.  Clients of a Unix socket are at 127.0.0.1; what is
 * no address is one for all who are not to be told apart.
 */
static inet *
network_of(const text *peer)
{
	static const unsigned char nobody[16] = {0};
	static const unsigned char mapped[IPV4_MAPPED_BYTES] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const unsigned char loopback[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
	static const unsigned char local[4] = {127, 0, 0, 1};
	char		text[PEER_ROOM];
	unsigned char address[16 + 1];
	int			len = VARSIZE_ANY_EXHDR(peer);

	if (len >= PEER_ROOM)
		return make_network(PGSQL_AF_INET6, nobody, IPV6_BITS);
	memcpy(text, VARDATA_ANY(peer), len);
	text[len] = '\0';
	if (strcmp(text, "local") == 0)
		return make_network(PGSQL_AF_INET, local, IPV4_BITS);
	if (strchr(text, ':') == NULL)
	{
		if (pg_inet_net_pton(PGSQL_AF_INET, text, address, -1) < 0)
			return make_network(PGSQL_AF_INET6, nobody, IPV6_BITS);
		return make_network(PGSQL_AF_INET, address, IPV4_BITS);
	}
	if (pg_inet_net_pton(PGSQL_AF_INET6, text, address, -1) < 0)
		return make_network(PGSQL_AF_INET6, nobody, IPV6_BITS);
	if (memcmp(address, mapped, sizeof(mapped)) == 0)
		return make_network(PGSQL_AF_INET, address + IPV4_MAPPED_BYTES, IPV4_BITS);
	if (memcmp(address, loopback, sizeof(loopback)) == 0)
		return make_network(PGSQL_AF_INET6, address, IPV6_BITS);
	return make_network(PGSQL_AF_INET6, address, IPV6_NETWORK_BITS);
}

/*
 * wazo_auth.peer_network(peer text) returns cidr
 *
 * Null for an empty peer.
 */
Datum
wazo_auth_peer_network(PG_FUNCTION_ARGS)
{
	text	   *peer = PG_GETARG_TEXT_PP(0);

	if (VARSIZE_ANY_EXHDR(peer) == 0)
		PG_RETURN_NULL();
	PG_RETURN_INET_P(network_of(peer));
}

/*
 * wazo_auth.has_login_failures(login text, peer text) returns boolean
 *
 * Is there a count of this login from there, of all logins from there, or of
 * this login from everywhere?  False without a login or peer.
 */
Datum
wazo_auth_has_login_failures(PG_FUNCTION_ARGS)
{
	text	   *login;
	text	   *peer;
	inet	   *network;
	pg_uuid_t	key[3];
	RowByKey	row;
	bool		found;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	login = PG_GETARG_TEXT_PP(0);
	peer = PG_GETARG_TEXT_PP(1);
	if (VARSIZE_ANY_EXHDR(peer) == 0)
		PG_RETURN_BOOL(false);
	network = network_of(peer);
	failure_key(login, network, &key[0]);
	failure_key(NULL, network, &key[1]);
	failure_key(login, NULL, &key[2]);
	found = row_open(&row, T_LOGIN_FAILURE, &key[0]);
	for (int i = 1; i < lengthof(key) && !found; i++)
		found = row_again(&row, T_LOGIN_FAILURE, &key[i]);
	row_close(&row);
	PG_RETURN_BOOL(found);
}
