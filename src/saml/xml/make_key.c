/*
 * make_key.c
 *	  The job make_key: a key of ours and its certificate, signed by itself.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "make_key.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define KEY_BITS		3072
#define SERIAL_BITS		127
#define X509_VERSION_3_NUMBER	2

/* Reports what a memory BIO holds, and frees it. */
static void
bio_found(Work *w, const char *name, BIO *bio)
{
	char	   *data;
	long		len = BIO_get_mem_data(bio, &data);

	found(w, name, keep(w, xmlStrndup((const xmlChar *) data, (int) len)));
	BIO_free(bio);
}

static bool
set_serial(X509 *cert)
{
	BIGNUM	   *number = BN_new();
	bool		good;

	good = number != NULL && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
		BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return good;
}

static bool
set_name(X509 *cert, const Field *name)
{
	X509_NAME  *subject = X509_get_subject_name(cert);

	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *) name->data,
									  (int) name->len, -1, 0) == 1 &&
		X509_set_issuer_name(cert, subject) == 1;
}

static bool
set_end_entity(X509 *cert)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:FALSE");
	bool		good = extension != NULL && X509_add_ext(cert, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return good;
}

static X509 *
certificate_for(const Job *job, EVP_PKEY *key)
{
	X509	   *cert = X509_new();

	if (cert != NULL && X509_set_version(cert, X509_VERSION_3_NUMBER) == 1 && set_serial(cert) &&
		set_name(cert, &job->common_name) && set_end_entity(cert) &&
		ASN1_TIME_set(X509_getm_notBefore(cert), (time_t) job->now) != NULL &&
		ASN1_TIME_set(X509_getm_notAfter(cert), (time_t) (job->now + job->days * 86400)) != NULL &&
		X509_set_pubkey(cert, key) == 1 && X509_sign(cert, key, EVP_sha256()) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

bool
make_key(Work *w)
{
	EVP_PKEY   *key = EVP_RSA_gen(KEY_BITS);
	X509	   *cert = key ? certificate_for(w->job, key) : NULL;
	BIO		   *key_text = BIO_new(BIO_s_secmem());
	BIO		   *cert_text = BIO_new(BIO_s_mem());
	bool		good;

	good = cert != NULL && key_text != NULL && cert_text != NULL &&
		PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) == 1 &&
		PEM_write_bio_X509(cert_text, cert) == 1;
	if (good)
	{
		bio_found(w, "key", key_text);
		bio_found(w, "certificate", cert_text);
	}
	else
	{
		BIO_free(key_text);
		BIO_free(cert_text);
		refuse(w, "common_name", "not the name of a certificate: UTF-8, at most 64 characters");
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return good;
}
