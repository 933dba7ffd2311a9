/*
 * saml_xml.c
 *	  The program as a function: a job's bytes to a result's.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "saml_xml.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <time.h>
#include <xmlsec/xmlsec.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>

#include "document.h"
#include "encoding.h"
#include "keys.h"
#include "logout.h"
#include "make.h"
#include "make_key.h"
#include "metadata.h"
#include "response.h"

/* What the libraries would print could quote the document. */
static void
say_nothing(void *ctx, const char *message,...)
{
	(void) ctx;
	(void) message;
}

static void
note_nothing(const char *file, int line, const char *func, const char *object, const char *subject,
			 int reason, const char *message)
{
	(void) file;
	(void) line;
	(void) func;
	(void) object;
	(void) subject;
	(void) reason;
	(void) message;
}

/*
 * Starts the libraries, without OpenSSL's configuration file: a service's own
 * must not add providers here. 0 when good. Afterwards no file is needed.
 */
int
saml_xml_init(void)
{
	unsigned char byte;

	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_LOAD_CRYPTO_STRINGS |
							OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL) != 1)
		return -1;
	/* gmtime() reads the local time zone at its first call. */
	tzset();
	xmlInitParser();
	xmlSetGenericErrorFunc(NULL, say_nothing);
	if (xmlSecInit() < 0 || xmlSecOpenSSLAppInit(NULL) < 0 || xmlSecOpenSSLInit() < 0)
		return -1;
	xmlSecErrorsSetCallback(note_nothing);
	return RAND_bytes(&byte, 1) == 1 ? 0 : -1;
}

/* Parses the document that came as XML or in base64; NULL with the refusal noted. */
static xmlNode *
document_of(Work *w)
{
	const Job  *job = w->job;
	xmlBuffer  *xml;
	xmlNode    *root;

	if (job->base64.data == NULL)
		return document_parse(w, 0, job->document.data, job->document.len);
	xml = base64_decode(job->base64.data, job->base64.len);
	if (xml == NULL)
		return refuse(w, "base64", NULL), NULL;
	root = document_parse(w, 0, (const char *) xmlBufferContent(xml), (size_t) xmlBufferLength(xml));
	xmlBufferFree(xml);
	return root;
}

static bool
read_document(Work *w, bool (*job) (Work *, xmlNode *))
{
	xmlNode    *root = document_of(w);

	return root != NULL && job(w, root);
}

static bool
done(Work *w)
{
	if (!keys_of_certificates(w))
		return false;
	if (w->job->query.data != NULL)
		return read_query(w);
	switch (w->job->kind)
	{
		case JOB_VERIFY_RESPONSE:
			return read_document(w, verify_response);
		case JOB_VERIFY_LOGOUT:
			return read_document(w, verify_logout);
		case JOB_PEEK_LOGOUT:
			return read_document(w, peek_logout);
		case JOB_PARSE_METADATA:
			return read_document(w, parse_metadata);
		case JOB_MAKE_AUTHN_REQUEST:
			return make_authn_request(w);
		case JOB_MAKE_LOGOUT_REQUEST:
			return make_logout_request(w);
		case JOB_MAKE_LOGOUT_RESPONSE:
			return make_logout_response(w);
		case JOB_MAKE_METADATA:
			return make_metadata(w);
		case JOB_MAKE_KEY:
			return make_key(w);
		case JOB_NONE:
			break;
	}
	return false;
}

/* Does the job and writes its result to out: of a refusal, nothing but the refusal. */
Verdict
saml_xml_run(const char *bytes, size_t len, xmlBuffer *out)
{
	Job			job;
	Work		w;
	const char *wrong = job_read(bytes, len, &job);
	bool		good;

	if (wrong != NULL)
	{
		write_field(out, "bad_job", wrong);
		return VERDICT_BAD_JOB;
	}
	work_begin(&w, &job);
	good = done(&w) && w.refusal == NULL;
	if (good)
	{
		write_field(out, "result", "verified");
		xmlBufferAdd(out, xmlBufferContent(w.found), xmlBufferLength(w.found));
	}
	else
	{
		write_field(out, "refused", w.refusal ? w.refusal : "unknown");
		if (w.detail != NULL)
			write_field(out, "detail", w.detail);
	}
	work_end(&w);
	return good ? VERDICT_VERIFIED : VERDICT_REFUSED;
}
