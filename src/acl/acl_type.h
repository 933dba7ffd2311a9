/*
 * acl_type.h
 *	  The SQL type wazo_auth.acl as seen from C.
 *
 * A value is a varlena whose content is the packed list of acl_match.h.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef ACL_TYPE_H
#define ACL_TYPE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "plain/acl_match.h"

/* Detoasted, perhaps with a short header: use the two macros below. */
#define DatumGetAclPP(datum)	((struct varlena *) PG_DETOAST_DATUM_PACKED(datum))
#define PG_GETARG_ACL_PP(n)		DatumGetAclPP(PG_GETARG_DATUM(n))
#define ACL_PACKED(acl)			((const char *) VARDATA_ANY(acl))
#define ACL_PACKED_LEN(acl)		((size_t) VARSIZE_ANY_EXHDR(acl))

/* palloc, pfree and CHECK_FOR_INTERRUPTS for the matcher. */
extern const AclEnv acl_backend_env;

extern struct varlena *acl_from_texts(Datum *elems, bool *nulls, int count);
extern void acl_check_count(int64 count);
extern struct varlena *acl_join(struct varlena **acl, int n);
extern void acl_digest_of(struct varlena *acl, pg_uuid_t *digest);

#endif							/* ACL_TYPE_H */
