/*
 * http_route.c
 *	  Finds the route of a request.
 *
 * The tables wazo_auth.route, after_route and check, and what others have registered
 * of routes and checks, are read once per backend into a tree of path segments.  They are read
 * again after a change of one of them, of the setting that enables plugins (all
 * have a statement trigger that says so, since plain DML reaches no other
 * backend's caches), or of a function.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "parser/parse_func.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "base/compat.h"
#include "base/catalog.h"
#include "base/pinned.h"
#include "http/http_route.h"
#include "plain/uuid_text.h"

/* One segment of the tree; children are few, so lists do. */
typedef struct RouteNode
{
	const char *name;			/* literal segment, or NULL below */
	size_t		len;
	struct RouteNode *literal;	/* first of the literal children */
	struct RouteNode *uuid;		/* child for {x_uuid} */
	struct RouteNode *any;		/* child for {x} */
	struct RouteNode *next;		/* sibling among literal children */
	List	   *routes;			/* Route * that end here */
	const char *allow;			/* their methods, for Allow */
} RouteNode;

/*
 * All routes as they were read at one time.  A request holds on to the tree
 * that it started with: its handler may change the routes and call
 * wazo_auth.http() again.
 */
typedef struct RouteTree
{
	MemoryContext context;		/* holds everything, this struct too */
	RouteNode  *root;
	int			references;
} RouteTree;

static RouteTree *route_tree = NULL;
static TableWatch route_watch;
static uint64 function_changes = 0; /* of any function, as far as heard */
static uint64 route_function_changes;	/* when the tree was read */

static void
release_tree(void *tree)
{
	if (--((RouteTree *) tree)->references == 0)
		MemoryContextDelete(((RouteTree *) tree)->context);
}

static void
on_function_change(Datum arg, int cacheid, uint32 hashvalue)
{
	function_changes++;
}

/* Registers for changes of functions; called once per process. */
void
route_init(void)
{
	CacheRegisterSyscacheCallback(PROCOID, on_function_change, (Datum) 0);
}

static char *
column_text(HeapTuple tuple, TupleDesc desc, int attnum)
{
	/* SPI_getvalue allocates in the current context, which is ours. */
	return SPI_getvalue(tuple, desc, attnum);
}

static RouteNode *
new_node(const char *name, size_t len)
{
	RouteNode  *node = palloc0(sizeof(RouteNode));

	node->name = name ? pnstrdup(name, len) : NULL;
	node->len = len;
	return node;
}

static bool
is_uuid_param(const char *name)
{
	size_t		len = strlen(name);

	return len >= 4 && strcmp(name + len - 4, "uuid") == 0;
}

/* Walks, and makes, the nodes of a path template. */
static RouteNode *
tree_insert(RouteNode *node, Route *route)
{
	const char *s = route->path;

	while (*s == '/')
	{
		const char *stop = strchr(++s, '/');
		size_t		len = stop ? (size_t) (stop - s) : strlen(s);

		if (s[0] == '{' && len > 2 && s[len - 1] == '}')
		{
			char	   *name = pnstrdup(s + 1, len - 2);
			RouteNode **child = is_uuid_param(name) ? &node->uuid : &node->any;

			if (route->nparams == HTTP_MAX_SEGMENTS)
				return NULL;
			route->param[route->nparams++] = name;
			if (*child == NULL)
				*child = new_node(NULL, 0);
			node = *child;
		}
		else
		{
			RouteNode  *child = node->literal;

			while (child && (child->len != len || memcmp(child->name, s, len) != 0))
				child = child->next;
			if (child == NULL)
			{
				child = new_node(s, len);
				child->next = node->literal;
				node->literal = child;
			}
			node = child;
		}
		s += len;
	}
	return node;
}

/* Looks up schema.function with one argument of this type; InvalidOid: none. */
static Oid
find_function(const char *name, Oid argtype)
{
	return LookupFuncName(qualified_name_list(name), 1, &argtype, true);
}

/*
 * What is called after the answer: schema.function of a request and a status.
 * A route without the one that it names is not served: whoever put it there
 * counts on it.
 */
static void
resolve_after(Route *route, const char *name, ArrayType *statuses, MemoryContext context)
{
	Oid			argtype[2] = {wazo_catalog()->http_request, INT4OID};
	Oid			oid;

	if (name == NULL)
		return;
	oid = LookupFuncName(qualified_name_list(name), 2, argtype, true);
	route->has_after = OidIsValid(oid);
	if (route->has_after)
	{
		fmgr_info_cxt(oid, &route->after, context);
		if (statuses)
			deconstruct_array(statuses, INT4OID, sizeof(int32), true, TYPALIGN_INT,
							  &route->after_status, NULL, &route->nafter_status);
		return;
	}
	ereport(WARNING,
			(errcode(ERRCODE_UNDEFINED_FUNCTION),
			 errmsg("the route %s %s is followed by the function %s, which does not exist, and is not served",
					route->method, route->path, name),
			 errhint("Create %s(wazo_auth.http_request, integer) or delete the row from wazo_auth.after_route.", name)));
	route->has_function = route->direct = false;
	route->registration = NULL;
}

/* The C function of a name that takes the HttpCall itself. */
static Oid
find_direct(const char *name)
{
	Oid			oid = find_function(name, INTERNALOID);

	/* Other functions of internal arguments expect something else there. */
	return OidIsValid(oid) && get_func_namespace(oid) == wazo_catalog()->schema ? oid : InvalidOid;
}

/*
 * The handler is named as schema.function; it takes a wazo_auth.http_request,
 * or "internal" if it is one of the C functions of the token path.  Where there
 * are both, the latter is the quick form of the former.
 */
static void
resolve_handler(Route *route, MemoryContext context)
{
	Oid			oid = find_function(route->handler, wazo_catalog()->http_request);
	Oid			direct = find_direct(route->handler);

	if (!OidIsValid(oid))
	{
		oid = direct;
		route->direct = OidIsValid(oid);
	}
	else if (OidIsValid(direct))
	{
		route->has_quick = true;
		fmgr_info_cxt(direct, &route->quick, context);
	}
	route->has_function = OidIsValid(oid);
	if (route->has_function)
		fmgr_info_cxt(oid, &route->function, context);
	else
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the route %s %s names the function %s, which does not exist",
						route->method, route->path, route->handler),
				 errhint("Create %s(wazo_auth.http_request) or delete the route from wazo_auth.route.",
						 route->handler)));
}

/* The checks that http() does itself; their rows name no function. */
static bool
find_own_check(const char *name, RouteCheck *check)
{
	static const struct
	{
		const char *name;
		RouteCheckKind kind;
	}			own[] = {
		{"tenant", ROUTE_CHECK_TENANT},
		{"top_tenant", ROUTE_CHECK_TOP_TENANT},
		{"query", ROUTE_CHECK_QUERY},
		{"body", ROUTE_CHECK_BODY},
		{"form", ROUTE_CHECK_FORM},
		{"json", ROUTE_CHECK_JSON},
	};

	for (int i = 0; i < lengthof(own); i++)
	{
		if (strcmp(name, own[i].name) != 0)
			continue;
		check->kind = own[i].kind;
		return true;
	}
	return false;
}

/* False when there is no such check, or not its function. */
static bool
resolve_check(RouteCheck *check, const char *name, const char *function, const char *registration,
			  MemoryContext context)
{
	Oid			oid;

	check->registration = registration;
	check->kind = registration ? ROUTE_CHECK_REGISTERED : ROUTE_CHECK_FUNCTION;
	if (registration)
		return true;
	if (function == NULL)
		return find_own_check(name, check);
	oid = find_function(function, wazo_catalog()->http_request);
	if (!OidIsValid(oid))
		return false;
	check->finds = get_func_rettype(oid) == JSONBOID;
	fmgr_info_cxt(oid, &check->function, context);
	return true;
}

/* The texts of an array, NULL for null; there are n. */
static const char **
array_texts(Datum array, int *n)
{
	Datum	   *item;
	bool	   *isnull;
	const char **result;

	deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT, &item, &isnull, n);
	result = palloc0(sizeof(char *) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		if (!isnull[i])
			result[i] = TextDatumGetCString(item[i]);
	return result;
}

/*
 * The checks of a route: their names, their functions, and the registrations of
 * those that are others'.  A route with one that cannot be done is not served:
 * serving it without would be a hole.
 */
static void
resolve_checks(Route *route, Datum names, Datum functions, Datum registrations, MemoryContext context)
{
	int			n;
	const char **function = array_texts(functions, &n);
	const char **registration = array_texts(registrations, &n);
	const char **name = array_texts(names, &route->nchecks);

	Assert(n == route->nchecks);
	route->check = palloc0(sizeof(RouteCheck) * Max(route->nchecks, 1));
	for (int i = 0; i < route->nchecks; i++)
	{
		if (resolve_check(&route->check[i], name[i], function[i], registration[i], context))
			continue;
		ereport(WARNING,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the route %s %s has the check \"%s\", which cannot be done, and is not served",
						route->method, route->path, name[i]),
				 errhint("Register the check, with a function that exists, or take it from the route.")));
		route->has_function = route->direct = false;
		route->registration = NULL;
		route->nchecks = 0;
	}
}

/*
 * A handler that is not VOLATILE cannot write, and one that is leaves something
 * in the audit log, whoever wrote it.  There is no such log in 0.1.0.
 */
static void
resolve_audit(Route *route, MemoryContext context)
{
	Oid			argtype[2] = {wazo_catalog()->http_request, INT4OID};
	Oid			oid;
	bool		may_change = route->registration ? strcmp(route->method, "GET") != 0 :
	route->has_function && !route->direct && func_volatile(route->function.fn_oid) == PROVOLATILE_VOLATILE;

	if (!may_change)
		return;
	oid = LookupFuncName(qualified_name_list("wazo_auth.audit_request"), 2, argtype, true);
	route->has_audit = OidIsValid(oid);
	if (route->has_audit)
		fmgr_info_cxt(oid, &route->audit, context);
}

/*
 * A quick form knows the checks of its route, who asks and with which query.
 * With any other, and where something follows the answer, it has no say.
 */
static void
judge_quick(Route *route)
{
	for (int i = 0; i < route->nchecks; i++)
		if (route->check[i].kind != ROUTE_CHECK_TENANT && route->check[i].kind != ROUTE_CHECK_QUERY)
			route->has_quick = false;
	if (!route->has_function || route->registration || route->has_after || route->has_audit)
		route->has_quick = false;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Adds a name that is not there yet: templates that differ only in the names of
 * their parameters end at the same node. */
static void
add_name(const char **names, int *n, const char *name)
{
	for (int i = 0; i < *n; i++)
		if (strcmp(names[i], name) == 0)
			return;
	names[(*n)++] = name;
}

/* The methods of the nodes that a path reaches, for Allow. */
static void
set_allow(RouteNode *node)
{
	const char *name[8];		/* the six that the table allows, HEAD, OPTIONS */
	int			n = 0;
	StringInfoData allow;
	ListCell   *lc;

	if (node == NULL)
		return;
	check_stack_depth();
	foreach(lc, node->routes)
	{
		const Route *route = lfirst(lc);

		add_name(name, &n, route->method);
		if (strcmp(route->method, "GET") == 0)
			add_name(name, &n, "HEAD");
	}
	if (n > 0)
	{
		add_name(name, &n, "OPTIONS");
		qsort(name, n, sizeof(name[0]), compare_names);
		initStringInfo(&allow);
		for (int i = 0; i < n; i++)
			appendStringInfo(&allow, "%s%s", i ? ", " : "", name[i]);
		node->allow = allow.data;
	}
	for (RouteNode *child = node->literal; child; child = child->next)
		set_allow(child);
	set_allow(node->uuid);
	set_allow(node->any);
}

/* Where routes and checks are; in 0.1.0, which this library serves until its upgrade, nobody could register any. */
static const char registered_source[] =
"WITH all_routes AS (SELECT * FROM wazo_auth.all_routes), all_checks AS (SELECT * FROM wazo_auth.all_checks),"
" all_after AS (SELECT * FROM wazo_auth.after_route)";
static const char plain_source[] =
"WITH all_routes AS (SELECT r AS route, NULL::pg_catalog.text AS registration FROM wazo_auth.route r),"
" all_checks AS (SELECT c.name, c.function, NULL::pg_catalog.text AS registration FROM wazo_auth.check c),"
" all_after AS (SELECT r.method, r.path, NULL::pg_catalog.text AS function, NULL::pg_catalog.int4[] AS statuses"
" FROM wazo_auth.route r WHERE false)";

/*
 * The last columns: function and registration of each check, null for those of http() itself and unknown ones; who
 * registered the route; what comes after it, and after which statuses.
 */
static const char route_query[] =
" SELECT DISTINCT ON ((a.route).path, (a.route).method) (a.route).method, (a.route).path, (a.route).handler,"
" (a.route).access, (a.route).token_from, (a.route).query_schema, (a.route).body_schema, (a.route).checks,"
" ARRAY(SELECT c.function FROM pg_catalog.unnest((a.route).checks) WITH ORDINALITY k (name, place)"
" LEFT JOIN all_checks c ON c.name = k.name ORDER BY k.place),"
" ARRAY(SELECT c.registration FROM pg_catalog.unnest((a.route).checks) WITH ORDINALITY k (name, place)"
" LEFT JOIN all_checks c ON c.name = k.name ORDER BY k.place),"
" a.registration,"
" f.function, f.statuses"
" FROM all_routes a LEFT JOIN all_after f ON f.method = (a.route).method AND f.path = (a.route).path"
" WHERE wazo_auth.plugin_enabled((a.route).plugin)"
" ORDER BY (a.route).path, (a.route).method, (a.route).shipped";

/* An array, or NULL. */
static ArrayType *
column_array(HeapTuple tuple, TupleDesc desc, int attnum)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, attnum, &isnull);

	return isnull ? NULL : DatumGetArrayTypePCopy(value);
}

static Datum
column_datum(HeapTuple tuple, TupleDesc desc, int attnum)
{
	bool		isnull;
	Datum		value = SPI_getbinval(tuple, desc, attnum, &isnull);

	Assert(!isnull);
	return value;
}

/*
 * Reads the table as the extension's owner: the caller has no right to it.
 */
static RouteTree *
route_load(void)
{
	Oid			save_user;
	int			save_sec_context;
	MemoryContext old_context = CurrentMemoryContext;
	MemoryContext context;
	RouteTree  *tree;
	int			nest_level;

	/* a child of a short-lived context until it is complete */
	context = AllocSetContextCreate(CurrentMemoryContext, "wazo_auth routes", ALLOCSET_DEFAULT_SIZES);
	tree = MemoryContextAllocZero(context, sizeof(RouteTree));
	tree->context = context;

	GetUserIdAndSecContext(&save_user, &save_sec_context);
	SetUserIdAndSecContext(wazo_catalog()->owner, save_sec_context | SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* Not the statement's snapshot: that may be older than the change we heard of. */
	PushActiveSnapshot(GetLatestSnapshot());
	nest_level = NewGUCNestLevel();
	pin_settings();
	if (SPI_execute(psprintf("%s%s", OidIsValid(catalog_table(T_AFTER_ROUTE)) ? registered_source : plain_source,
							 route_query), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading wazo_auth.route failed");
	AtEOXact_GUC(true, nest_level);
	PopActiveSnapshot();

	MemoryContextSwitchTo(context);
	tree->root = new_node(NULL, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Route	   *route = palloc0(sizeof(Route));
		RouteNode  *node;

		route->method = column_text(tuple, desc, 1);
		route->path = column_text(tuple, desc, 2);
		route->handler = column_text(tuple, desc, 3);
		route->access = column_text(tuple, desc, 4);
		route->token_in_query = strcmp(column_text(tuple, desc, 5), "query") == 0;
		route->query_schema = column_text(tuple, desc, 6);
		route->body_schema = column_text(tuple, desc, 7);
		route->registration = column_text(tuple, desc, 11);
		if (route->registration == NULL)
			resolve_handler(route, context);
		resolve_checks(route, column_datum(tuple, desc, 8), column_datum(tuple, desc, 9),
					   column_datum(tuple, desc, 10), context);
		resolve_after(route, column_text(tuple, desc, 12), column_array(tuple, desc, 13), context);
		resolve_audit(route, context);
		judge_quick(route);
		node = tree_insert(tree->root, route);
		if (node)
			node->routes = lappend(node->routes, route);
	}
	set_allow(tree->root);
	SPI_finish();
	SetUserIdAndSecContext(save_user, save_sec_context);
	MemoryContextSwitchTo(old_context);

	MemoryContextSetParent(context, TopMemoryContext);
	tree->references = 1;
	return tree;
}

typedef struct RouteSearch
{
	const char *method;
	const HttpTarget *target;
	HttpSpan	param[HTTP_MAX_SEGMENTS];
	const Route *found;
	const char *allow;
} RouteSearch;

static const Route *
route_of_method(const RouteNode *node, const char *method)
{
	const Route *get = NULL;
	ListCell   *lc;

	foreach(lc, node->routes)
	{
		const Route *route = lfirst(lc);

		if (strcmp(route->method, method) == 0)
			return route;
		if (strcmp(route->method, "GET") == 0)
			get = route;
	}
	/* HEAD of a GET route runs the GET (contract: responses.md section 1). */
	return strcmp(method, "HEAD") == 0 ? get : NULL;
}

/*
 * Literal segments win over {x_uuid}, which wins over {x}.  The depth is
 * bounded by HTTP_MAX_SEGMENTS, the breadth by the tree of routes.
 */
static bool
search(const RouteNode *node, int depth, int nparams, RouteSearch *s)
{
	HttpSpan	segment;
	unsigned char uuid[16];

	if (depth == s->target->nsegments)
	{
		if (node->routes == NIL)
			return false;
		if (s->allow == NULL)
			s->allow = node->allow;
		s->found = route_of_method(node, s->method);
		return s->found != NULL;
	}
	segment = s->target->segment[depth];
	for (const RouteNode *child = node->literal; child; child = child->next)
		if (child->len == segment.len && memcmp(child->name, segment.s, segment.len) == 0 &&
			search(child, depth + 1, nparams, s))
			return true;
	s->param[nparams] = segment;
	if (node->uuid && uuid_text_parse(segment.s, segment.len, true, uuid) &&
		search(node->uuid, depth + 1, nparams + 1, s))
		return true;
	s->param[nparams] = segment;
	return node->any && search(node->any, depth + 1, nparams + 1, s);
}

/*
 * route_find
 *
 * Looks for the route of a method and a parsed target.  Fills "param" with the
 * path parameters.  "allow" is set when the path is known, whatever the method.
 * Both stay until the current memory context is reset.
 */
RouteResult
route_find(const char *method, const HttpTarget *target,
		   const Route **route, HttpSpan *param, const char **allow)
{
	RouteSearch s = {.method = method, .target = target};
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	if (unlikely(!table_watch_unchanged(&route_watch) || route_function_changes != function_changes))
	{
		TableWatch	watch = catalog_watch(TABLE_BIT(T_ROUTE) | TABLE_BIT(T_CHECK) | TABLE_BIT(T_AFTER_ROUTE) |
										  TABLE_BIT(T_REGISTRATION) | TABLE_BIT(T_SETTING));
		uint64		heard = function_changes;
		RouteTree  *fresh = route_load();

		if (route_tree)
			release_tree(route_tree);
		route_tree = fresh;
		route_watch = watch;
		route_function_changes = heard;
	}
	callback->func = release_tree;
	callback->arg = route_tree;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	route_tree->references++;
	(void) search(route_tree->root, 0, 0, &s);
	*route = s.found;
	*allow = s.allow;
	if (s.found == NULL)
		return s.allow ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
	memcpy(param, s.param, sizeof(HttpSpan) * s.found->nparams);
	return ROUTE_FOUND;
}
