/*
 * stream.c
 *	  A connection over TCP, with TLS or without, that never makes anybody wait:
 *	  each call does what can be done at once, and stream_add_to_wait() says what
 *	  to wait for before the next one.
 *
 * No error is raised here, and none while the TLS library is on the stack.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "relay/lookup.h"
#include "relay/stream.h"

typedef enum Phase
{
	LOOKING_UP,
	CONNECTING,
	GREETING,					/* TLS */
	OPEN,
	FAILED
} Phase;

/* From malloc(): a stream lives from one transaction to another. */
struct Stream
{
	Phase		phase;
	Lookup	   *lookup;
	const struct addrinfo *next_address;	/* of the lookup */
	int			sock;			/* -1: none */
	bool		tls;
	SSL_CTX    *context;
	SSL		   *ssl;
	bool		read_wants_write;	/* TLS may want the one for the other */
	bool		write_wants_read;
	char		error[256];
	char		host[FLEXIBLE_ARRAY_MEMBER];
};

static void
fail(Stream *s, const char *what, const char *why)
{
	s->phase = FAILED;
	snprintf(s->error, sizeof(s->error), "%s: %s", what, why);
}

/* Why the TLS library is not content. */
static void
fail_tls(Stream *s, const char *what, int code)
{
	unsigned long error = ERR_get_error();
	long		verified = s->ssl ? SSL_get_verify_result(s->ssl) : X509_V_OK;
	char		text[200];

	if (verified != X509_V_OK)
		snprintf(text, sizeof(text), "TLS: certificate: %s", X509_verify_cert_error_string(verified));
	else if (error != 0)
		snprintf(text, sizeof(text), "TLS: %s",
				 ERR_reason_error_string(error) ? ERR_reason_error_string(error) : "error");
	else
		snprintf(text, sizeof(text), "TLS: %s",
				 code == SSL_ERROR_SYSCALL && errno != 0 ? strerror(errno) : "closed by the other side");
	fail(s, what, text);
}

static void
close_socket(Stream *s)
{
	if (s->sock >= 0)
		close(s->sock);
	s->sock = -1;
}

/*
 * stream_open
 *
 * Begins to connect; with TLS the certificate must be good for the host, by the
 * system's authorities.  Returns NULL when there is no memory.
 */
Stream *
stream_open(const char *host, int port, bool tls)
{
	Stream	   *s = calloc(1, offsetof(Stream, host) + strlen(host) + 1);

	if (s == NULL)
		return NULL;
	strcpy(s->host, host);
	s->sock = -1;
	s->tls = tls;
	s->phase = LOOKING_UP;
	s->lookup = lookup_start(host, port);
	if (s->lookup == NULL)
		fail(s, "could not find the host", "out of memory");
	return s;
}

static void
end_lookup(Stream *s)
{
	struct addrinfo *addresses;
	int			result;

	if (!lookup_is_done(s->lookup))
		return;
	result = lookup_result(s->lookup, &addresses);
	if (result != 0)
	{
		fail(s, "could not find the host", gai_strerror(result));
		return;
	}
	s->next_address = addresses;
	s->phase = CONNECTING;
}

/* Begins to connect to the next address; without one the last error stays. */
static void
try_next_address(Stream *s)
{
	const struct addrinfo *a = s->next_address;
	int			on = 1;

	close_socket(s);
	if (a == NULL)
	{
		s->phase = FAILED;
		return;
	}
	s->next_address = a->ai_next;
	s->sock = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	if (s->sock >= 0)
	{
		(void) setsockopt(s->sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (connect(s->sock, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)
			return;
	}
	snprintf(s->error, sizeof(s->error), "could not connect: %s", strerror(errno));
	close_socket(s);
}

static bool
prepare_tls(Stream *s)
{
	unsigned char address[sizeof(struct in6_addr)];
	bool		is_address = inet_pton(AF_INET, s->host, address) == 1 || inet_pton(AF_INET6, s->host, address) == 1;

	ERR_clear_error();
	s->context = SSL_CTX_new(TLS_client_method());
	if (s->context == NULL ||
		SSL_CTX_set_min_proto_version(s->context, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_default_verify_paths(s->context) != 1)
		return false;
	SSL_CTX_set_verify(s->context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(s->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	s->ssl = SSL_new(s->context);
	if (s->ssl == NULL || SSL_set_fd(s->ssl, s->sock) != 1)
		return false;
	if (is_address)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), s->host) == 1;
	return SSL_set1_host(s->ssl, s->host) == 1 && SSL_set_tlsext_host_name(s->ssl, s->host) == 1;
}

static void
end_connect(Stream *s)
{
	int			error = 0;
	socklen_t	len = sizeof(error);
	struct sockaddr_storage peer;
	socklen_t	peer_len = sizeof(peer);

	if (s->sock < 0)
	{
		try_next_address(s);
		return;
	}
	if (getsockopt(s->sock, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (error != 0)
	{
		snprintf(s->error, sizeof(s->error), "could not connect: %s", strerror(error));
		try_next_address(s);
		return;
	}
	/* neither an error nor a peer: not yet */
	if (getpeername(s->sock, (struct sockaddr *) &peer, &peer_len) != 0)
		return;
	if (!s->tls)
		s->phase = OPEN;
	else if (prepare_tls(s))
		s->phase = GREETING;
	else
		fail_tls(s, "could not connect", SSL_ERROR_SSL);
}

/* Notes what the TLS library waits for; anything else is an error of it. */
static bool
tls_waits(Stream *s, int ret, bool reading, int *code)
{
	*code = SSL_get_error(s->ssl, ret);
	if (reading)
		s->read_wants_write = *code == SSL_ERROR_WANT_WRITE;
	else
		s->write_wants_read = *code == SSL_ERROR_WANT_READ;
	return *code == SSL_ERROR_WANT_READ || *code == SSL_ERROR_WANT_WRITE;
}

static void
greet(Stream *s)
{
	int			ret;
	int			code;

	ERR_clear_error();
	errno = 0;
	ret = SSL_connect(s->ssl);
	if (ret == 1)
		s->phase = OPEN;
	else if (!tls_waits(s, ret, true, &code))
		fail_tls(s, "could not connect", code);
}

/* Does what can be done at once to open the stream. */
StreamState
stream_drive(Stream *s)
{
	Phase		before;

	do
	{
		before = s->phase;
		if (s->phase == LOOKING_UP)
			end_lookup(s);
		else if (s->phase == CONNECTING)
			end_connect(s);
		else if (s->phase == GREETING)
			greet(s);
	} while (s->phase != before || (s->phase == CONNECTING && s->sock < 0));
	return s->phase == OPEN ? STREAM_OPEN : s->phase == FAILED ? STREAM_FAILED : STREAM_OPENING;
}

/*
 * stream_read, stream_write
 *
 * Read or write what can be at once.  Return the number of bytes, which may be
 * 0, or -1 when the stream has failed or ended.
 */
int
stream_read(Stream *s, char *buffer, int size)
{
	int			n;
	int			code;

	errno = 0;
	if (!s->tls)
	{
		n = recv(s->sock, buffer, size, 0);
		if (n > 0)
			return n;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return 0;
		fail(s, "connection lost", n == 0 ? "closed by the other side" : strerror(errno));
		return -1;
	}
	ERR_clear_error();
	n = SSL_read(s->ssl, buffer, size);
	if (n > 0)
		return n;
	if (tls_waits(s, n, true, &code))
		return 0;
	fail_tls(s, "connection lost", code);
	return -1;
}

int
stream_write(Stream *s, const char *data, int len)
{
	int			n;
	int			code;

	errno = 0;
	if (!s->tls)
	{
		n = send(s->sock, data, len, MSG_NOSIGNAL);
		if (n >= 0)
			return n;
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
			return 0;
		fail(s, "connection lost", strerror(errno));
		return -1;
	}
	ERR_clear_error();
	n = SSL_write(s->ssl, data, len);
	if (n > 0)
		return n;
	if (tls_waits(s, n, false, &code))
		return 0;
	fail_tls(s, "connection lost", code);
	return -1;
}

/* Why it has failed, in words that show no secret. */
const char *
stream_error(const Stream *s)
{
	return s->error;
}

/* Has the TLS library something to read that the socket does not show? */
bool
stream_has_data(const Stream *s)
{
	return s->phase == OPEN && s->ssl && SSL_pending(s->ssl) > 0;
}

/* Adds what the stream waits for; wants_write: there is something to write. */
void
stream_add_to_wait(const Stream *s, WaitEventSet *set, bool wants_write)
{
	uint32		events = 0;

	switch (s->phase)
	{
		case LOOKING_UP:
			AddWaitEventToSet(set, WL_SOCKET_READABLE, lookup_socket(s->lookup), NULL, NULL);
			return;
		case CONNECTING:
			events = WL_SOCKET_CONNECTED;
			break;
		case GREETING:
			events = s->read_wants_write ? WL_SOCKET_WRITEABLE : WL_SOCKET_READABLE;
			break;
		case OPEN:
			events = WL_SOCKET_READABLE;
			if ((wants_write && !s->write_wants_read) || s->read_wants_write)
				events |= WL_SOCKET_WRITEABLE;
			break;
		case FAILED:
			return;
	}
	if (s->sock >= 0)
		AddWaitEventToSet(set, events, s->sock, NULL, NULL);
}

/* Closes it without a word, and without waiting for anybody. */
void
stream_close(Stream *s)
{
	if (s->ssl)
		SSL_free(s->ssl);
	if (s->context)
		SSL_CTX_free(s->context);
	close_socket(s);
	if (s->lookup)
		lookup_free(s->lookup);
	free(s);
}
