/*
 * saml_mutation_test.c
 *	  Signed messages, changed at random and judged, as TAP.
 *
 * A change may be accepted only when it is none to what was signed: the result
 * is then the original's to the byte.
 *
 * usage: saml_mutation_test ROUNDS [SEED]
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saml/xml/saml_xml.h"
#include "saml_sample.h"
#include "tap.h"

#define ROOM	32768

/* So many changes are a round: the original must be accepted after each. */
#define ROUND	4

static uint64_t state;

/* xorshift64*: the same changes on every machine for a seed. */
static size_t
below(size_t n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (size_t) ((state * UINT64_C(2685821657736338717)) >> 33) % n;
}

/* A place to cut: half of them where a tag begins. */
static size_t
place(const char *s, size_t len)
{
	size_t		at = below(len);

	if (below(2) == 0)
	{
		while (at < len && s[at] != '<')
			at++;
	}
	return at < len ? at : 0;
}

static size_t
insert(char *s, size_t len, size_t at, const char *piece, size_t n)
{
	if (len + n > ROOM)
		return len;
	memmove(s + at + n, s + at, len - at);
	memcpy(s + at, piece, n);
	return len + n;
}

static size_t
insert_token(char *s, size_t len)
{
	static const char *const tokens[] = {
		"<!-- -->", "<![CDATA[", "]]>", "<?x?>", "<!DOCTYPE x>", "&lt;", "&#0;", "&#97;", " ID=\"_r1\"", " ID=\"_a1\"",
		" xmlns=\"urn:x\"", " xmlns:saml=\"urn:x\"", "/>", "<saml:Assertion>", "</saml:Assertion>", "<ds:Object>",
		"\xC0\x80", "\xEF\xBB\xBF", "mallory", "\r\n", " ", "#", "<x/>"
	};
	const char *token = tokens[below(sizeof(tokens) / sizeof(tokens[0]))];

	return insert(s, len, place(s, len), token, strlen(token));
}

/* Copies a stretch to elsewhere: whole elements, with luck. */
static size_t
copy_stretch(char *s, size_t len)
{
	char		piece[4096];
	size_t		from = place(s, len);
	size_t		n = place(s, len);

	n = n > from ? n - from : below(200);
	if (n > sizeof(piece))
		n = sizeof(piece);
	if (n > len - from)
		n = len - from;
	memcpy(piece, s + from, n);
	return insert(s, len, place(s, len), piece, n);
}

static size_t
cut_stretch(char *s, size_t len)
{
	size_t		from = place(s, len);
	size_t		n = 1 + below(below(2) ? 4 : 400);

	if (n >= len - from)
		return len;
	memmove(s + from, s + from + n, len - from - n);
	return len - n;
}

static size_t
mutate(char *s, size_t len)
{
	switch (below(4))
	{
		case 0:
			s[below(len)] = (char) below(256);
			return len;
		case 1:
			return insert_token(s, len);
		case 2:
			return copy_stretch(s, len);
		default:
			return cut_stretch(s, len);
	}
}

/* In a query string: tokens of one. */
static size_t
mutate_query(char *s, size_t len)
{
	static const char *const tokens[] = {
		"&", "=", "%00", "%2f", "%", "+", "&RelayState=r2", "&SAMLRequest=", "&SAMLResponse=x", "&SigAlg=",
		"&Signature=", "&x=y", "http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1", "A", "%3D"
	};
	const char *token = tokens[below(sizeof(tokens) / sizeof(tokens[0]))];

	if (below(3) == 0)
		return insert(s, len, below(len), token, strlen(token));
	return mutate(s, len);
}

static Verdict
judged(SampleKind kind, const char *bytes, size_t len, xmlBuffer *out)
{
	size_t		job_len;
	char	   *job = sample_job(kind, bytes, len, &job_len);
	Verdict		verdict;

	xmlBufferEmpty(out);
	verdict = saml_xml_run(job, job_len, out);
	free(job);
	return verdict;
}

/* Is out what the original gave? */
static bool
same(const xmlBuffer *out, const xmlBuffer *original)
{
	return xmlBufferLength(out) == xmlBufferLength(original) &&
		memcmp(xmlBufferContent(out), xmlBufferContent(original), (size_t) xmlBufferLength(out)) == 0;
}

/* Changes a copy of the sample by one to three mutations. */
static size_t
changed(SampleKind kind, char *document)
{
	size_t		len = sample(kind)->len;

	memcpy(document, sample(kind)->bytes, len);
	for (size_t changes = 1 + below(3); changes > 0; changes--)
		len = kind == SAMPLE_QUERY ? mutate_query(document, len) : mutate(document, len);
	return len;
}

static void
run(SampleKind kind, long rounds)
{
	static char document[ROOM];
	const Sample *s = sample(kind);
	long		wrong = 0,
				lost = 0,
				unchanged = 0;
	xmlBuffer  *original = xmlBufferCreate();
	xmlBuffer  *out = xmlBufferCreate();

	ok(judged(kind, s->bytes, s->len, original) == VERDICT_VERIFIED, "%s is accepted", s->what);
	for (long i = 0; i < rounds; i++)
	{
		size_t		n = changed(kind, document);

		if (judged(kind, document, n, out) == VERDICT_VERIFIED)
		{
			unchanged++;
			if (!same(out, original))
			{
				wrong++;
				printf("# accepted: %.*s\n", (int) n, document);
			}
		}
		if (i % ROUND == 0 && (judged(kind, s->bytes, s->len, out) != VERDICT_VERIFIED || !same(out, original)))
			lost++;
	}
	ok(wrong == 0, "none of %ld changes gives another result (%ld change nothing that is signed)", rounds, unchanged);
	ok(lost == 0, "the original is accepted after every %d", ROUND);
	xmlBufferFree(original);
	xmlBufferFree(out);
}

int
main(int argc, char **argv)
{
	long		rounds = argc > 1 ? atol(argv[1]) : 1000;

	state = argc > 2 ? strtoull(argv[2], NULL, 10) | 1 : 20260101;
	sample_make();
	/* half of them on what most providers send */
	run(SAMPLE_RESPONSE, rounds / 2);
	run(SAMPLE_ASSERTION, rounds / 4);
	run(SAMPLE_LOGOUT, rounds / 8);
	run(SAMPLE_QUERY, rounds / 8);
	return tap_end();
}
