/*
 * password.c
 *	  Password hashes: argon2id for new ones, PBKDF2-SHA512 as imported.
 *
 * Every computation of a hash holds a slot of hash_limit.c.  Between taking and
 * releasing the slot nothing raises an error and no interrupt is looked at, so
 * that libargon2 and OpenSSL, which use malloc, are never left halfway.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include <argon2.h>
#include <openssl/evp.h>
#include <sys/mman.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "crypto/hash_limit.h"
#include "crypto/password.h"
#include "crypto/password_kinds.h"
#include "plain/phc.h"
#include "crypto/secret.h"

/* of new hashes */
#define SALT_BYTES			16
#define HASH_BYTES			32

/* upstream's scheme, which never changed */
#define UPSTREAM_ROUNDS		250000
#define UPSTREAM_HASH_BYTES 64

/* OWASP's recommendation for argon2id with one lane */
static int	argon2_memory = 19456;
static int	argon2_iterations = 2;
static int	argon2_parallelism = 1;

/* hashes that this backend has computed, by scheme */
static int64 computed_hashes[2] = {0, 0};

/* and what argon2id went over for them, iteration by iteration */
static int64 computed_kilobytes = 0;

PG_FUNCTION_INFO_V1(wazo_auth_password_hash);
PG_FUNCTION_INFO_V1(wazo_auth_password_verify);
PG_FUNCTION_INFO_V1(wazo_auth_password_needs_rehash);
PG_FUNCTION_INFO_V1(wazo_auth_password_from_upstream);
PG_FUNCTION_INFO_V1(wazo_auth_hashes_computed);

/* larger blocks of memory are not kept between two hashes */
#define ARENA_MAX_BYTES		(32 * 1024 * 1024)

static uint8_t *arena = NULL;
static size_t arena_size = 0;

/* Memory is mapped in whole huge pages, where the system has them. */
#define HUGE_PAGE_BYTES		((size_t) 2 * 1024 * 1024)

static size_t
mapped_bytes(size_t size)
{
	return TYPEALIGN(HUGE_PAGE_BYTES, size);
}

static void
unmap_block(uint8_t *block, size_t size)
{
	(void) munmap(block, mapped_bytes(size));
}

/* A block that begins at a multiple of a huge page, or NULL. */
static uint8_t *
map_block(size_t size)
{
	size_t		wanted = mapped_bytes(size);
	uint8_t    *start = mmap(NULL, wanted + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
							 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t    *block;

	if (start == MAP_FAILED)
		return NULL;
	block = (uint8_t *) TYPEALIGN(HUGE_PAGE_BYTES, start);
	/* The system places mappings at multiples of a page. */
	if (block > start)
		(void) munmap(start, block - start);
	if (block < start + HUGE_PAGE_BYTES)
		(void) munmap(block + wanted, start + HUGE_PAGE_BYTES - block);
#ifdef MADV_HUGEPAGE
	(void) madvise(block, wanted, MADV_HUGEPAGE);
#endif
#ifdef MADV_DONTDUMP
	(void) madvise(block, wanted, MADV_DONTDUMP);
#endif
	return block;
}

/*
 * Memory of libargon2: a mapping of its own in huge pages, kept by the backend
 * for its next hash because zeroing new pages takes a tenth of the time of a
 * hash.  libargon2 wipes it before it gives it back.
 */
static int
take_memory(uint8_t **memory, size_t size)
{
	if (arena != NULL && arena_size != size)
	{
		unmap_block(arena, arena_size);
		arena = NULL;
	}
	*memory = arena != NULL ? arena : map_block(size);
	if (*memory == NULL)
		return ARGON2_MEMORY_ALLOCATION_ERROR;
	if (size <= ARENA_MAX_BYTES)
	{
		arena = *memory;
		arena_size = size;
	}
	return ARGON2_OK;
}

/*
 * Keeps the memory, but lets the system take it when it is short of some.  That
 * interrupts every processor that this process has run on, once for each huge
 * page, so among many logins it is done once a second; a backend that rests
 * after a burst may keep its memory until its next hash.
 */
static void
give_memory(uint8_t *memory, size_t size)
{
	if (memory != arena)
		unmap_block(memory, size);
#ifdef MADV_FREE
	else
	{
		static TimestampTz offered = 0;
		TimestampTz now = GetCurrentTimestamp();

		if (now - offered < USECS_PER_SEC && now >= offered)
			return;
		offered = now;
		(void) madvise(memory, mapped_bytes(size), MADV_FREE);
	}
#endif
}

/*
 * Computes hash->hash_len bytes into out, with the parameters and the salt of
 * hash.  Returns an error text or NULL.  No ereport and no palloc inside.
 */
static const char *
compute(const PhcHash *hash, const char *password, Size len, uint8_t *out)
{
	if (hash->scheme == PHC_ARGON2ID)
	{
		argon2_context context = {
			.out = out,
			.outlen = hash->hash_len,
			.pwd = (uint8_t *) password,
			.pwdlen = len,
			.salt = (uint8_t *) hash->salt,
			.saltlen = hash->salt_len,
			.t_cost = hash->iterations,
			.m_cost = hash->memory,
			.lanes = hash->parallelism,
			/* a backend must not have threads; lanes are computed in turn */
			.threads = 1,
			.version = ARGON2_VERSION_13,
			.allocate_cbk = take_memory,
			.free_cbk = give_memory,
			.flags = ARGON2_DEFAULT_FLAGS,
		};
		int			rc = argon2_ctx(&context, Argon2_id);

		return rc == ARGON2_OK ? NULL : argon2_error_message(rc);
	}
	if (PKCS5_PBKDF2_HMAC(password, (int) len, hash->salt,
						  (int) hash->salt_len, (int) hash->iterations,
						  EVP_sha512(), (int) hash->hash_len, out) != 1)
		return "OpenSSL failed";
	return NULL;
}

/* compute() within a slot of the limiter. */
static void
compute_limited(const PhcHash *hash, const char *password, Size len,
				uint8_t *out)
{
	const char *problem;

	CHECK_FOR_INTERRUPTS();
	hash_limit_acquire();
	problem = compute(hash, password, len, out);
	hash_limit_release();
	computed_hashes[hash->scheme]++;
	if (hash->scheme == PHC_ARGON2ID)
		computed_kilobytes += (int64) hash->memory * hash->iterations;
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not compute a password hash: %s", problem)));
}

/* Sets up a new argon2id hash by the settings, with a fresh salt. */
static void
start_argon2(PhcHash *hash)
{
	memset(hash, 0, sizeof(*hash));
	hash->scheme = PHC_ARGON2ID;
	hash->memory = argon2_memory;
	hash->iterations = argon2_iterations;
	hash->parallelism = argon2_parallelism;
	hash->salt_len = SALT_BYTES;
	hash->hash_len = HASH_BYTES;
	secret_random(hash->salt, SALT_BYTES);
}

/*
 * Hashes a new password: argon2id with the parameters of the settings and a
 * random salt.
 *
 * password, len: UTF-8 as the user typed it, not normalised (as upstream).
 * Returns a PHC string in the current memory context.  Errors: 22023 for an
 * empty password, 22001 beyond 4,096 bytes, WA503 when no slot gets free in
 * time, 53200 out of memory.  No message holds the password.
 */
static char *
password_hash(const char *password, Size len)
{
	PhcHash		hash;
	char	   *text;

	if (len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("password must not be empty")));
	if (len > PASSWORD_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				 errmsg("password is longer than %d bytes",
						PASSWORD_MAX_BYTES)));
	start_argon2(&hash);
	text = palloc(PHC_TEXT_MAX);
	compute_limited(&hash, password, len, hash.hash);
	phc_format(&hash, text);
	return text;
}

/*
 * Tells whether a password belongs to a stored hash.
 *
 * hash NULL, or a text that is no usable hash: an unknown login, or one
 * without a password.  The answer is false, as for a password beyond 4,096
 * bytes.  In any case one hash of each kind that is stored is computed, in
 * their order, and what is read, parsed and compared besides is the same.
 *
 * Errors: WA503 when no slot gets free in time, 53200 out of memory.
 */
static bool
password_verify(const char *password, Size len, const char *hash,
				Size hash_len)
{
	/* parsed for an unknown login, as somebody's would be */
	static const char nobodys[] = "$argon2id$v=19$m=19456,t=2,p=1$cNvSDJmBSrffvwujGO2qmQ$"
	"SNjN0+hy4jPc3Y4YkKvAcZgAgKLTClb1sKMsHjlg2Cc";
	PhcHash		kind[PASSWORD_MAX_KINDS + 1];
	PhcHash		stored;
	uint8_t		computed[PHC_MAX_BYTES];
	int			n = password_kinds(kind);
	int			its = n;		/* the place of the stored one */
	bool		usable = hash != NULL;
	bool		equal = false;

	usable &= phc_parse(usable ? hash : nobodys, usable ? hash_len : sizeof(nobodys) - 1, &stored);
	if (!usable && n == 0)
		start_argon2(&stored);
	else if (!usable)
	{
		stored = kind[0];
		/* somebody's, of which no password is good */
		stored.hash[0] ^= 1;
	}
	for (int i = 0; i < n && its == n; i++)
		if (password_same_kind(&kind[i], &stored))
			its = i;
	kind[its] = stored;
	n = Max(n, its + 1);
	for (int i = 0; i < n; i++)
	{
		compute_limited(&kind[i], password, Min(len, PASSWORD_MAX_BYTES), computed);
		equal |= secret_equal(computed, kind[i].hash, kind[i].hash_len) & (i == its);
	}
	secret_wipe(computed, sizeof(computed));
	secret_wipe(kind, sizeof(kind));
	secret_wipe(&stored, sizeof(stored));
	return usable && len <= PASSWORD_MAX_BYTES && equal;
}

/*
 * Tells whether a stored hash is of another scheme or of other parameters than
 * a new one would be; the next successful login then replaces it.  Computes
 * nothing.
 */
static bool
password_needs_rehash(const char *hash, Size hash_len)
{
	PhcHash		stored;

	return !phc_parse(hash, hash_len, &stored) ||
		stored.scheme != PHC_ARGON2ID ||
		stored.memory != argon2_memory ||
		stored.iterations != argon2_iterations ||
		stored.parallelism != argon2_parallelism ||
		stored.hash_len != HASH_BYTES;
}

/* Defines the settings; called from _PG_init. */
void
password_init(void)
{
	DefineCustomIntVariable("wazo_auth.argon2_memory",
							"Memory of an argon2id password hash.",
							"Stored hashes keep theirs until the next successful login.",
							&argon2_memory,
							19456, 1024, PHC_MAX_MEMORY,
							PGC_SUSET, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.argon2_iterations",
							"Passes over the memory of an argon2id password hash.",
							NULL,
							&argon2_iterations,
							2, 1, PHC_MAX_ITERATIONS,
							PGC_SUSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.argon2_parallelism",
							"Lanes of an argon2id password hash.",
							"The server computes them one after the other.",
							&argon2_parallelism,
							1, 1, PHC_MAX_PARALLELISM,
							PGC_SUSET, 0, NULL, NULL, NULL);
}

/* SQL: wazo_auth.password_hash(password text) returns text */
Datum
wazo_auth_password_hash(PG_FUNCTION_ARGS)
{
	text	   *password = PG_GETARG_TEXT_PP(0);

	PG_RETURN_TEXT_P(cstring_to_text(password_hash(VARDATA_ANY(password),
												   VARSIZE_ANY_EXHDR(password))));
}

/*
 * SQL: wazo_auth.password_verify(password text, hash text) returns boolean
 *
 * Not strict: a NULL hash has to cost a computation.  A NULL password counts as
 * an empty one, which no hash of ours belongs to.
 */
Datum
wazo_auth_password_verify(PG_FUNCTION_ARGS)
{
	const char *password = "";
	Size		len = 0;
	const char *hash = NULL;
	Size		hash_len = 0;

	if (!PG_ARGISNULL(0))
	{
		text	   *t = PG_GETARG_TEXT_PP(0);

		password = VARDATA_ANY(t);
		len = VARSIZE_ANY_EXHDR(t);
	}
	if (!PG_ARGISNULL(1))
	{
		text	   *t = PG_GETARG_TEXT_PP(1);

		hash = VARDATA_ANY(t);
		hash_len = VARSIZE_ANY_EXHDR(t);
	}
	PG_RETURN_BOOL(password_verify(password, len, hash, hash_len));
}

/* SQL: wazo_auth.password_needs_rehash(hash text) returns boolean */
Datum
wazo_auth_password_needs_rehash(PG_FUNCTION_ARGS)
{
	text	   *hash = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(password_needs_rehash(VARDATA_ANY(hash),
										 VARSIZE_ANY_EXHDR(hash)));
}

/*
 * SQL: wazo_auth.password_from_upstream(password_hash text,
 *										 password_salt bytea) returns text
 *
 * Turns the two columns of an upstream database into one string, without
 * knowing the password.  Errors: 22023 when they are not what upstream writes.
 */
Datum
wazo_auth_password_from_upstream(PG_FUNCTION_ARGS)
{
	text	   *hex = PG_GETARG_TEXT_PP(0);
	bytea	   *salt = PG_GETARG_BYTEA_PP(1);
	Size		salt_len = VARSIZE_ANY_EXHDR(salt);
	PhcHash		hash;
	char		text[PHC_TEXT_MAX];

	if (VARSIZE_ANY_EXHDR(hex) != 2 * UPSTREAM_HASH_BYTES ||
		strspn(text_to_cstring(hex), "0123456789abcdefABCDEF") != 2 * UPSTREAM_HASH_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("password_hash must be %d hexadecimal digits",
						2 * UPSTREAM_HASH_BYTES)));
	if (salt_len < PHC_MIN_SALT || salt_len > PHC_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("password_salt must be between %d and %d bytes long",
						PHC_MIN_SALT, PHC_MAX_BYTES)));

	memset(&hash, 0, sizeof(hash));
	hash.scheme = PHC_PBKDF2_SHA512;
	hash.iterations = UPSTREAM_ROUNDS;
	hash.salt_len = salt_len;
	memcpy(hash.salt, VARDATA_ANY(salt), salt_len);
	hash.hash_len = UPSTREAM_HASH_BYTES;
	(void) hex_decode(VARDATA_ANY(hex), 2 * UPSTREAM_HASH_BYTES,
					  (char *) hash.hash);
	phc_format(&hash, text);
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

/*
 * SQL: wazo_auth.hashes_computed(OUT argon2id bigint, OUT pbkdf2_sha512 bigint,
 *								 OUT argon2id_kb bigint)
 */
Datum
wazo_auth_hashes_computed(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		value[3];
	bool		isnull[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	value[0] = Int64GetDatum(computed_hashes[PHC_ARGON2ID]);
	value[1] = Int64GetDatum(computed_hashes[PHC_PBKDF2_SHA512]);
	value[2] = Int64GetDatum(computed_kilobytes);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), value, isnull)));
}
