/*
 * validate_error.h
 *	  What is wrong with a request, and the answers made of it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#ifndef WAZO_AUTH_VALIDATE_ERROR_H
#define WAZO_AUTH_VALIDATE_ERROR_H

#include "nodes/pg_list.h"

#include "base/compat.h"
#include "validate/schema_registry.h"

/*
 * Most errors that are collected from one request.  A list of a million wrong
 * items would otherwise make an answer many times its size.
 */
#define MAX_COLLECTED_ERRORS 100

typedef enum ConstraintKind
{
	CONSTRAINT_NONE,			/* the error is a bare text */
	CONSTRAINT_TEXT,
	CONSTRAINT_LENGTH,			/* {"min", "max"}, null for a missing one */
	CONSTRAINT_RANGE,			/* {"min", "max"}, without a missing one */
	CONSTRAINT_CHOICES
} ConstraintKind;

typedef struct ErrorItem
{
	char	   *message;
	const char *constraint_id;
	ConstraintKind kind;
	const char *text;			/* of CONSTRAINT_TEXT */
	const ValueRules *rules;	/* of the other kinds */
	bool		message_first;	/* order of the keys */
} ErrorItem;

/*
 * What is wrong at one place.  Either children, or items: a single one that is
 * shown as an object, or an array of them.
 */
typedef struct ErrorNode
{
	const char *key;			/* NULL: index counts */
	int			index;
	bool		single;
	List	   *items;			/* of ErrorItem */
	List	   *children;		/* of ErrorNode */
} ErrorNode;

extern ErrorNode *error_node(const char *key, int index);
extern bool error_attach(ErrorNode *parent, ErrorNode *child);
extern void error_field(ErrorNode *node, const char *message,
						const char *constraint_id, const char *constraint);
extern ErrorItem *error_item(ErrorNode *node, char *message,
							 const char *constraint_id, ConstraintKind kind);
extern void error_schema_message(ErrorNode *node, char *message);
extern bool error_is_empty(const ErrorNode *node);
pg_noreturn extern void raise_validation_error(const SchemaSpec *schema,
											   const ErrorNode *root, int status);
pg_noreturn extern void raise_body_refused(const SchemaSpec *schema, char *message,
										   const char *constraint_id, int64 max, int status);

#endif							/* WAZO_AUTH_VALIDATE_ERROR_H */
