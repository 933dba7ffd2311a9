/*
 * query.c
 *	  Messages in a query string: the binding HTTP-Redirect.
 *
 * The signature is over the parameters as they were sent, so it is verified
 * first, over those bytes; only then is anything unpacked or parsed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "query.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>
#include <xmlsec/openssl/evp.h>

#include "encoding.h"
#include "keys.h"

#define ENCODING_DEFLATE	"urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
#define ALGORITHM_OURS		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"

/* RSA only: how the two numbers of an ECDSA signature are written here, implementations disagree. */
static const struct
{
	const char *uri;
	const EVP_MD *(*digest) (void);
}			algorithms[] =
{
	{ALGORITHM_OURS, EVP_sha256},
	{"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", EVP_sha384},
	{"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", EVP_sha512},
};

static Field *
parameter(Query *query, const Field *name)
{
	if (field_is(name, "SAMLRequest"))
		return &query->request;
	if (field_is(name, "SAMLResponse"))
		return &query->response;
	if (field_is(name, "RelayState"))
		return &query->relay_state;
	if (field_is(name, "SigAlg"))
		return &query->algorithm;
	if (field_is(name, "Signature"))
		return &query->signature;
	if (field_is(name, "SAMLEncoding"))
		return &query->encoding;
	return NULL;
}

/* Takes one "name=value"; what is none of ours is passed over, twice the same is not. */
static bool
take_parameter(Query *query, const char *p, size_t len)
{
	const char *equals = memchr(p, '=', len);
	Field		name = {p, equals ? (size_t) (equals - p) : len};
	Field	   *place = parameter(query, &name);

	if (place == NULL)
		return true;
	if (equals == NULL || place->data != NULL)
		return false;
	*place = (Field) {equals + 1, len - name.len - 1};
	return true;
}

static bool
encoding_is_deflate(const Query *query)
{
	xmlBuffer  *name;
	bool		good;

	if (query->encoding.data == NULL)
		return true;
	name = percent_decode(&query->encoding);
	good = name != NULL && xmlStrEqual(xmlBufferContent(name), (const xmlChar *) ENCODING_DEFLATE);
	xmlBufferFree(name);
	return good;
}

/* Finds the parameters of the job's query string. */
bool
query_read(Work *w, Query *query)
{
	const char *p = w->job->query.data;
	const char *end = p + w->job->query.len;
	bool		good = true;

	memset(query, 0, sizeof(*query));
	while (good && p < end)
	{
		const char *next = memchr(p, '&', (size_t) (end - p));

		if (next == NULL)
			next = end;
		good = take_parameter(query, p, (size_t) (next - p));
		p = next + 1;
	}
	if (!good || (query->request.data == NULL) == (query->response.data == NULL) || !encoding_is_deflate(query))
		return refuse(w, "query", NULL);
	return true;
}

static void
append_parameter(xmlBuffer *out, const char *name, const Field *value)
{
	if (value->data == NULL)
		return;
	if (xmlBufferLength(out) > 0)
		xmlBufferCCat(out, "&");
	xmlBufferCCat(out, name);
	xmlBufferCCat(out, "=");
	xmlBufferAdd(out, (const xmlChar *) value->data, (int) value->len);
}

/* What is signed: the parameters in the order of the standard, whatever theirs was. */
static xmlBuffer *
signed_text(const Query *query)
{
	xmlBuffer  *out = xmlBufferCreate();

	append_parameter(out, "SAMLRequest", &query->request);
	append_parameter(out, "SAMLResponse", &query->response);
	append_parameter(out, "RelayState", &query->relay_state);
	append_parameter(out, "SigAlg", &query->algorithm);
	return out;
}

/* The digest of the algorithm that is named; NULL: not one of ours. */
static const EVP_MD *
digest_of(const Field *algorithm)
{
	xmlBuffer  *uri = percent_decode(algorithm);
	const EVP_MD *digest = NULL;

	for (size_t i = 0; uri != NULL && i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
	{
		if (xmlStrEqual(xmlBufferContent(uri), (const xmlChar *) algorithms[i].uri))
			digest = algorithms[i].digest();
	}
	xmlBufferFree(uri);
	return digest;
}

static bool
verifies_with(xmlSecKey *key, const EVP_MD *digest, const xmlBuffer *text, const xmlBuffer *signature)
{
	EVP_PKEY   *pkey = xmlSecOpenSSLEvpKeyDataGetEvp(xmlSecKeyGetValue(key));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool		good;

	good = ctx != NULL && pkey != NULL && EVP_PKEY_base_id(pkey) == EVP_PKEY_RSA &&
		EVP_DigestVerifyInit(ctx, NULL, digest, NULL, pkey) == 1 &&
		EVP_DigestVerify(ctx, xmlBufferContent(signature), (size_t) xmlBufferLength(signature),
						 xmlBufferContent(text), (size_t) xmlBufferLength(text)) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

static xmlBuffer *
decoded(const Field *value)
{
	xmlBuffer  *text = percent_decode(value);
	xmlBuffer  *bytes = NULL;

	if (text != NULL)
		bytes = base64_decode((const char *) xmlBufferContent(text), (size_t) xmlBufferLength(text));
	xmlBufferFree(text);
	return bytes;
}

/* Verifies the signature, which must be there, over the parameters as they were sent. */
bool
query_signature_check(Work *w, const Query *query)
{
	const EVP_MD *digest;
	xmlBuffer  *signature;
	xmlBuffer  *text;
	bool		good = false;

	if (query->signature.data == NULL || query->algorithm.data == NULL)
		return refuse(w, "unsigned", NULL);
	digest = digest_of(&query->algorithm);
	if (digest == NULL)
		return refuse(w, "signature_algorithm", "SigAlg");
	signature = decoded(&query->signature);
	text = signed_text(query);
	for (int i = 0; signature != NULL && !good && i < w->job->certificate_count; i++)
		good = verifies_with(w->keys[i], digest, text, signature);
	xmlBufferFree(signature);
	xmlBufferFree(text);
	return good || refuse(w, "signature", "Signature");
}

/* The message's XML, to be freed; NULL with the refusal noted. */
xmlBuffer *
query_document(Work *w, const Query *query)
{
	xmlBuffer  *packed = decoded(query->request.data ? &query->request : &query->response);
	xmlBuffer  *document = NULL;
	bool		too_large = false;

	if (packed == NULL)
		return refuse(w, "base64", NULL), NULL;
	document = inflate_limited(packed, DOCUMENT_MAX_BYTES, &too_large);
	xmlBufferFree(packed);
	if (document == NULL)
		refuse(w, too_large ? "too_large" : "deflate", NULL);
	return document;
}

/* Reports the RelayState, decoded. */
void
query_relay_state_found(Work *w, const Query *query)
{
	xmlBuffer  *text = query->relay_state.data ? percent_decode(&query->relay_state) : NULL;

	if (text != NULL)
		found(w, "relay_state", (const char *) xmlBufferContent(text));
	xmlBufferFree(text);
}

static void
append_encoded(xmlBuffer *out, const char *name, const char *text, size_t len)
{
	xmlBufferCCat(out, name);
	percent_encode(out, text, len);
}

static xmlBuffer *
unsigned_parameters(Work *w, const char *name, const xmlBuffer *document)
{
	xmlBuffer  *out = xmlBufferCreate();
	xmlBuffer  *packed = deflated((const char *) xmlBufferContent(document), (size_t) xmlBufferLength(document));
	xmlBuffer  *text = base64_encode(xmlBufferContent(packed), (size_t) xmlBufferLength(packed));

	xmlBufferCCat(out, name);
	append_encoded(out, "=", (const char *) xmlBufferContent(text), (size_t) xmlBufferLength(text));
	if (w->job->relay_state.data != NULL)
		append_encoded(out, "&RelayState=", w->job->relay_state.data, w->job->relay_state.len);
	append_encoded(out, "&SigAlg=", ALGORITHM_OURS, strlen(ALGORITHM_OURS));
	xmlBufferFree(packed);
	xmlBufferFree(text);
	return out;
}

static bool
append_signature(Work *w, xmlBuffer *parameters)
{
	xmlSecKey  *key = key_of_pem(&w->job->keys[0]);
	EVP_PKEY   *pkey = key ? xmlSecOpenSSLEvpKeyDataGetEvp(xmlSecKeyGetValue(key)) : NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[1024];
	size_t		len = sizeof(signature);
	bool		good;

	good = ctx != NULL && pkey != NULL && EVP_PKEY_base_id(pkey) == EVP_PKEY_RSA &&
		EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		EVP_DigestSign(ctx, signature, &len, xmlBufferContent(parameters), (size_t) xmlBufferLength(parameters)) == 1;
	if (good)
	{
		xmlBuffer  *text = base64_encode(signature, len);

		append_encoded(parameters, "&Signature=", (const char *) xmlBufferContent(text),
					   (size_t) xmlBufferLength(text));
		xmlBufferFree(text);
	}
	EVP_MD_CTX_free(ctx);
	if (key != NULL)
		xmlSecKeyDestroy(key);
	return good;
}

/* Reports the address that a browser is sent to with our message, signed. */
void
location_found(Work *w, const char *name, const xmlBuffer *document)
{
	const Field *to = &w->job->destination;
	xmlBuffer  *parameters = unsigned_parameters(w, name, document);
	xmlBuffer  *location = xmlBufferCreate();

	xmlBufferAdd(location, (const xmlChar *) to->data, (int) to->len);
	if (memchr(to->data, '?', to->len) == NULL)
		xmlBufferCCat(location, "?");
	else if (to->data[to->len - 1] != '?' && to->data[to->len - 1] != '&')
		xmlBufferCCat(location, "&");
	if (append_signature(w, parameters))
	{
		xmlBufferAdd(location, xmlBufferContent(parameters), xmlBufferLength(parameters));
		found(w, "location", (const char *) xmlBufferContent(location));
	}
	else
		refuse(w, "key", "not an RSA key in PEM");
	xmlBufferFree(parameters);
	xmlBufferFree(location);
}
