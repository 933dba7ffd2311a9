/*
 * saml_sample.c
 *	  A key, its certificate and a response signed with it.
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

#include "saml/xml/saml_xml.h"

static char certificate[4096];
static char *response;
static size_t response_len;

static const char text[] =
"<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\""
" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_r1\" Version=\"2.0\""
" IssueInstant=\"2026-01-01T00:00:00Z\" Destination=\"https://sp/acs\" InResponseTo=\"id-1\">"
"<saml:Issuer>https://idp</saml:Issuer>"
"<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>"
"<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>"
"<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"/>"
"<ds:Reference URI=\"#_r1\"><ds:Transforms>"
"<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>"
"<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>"
"<ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/></ds:Reference>"
"</ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
"<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>"
"<saml:Assertion ID=\"_a1\" Version=\"2.0\" IssueInstant=\"2026-01-01T00:00:00Z\">"
"<saml:Issuer>https://idp</saml:Issuer><saml:Subject><saml:NameID>alice@example.com</saml:NameID>"
"<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData"
" Recipient=\"https://sp/acs\" InResponseTo=\"id-1\" NotOnOrAfter=\"2026-01-01T00:05:00Z\"/>"
"</saml:SubjectConfirmation></saml:Subject>"
"<saml:Conditions NotBefore=\"2026-01-01T00:00:00Z\" NotOnOrAfter=\"2026-01-01T00:05:00Z\">"
"<saml:AudienceRestriction><saml:Audience>https://sp</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
"<saml:AuthnStatement AuthnInstant=\"2026-01-01T00:00:00Z\" SessionIndex=\"s1\"/>"
"<saml:AttributeStatement><saml:Attribute Name=\"name\"><saml:AttributeValue>alice</saml:AttributeValue>"
"</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>";

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
make_certificate(EVP_PKEY *key)
{
	X509	   *cert = X509_new();
	BIO		   *bio = BIO_new(BIO_s_mem());

	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	require(X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256()) > 0 &&
			PEM_write_bio_X509(bio, cert) &&
			BIO_read(bio, certificate, sizeof(certificate) - 1) > 0, "certificate");
	BIO_free(bio);
	X509_free(cert);
}

static void
sign(EVP_PKEY *key)
{
	xmlDoc	   *doc = xmlReadMemory(text, sizeof(text) - 1, NULL, NULL, XML_PARSE_NONET);
	xmlNode    *root = xmlDocGetRootElement(doc);
	xmlSecDSigCtx *ctx = xmlSecDSigCtxCreate(NULL);
	xmlChar    *out;
	int			len;

	xmlAddID(NULL, doc, (const xmlChar *) "_r1", xmlHasProp(root, (const xmlChar *) "ID"));
	ctx->signKey = xmlSecKeyCreate();
	require(xmlSecKeySetValue(ctx->signKey, xmlSecOpenSSLEvpKeyAdopt(key)) == 0 &&
			xmlSecDSigCtxSign(ctx, xmlSecFindNode(root, xmlSecNodeSignature, xmlSecDSigNs)) == 0, "signature");
	xmlDocDumpMemory(doc, &out, &len);
	response = strdup((const char *) out);
	response_len = (size_t) len;
	xmlFree(out);
	xmlSecDSigCtxDestroy(ctx);
	xmlFreeDoc(doc);
}

/* Starts the libraries and makes the sample. */
void
sample_make(void)
{
	EVP_PKEY   *key;

	require(saml_xml_init() == 0, "libraries");
	key = EVP_RSA_gen(2048);
	require(key != NULL, "key");
	make_certificate(key);
	sign(key);
}

const char *
sample_response(size_t *len)
{
	*len = response_len;
	return response;
}

/* The job of a document, with the sample's expectations; to be freed. */
char *
sample_job(const char *kind, const char *document, size_t len, size_t *job_len)
{
	static const char expectations[] =
	"issuer 11\nhttps://idp\naudience 10\nhttps://sp\ndestination 14\nhttps://sp/acs\n"
	"recipient 14\nhttps://sp/acs\nin_response_to 4\nid-1\nnow 10\n1767225660\nskew 2\n30\nsign_response 1\n1\n";
	char	   *job = malloc(len + sizeof(certificate) + sizeof(expectations) + 256);
	int			n = sprintf(job, "job %zu\n%s\ncertificate %zu\n%s\n%sdocument %zu\n",
							strlen(kind), kind, strlen(certificate), certificate, expectations, len);

	memcpy(job + n, document, len);
	job[n + len] = '\n';
	*job_len = (size_t) n + len + 1;
	return job;
}
