/*
 * acl_type.c
 *	  The SQL type wazo_auth.acl: input, output, casts, comparison, joining.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "base/compat.h"
#include "acl/acl_type.h"

#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/hashfn.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"

/* Version of the binary protocol form; not that of the stored form. */
#define ACL_WIRE_VERSION	1

PG_FUNCTION_INFO_V1(wazo_auth_acl_in);
PG_FUNCTION_INFO_V1(wazo_auth_acl_out);
PG_FUNCTION_INFO_V1(wazo_auth_acl_recv);
PG_FUNCTION_INFO_V1(wazo_auth_acl_send);
PG_FUNCTION_INFO_V1(wazo_auth_acl_from_array);
PG_FUNCTION_INFO_V1(wazo_auth_acl_to_array);
PG_FUNCTION_INFO_V1(wazo_auth_acl_eq);
PG_FUNCTION_INFO_V1(wazo_auth_acl_ne);
PG_FUNCTION_INFO_V1(wazo_auth_acl_lt);
PG_FUNCTION_INFO_V1(wazo_auth_acl_le);
PG_FUNCTION_INFO_V1(wazo_auth_acl_gt);
PG_FUNCTION_INFO_V1(wazo_auth_acl_ge);
PG_FUNCTION_INFO_V1(wazo_auth_acl_cmp);
PG_FUNCTION_INFO_V1(wazo_auth_acl_hash);
PG_FUNCTION_INFO_V1(wazo_auth_acl_hash_extended);
PG_FUNCTION_INFO_V1(wazo_auth_acl_concat);
PG_FUNCTION_INFO_V1(wazo_auth_acl_length);
PG_FUNCTION_INFO_V1(wazo_auth_acl_digest);
PG_FUNCTION_INFO_V1(wazo_auth_acl_agg_trans);
PG_FUNCTION_INFO_V1(wazo_auth_acl_agg_final);

static void
backend_poll(void)
{
	CHECK_FOR_INTERRUPTS();
}

const AclEnv acl_backend_env = {palloc, pfree, backend_poll};

static void
check_entry(const char *text, size_t len)
{
	if (len > ACL_MAX_ENTRY)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("access pattern is too long"),
				 errdetail("It has %zu bytes.", len),
				 errhint("An access pattern has at most %d bytes.",
						 ACL_MAX_ENTRY)));
	if (memchr(text, '\0', len) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				 errmsg("access pattern contains a null character")));
}

/* May an ACL have that many entries?  Errors: 54000. */
void
acl_check_count(int64 count)
{
	if (count > ACL_MAX_ENTRIES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many access patterns"),
				 errdetail("There are %lld.", (long long) count),
				 errhint("An ACL has at most %d access patterns.",
						 ACL_MAX_ENTRIES)));
}

static void
check_total(size_t total)
{
	if (total > ACL_MAX_TOTAL)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("ACL is too large"),
				 errdetail("Its access patterns have %zu bytes.", total),
				 errhint("The access patterns of an ACL have at most %d bytes together.",
						 ACL_MAX_TOTAL)));
}

/*
 * Build a value from text datums; nulls may be NULL.  Errors: 54000 when a
 * limit is exceeded, 22004 for a null.
 */
struct varlena *
acl_from_texts(Datum *elems, bool *nulls, int count)
{
	struct varlena *acl;
	size_t		total = 0;
	size_t		size;
	char	   *at;

	acl_check_count(count);
	for (int i = 0; i < count; i++)
	{
		if (nulls != NULL && nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("an ACL must not contain nulls")));
		elems[i] = PointerGetDatum(DatumGetTextPP(elems[i]));
		check_entry(VARDATA_ANY(elems[i]), VARSIZE_ANY_EXHDR(elems[i]));
		total += VARSIZE_ANY_EXHDR(elems[i]);
	}
	check_total(total);

	size = VARHDRSZ + ACL_PACKED_HEADER + (size_t) count * 2 + total;
	acl = palloc(size);
	SET_VARSIZE(acl, size);
	acl_packed_put_header(VARDATA(acl), (uint32_t) count);
	at = VARDATA(acl) + ACL_PACKED_HEADER;
	for (int i = 0; i < count; i++)
		at = acl_packed_put_entry(at, VARDATA_ANY(elems[i]),
								  VARSIZE_ANY_EXHDR(elems[i]));
	return acl;
}

static struct varlena *
from_array(ArrayType *array)
{
	Datum	   *elems;
	bool	   *nulls;
	int			count;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("an ACL has one dimension only")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &elems, &nulls, &count);
	return acl_from_texts(elems, nulls, count);
}

static ArrayType *
to_array(struct varlena *acl)
{
	AclReader	reader;
	int			count = (int) acl_packed_count(ACL_PACKED(acl));
	Datum	   *elems = palloc(sizeof(Datum) * Max(count, 1));
	const char *text;
	size_t		len;

	acl_reader_init(&reader, ACL_PACKED(acl));
	for (int i = 0; acl_reader_raw(&reader, &text, &len); i++)
		elems[i] = PointerGetDatum(cstring_to_text_with_len(text, (int) len));
	return construct_array(elems, count, TEXTOID, -1, false, TYPALIGN_INT);
}

/* Input: the syntax of text[].  Errors: 22P02, 2202E, 22004, 54000. */
Datum
wazo_auth_acl_in(PG_FUNCTION_ARGS)
{
	Datum		array = OidInputFunctionCall(F_ARRAY_IN, PG_GETARG_CSTRING(0),
											 TEXTOID, -1);

	PG_RETURN_POINTER(from_array(DatumGetArrayTypeP(array)));
}

/* Output: the syntax of text[]. */
Datum
wazo_auth_acl_out(PG_FUNCTION_ARGS)
{
	ArrayType  *array = to_array(PG_GETARG_ACL_PP(0));

	PG_RETURN_CSTRING(OidOutputFunctionCall(F_ARRAY_OUT,
											PointerGetDatum(array)));
}

/*
 * Binary input: byte version (1), int32 number of entries, then for each an
 * int32 length and that many bytes in the client's encoding.  Errors: 22P03
 * for another version or a number that cannot be, 22021 for text that is not
 * valid in the encoding, 54000 beyond a limit.
 */
Datum
wazo_auth_acl_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			version = pq_getmsgbyte(buf);
	int32		count;
	Datum	   *elems;

	if (version != ACL_WIRE_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("unsupported version %d of binary ACL", version)));
	count = (int32) pq_getmsgint(buf, 4);
	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid number of entries in binary ACL")));
	acl_check_count(count);
	elems = palloc(sizeof(Datum) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		int32		len = (int32) pq_getmsgint(buf, 4);
		int			converted;
		char	   *text;

		if (len < 0 || len > buf->len - buf->cursor)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("invalid length of an entry in binary ACL")));
		text = pq_getmsgtext(buf, len, &converted);
		elems[i] = PointerGetDatum(cstring_to_text_with_len(text, converted));
		pfree(text);
	}
	PG_RETURN_POINTER(acl_from_texts(elems, NULL, count));
}

/* Binary output; see wazo_auth_acl_recv. */
Datum
wazo_auth_acl_send(PG_FUNCTION_ARGS)
{
	struct varlena *acl = PG_GETARG_ACL_PP(0);
	StringInfoData buf;
	AclReader	reader;
	const char *text;
	size_t		len;

	pq_begintypsend(&buf);
	pq_sendbyte(&buf, ACL_WIRE_VERSION);
	pq_sendint32(&buf, acl_packed_count(ACL_PACKED(acl)));
	acl_reader_init(&reader, ACL_PACKED(acl));
	while (acl_reader_raw(&reader, &text, &len))
		send_counted_text(&buf, text, (int) len);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* Cast from text[].  Errors: as input. */
Datum
wazo_auth_acl_from_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(from_array(PG_GETARG_ARRAYTYPE_P(0)));
}

/* Cast to text[]. */
Datum
wazo_auth_acl_to_array(PG_FUNCTION_ARGS)
{
	PG_RETURN_ARRAYTYPE_P(to_array(PG_GETARG_ACL_PP(0)));
}

/*
 * The order is that of the packed bytes: nothing a reader would call sorted,
 * but the same on every machine, which is what indexes and DISTINCT need.
 */
static int
compare(FunctionCallInfo fcinfo)
{
	struct varlena *a = PG_GETARG_ACL_PP(0);
	struct varlena *b = PG_GETARG_ACL_PP(1);
	size_t		alen = ACL_PACKED_LEN(a);
	size_t		blen = ACL_PACKED_LEN(b);
	int			order = memcmp(ACL_PACKED(a), ACL_PACKED(b), Min(alen, blen));

	if (order == 0)
		order = (alen > blen) - (alen < blen);
	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);
	return order;
}

/* Same entries in the same order? */
Datum
wazo_auth_acl_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

Datum
wazo_auth_acl_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

Datum
wazo_auth_acl_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum
wazo_auth_acl_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum
wazo_auth_acl_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

Datum
wazo_auth_acl_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

Datum
wazo_auth_acl_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(fcinfo));
}

Datum
wazo_auth_acl_hash(PG_FUNCTION_ARGS)
{
	struct varlena *acl = PG_GETARG_ACL_PP(0);

	PG_RETURN_DATUM(hash_any((const unsigned char *) ACL_PACKED(acl),
							 (int) ACL_PACKED_LEN(acl)));
}

Datum
wazo_auth_acl_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *acl = PG_GETARG_ACL_PP(0);

	PG_RETURN_DATUM(hash_any_extended((const unsigned char *) ACL_PACKED(acl),
									  (int) ACL_PACKED_LEN(acl),
									  (uint64) PG_GETARG_INT64(1)));
}

/*
 * Join the entries of several packed lists, whose entry bytes (everything
 * behind the header) are already in "bytes".
 */
static struct varlena *
from_entries(int64 count, const char *bytes, size_t len)
{
	struct varlena *acl;
	size_t		size = VARHDRSZ + ACL_PACKED_HEADER + len;

	acl_check_count(count);
	check_total(len - (size_t) count * 2);
	acl = palloc(size);
	SET_VARSIZE(acl, size);
	acl_packed_put_header(VARDATA(acl), (uint32_t) count);
	memcpy(VARDATA(acl) + ACL_PACKED_HEADER, bytes, len);
	return acl;
}

static void
append_entries(StringInfo buf, struct varlena *acl)
{
	appendBinaryStringInfo(buf, ACL_PACKED(acl) + ACL_PACKED_HEADER,
						   (int) (ACL_PACKED_LEN(acl) - ACL_PACKED_HEADER));
}

/* One value with the entries of n others, in their order.  Errors: 54000. */
struct varlena *
acl_join(struct varlena **acl, int n)
{
	StringInfoData buf;
	int64		count = 0;

	initStringInfo(&buf);
	for (int i = 0; i < n; i++)
	{
		append_entries(&buf, acl[i]);
		count += acl_packed_count(ACL_PACKED(acl[i]));
	}
	return from_entries(count, buf.data, (size_t) buf.len);
}

/* a || b: the entries of a, then those of b.  Errors: 54000. */
Datum
wazo_auth_acl_concat(PG_FUNCTION_ARGS)
{
	struct varlena *acl[2] = {PG_GETARG_ACL_PP(0), PG_GETARG_ACL_PP(1)};

	PG_RETURN_POINTER(acl_join(acl, 2));
}

/* Number of entries. */
Datum
wazo_auth_acl_length(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) acl_packed_count(ACL_PACKED(PG_GETARG_ACL_PP(0))));
}

/*
 * The first 16 bytes of SHA-256 over the packed list: the key under which a
 * set of access patterns is stored once.
 */
void
acl_digest_of(struct varlena *acl, pg_uuid_t *digest)
{
	uint8		full[PG_SHA256_DIGEST_LENGTH];
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	if (ctx == NULL || pg_cryptohash_init(ctx) < 0 ||
		pg_cryptohash_update(ctx, (const uint8 *) ACL_PACKED(acl),
							 ACL_PACKED_LEN(acl)) < 0 ||
		pg_cryptohash_final(ctx, full, sizeof(full)) < 0)
	{
		pg_cryptohash_free(ctx);
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute the digest of an ACL")));
	}
	pg_cryptohash_free(ctx);
	memcpy(digest->data, full, UUID_LEN);
}

Datum
wazo_auth_acl_digest(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *digest = palloc(sizeof(pg_uuid_t));

	acl_digest_of(PG_GETARG_ACL_PP(0), digest);
	PG_RETURN_UUID_P(digest);
}

/* State of acl_agg: entry bytes and their number. */
typedef struct AclAggState
{
	int64		count;
	StringInfoData entries;
} AclAggState;

/* acl_agg(acl), one row: nulls are left out.  Errors: 54000. */
Datum
wazo_auth_acl_agg_trans(PG_FUNCTION_ARGS)
{
	AclAggState *state = PG_ARGISNULL(0) ? NULL : (AclAggState *) PG_GETARG_POINTER(0);
	MemoryContext aggregate;
	struct varlena *acl;

	if (!AggCheckCallContext(fcinfo, &aggregate))
		elog(ERROR, "acl_agg called outside of an aggregate");
	if (PG_ARGISNULL(1))
	{
		if (state == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(state);
	}
	acl = PG_GETARG_ACL_PP(1);
	if (state == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(aggregate);

		state = palloc(sizeof(AclAggState));
		state->count = 0;
		initStringInfo(&state->entries);
		MemoryContextSwitchTo(old);
	}
	state->count += acl_packed_count(ACL_PACKED(acl));
	acl_check_count(state->count);
	append_entries(&state->entries, acl);
	PG_RETURN_POINTER(state);
}

/* acl_agg(acl), result: null when there was no row. */
Datum
wazo_auth_acl_agg_final(PG_FUNCTION_ARGS)
{
	AclAggState *state = PG_ARGISNULL(0) ? NULL : (AclAggState *) PG_GETARG_POINTER(0);

	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(from_entries(state->count, state->entries.data,
								   (size_t) state->entries.len));
}
