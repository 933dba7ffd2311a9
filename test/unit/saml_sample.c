/*
 * saml_sample.c
 *	  A key, its certificate, and documents signed with it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "saml_sample.h"

#include <libxml/parser.h>
#include <libxml/valid.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

#include "saml/xml/encoding.h"
#include "saml/xml/saml_xml.h"

#define NOW		"1767225660"
#define SIGNATURE(id) \
"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>" \
"<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>" \
"<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>" \
"<ds:Reference URI=\"#" id "\"><ds:Transforms>" \
"<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>" \
"<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>" \
"<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/></ds:Reference>" \
"</ds:SignedInfo><ds:SignatureValue/></ds:Signature>"

#define RESPONSE(response_signature, assertion_signature) \
"<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"" \
" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_r1\" Version=\"2.0\"" \
" IssueInstant=\"2026-01-01T00:00:00Z\" Destination=\"https://sp/acs\" InResponseTo=\"id-1\">" \
"<saml:Issuer>https://idp</saml:Issuer>" response_signature \
"<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>" \
"<saml:Assertion ID=\"_a1\" Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\">" \
"<saml:Issuer>https://idp</saml:Issuer>" assertion_signature \
"<saml:Subject><saml:NameID>alice@example.com</saml:NameID>" \
"<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData" \
" Recipient=\"https://sp/acs\" InResponseTo=\"id-1\" NotOnOrAfter=\"2026-01-01T00:05:00Z\"/>" \
"</saml:SubjectConfirmation></saml:Subject>" \
"<saml:Conditions NotBefore=\"2026-01-01T00:00:00Z\" NotOnOrAfter=\"2026-01-01T00:05:00Z\">" \
"<saml:AudienceRestriction><saml:Audience>https://sp</saml:Audience></saml:AudienceRestriction></saml:Conditions>" \
"<saml:AuthnStatement AuthnInstant=\"2026-01-01T00:00:00Z\" SessionIndex=\"s1\"/>" \
"<saml:AttributeStatement><saml:Attribute Name=\"name\"><saml:AttributeValue>alice</saml:AttributeValue>" \
"</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"

#define EXPECTATIONS \
"audience 10\nhttps://sp\nrecipient 14\nhttps://sp/acs\nin_response_to 4\nid-1\ndestination 14\nhttps://sp/acs\n"

static char certificate[4096];
static char key_pem[4096];
static Sample samples[SAMPLE_KINDS] = {
	{"a signed response", "verify_response", "document", EXPECTATIONS "sign_response 1\n1\n", NULL, 0},
	{"a signed assertion", "verify_response", "document", EXPECTATIONS "sign_assertion 1\n1\n", NULL, 0},
	{"a logout request", "verify_logout", "document", "destination 14\nhttps://sp/acs\n", NULL, 0},
	{"a logout request in a query string", "verify_logout", "query", "destination 14\nhttps://sp/acs\n", NULL, 0},
	{"metadata", "parse_metadata", "document", "", NULL, 0}
};

static void
require(int good, const char *what)
{
	if (!good)
	{
		fprintf(stderr, "sample: %s\n", what);
		abort();
	}
}

static void
read_bio(BIO *bio, char *out, int size)
{
	int			n = BIO_read(bio, out, size - 1);

	require(n > 0, "text");
	out[n] = '\0';
	BIO_free(bio);
}

static void
make_certificate(EVP_PKEY *key)
{
	X509	   *cert = X509_new();
	BIO		   *bio = BIO_new(BIO_s_mem());
	BIO		   *key_bio = BIO_new(BIO_s_mem());

	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	require(X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256()) > 0 &&
			PEM_write_bio_X509(bio, cert) &&
			PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL), "certificate");
	read_bio(bio, certificate, sizeof(certificate));
	read_bio(key_bio, key_pem, sizeof(key_pem));
	X509_free(cert);
}

static void
set_bytes(SampleKind kind, const void *bytes, size_t len)
{
	samples[kind].bytes = malloc(len + 1);
	memcpy(samples[kind].bytes, bytes, len);
	samples[kind].bytes[len] = '\0';
	samples[kind].len = len;
}

/* Fills the signature of a document by the key; the signed element is its parent. */
static void
sign(SampleKind kind, EVP_PKEY *key, const char *text)
{
	xmlDoc	   *doc = xmlReadMemory(text, (int) strlen(text), NULL, NULL, XML_PARSE_NONET);
	xmlNode    *signature = xmlSecFindNode(xmlDocGetRootElement(doc), xmlSecNodeSignature, xmlSecDSigNs);
	xmlAttr    *id = xmlHasProp(signature->parent, (const xmlChar *) "ID");
	xmlSecDSigCtx *ctx = xmlSecDSigCtxCreate(NULL);
	xmlChar    *out;
	int			len;

	xmlAddID(NULL, doc, id->children->content, id);
	ctx->signKey = xmlSecKeyCreate();
	EVP_PKEY_up_ref(key);
	require(xmlSecKeySetValue(ctx->signKey, xmlSecOpenSSLEvpKeyAdopt(key)) == 0 &&
			xmlSecDSigCtxSign(ctx, signature) == 0, "signature");
	xmlDocDumpMemory(doc, &out, &len);
	set_bytes(kind, out, (size_t) len);
	xmlFree(out);
	xmlSecDSigCtxDestroy(ctx);
	xmlFreeDoc(doc);
}

static int
append(char *out, const char *name, const char *value)
{
	return sprintf(out, "%s %zu\n%s\n", name, strlen(value), value);
}

/* The program's own LogoutRequest, as for this binding: the value of that field of its result. */
static void
make_logout(SampleKind kind, const char *redirect, const char *name)
{
	char		job[8192];
	xmlBuffer  *out = xmlBufferCreate();
	char	   *value;
	int			n = 0;

	n += append(job + n, "job", "make_logout_request");
	n += append(job + n, "now", NOW);
	n += append(job + n, "issuer", "https://idp");
	n += append(job + n, "destination", "https://sp/acs");
	n += append(job + n, "name_id", "alice@example.com");
	n += append(job + n, "session_index", "s1");
	n += append(job + n, "relay_state", "r1");
	n += append(job + n, "redirect", redirect);
	n += append(job + n, "key", key_pem);
	require(saml_xml_run(job, (size_t) n, out) == VERDICT_VERIFIED, "logout");
	value = strstr((char *) xmlBufferContent(out), name);
	value = value ? strchr(value + 1, '\n') : NULL;
	require(value != NULL, name);
	value++;
	value[strcspn(value, "\n")] = '\0';
	/* of a location, what stands after the question mark */
	if (strchr(value, '?') != NULL)
		value = strchr(value, '?') + 1;
	set_bytes(kind, value, strlen(value));
	xmlBufferFree(out);
}

static void
unpack_logout(void)
{
	Sample	   *s = &samples[SAMPLE_LOGOUT];
	xmlBuffer  *xml = base64_decode(s->bytes, s->len);

	require(xml != NULL, "base64");
	free(s->bytes);
	set_bytes(SAMPLE_LOGOUT, xmlBufferContent(xml), (size_t) xmlBufferLength(xml));
	xmlBufferFree(xml);
}

static void
make_metadata(void)
{
	static const char head[] =
	"<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"https://idp\""
	" validUntil=\"2036-01-01T00:00:00Z\"><md:IDPSSODescriptor WantAuthnRequestsSigned=\"true\""
	" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><md:KeyDescriptor use=\"signing\">"
	"<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>";
	static const char tail[] =
	"</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleLogoutService"
	" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp/slo\""
	" ResponseLocation=\"https://idp/done\"/><md:SingleSignOnService"
	" Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp/sso\"/>"
	"</md:IDPSSODescriptor></md:EntityDescriptor>";
	char		text[8192];
	const char *body = strchr(certificate, '\n');
	int			n = snprintf(text, sizeof(text), "%s%.*s%s", head,
							 (int) (strstr(body, "-----END") - body), body, tail);

	set_bytes(SAMPLE_METADATA, text, (size_t) n);
}

/* Starts the libraries and makes the samples. */
void
sample_make(void)
{
	EVP_PKEY   *key;

	require(saml_xml_init() == 0, "libraries");
	key = EVP_RSA_gen(2048);
	require(key != NULL, "key");
	make_certificate(key);
	sign(SAMPLE_RESPONSE, key, RESPONSE(SIGNATURE("_r1"), ""));
	sign(SAMPLE_ASSERTION, key, RESPONSE("", SIGNATURE("_a1")));
	make_logout(SAMPLE_LOGOUT, "0", "\nmessage ");
	unpack_logout();
	make_logout(SAMPLE_QUERY, "1", "\nlocation ");
	make_metadata();
	EVP_PKEY_free(key);
}

const Sample *
sample(SampleKind kind)
{
	return &samples[kind];
}

/* The job of a sample, with these bytes for its own; to be freed. */
char *
sample_job(SampleKind kind, const char *bytes, size_t len, size_t *job_len)
{
	const Sample *s = &samples[kind];
	char	   *job = malloc(len + sizeof(certificate) + 1024);
	int			n = 0;

	n += append(job + n, "job", s->job);
	n += append(job + n, "certificate", certificate);
	n += append(job + n, "issuer", "https://idp");
	n += append(job + n, "now", NOW);
	n += append(job + n, "skew", "30");
	n += sprintf(job + n, "%s%s %zu\n", s->more, s->field, len);
	memcpy(job + n, bytes, len);
	job[n + len] = '\n';
	*job_len = (size_t) n + len + 1;
	return job;
}
