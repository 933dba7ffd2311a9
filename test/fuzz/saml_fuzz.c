/*
 * saml_fuzz.c
 *	  libFuzzer target: what strangers send for a SAML login. The first byte
 *	  chooses the job; nothing that our sample key has not signed is accepted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "saml/xml/saml_xml.h"
#include "saml_sample.h"

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t		LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t		LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void) argc;
	(void) argv;
	sample_make();
	return 0;
}

/* A short input is begun anew from the signed response, so that most get past the parser. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	size_t		len;
	const char *response = sample_response(&len);

	if ((size < 64 || seed % 8 == 0) && len + 1 <= max_size)
	{
		data[0] = (uint8_t) (seed >> 8);
		memcpy(data + 1, response, len);
		size = len + 1;
	}
	return LLVMFuzzerMutate(data, size, max_size);
}

static const char *
name_id(const xmlBuffer *out)
{
	return strstr((const char *) xmlBufferContent(out), "\nname_id ");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = {"verify_response", "verify_response", "parse_metadata", "verify_logout"};
	static const char signed_name[] = "\nname_id 17\nalice@example.com\n";
	xmlBuffer  *out = xmlBufferCreate();
	size_t		job_len;
	char	   *job;
	Verdict		verdict;
	int			kind = size ? data[0] % 4 : 0;

	if (size == 0)
	{
		xmlBufferFree(out);
		return 0;
	}
	job = sample_job(kinds[kind], (const char *) data + 1, size - 1, &job_len);
	verdict = saml_xml_run(job, job_len, out);
	if (verdict == VERDICT_VERIFIED && kind != 2 &&
		(name_id(out) == NULL || strncmp(name_id(out), signed_name, sizeof(signed_name) - 1) != 0))
		abort();
	free(job);
	/* The bytes as a whole job. */
	xmlBufferEmpty(out);
	(void) saml_xml_run((const char *) data, size, out);
	xmlBufferFree(out);
	return 0;
}
