/*
 * keys.c
 *	  Certificates as keys. A certificate stands for its public key alone: trust
 *	  in it comes from where it was stored, not from an issuer or its dates.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "keys.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <xmlsec/openssl/evp.h>

#include "encoding.h"

#define RSA_MIN_BITS	2048
#define EC_MIN_BITS		256

static bool
is_strong(const EVP_PKEY *key)
{
	switch (EVP_PKEY_base_id(key))
	{
		case EVP_PKEY_RSA:
			return EVP_PKEY_bits(key) >= RSA_MIN_BITS;
		case EVP_PKEY_EC:
			return EVP_PKEY_bits(key) >= EC_MIN_BITS;
		default:
			return false;
	}
}

/* Takes over the key, also when it fails. */
static xmlSecKey *
wrapped(EVP_PKEY *pkey)
{
	xmlSecKeyData *data = pkey ? xmlSecOpenSSLEvpKeyAdopt(pkey) : NULL;
	xmlSecKey  *key;

	if (data == NULL)
	{
		EVP_PKEY_free(pkey);
		return NULL;
	}
	key = xmlSecKeyCreate();
	if (key == NULL || xmlSecKeySetValue(key, data) < 0)
	{
		xmlSecKeyDataDestroy(data);
		if (key != NULL)
			xmlSecKeyDestroy(key);
		return NULL;
	}
	return key;
}

static X509 *
certificate_of_pem(const Field *pem)
{
	BIO		   *bio = BIO_new_mem_buf(pem->data, (int) pem->len);
	X509	   *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return cert;
}

static xmlSecKey *
key_of_certificate(const Field *pem)
{
	X509	   *cert = certificate_of_pem(pem);
	EVP_PKEY   *pkey = cert ? X509_get_pubkey(cert) : NULL;

	X509_free(cert);
	if (pkey != NULL && !is_strong(pkey))
	{
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return wrapped(pkey);
}

/* Makes w->keys of the job's certificates; one that is no good refuses the job. */
bool
keys_of_certificates(Work *w)
{
	for (int i = 0; i < w->job->certificate_count; i++)
	{
		w->keys[i] = key_of_certificate(&w->job->certificates[i]);
		if (w->keys[i] == NULL)
			return refuse(w, "certificate", "not PEM, or neither RSA of 2048 bits nor an elliptic curve of 256");
	}
	return true;
}

static int
no_passphrase(char *buf, int size, int writing, void *data)
{
	(void) buf;
	(void) size;
	(void) writing;
	(void) data;
	return -1;
}

/* A private key without passphrase, to be destroyed by the caller; NULL: no good. */
xmlSecKey *
key_of_pem(const Field *pem)
{
	BIO		   *bio = BIO_new_mem_buf(pem->data, (int) pem->len);
	EVP_PKEY   *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	return wrapped(pkey);
}

static X509 *
certificate_of_base64(const char *base64)
{
	xmlBuffer  *der = base64_decode(base64, strlen(base64));
	const unsigned char *p = der ? xmlBufferContent(der) : NULL;
	X509	   *cert = der ? d2i_X509(NULL, &p, xmlBufferLength(der)) : NULL;

	xmlBufferFree(der);
	return cert;
}

/* The PEM text of an X509Certificate's content; NULL when it is none or its key is weak. */
const char *
certificate_pem(Work *w, const char *base64)
{
	X509	   *cert = base64 ? certificate_of_base64(base64) : NULL;
	BIO		   *bio = BIO_new(BIO_s_mem());
	const char *pem = NULL;
	char	   *data;
	long		len;

	if (cert != NULL && X509_get0_pubkey(cert) != NULL && is_strong(X509_get0_pubkey(cert)) &&
		PEM_write_bio_X509(bio, cert))
	{
		len = BIO_get_mem_data(bio, &data);
		pem = keep(w, xmlStrndup((const xmlChar *) data, (int) len));
	}
	BIO_free(bio);
	X509_free(cert);
	return pem;
}

/* What stands between the lines of a certificate's PEM text, which has been read before. */
const char *
certificate_base64(Work *w, const Field *pem)
{
	X509	   *cert = certificate_of_pem(pem);
	unsigned char *der = NULL;
	int			len = cert ? i2d_X509(cert, &der) : -1;
	const char *text = NULL;

	if (len > 0)
	{
		xmlBuffer  *base64 = base64_encode(der, (size_t) len);

		text = keep(w, xmlBufferDetach(base64));
		xmlBufferFree(base64);
	}
	OPENSSL_free(der);
	X509_free(cert);
	return text;
}
