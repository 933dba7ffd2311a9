/*
 * token_request.c
 *	  One request to a token endpoint, by libcurl.
 *
 * To the configured address and nowhere else: no redirect is followed, no proxy
 * asked, and no private address connected to unless that is said to be right.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "oauth2/program/token_request.h"
#include "plain/public_address.h"

/* milliseconds until the connection stands, TLS included */
#define CONNECT_TIMEOUT_MS	5000

static bool private_refused;

/* Makes the socket for an address that the name has led to, or refuses to. */
static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	const TokenRequest *request = arg;

	(void) purpose;
	if (*request->private_addresses == '\0' && !public_address(&address->addr))
	{
		private_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t
take_body(char *data, size_t size, size_t nitems, void *arg)
{
	TokenAnswer *answer = arg;
	size_t		n = size * nitems;

	if (n > ANSWER_BODY_MAX - answer->len || memchr(data, '\0', n) != NULL)
		return 0;
	memcpy(answer->body + answer->len, data, n);
	answer->len += n;
	return n;
}

/* The first option that cannot be set, or 0. */
static CURLcode
set_options(CURL *curl, const TokenRequest *request, TokenAnswer *answer, struct curl_slist *headers)
{
	CURLcode	code = CURLE_OK;

#define SET(option, value) \
	do { \
		if (code == CURLE_OK) \
			code = curl_easy_setopt(curl, option, value); \
	} while (0)

	SET(CURLOPT_ERRORBUFFER, answer->reason);
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) CONNECT_TIMEOUT_MS);
	SET(CURLOPT_TIMEOUT_MS, strtol(request->limit_ms, NULL, 10));
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_CAINFO, request->ca_file);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, request);
	if (*request->client_id != '\0')
	{
		SET(CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
		SET(CURLOPT_USERNAME, request->client_id);
		SET(CURLOPT_PASSWORD, request->client_secret);
	}
	SET(CURLOPT_POSTFIELDS, request->form);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, answer);
	return code;
#undef SET
}

static void
note_failure(CURLcode code, TokenAnswer *answer)
{
	if (private_refused)
		snprintf(answer->reason, sizeof(answer->reason), "%s",
				 "the endpoint has a private address; see wazo_auth.oauth2_private_addresses");
	else if (code == CURLE_WRITE_ERROR)
		snprintf(answer->reason, sizeof(answer->reason), "%s", "the answer is too long, or no text");
	else if (answer->reason[0] == '\0')
		snprintf(answer->reason, sizeof(answer->reason), "%s", curl_easy_strerror(code));
}

/* Sends the request and takes the answer; reason and body are zero-terminated. */
void
token_request_run(const TokenRequest *request, TokenAnswer *answer)
{
	CURLcode	code = curl_global_init(CURL_GLOBAL_DEFAULT);
	CURL	   *curl = code == CURLE_OK ? curl_easy_init() : NULL;
	struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");

	if (curl == NULL || headers == NULL)
		code = CURLE_OUT_OF_MEMORY;
	else
		code = set_options(curl, request, answer, headers);
	if (code == CURLE_OK)
		code = curl_easy_perform(curl);
	if (code == CURLE_OK)
		code = curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
	answer->answered = code == CURLE_OK;
	answer->body[answer->len] = '\0';
	if (code != CURLE_OK)
		note_failure(code, answer);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
}
