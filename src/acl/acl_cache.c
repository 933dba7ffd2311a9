/*
 * acl_cache.c
 *	  The backend's cache of ACL sets by digest.
 *
 * A set comes in as it is stored and is matched directly at its first check;
 * the second check compiles it.  Many tokens are checked once per backend, and
 * compiling costs as much as several direct checks.
 *
 * The least recently used sets are dropped when the cache is larger than
 * wazo_auth.acl_cache_size.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "acl/acl_cache.h"

#include "funcapi.h"
#include "lib/ilist.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "plain/acl_compile.h"

struct AclProgram
{
	pg_uuid_t	digest;
	dlist_node	lru;
	bool		kept;			/* in the cache, not in the caller's context */
	bool		checked;		/* has been asked once */
	bool		too_large;		/* compiled, it would not fit */
	AclCompiled *compiled;		/* NULL until the second check */
	size_t		bytes;			/* charged against the bound */
	size_t		len;
	char		packed[FLEXIBLE_ARRAY_MEMBER];
};

typedef struct CacheSlot
{
	pg_uuid_t	digest;
	AclProgram *program;
	char		status;
} CacheSlot;

/* A digest is uniformly distributed: any part of it is a good hash. */
static inline uint32
digest_hash(const pg_uuid_t *digest)
{
	uint32		h;

	memcpy(&h, digest->data, sizeof(h));
	return h;
}

#define SH_PREFIX cache
#define SH_ELEMENT_TYPE CacheSlot
#define SH_KEY_TYPE pg_uuid_t
#define SH_KEY digest
#define SH_HASH_KEY(tb, key) digest_hash(&(key))
#define SH_EQUAL(tb, a, b) (memcmp((a).data, (b).data, UUID_LEN) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static int	cache_size_kb = 4096;

static MemoryContext cache_context = NULL;
static cache_hash *slots = NULL;
static dlist_head lru = DLIST_STATIC_INIT(lru);
static size_t used_bytes = 0;
static int64 hits = 0;
static int64 misses = 0;
static int64 evictions = 0;

PG_FUNCTION_INFO_V1(wazo_auth_acl_cache_stats);

/* Define the setting; called once by _PG_init. */
void
acl_cache_init(void)
{
	DefineCustomIntVariable("wazo_auth.acl_cache_size",
							"Memory a server process may use for ACL sets that were checked before.",
							"The least recently used sets are dropped beyond it.",
							&cache_size_kb,
							4096, 0, MAX_KILOBYTES,
							PGC_SUSET, GUC_UNIT_KB,
							NULL, NULL, NULL);
}

static size_t
bound(void)
{
	return (size_t) cache_size_kb * 1024;
}

static void
drop(AclProgram *program)
{
	cache_delete(slots, program->digest);
	dlist_delete(&program->lru);
	used_bytes -= program->bytes;
	evictions++;
	if (program->compiled != NULL)
		pfree(program->compiled);
	pfree(program);
}

/* Make room for "more" bytes, without dropping "except". */
static void
evict(size_t more, const AclProgram *except)
{
	while (used_bytes + more > bound() && !dlist_is_empty(&lru))
	{
		AclProgram *oldest = dlist_tail_element(AclProgram, lru, &lru);

		if (oldest == except)
			break;
		drop(oldest);
	}
}

/* The set with this digest, or NULL when it is not in the cache. */
const AclProgram *
acl_cache_lookup(const pg_uuid_t *digest)
{
	CacheSlot  *slot = slots != NULL ? cache_lookup(slots, *digest) : NULL;

	if (slot == NULL)
	{
		misses++;
		return NULL;
	}
	hits++;
	dlist_move_head(&lru, &slot->program->lru);
	return slot->program;
}

/*
 * Put a set into the cache under its digest, which the caller vouches for, and
 * return it.  A set that is larger than the whole cache is only made in the
 * current memory context.
 */
const AclProgram *
acl_cache_insert(const pg_uuid_t *digest, Datum acl)
{
	struct varlena *value = DatumGetAclPP(acl);
	size_t		len = ACL_PACKED_LEN(value);
	size_t		size = offsetof(AclProgram, packed) + len;
	size_t		charge = size + sizeof(CacheSlot);
	CacheSlot  *slot = slots != NULL ? cache_lookup(slots, *digest) : NULL;
	AclProgram *program;
	bool		keep = charge <= bound();
	bool		found;

	if (slot != NULL)
		return slot->program;
	if (keep && cache_context == NULL)
		cache_context = AllocSetContextCreate(TopMemoryContext,
											  "wazo_auth ACL sets",
											  ALLOCSET_DEFAULT_SIZES);
	if (keep && slots == NULL)
		slots = cache_create(cache_context, 64, NULL);
	evict(charge, NULL);

	program = MemoryContextAlloc(keep ? cache_context : CurrentMemoryContext,
								 size);
	program->digest = *digest;
	program->kept = keep;
	program->checked = false;
	program->too_large = !keep;
	program->compiled = NULL;
	program->bytes = charge;
	program->len = len;
	memcpy(program->packed, ACL_PACKED(value), len);
	if ((Pointer) value != DatumGetPointer(acl))
		pfree(value);
	if (!keep)
		return program;

	/* the table may grow, and that may fail */
	PG_TRY();
	{
		slot = cache_insert(slots, *digest, &found);
	}
	PG_CATCH();
	{
		pfree(program);
		PG_RE_THROW();
	}
	PG_END_TRY();
	slot->program = program;
	dlist_push_head(&lru, &program->lru);
	used_bytes += charge;
	return program;
}

/* Compile a set of the cache; it stays as it is when that does not fit. */
static void
compile(AclProgram *program)
{
	size_t		most = acl_compile_bound(program->packed, program->len);
	void	   *block = palloc(most);
	size_t		size = acl_compile(program->packed, program->len, block);

	if (program->bytes + size > bound())
		program->too_large = true;
	else
	{
		void	   *exact;

		dlist_move_head(&lru, &program->lru);
		evict(size, program);
		exact = MemoryContextAlloc(cache_context, size);
		memcpy(exact, block, size);
		program->compiled = exact;
		program->bytes += size;
		used_bytes += size;
	}
	pfree(block);
}

/*
 * Does the set grant the access ("len" bytes of UTF-8) to the holder described
 * by ctx (NULL: to anybody)?
 */
bool
acl_program_grants(const AclProgram *program, const char *access, size_t len,
				   const AclContext *ctx)
{
	AclProgram *own = (AclProgram *) program;
	AclAccess	prepared;
	bool		result;

	if (own->checked && own->compiled == NULL && !own->too_large)
		compile(own);
	own->checked = true;
	acl_access_init(&prepared, access, len, ctx, &acl_backend_env);
	if (own->compiled != NULL)
		result = acl_compiled_grants(own->compiled, &prepared);
	else
		result = acl_list_grants(own->packed, &prepared);
	acl_access_done(&prepared);
	return result;
}

/* acl_cache_stats() returns (sets, bytes, hits, misses, evictions). */
Datum
wazo_auth_acl_cache_stats(PG_FUNCTION_ARGS)
{
	TupleDesc	desc;
	Datum		values[5];
	bool		nulls[5] = {false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(slots != NULL ? (int64) slots->members : 0);
	values[1] = Int64GetDatum((int64) used_bytes);
	values[2] = Int64GetDatum(hits);
	values[3] = Int64GetDatum(misses);
	values[4] = Int64GetDatum(evictions);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}
