/*
 * saml_fuzz.c
 *	  libFuzzer targets: what strangers send for a SAML login. Nothing that our
 *	  sample key has not signed is accepted.
 *
 * Built once for each kind of message (FIRST_SAMPLE to LAST_SAMPLE); the first
 * byte chooses among them. Metadata are not signed: any may be accepted.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "saml/xml/saml_xml.h"
#include "saml_sample.h"

static xmlBuffer *originals[SAMPLE_KINDS];

int			LLVMFuzzerInitialize(int *argc, char ***argv);
int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t		LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t		LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static SampleKind
kind_of(uint8_t byte)
{
	return FIRST_SAMPLE + byte % (LAST_SAMPLE - FIRST_SAMPLE + 1);
}

static Verdict
judged(SampleKind kind, const char *bytes, size_t len, xmlBuffer *out)
{
	size_t		job_len;
	char	   *job = sample_job(kind, bytes, len, &job_len);
	Verdict		verdict = saml_xml_run(job, job_len, out);

	free(job);
	return verdict;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void) argc;
	(void) argv;
	sample_make();
	for (int i = FIRST_SAMPLE; i <= LAST_SAMPLE; i++)
	{
		originals[i] = xmlBufferCreate();
		if (judged(i, sample(i)->bytes, sample(i)->len, originals[i]) != VERDICT_VERIFIED)
			abort();
	}
	return 0;
}

/* A short input is begun anew from a sample, so that most get past the parser. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	uint8_t		byte = (uint8_t) (seed >> 8);
	const Sample *s = sample(kind_of(byte));

	if ((size < 64 || seed % 8 == 0) && s->len + 1 <= max_size)
	{
		data[0] = byte;
		memcpy(data + 1, s->bytes, s->len);
		size = s->len + 1;
	}
	return LLVMFuzzerMutate(data, size, max_size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	xmlBuffer  *out = xmlBufferCreate();
	SampleKind	kind = kind_of(size ? data[0] : 0);

	if (size > 0 && judged(kind, (const char *) data + 1, size - 1, out) == VERDICT_VERIFIED &&
		kind != SAMPLE_METADATA && !xmlStrEqual(xmlBufferContent(out), xmlBufferContent(originals[kind])))
		abort();
	/* The bytes as a whole job. */
	xmlBufferEmpty(out);
	(void) saml_xml_run((const char *) data, size, out);
	xmlBufferFree(out);
	return 0;
}
