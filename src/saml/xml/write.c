/*
 * write.c
 *	  Documents of ours: a tree, its signature, its text.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "write.h"

#include <libxml/valid.h>
#include <libxml/xmlsave.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/templates.h>
#include <xmlsec/xmldsig.h>

#include "document.h"
#include "keys.h"

/* Without memory there is no result; the caller takes the end for a failure. */
static void *
got(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* "id-" and 32 random hexadecimal digits: never a formula, never guessed. */
static void
add_id(Work *w, xmlNode *root)
{
	unsigned char random[16];
	char		id[3 + 2 * sizeof(random) + 1] = "id-";

	if (RAND_bytes(random, sizeof(random)) != 1)
		abort();
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(id + 3 + 2 * i, 3, "%02x", random[i]);
	add_attribute(root, "ID", id);
	found(w, "id", id);
}

/* A new document with this root, which gets an ID; reports the ID. */
xmlNode *
document_begin(Work *w, const char *prefix, const char *ns, const char *name)
{
	xmlNode    *root = got(xmlNewNode(NULL, (const xmlChar *) name));

	w->documents[0] = got(xmlNewDoc((const xmlChar *) "1.0"));
	xmlDocSetRootElement(w->documents[0], root);
	xmlSetNs(root, got(xmlNewNs(root, (const xmlChar *) ns, (const xmlChar *) prefix)));
	add_id(w, root);
	return root;
}

/* A last child; the namespace is declared there unless it is around it already. */
xmlNode *
add_element(xmlNode *parent, const char *prefix, const char *ns, const char *name)
{
	xmlNode    *node = got(xmlNewChild(parent, NULL, (const xmlChar *) name, NULL));
	xmlNs	   *known = xmlSearchNs(node->doc, node, (const xmlChar *) prefix);

	if (known == NULL)
		known = got(xmlNewNs(node, (const xmlChar *) ns, (const xmlChar *) prefix));
	xmlSetNs(node, known);
	return node;
}

/* A copy of a field that can stand in XML; refuses the job for another. */
static const char *
text_of_field(Work *w, const Field *field)
{
	const char *text = keep(w, xmlStrndup((const xmlChar *) field->data, (int) field->len));
	bool		good = text != NULL && strlen(text) == field->len && xmlCheckUTF8((const xmlChar *) text);

	for (const char *p = text; good && *p != '\0'; p++)
		good = (unsigned char) *p >= ' ';
	if (!good)
		refuse(w, "text", "a control character, or not UTF-8");
	return good ? text : "";
}

void
add_text(Work *w, xmlNode *node, const Field *text)
{
	xmlNodeAddContent(node, (const xmlChar *) text_of_field(w, text));
}

void
add_attribute(xmlNode *node, const char *name, const char *value)
{
	got(xmlNewProp(node, (const xmlChar *) name, (const xmlChar *) value));
}

/* None for a field that was not given. */
void
add_attribute_field(Work *w, xmlNode *node, const char *name, const Field *value)
{
	if (value->len > 0)
		add_attribute(node, name, text_of_field(w, value));
}

/* A Signature to be filled: over the root, which it is in. */
static xmlNode *
signature_template(xmlNode *root, const char *id)
{
	xmlNode    *signature = got(xmlSecTmplSignatureCreateNsPref(root->doc, xmlSecTransformExclC14NId,
																xmlSecOpenSSLTransformRsaSha256GetKlass(), NULL,
																(const xmlChar *) "ds"));
	xmlNode    *reference;
	char		uri[300];

	snprintf(uri, sizeof(uri), "#%s", id);
	reference = got(xmlSecTmplSignatureAddReference(signature, xmlSecOpenSSLTransformSha256GetKlass(), NULL,
													(const xmlChar *) uri, NULL));
	got(xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId));
	got(xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId));
	return signature;
}

static bool
filled(Work *w, xmlNode *signature)
{
	xmlSecDSigCtx *ctx = got(xmlSecDSigCtxCreate(NULL));
	bool		good;

	ctx->signKey = key_of_pem(&w->job->keys[0]);
	good = ctx->signKey != NULL && xmlSecDSigCtxSign(ctx, signature) == 0 &&
		ctx->status == xmlSecDSigStatusSucceeded;
	xmlSecDSigCtxDestroy(ctx);
	return good;
}

/*
 * Signs the document with the job's first key. The signature stands after the
 * given child of the root, or as its first one.
 */
bool
document_sign(Work *w, xmlNode *after)
{
	xmlNode    *root = xmlDocGetRootElement(w->documents[0]);
	xmlAttr    *attr = xmlHasProp(root, (const xmlChar *) "ID");
	const char *id = attribute(w, root, "ID");
	xmlNode    *signature = signature_template(root, id);
	bool		good;

	if (after != NULL)
		xmlAddNextSibling(after, signature);
	else if (root->children != NULL)
		xmlAddPrevSibling(root->children, signature);
	else
		xmlAddChild(root, signature);
	if (xmlAddID(NULL, root->doc, (const xmlChar *) id, attr) == NULL)
		abort();
	good = filled(w, signature);
	xmlRemoveID(root->doc, attr);
	return good || refuse(w, "key", "not an RSA key in PEM");
}

/* The text of the document, without declaration; to be freed. */
xmlBuffer *
document_text(const xmlNode *root)
{
	xmlBuffer  *out = got(xmlBufferCreate());

	if (xmlNodeDump(out, root->doc, (xmlNode *) root, 0, 0) < 0)
		abort();
	return out;
}
