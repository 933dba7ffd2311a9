/*
 * validate_error.c
 *	  What is wrong with a request, and the answers made of it.
 *
 * Errors are collected as a tree in the order of the declared fields.  Each
 * family of routes shows another part of it, in JSON or as Python's repr() of
 * the same structure; that is what clients of upstream see.  The texts consist
 * of field names and declared constraints and never repeat the input.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "base/error.h"
#include "base/json_text.h"
#include "base/python_repr.h"
#include "validate/validate_error.h"

#define SCHEMA_KEY	"_schema"

/* Writes JSON, or what Python's repr() gives for the same value. */
typedef struct Writer
{
	StringInfoData out;
	bool		python;
} Writer;

/* Makes a place without errors: key, or index when key is NULL. */
ErrorNode *
error_node(const char *key, int index)
{
	ErrorNode  *node = palloc0(sizeof(ErrorNode));

	node->key = key;
	node->index = index;
	return node;
}

/* Hangs a place below another one if anything is wrong there; tells whether. */
bool
error_attach(ErrorNode *parent, ErrorNode *child)
{
	if (error_is_empty(child))
		return false;
	parent->children = lappend(parent->children, child);
	return true;
}

/* Adds an error of an array.  Its constraint is for the caller to fill in. */
ErrorItem *
error_item(ErrorNode *node, char *message, const char *constraint_id,
		   ConstraintKind kind)
{
	ErrorItem  *item = palloc0(sizeof(ErrorItem));

	item->message = message;
	item->constraint_id = constraint_id;
	item->kind = kind;
	node->items = lappend(node->items, item);
	return item;
}

/* Sets the error that is shown as an object: null, missing or wrong type. */
void
error_field(ErrorNode *node, const char *message, const char *constraint_id,
			const char *constraint)
{
	ErrorItem  *item = error_item(node, pstrdup(message), constraint_id,
								  CONSTRAINT_TEXT);

	item->text = constraint;
	item->message_first = true;
	node->single = true;
}

/* Adds a text to the array under _schema. */
void
error_schema_message(ErrorNode *node, char *message)
{
	ErrorNode  *child = node->children != NIL ? llast(node->children) : NULL;
	bool		known = child != NULL && child->key != NULL &&
	strcmp(child->key, SCHEMA_KEY) == 0;

	if (!known)
		child = error_node(SCHEMA_KEY, 0);
	(void) error_item(child, message, NULL, CONSTRAINT_NONE);
	if (!known)
		(void) error_attach(node, child);
}

/* Whether nothing is wrong at a place and below it. */
bool
error_is_empty(const ErrorNode *node)
{
	return node->items == NIL && node->children == NIL;
}

/* Python's repr() of a text: single quotes unless it holds only such ones. */
static void
write_string(Writer *w, const char *s)
{
	if (w->python)
		append_python_repr(&w->out, s, strlen(s));
	else
		json_append_string(&w->out, s, strlen(s));
}

/* Writes a key and its colon; opening is the bracket of the object. */
static void
write_key(Writer *w, char opening, const char *key)
{
	if (w->out.data[w->out.len - 1] != opening)
		appendStringInfoString(&w->out, ", ");
	write_string(w, key);
	appendStringInfoString(&w->out, ": ");
}

static void
write_bound(Writer *w, const char *key, bool given, int64 value,
			bool show_missing)
{
	if (!given && !show_missing)
		return;
	write_key(w, '{', key);
	if (given)
		appendStringInfo(&w->out, INT64_FORMAT, value);
	else
		appendStringInfoString(&w->out, w->python ? "None" : "null");
}

static void
write_constraint(Writer *w, const ErrorItem *item)
{
	if (item->kind == CONSTRAINT_TEXT)
	{
		write_string(w, item->text);
		return;
	}
	appendStringInfoChar(&w->out, '{');
	if (item->kind == CONSTRAINT_CHOICES)
	{
		write_key(w, '{', "choices");
		appendStringInfoChar(&w->out, '[');
		for (int i = 0; i < item->rules->nchoices; i++)
		{
			if (i > 0)
				appendStringInfoString(&w->out, ", ");
			write_string(w, item->rules->choices[i]);
		}
		appendStringInfoChar(&w->out, ']');
	}
	else
	{
		bool		show_missing = item->kind == CONSTRAINT_LENGTH;

		write_bound(w, "min", item->rules->has_min, item->rules->min, show_missing);
		write_bound(w, "max", item->rules->has_max, item->rules->max, show_missing);
	}
	appendStringInfoChar(&w->out, '}');
}

/* Writes one error; a bare text as itself, or as {"message"} in details. */
static void
write_item(Writer *w, const ErrorItem *item, bool as_object)
{
	if (item->kind == CONSTRAINT_NONE && !as_object)
	{
		write_string(w, item->message);
		return;
	}
	appendStringInfoChar(&w->out, '{');
	if (item->message_first || item->kind == CONSTRAINT_NONE)
	{
		write_key(w, '{', "message");
		write_string(w, item->message);
	}
	if (item->kind != CONSTRAINT_NONE)
	{
		write_key(w, '{', "constraint_id");
		write_string(w, item->constraint_id);
		write_key(w, '{', "constraint");
		write_constraint(w, item);
		if (!item->message_first)
		{
			write_key(w, '{', "message");
			write_string(w, item->message);
		}
	}
	appendStringInfoChar(&w->out, '}');
}

static void
write_child_key(Writer *w, const ErrorNode *child)
{
	if (child->key != NULL)
		write_key(w, '{', child->key);
	else if (w->python)
	{
		if (w->out.data[w->out.len - 1] != '{')
			appendStringInfoString(&w->out, ", ");
		appendStringInfo(&w->out, "%d: ", child->index);
	}
	else
		write_key(w, '{', psprintf("%d", child->index));
}

/* Writes everything below a place. */
static void
write_node(Writer *w, const ErrorNode *node)
{
	ListCell   *cell;

	if (node->children != NIL)
	{
		appendStringInfoChar(&w->out, '{');
		foreach(cell, node->children)
		{
			write_child_key(w, lfirst(cell));
			write_node(w, lfirst(cell));
		}
		appendStringInfoChar(&w->out, '}');
		return;
	}
	if (node->single)
	{
		write_item(w, linitial(node->items), false);
		return;
	}
	appendStringInfoChar(&w->out, '[');
	foreach(cell, node->items)
	{
		if (foreach_current_index(cell) > 0)
			appendStringInfoString(&w->out, ", ");
		write_item(w, lfirst(cell), false);
	}
	appendStringInfoChar(&w->out, ']');
}

/* Writes the path to the first error and that error. */
static void
write_first(Writer *w, const ErrorNode *node)
{
	if (node->children != NIL)
	{
		appendStringInfoChar(&w->out, '{');
		write_child_key(w, linitial(node->children));
		write_first(w, linitial(node->children));
		appendStringInfoChar(&w->out, '}');
	}
	else
		write_item(w, linitial(node->items), true);
}

/* The first error's text. */
static const char *
first_message(const ErrorNode *node)
{
	while (node->children != NIL)
		node = linitial(node->children);
	return ((ErrorItem *) linitial(node->items))->message;
}

/* The first place below the root, as its field name. */
static const char *
first_place(const ErrorNode *root)
{
	const ErrorNode *child = linitial(root->children);

	return child->key ? child->key : psprintf("%d", child->index);
}

/*
 * What upstream says of a wrong field is its name alone.  Of a limit that only
 * we have it also says which: those have a greatest length and no least one.
 */
static const char *
first_field_message(const ErrorNode *root)
{
	const ErrorNode *node = root;
	const ErrorItem *item;

	while (node->children != NIL)
		node = linitial(node->children);
	item = linitial(node->items);
	if (item->rules && item->rules->has_max && !item->rules->has_min)
		return psprintf("%s: %s", first_place(root), item->message);
	return first_place(root);
}

static bool
is_schema_error(const ErrorNode *root)
{
	return strcmp(first_place(root), SCHEMA_KEY) == 0;
}

/*
 * Raises what the schema's family makes of the errors: WA400, or the SQLSTATE of
 * another status.
 *
 * Long form: DETAIL holds error_id, details, resource, and message where the
 * answer's is not the plain MESSAGE.  Short form (first_field, token_repr): no
 * DETAIL.  Rules: contract "errors", section 4.
 */
void
raise_validation_error(const SchemaSpec *schema, const ErrorNode *root, int status)
{
	Writer		w = {.python = false};
	const char *message = first_message(root);

	StringInfoData details;
	const char *answer = NULL;

	initStringInfo(&w.out);
	if (schema->family == FAMILY_FIRST_FIELD)
		raise_status(status, psprintf("Invalid value supplied for field: %s", first_field_message(root)), NULL);
	if (schema->family == FAMILY_TOKEN_REPR)
	{
		w.python = true;
		write_node(&w, root);
		raise_status(status, w.out.data, NULL);
	}

	if (schema->family == FAMILY_FIRST_ERROR)
		write_first(&w, root);
	else
		appendStringInfoString(&w.out, "{}");
	details = w.out;
	initStringInfo(&w.out);
	switch (schema->family)
	{
		case FAMILY_LIST_QUERY:
		case FAMILY_EMAILS:
			write_node(&w, root);
			answer = w.out.data;
			message = "invalid request";
			break;
		case FAMILY_RESET:
			if (is_schema_error(root))
			{
				write_node(&w, linitial(root->children));
				answer = w.out.data;
			}
			break;
		case FAMILY_FIELD_NAME:
			message = first_field_message(root);
			break;
		default:
			break;
	}
	raise_status(status, message, error_detail(schema->error_id, details.data, schema->resource, answer));
}

/*
 * Raises the error of a body that is not even read, as one of a field "body".
 */
void
raise_body_refused(const SchemaSpec *schema, char *message, const char *constraint_id, int64 max, int status)
{
	ErrorNode  *root = error_node(NULL, 0);
	ErrorNode  *body = error_node("body", 0);
	ValueRules *rules = palloc0(sizeof(ValueRules));

	rules->has_max = true;
	rules->max = max;
	error_item(body, message, constraint_id, CONSTRAINT_RANGE)->rules = rules;
	(void) error_attach(root, body);
	raise_validation_error(schema, root, status);
}
