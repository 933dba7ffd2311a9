/*
 * document.c
 *	  The one strict parse of a document, and reading of its tree.
 *
 * Whatever makes two readers of one text disagree is refused or does not reach
 * the tree: DOCTYPE and so every entity, processing instructions, encodings
 * other than UTF-8, ids that occur twice. Comments are dropped and CDATA becomes
 * text while parsing, so an element's text is what the digest was made of.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "document.h"

#include <libxml/SAX2.h>
#include <libxml/hash.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>
#include <strings.h>

#include "tag_scan.h"

#define DEPTH_MAX		64
#define ELEMENTS_MAX	10000
#define ATTRIBUTES_MAX	40000
#define ATTRIBUTES_OF_TAG_MAX 100

typedef struct Limits
{
	int			elements;
	int			attributes;		/* declarations of namespaces too */
	int			depth;			/* of open elements */
	const char *refusal;
} Limits;

static void
stop(xmlParserCtxt *ctxt, const char *refusal)
{
	Limits	   *limits = ctxt->_private;

	if (limits->refusal == NULL)
		limits->refusal = refusal;
	xmlStopParser(ctxt);
}

static void
on_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void) name;
	(void) external;
	(void) system;
	stop(ctx, "doctype");
}

static void
on_instruction(void *ctx, const xmlChar *target, const xmlChar *data)
{
	(void) target;
	(void) data;
	stop(ctx, "processing_instruction");
}

static void
on_element(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int ns_count,
		   const xmlChar **ns, int attribute_count, int defaulted, const xmlChar **attributes)
{
	xmlParserCtxt *ctxt = ctx;
	Limits	   *limits = ctxt->_private;

	limits->attributes += attribute_count + ns_count;
	if (++limits->elements > ELEMENTS_MAX || limits->attributes > ATTRIBUTES_MAX)
		stop(ctxt, "too_many_nodes");
	else if (limits->depth++ >= DEPTH_MAX)
		stop(ctxt, "too_deep");
	else
		xmlSAX2StartElementNs(ctx, name, prefix, uri, ns_count, ns, attribute_count, defaulted, attributes);
}

static void
on_element_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	xmlParserCtxt *ctxt = ctx;
	Limits	   *limits = ctxt->_private;

	limits->depth--;
	xmlSAX2EndElementNs(ctx, name, prefix, uri);
}

static xmlParserCtxt *
new_parser(Limits *limits)
{
	xmlParserCtxt *ctxt = xmlNewParserCtxt();

	if (ctxt == NULL)
		return NULL;
	ctxt->_private = limits;
	ctxt->sax->internalSubset = on_doctype;
	ctxt->sax->externalSubset = on_doctype;
	ctxt->sax->processingInstruction = on_instruction;
	ctxt->sax->comment = NULL;
	ctxt->sax->startElementNs = on_element;
	ctxt->sax->endElementNs = on_element_end;
	return ctxt;
}

/* Nothing but UTF-8, by declaration too: a converter would open files. */
static bool
encoding_is_utf8(const char *bytes, size_t len)
{
	const char *end;
	const char *word;

	if (memchr(bytes, '\0', len) != NULL)
		return false;
	if (len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0)
		bytes += 3, len -= 3;
	if (len < 5 || memcmp(bytes, "<?xml", 5) != 0)
		return true;
	end = memmem(bytes, len, "?>", 2);
	if (end == NULL)
		return false;
	word = memmem(bytes, (size_t) (end - bytes), "encoding", 8);
	if (word == NULL)
		return true;
	word += 8;
	while (word < end && (*word == ' ' || *word == '=' || *word == '\'' || *word == '"'))
		word++;
	return end - word > 5 && strncasecmp(word, "utf-8", 5) == 0 && (word[5] == '"' || word[5] == '\'');
}

static bool
has_id_name(const xmlAttr *a)
{
	return a->ns == NULL && strcasecmp((const char *) a->name, "id") == 0;
}

/* xml:id is an id to the parser and to nobody of SAML. */
static bool
is_xml_id(const xmlAttr *a)
{
	return a->ns != NULL && xmlStrEqual(a->ns->href, XML_XML_NAMESPACE) &&
		strcasecmp((const char *) a->name, "id") == 0;
}

/* No id of the node is among those seen, where it is then. */
static bool
ids_are_new(Work *w, const xmlNode *node, xmlHashTable *seen)
{
	for (const xmlAttr *a = node->properties; a != NULL; a = a->next)
	{
		const char *value;

		if (is_xml_id(a))
			return false;
		if (!has_id_name(a))
			continue;
		value = attribute(w, node, (const char *) a->name);
		if (xmlHashAddEntry(seen, (const xmlChar *) (value ? value : ""), w) != 0)
			return false;
	}
	return true;
}

/* In a table of libxml2's: qsort() asks the system for its memory, which the sandbox ends. */
static bool
ids_are_unique(Work *w, xmlNode *root)
{
	xmlHashTable *seen = xmlHashCreate(0);
	bool		good = seen != NULL;

	for (xmlNode *node = root; good && node != NULL; node = walk(root, node))
		good = ids_are_new(w, node, seen);
	xmlHashFree(seen, NULL);
	return good;
}

static bool
tree_is_good(Work *w, const xmlDoc *doc, const Limits *limits, bool well_formed)
{
	if (limits->refusal != NULL)
		return refuse(w, limits->refusal, NULL);
	if (doc == NULL || !well_formed || xmlDocGetRootElement(doc) == NULL)
		return refuse(w, "not_xml", NULL);
	if (doc->intSubset != NULL || doc->extSubset != NULL)
		return refuse(w, "doctype", NULL);
	if (doc->version == NULL || strcmp((const char *) doc->version, "1.0") != 0)
		return refuse(w, "not_xml", "version");
	return true;
}

/*
 * Parses the bytes once and returns the root element, or NULL with the refusal
 * noted. The tree is kept in w->documents[place].
 */
xmlNode *
document_parse(Work *w, int place, const char *bytes, size_t len)
{
	Limits		limits = {0};
	xmlParserCtxt *ctxt;
	xmlDoc	   *doc;
	bool		good;

	if (len > DOCUMENT_MAX_BYTES)
		return refuse(w, "too_large", NULL), NULL;
	if (!encoding_is_utf8(bytes, len))
		return refuse(w, "encoding", NULL), NULL;
	if (!tags_are_short(bytes, len, ATTRIBUTES_OF_TAG_MAX))
		return refuse(w, "too_many_nodes", "attributes"), NULL;
	ctxt = new_parser(&limits);
	if (ctxt == NULL)
		return refuse(w, "not_xml", "memory"), NULL;
	doc = xmlCtxtReadMemory(ctxt, bytes, (int) len, NULL, "UTF-8",
							XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	good = ctxt->wellFormed;
	if (doc == NULL)
		doc = ctxt->myDoc;
	ctxt->myDoc = NULL;
	xmlFreeParserCtxt(ctxt);
	w->documents[place] = doc;
	if (!tree_is_good(w, doc, &limits, good))
		return NULL;
	if (!ids_are_unique(w, xmlDocGetRootElement(doc)))
		return refuse(w, "duplicate_id", NULL), NULL;
	return xmlDocGetRootElement(doc);
}

bool
is(const xmlNode *node, const char *ns, const char *name)
{
	return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL &&
		strcmp((const char *) node->ns->href, ns) == 0 && strcmp((const char *) node->name, name) == 0;
}

static xmlNode *
element_from(xmlNode *node)
{
	while (node != NULL && node->type != XML_ELEMENT_NODE)
		node = node->next;
	return node;
}

xmlNode *
first_child(const xmlNode *node)
{
	return element_from(node->children);
}

xmlNode *
next_element(const xmlNode *node)
{
	return element_from(node->next);
}

/* The element after node in the order of the text, below root; NULL at the end. */
xmlNode *
walk(const xmlNode *root, const xmlNode *node)
{
	xmlNode    *next = first_child(node);

	while (next == NULL && node != root)
	{
		next = next_element(node);
		node = node->parent;
	}
	return next;
}

/* The child of that name when there is exactly one, else NULL. */
xmlNode *
only_child(const xmlNode *parent, const char *ns, const char *name)
{
	xmlNode    *only = NULL;

	for (xmlNode *c = first_child(parent); c != NULL; c = next_element(c))
	{
		if (!is(c, ns, name))
			continue;
		if (only != NULL)
			return NULL;
		only = c;
	}
	return only;
}

int
count_below(const xmlNode *root, const char *ns, const char *name)
{
	int			n = 0;

	for (const xmlNode *node = root; node != NULL; node = walk(root, node))
		n += is(node, ns, name);
	return n;
}

/* The value of an attribute without namespace, or NULL. */
const char *
attribute(Work *w, const xmlNode *node, const char *name)
{
	return keep(w, xmlGetNoNsProp((xmlNode *) node, (const xmlChar *) name));
}

/* All text of an element, however many nodes it lies in; NULL when an element is among it. */
const char *
text_of(Work *w, const xmlNode *node)
{
	if (node == NULL || first_child(node) != NULL)
		return NULL;
	return keep(w, xmlNodeGetContent(node));
}

/* The text without white space around it, as xs:anyURI has it. */
const char *
uri_of(Work *w, const xmlNode *node)
{
	const char *text = text_of(w, node);
	size_t		len;

	if (text == NULL)
		return NULL;
	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return keep(w, xmlStrndup((const xmlChar *) text, (int) len));
}

/* Letters, digits, "_", "-", ".": nothing that a reference could read as a formula. */
bool
is_plain_id(const char *id)
{
	if (id == NULL || !((*id >= 'a' && *id <= 'z') || (*id >= 'A' && *id <= 'Z') || *id == '_'))
		return false;
	return strlen(id) <= 256 &&
		id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] == '\0';
}
