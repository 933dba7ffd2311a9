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
#include <xmlsec/xmlsec.h>
#include <xmlsec/errors.h>
#include <xmlsec/openssl/app.h>
#include <xmlsec/openssl/crypto.h>

#include "document.h"
#include "jobs.h"
#include "keys.h"

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
	xmlInitParser();
	xmlSetGenericErrorFunc(NULL, say_nothing);
	if (xmlSecInit() < 0 || xmlSecOpenSSLAppInit(NULL) < 0 || xmlSecOpenSSLInit() < 0)
		return -1;
	xmlSecErrorsSetCallback(note_nothing);
	return RAND_bytes(&byte, 1) == 1 ? 0 : -1;
}

static bool
done(Work *w)
{
	xmlNode    *root;

	if (!keys_of_certificates(w))
		return false;
	root = document_parse(w, 0, w->job->document.data, w->job->document.len);
	if (root == NULL)
		return false;
	switch (w->job->kind)
	{
		case JOB_VERIFY_RESPONSE:
			return verify_response(w, root);
		case JOB_PARSE_METADATA:
			return parse_metadata(w, root);
		case JOB_VERIFY_LOGOUT:
			return verify_logout(w, root);
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
