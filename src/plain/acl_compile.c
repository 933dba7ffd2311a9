/*
 * acl_compile.c
 *	  The compiled form of a list of access patterns: a tree over segments.
 *
 * Each edge of the tree is one whole segment of a pattern: a literal, one of
 * the reserved words, or a lone '*'.  What follows the first segment that is
 * none of these (it holds a '#', or a '*' beside other characters) hangs at
 * the node as a tail, which acl_pattern_match looks at; tails that end in
 * literal segments are found by these.  So a check looks only at entries
 * that agree with the access from the front, whatever the list's length, and
 * the ids are not needed before the check: everybody with the same list shares
 * the compiled form.
 *
 * Literal edges and the lists of tails with the same end are found through
 * one hash table with open addressing.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "plain/acl_compile.h"

#include <string.h>

/*
 * Deeper segments become part of a tail.  Real patterns have up to seven; the
 * bound keeps the tree of a hostile list small.
 */
#define MAX_DEPTH	16

/* Segments of a tail's literal end that count, at most. */
#define MAX_END		8

enum
{
	EDGE_ME,
	EDGE_MY_SESSION,
	EDGE_EDIT,
	EDGE_STAR,
	EDGE_SPECIAL_COUNT
};

#define NODE_TERMINAL_POSITIVE	0x01
#define NODE_TERMINAL_NEGATIVE	0x02
#define NODE_BELOW_NEGATIVE		0x04	/* a negative entry ends here or below */
#define NODE_HAS_LITERALS		0x08
#define NODE_IS_END				0x10	/* a list of tails with the same end */

typedef struct Node
{
	uint32_t	parent;
	uint32_t	hash;
	uint32_t	text;			/* of the segment: offset in the packed list */
	uint16_t	len;
	uint16_t	flags;
	uint32_t	special[EDGE_SPECIAL_COUNT];	/* 0: none */
	uint32_t	tails;			/* first tail + 1; 0: none */
	uint32_t	ends;			/* bit n: there are tails found by n segments */
} Node;

typedef struct Tail
{
	uint32_t	next;			/* as Node.tails */
	uint32_t	text;
	uint16_t	len;
	uint16_t	negative;
} Tail;

/* Offsets are from the block's start; the nodes come last and grow. */
struct AclCompiled
{
	uint32_t	size;
	uint32_t	mask;			/* hash table's size - 1 */
	uint32_t	table;
	uint32_t	packed;
	uint32_t	tails;
	uint32_t	nodes;
	uint32_t	node_count;
	uint32_t	tail_count;
};

#define PART(c, type, offset)	((type *) ((char *) (c) + (offset)))
#define NODES(c)	PART(c, Node, (c)->nodes)
#define TAILS(c)	PART(c, Tail, (c)->tails)
#define TABLE(c)	PART(c, uint32_t, (c)->table)
#define TEXT(c, offset)	((const char *) (c) + (c)->packed + (offset))

#define ROUND_UP(n)	(((n) + 7) & ~(size_t) 7)

static inline uint64_t
load(const char *p, size_t n)
{
	uint64_t	v = 0;

	memcpy(&v, p, n);
	return v;
}

/* Hash of a segment; speed matters more than quality for a few short texts. */
static inline uint32_t
hash_segment(const char *s, size_t len)
{
	uint64_t	h = len * UINT64_C(0x9E3779B97F4A7C15);
	size_t		n = len;

	while (n > 8)
	{
		h = (h ^ load(s, 8)) * UINT64_C(0xD6E8FEB86659FD93);
		h ^= h >> 32;
		s += 8;
		n -= 8;
	}
	if (n >= 4)
		h ^= load(s, 4) | load(s + n - 4, 4) << 32;
	else if (n > 0)
		h ^= (uint64_t) (unsigned char) s[0] |
			(uint64_t) (unsigned char) s[n / 2] << 8 |
			(uint64_t) (unsigned char) s[n - 1] << 16;
	h *= UINT64_C(0xD6E8FEB86659FD93);
	return (uint32_t) (h >> 32);
}

static inline uint32_t
slot_of(uint32_t parent, uint32_t hash, uint32_t mask)
{
	return (hash ^ parent * UINT32_C(0x9E3779B1)) & mask;
}

static size_t
edges_bound(const char *packed, size_t len, uint32_t *entries)
{
	size_t		dots = 0;
	size_t		most;

	/* length bytes may look like dots: this only makes the bound larger */
	for (size_t i = ACL_PACKED_HEADER; i < len; i++)
		dots += packed[i] == '.';
	*entries = acl_packed_count(packed);
	/* besides its edges an entry may make one list of tails */
	dots += (size_t) *entries * 2;
	most = (size_t) *entries * (MAX_DEPTH + 1);
	return dots < most ? dots : most;
}

static void
layout(const char *packed, size_t len, AclCompiled *c, size_t *size)
{
	uint32_t	entries;
	size_t		edges = edges_bound(packed, len, &entries);
	size_t		table = 16;
	size_t		at = sizeof(AclCompiled);

	while (table < edges + edges / 2)
		table *= 2;
	c->mask = (uint32_t) table - 1;
	c->table = (uint32_t) at;
	at = ROUND_UP(at + table * sizeof(uint32_t));
	c->packed = (uint32_t) at;
	at = ROUND_UP(at + len);
	c->tails = (uint32_t) at;
	at = ROUND_UP(at + entries * sizeof(Tail));
	c->nodes = (uint32_t) at;
	*size = at + (edges + 1) * sizeof(Node);
}

/*
 * How many bytes acl_compile may need for a valid packed list of "len" bytes.
 * At most some 15 MiB, for a list at all limits.
 */
size_t
acl_compile_bound(const char *packed, size_t len)
{
	AclCompiled c;
	size_t		size;

	layout(packed, len, &c, &size);
	return size;
}

static uint32_t
new_node(AclCompiled *c, uint32_t parent)
{
	Node	   *node = NODES(c) + c->node_count;

	memset(node, 0, sizeof(Node));
	node->parent = parent;
	return c->node_count++;
}

/* The node behind a literal segment, or the list of tails that end in it. */
static uint32_t
find_literal(const AclCompiled *c, uint32_t parent, uint16_t kind,
			 const char *text, size_t len, uint32_t hash, uint32_t *slot)
{
	const uint32_t *table = TABLE(c);
	uint32_t	i = slot_of(parent + kind, hash, c->mask);

	while (table[i] != 0)
	{
		const Node *node = NODES(c) + table[i];

		if (node->hash == hash && node->parent == parent &&
			node->len == len && (node->flags & NODE_IS_END) == kind &&
			memcmp(TEXT(c, node->text), text, len) == 0)
			return table[i];
		i = (i + 1) & c->mask;
	}
	if (slot != NULL)
		*slot = i;
	return 0;
}

static uint32_t
add_literal(AclCompiled *c, uint32_t parent, uint16_t kind,
			const char *text, size_t len)
{
	uint32_t	hash = hash_segment(text, len);
	uint32_t	slot;
	uint32_t	id = find_literal(c, parent, kind, text, len, hash, &slot);

	if (id == 0)
	{
		Node	   *node;

		id = new_node(c, parent);
		node = NODES(c) + id;
		node->hash = hash;
		node->text = (uint32_t) (text - TEXT(c, 0));
		node->len = (uint16_t) len;
		node->flags = kind;
		TABLE(c)[slot] = id;
		if (kind == 0)
			NODES(c)[parent].flags |= NODE_HAS_LITERALS;
	}
	return id;
}

static uint32_t
add_special(AclCompiled *c, uint32_t parent, int edge)
{
	uint32_t	id = NODES(c)[parent].special[edge];

	if (id == 0)
	{
		id = new_node(c, parent);
		NODES(c)[parent].special[edge] = id;
	}
	return id;
}

/*
 * How many literal segments the rest of an entry ends in; *start is where they
 * start.  The first segment, which is why there is a rest, is none of them.
 */
static unsigned
literal_end(const char *rest, size_t len, size_t *start)
{
	unsigned	n = 0;
	size_t		end = len;

	*start = len;
	while (n < MAX_END)
	{
		size_t		from = end;

		while (from > 0 && rest[from - 1] != '.' &&
			   rest[from - 1] != '*' && rest[from - 1] != '#')
			from--;
		if (from == 0 || rest[from - 1] != '.' ||
			acl_reserved_word(rest + from, end - from) != ACL_WORD_NONE)
			break;
		n++;
		*start = from;
		end = from - 1;
	}
	return n;
}

/* Hang the rest of an entry at a node, or at the list for its literal end. */
static void
add_tail(AclCompiled *c, uint32_t at, const AclEntry *entry, size_t from)
{
	const char *rest = entry->text + from;
	size_t		len = entry->len - from;
	size_t		start;
	unsigned	segments = literal_end(rest, len, &start);
	Tail	   *tail;

	if (segments > 0)
	{
		NODES(c)[at].ends |= UINT32_C(1) << segments;
		at = add_literal(c, at, NODE_IS_END, rest + start, len - start);
		if (entry->negative)
			NODES(c)[at].flags |= NODE_BELOW_NEGATIVE;
	}
	tail = TAILS(c) + c->tail_count++;
	tail->text = (uint32_t) (rest - TEXT(c, 0));
	tail->len = (uint16_t) len;
	tail->negative = entry->negative;
	tail->next = NODES(c)[at].tails;
	NODES(c)[at].tails = c->tail_count;
}

static void
add_entry(AclCompiled *c, const AclEntry *entry)
{
	const char *text = entry->text;
	uint16_t	below = entry->negative ? NODE_BELOW_NEGATIVE : 0;
	uint32_t	at = 0;
	size_t		from = 0;

	for (int depth = 0; depth < MAX_DEPTH; depth++)
	{
		size_t		end = from;
		bool		star = false;
		bool		hash = false;

		NODES(c)[at].flags |= below;
		for (; end < entry->len && text[end] != '.'; end++)
		{
			star |= text[end] == '*';
			hash |= text[end] == '#';
		}
		if (hash || (star && end - from > 1))
		{
			add_tail(c, at, entry, from);
			return;
		}
		if (star)
			at = add_special(c, at, EDGE_STAR);
		else
		{
			AclWord		word = acl_reserved_word(text + from, end - from);

			if (word == ACL_WORD_NONE)
				at = add_literal(c, at, 0, text + from, end - from);
			else
				at = add_special(c, at, word == ACL_WORD_ME ? EDGE_ME :
								 word == ACL_WORD_EDIT ? EDGE_EDIT :
								 EDGE_MY_SESSION);
		}
		if (end == entry->len)
		{
			NODES(c)[at].flags |= below |
				(entry->negative ? NODE_TERMINAL_NEGATIVE :
				 NODE_TERMINAL_POSITIVE);
			return;
		}
		from = end + 1;
	}
	NODES(c)[at].flags |= below;
	add_tail(c, at, entry, from);
}

/*
 * Compile a valid packed list into "block", which is aligned for 8 bytes and
 * has acl_compile_bound bytes.  Returns how many of them are used; the rest
 * may be given back.
 */
size_t
acl_compile(const char *packed, size_t len, void *block)
{
	AclCompiled *c = block;
	AclReader	reader;
	AclEntry	entry;
	size_t		bound;

	layout(packed, len, c, &bound);
	c->node_count = 0;
	c->tail_count = 0;
	memset(TABLE(c), 0, (c->mask + 1) * sizeof(uint32_t));
	memcpy((char *) c + c->packed, packed, len);
	new_node(c, 0);

	acl_reader_init(&reader, TEXT(c, 0));
	while (acl_reader_next(&reader, &entry))
		add_entry(c, &entry);

	c->size = c->nodes + c->node_count * (uint32_t) sizeof(Node);
	return c->size;
}

/* One check: the access cut into segments, and what is known so far. */
typedef struct Walk
{
	const AclCompiled *c;
	AclAccess  *access;
	int			segments;		/* MAX_DEPTH + 1: there may be more */
	size_t		start[MAX_DEPTH + 1];
	size_t		len[MAX_DEPTH + 1];
	uint32_t	hash[MAX_DEPTH + 1];
	unsigned	ends;			/* how many ends were cut off so far */
	size_t		end_start[MAX_END + 1];
	uint32_t	end_hash[MAX_END + 1];
	bool		granted;
	bool		refused;
} Walk;

static void
cut(Walk *w)
{
	const char *text = w->access->text;
	size_t		len = w->access->len;
	size_t		from = 0;

	w->segments = 0;
	for (size_t i = 0;; i++)
	{
		if (i == len || text[i] == '.')
		{
			int			n = w->segments++;

			w->start[n] = from;
			w->len[n] = i - from;
			w->hash[n] = hash_segment(text + from, i - from);
			from = i + 1;
			if (i == len || w->segments > MAX_DEPTH)
				break;
		}
	}
	w->ends = 0;
	w->end_start[0] = len + 1;
}

/* Make the access's last n segments known; false when there are fewer. */
static bool
cut_end(Walk *w, unsigned n)
{
	const char *text = w->access->text;

	while (w->ends < n)
	{
		size_t		from;

		if (w->end_start[w->ends] == 0)
			return false;
		from = w->end_start[w->ends] - 1;
		while (from > 0 && text[from - 1] != '.')
			from--;
		w->ends++;
		w->end_start[w->ends] = from;
		w->end_hash[w->ends] = hash_segment(text + from, w->access->len - from);
	}
	return true;
}

/* Nothing more to learn from this node and what is below it? */
static inline bool
settled(const Walk *w, const Node *node)
{
	return w->refused || (w->granted && !(node->flags & NODE_BELOW_NEGATIVE));
}

static void
try_tails(Walk *w, uint32_t tails, size_t from)
{
	while (tails != 0)
	{
		const Tail *tail = TAILS(w->c) + tails - 1;

		if ((tail->negative || !w->granted) &&
			acl_pattern_match(w->access, TEXT(w->c, tail->text), tail->len,
							  from))
		{
			if (tail->negative)
			{
				w->refused = true;
				return;
			}
			w->granted = true;
		}
		tails = tail->next;
	}
}

/* Recursion is bounded by MAX_DEPTH, and no node is visited twice. */
static void
walk(Walk *w, uint32_t id, int depth)
{
	const AclCompiled *c = w->c;
	const Node *node = NODES(c) + id;
	const char *text;
	size_t		len;
	uint32_t	next;

	if (settled(w, node))
		return;
	if (depth == w->segments)
	{
		if (node->flags & NODE_TERMINAL_NEGATIVE)
			w->refused = true;
		else if (node->flags & NODE_TERMINAL_POSITIVE)
			w->granted = true;
		return;
	}

	text = w->access->text + w->start[depth];
	len = w->len[depth];
	try_tails(w, node->tails, w->start[depth]);
	for (unsigned n = 1; node->ends >> n != 0; n++)
	{
		if (!(node->ends >> n & 1))
			continue;
		if (!cut_end(w, n))
			break;
		next = find_literal(c, id, NODE_IS_END,
							w->access->text + w->end_start[n],
							w->access->len - w->end_start[n],
							w->end_hash[n], NULL);
		if (next != 0 && !settled(w, NODES(c) + next))
			try_tails(w, NODES(c)[next].tails, w->start[depth]);
	}
	if (depth == MAX_DEPTH)
		return;
	if (node->flags & NODE_HAS_LITERALS)
	{
		next = find_literal(c, id, 0, text, len, w->hash[depth], NULL);
		if (next != 0)
			walk(w, next, depth + 1);
	}
	next = node->special[EDGE_ME];
	if (next != 0 && acl_word_matches(w->access, ACL_WORD_ME, text, len))
		walk(w, next, depth + 1);
	next = node->special[EDGE_MY_SESSION];
	if (next != 0 && acl_word_matches(w->access, ACL_WORD_MY_SESSION, text, len))
		walk(w, next, depth + 1);
	next = node->special[EDGE_EDIT];
	if (next != 0 && acl_word_matches(w->access, ACL_WORD_EDIT, text, len))
		walk(w, next, depth + 1);
	next = node->special[EDGE_STAR];
	if (next != 0 && memchr(text, '#', len) == NULL)
		walk(w, next, depth + 1);
}

/*
 * Does the list grant the access?  The same answer as acl_list_grants, which
 * is also what decides when an id holds a '.': a reserved word is then not one
 * segment of the access any more.
 */
bool
acl_compiled_grants(const AclCompiled *compiled, AclAccess *access)
{
	Walk		w;

	if (access->too_long)
		return false;
	if (!access->plain_ids)
		return acl_list_grants(TEXT(compiled, 0), access);
	w.c = compiled;
	w.access = access;
	w.granted = false;
	w.refused = false;
	cut(&w);
	walk(&w, 0, 0);
	return w.granted && !w.refused;
}
