/*
 * acl_fuzz.c
 *	  libFuzzer target: any list, any access, any ids; every matcher must agree
 *	  with the reference, the packed form's check must not let bad bytes by, and
 *	  an entry that matches is told as nearest of all.
 *
 * Input: fields separated by a zero byte: auth id, session id, access, then
 * the entries.  A first byte 0xff takes the rest as a packed list instead.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "../unit/acl_reference.h"
#include "plain/acl_judge.h"
#include "plain/acl_nearest.h"

#define MAX_FIELDS	32

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_packed(const char *packed, size_t size)
{
	AclAccess	a;
	AclCompiled *compiled;
	AclReader	reader;
	AclEntry	entry;

	if (!acl_packed_valid(packed, size))
		return;
	compiled = test_compile(packed, size);
	acl_reader_init(&reader, packed);
	while (acl_reader_next(&reader, &entry))
	{
		acl_access_init(&a, entry.text, entry.len, NULL, &test_env);
		if (acl_list_grants(packed, &a) != acl_compiled_grants(compiled, &a))
			abort();
		acl_access_done(&a);
	}
	free(compiled);
}

static bool
plain(Text t)
{
	return memchr(t.text, '.', t.len) == NULL && memchr(t.text, '#', t.len) == NULL &&
		memchr(t.text, '\n', t.len) == NULL;
}

/*
 * What a holder of the list may give to itself is what it has.  (Accesses with
 * a newline are not considered, ids have no dot.)
 */
static void
fuzz_judge(const char *packed, const Text *fields, size_t count, const AclContext *ctx, bool granted)
{
	AclJudge   *judge;

	if (granted || memchr(fields[2].text, '\n', fields[2].len) != NULL || !plain(fields[0]) || !plain(fields[1]))
		return;
	judge = acl_judge_make(packed, ctx, &test_env);
	for (size_t i = 3; i < count; i++)
		if (fields[i].len > 0 && fields[i].text[0] != '!' && reference_match(fields[i], fields[2], ctx) &&
			acl_judge_add(judge, fields[i].text, fields[i].len) == ACL_MAY)
			abort();
	if (reference_match(fields[0], fields[2], ctx) && fields[0].len > 0 && fields[0].text[0] != '!' &&
		acl_judge_add(judge, fields[0].text, fields[0].len) == ACL_MAY)
		abort();
	acl_judge_free(judge);
}

/* An entry needs no edit exactly when it matches; the same restrictions. */
static void
fuzz_nearest(const AclAccess *a, const Text *fields, size_t count, const AclContext *ctx)
{
	AclNearness nearness;

	if (memchr(fields[2].text, '\n', fields[2].len) != NULL || !plain(fields[0]) || !plain(fields[1]))
		return;
	for (size_t i = 3; i < count; i++)
	{
		AclEntry	entry = {.text = fields[i].text, .len = fields[i].len};

		if (acl_nearness(&entry, a, &nearness) &&
			(nearness.edits == 0) != reference_match(fields[i], fields[2], ctx))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Text		fields[MAX_FIELDS];
	size_t		count = 0;
	size_t		from = 0;
	const char *text = (const char *) data;
	size_t		packed_size;
	char	   *packed;
	AclCompiled *compiled;
	AclContext	ctx;
	AclAccess	a;
	bool		expected;
	bool		granted;
	int32_t		index;

	if (size > 0 && data[0] == 0xff)
	{
		fuzz_packed(text + 1, size - 1);
		return 0;
	}
	for (size_t i = 0; i <= size && count < MAX_FIELDS; i++)
		if (i == size || data[i] == 0)
		{
			fields[count++] = (Text) {text + from, i - from};
			from = i + 1;
		}
	if (count < 3)
		return 0;
	ctx = (AclContext) {fields[0].text, fields[0].len, fields[1].text, fields[1].len};
	for (size_t i = 3; i < count; i++)
		if (fields[i].len > ACL_MAX_ENTRY)
			return 0;

	packed = test_pack(fields + 3, count - 3, &packed_size);
	if (!acl_packed_valid(packed, packed_size))
		abort();
	compiled = test_compile(packed, packed_size);
	index = reference_decide(fields + 3, count - 3, fields[2], &ctx, &expected);
	acl_access_init(&a, fields[2].text, fields[2].len, &ctx, &test_env);
	if (acl_list_grants(packed, &a) != expected ||
		acl_compiled_grants(compiled, &a) != expected ||
		acl_list_decide(packed, &a, &granted) != index || granted != expected)
		abort();
	for (size_t i = 3; i < count; i++)
		if (acl_bits_match(&a, fields[i].text, fields[i].len, 0) !=
			reference_match(fields[i], fields[2], &ctx))
			abort();
	if (expected && !test_index_finds(fields + 3, count - 3, &a))
		abort();
	fuzz_nearest(&a, fields, count, &ctx);
	acl_access_done(&a);
	fuzz_judge(packed, fields, count, &ctx, expected);
	free(packed);
	free(compiled);
	return 0;
}
