/*
 * signature.c
 *	  Enveloped signatures of SAML elements.
 *
 * The form is checked first, by allow-lists: one Signature, a child of what it
 * signs, with one Reference to that parent's ID. xmlsec then does all that is
 * cryptography. The parent's ID is the only one the document knows, so the
 * reference can lead nowhere else, and the element that was verified is the node
 * the caller goes on reading from.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "signature.h"

#include <libxml/valid.h>
#include <string.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/xmldsig.h>

#include "document.h"

#define PREFIXES_MAX_BYTES 1024

static const char *const signature_methods[] = {
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
	NULL
};

static const char *const digest_methods[] = {
	"http://www.w3.org/2001/04/xmlenc#sha256",
	"http://www.w3.org/2001/04/xmldsig-more#sha384",
	"http://www.w3.org/2001/04/xmlenc#sha512",
	NULL
};

static const char *const c14n_methods[] = {
	"http://www.w3.org/2001/10/xml-exc-c14n#",
	"http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
	NULL
};

static const char *const enveloped[] = {
	"http://www.w3.org/2000/09/xmldsig#enveloped-signature",
	NULL
};

/* Is node the element ds:name, with an algorithm of the list? */
static bool
has_algorithm(Work *w, const xmlNode *node, const char *name, const char *const *allowed)
{
	const char *algorithm;

	if (node == NULL || !is(node, NS_DS, name))
		return false;
	algorithm = attribute(w, node, "Algorithm");
	for (; algorithm != NULL && *allowed != NULL; allowed++)
	{
		if (strcmp(algorithm, *allowed) == 0)
			return true;
	}
	return false;
}

static bool
is_last(const xmlNode *node)
{
	return next_element(node) == NULL;
}

/* Exclusive canonicalisation may name some prefixes, and nothing else is a parameter of ours. */
static bool
c14n_parameters_are_good(Work *w, const xmlNode *transform)
{
	const xmlNode *parameter = first_child(transform);
	const char *prefixes;

	if (parameter == NULL)
		return true;
	if (!is(parameter, NS_EXC_C14N, "InclusiveNamespaces") || !is_last(parameter))
		return false;
	/* each is looked for at each element */
	prefixes = attribute(w, parameter, "PrefixList");
	return prefixes == NULL || strlen(prefixes) <= PREFIXES_MAX_BYTES;
}

static bool
transforms_are_good(Work *w, const xmlNode *transforms)
{
	const xmlNode *first;
	const xmlNode *second;

	if (!is(transforms, NS_DS, "Transforms"))
		return false;
	first = first_child(transforms);
	second = first ? next_element(first) : NULL;
	return second != NULL && is_last(second) &&
		has_algorithm(w, first, "Transform", enveloped) && first_child(first) == NULL &&
		has_algorithm(w, second, "Transform", c14n_methods) && c14n_parameters_are_good(w, second);
}

static bool
refers_to(Work *w, const xmlNode *reference, const char *id)
{
	const char *uri = attribute(w, reference, "URI");

	return uri != NULL && uri[0] == '#' && strcmp(uri + 1, id) == 0;
}

static bool
reference_is_good(Work *w, const xmlNode *reference, const char *id)
{
	const xmlNode *transforms = first_child(reference);
	const xmlNode *method = transforms ? next_element(transforms) : NULL;
	const xmlNode *value = method ? next_element(method) : NULL;

	if (!refers_to(w, reference, id))
		return refuse(w, "signature_reference", NULL);
	if (!is(value, NS_DS, "DigestValue") || !is_last(value) || first_child(value) != NULL)
		return refuse(w, "signature_form", "Reference");
	if (!transforms_are_good(w, transforms))
		return refuse(w, "signature_transform", NULL);
	if (!has_algorithm(w, method, "DigestMethod", digest_methods) || first_child(method) != NULL)
		return refuse(w, "signature_algorithm", "DigestMethod");
	return true;
}

static bool
signed_info_is_good(Work *w, const xmlNode *info, const char *id)
{
	const xmlNode *c14n = first_child(info);
	const xmlNode *method = c14n ? next_element(c14n) : NULL;
	const xmlNode *reference = method ? next_element(method) : NULL;

	if (!is(reference, NS_DS, "Reference") || !is_last(reference))
		return refuse(w, "signature_form", "SignedInfo");
	if (!has_algorithm(w, c14n, "CanonicalizationMethod", c14n_methods) || !c14n_parameters_are_good(w, c14n))
		return refuse(w, "signature_algorithm", "CanonicalizationMethod");
	if (!has_algorithm(w, method, "SignatureMethod", signature_methods) || first_child(method) != NULL)
		return refuse(w, "signature_algorithm", "SignatureMethod");
	return reference_is_good(w, reference, id);
}

/* SignedInfo, SignatureValue and perhaps KeyInfo, which is never read; no Object. */
static bool
form_is_good(Work *w, const xmlNode *signature, const char *id)
{
	const xmlNode *info = first_child(signature);
	const xmlNode *value = info ? next_element(info) : NULL;
	const xmlNode *rest = value ? next_element(value) : NULL;

	if (!is(info, NS_DS, "SignedInfo") || !is(value, NS_DS, "SignatureValue") || first_child(value) != NULL ||
		(rest != NULL && (!is(rest, NS_DS, "KeyInfo") || !is_last(rest))))
		return refuse(w, "signature_form", "Signature");
	return signed_info_is_good(w, info, id);
}

/* What the form allows, said to xmlsec too. */
static bool
restrict_context(xmlSecDSigCtx *ctx)
{
	static xmlSecTransformId (*const ids[]) (void) = {
		xmlSecTransformExclC14NGetKlass, xmlSecTransformExclC14NWithCommentsGetKlass,
		xmlSecTransformEnvelopedGetKlass,
		xmlSecOpenSSLTransformSha256GetKlass, xmlSecOpenSSLTransformSha384GetKlass,
		xmlSecOpenSSLTransformSha512GetKlass,
		xmlSecOpenSSLTransformRsaSha256GetKlass, xmlSecOpenSSLTransformRsaSha384GetKlass,
		xmlSecOpenSSLTransformRsaSha512GetKlass,
		xmlSecOpenSSLTransformEcdsaSha256GetKlass, xmlSecOpenSSLTransformEcdsaSha384GetKlass,
		xmlSecOpenSSLTransformEcdsaSha512GetKlass
	};

	ctx->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
	ctx->keyInfoReadCtx.enabledKeyData.use = 0;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
	{
		if (xmlSecDSigCtxEnableSignatureTransform(ctx, ids[i] ()) < 0 ||
			xmlSecDSigCtxEnableReferenceTransform(ctx, ids[i] ()) < 0)
			return false;
	}
	return true;
}

/* With signKey set, xmlsec does not look at KeyInfo. */
static bool
verifies_with(xmlNode *signature, xmlSecKey *key)
{
	xmlSecDSigCtx *ctx = xmlSecDSigCtxCreate(NULL);
	bool		good;

	if (ctx == NULL)
		return false;
	ctx->signKey = xmlSecKeyDuplicate(key);
	good = ctx->signKey != NULL && restrict_context(ctx) &&
		xmlSecDSigCtxVerify(ctx, signature) == 0 && ctx->status == xmlSecDSigStatusSucceeded &&
		xmlSecPtrListGetSize(&ctx->signedInfoReferences) == 1;
	xmlSecDSigCtxDestroy(ctx);
	return good;
}

static bool
verifies(Work *w, xmlNode *element, xmlNode *signature, const char *id)
{
	xmlAttr    *attr = xmlHasProp(element, (const xmlChar *) "ID");
	bool		good = false;

	if (attr == NULL || xmlAddID(NULL, element->doc, (const xmlChar *) id, attr) == NULL)
		return false;
	for (int i = 0; !good && i < w->job->certificate_count; i++)
		good = verifies_with(signature, w->keys[i]);
	xmlRemoveID(element->doc, attr);
	return good;
}

/*
 * Verifies the signature of an element. Without one: good when none is required.
 * One that is there must verify, required or not.
 */
bool
signature_check(Work *w, xmlNode *element, bool required)
{
	const char *id = attribute(w, element, "ID");
	xmlNode    *signature = only_child(element, NS_DS, "Signature");

	if (!is_plain_id(id))
		return refuse(w, "id", (const char *) element->name);
	if (signature == NULL && first_child(element) != NULL && count_below(element, NS_DS, "Signature") > 1)
		return refuse(w, "signature_form", "several");
	if (signature == NULL)
		return !required || refuse(w, "unsigned", (const char *) element->name);
	if (!form_is_good(w, signature, id))
		return false;
	return verifies(w, element, signature, id) || refuse(w, "signature", (const char *) element->name);
}
