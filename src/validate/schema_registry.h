/*
 * schema_registry.h
 *	  The declared shapes of requests, read once by each backend.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_SCHEMA_REGISTRY_H
#define WAZO_AUTH_SCHEMA_REGISTRY_H

#include "utils/jsonb.h"

typedef enum FieldType
{
	FIELD_STRING,
	FIELD_INTEGER,
	FIELD_BOOLEAN,
	FIELD_UUID,
	FIELD_EMAIL,
	FIELD_ANY,
	FIELD_LIST,
	FIELD_NESTED,
	FIELD_NESTED_LIST
} FieldType;

typedef enum ErrorFamily
{
	FAMILY_FIRST_ERROR,
	FAMILY_LIST_QUERY,
	FAMILY_EMAILS,
	FAMILY_RESET,
	FAMILY_FIELD_NAME,
	FAMILY_FIRST_FIELD,
	FAMILY_TOKEN_REPR
} ErrorFamily;

/* What a value must be: a field's own, or one item of a list. */
typedef struct ValueRules
{
	FieldType	type;
	bool		has_min;
	bool		has_max;
	int64		min;			/* length in characters or items, or a number */
	int64		max;
	int			max_bytes;		/* of a text; 0: no such limit */
	bool		has_choices;
	int			nchoices;
	char	  **choices;
	char	   *pattern;		/* as errors show it, or NULL */
	text	   *check_pattern;	/* as it is executed, or NULL */
} ValueRules;

typedef struct FieldSpec
{
	int			position;
	char	   *name;
	int			name_len;
	bool		required;
	bool		nullable;
	Jsonb	   *default_value;	/* NULL: none */
	ValueRules	own;
	ValueRules	items;			/* lists only */
	char	   *nested;			/* name of a schema; nested types only */
} FieldSpec;

typedef struct SchemaSpec
{
	char	   *name;
	ErrorFamily family;
	char	   *resource;		/* or NULL */
	char	   *error_id;
	bool		many;			/* an array of such objects: */
	int			max_items;
	int			body_bytes;		/* limits of a body, before it is parsed */
	int			body_depth;
	int			body_values;
	bool		refuse_unknown;
	char	   *cross_check;	/* or NULL */
	int			nfields;
	int			max_fields;
	FieldSpec  *fields;
} SchemaSpec;

typedef struct SchemaRegistry SchemaRegistry;

extern SchemaRegistry *schema_registry_acquire(void);
extern void schema_registry_release(SchemaRegistry *registry);
extern const SchemaSpec *schema_registry_find(SchemaRegistry *registry,
											  const char *name);

#endif							/* WAZO_AUTH_SCHEMA_REGISTRY_H */
