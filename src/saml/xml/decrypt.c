/*
 * decrypt.c
 *	  Encrypted assertions: RSA-OAEP around AES, one key, inline.
 *
 * xmlsec decrypts with keys that are handed to it, so it reads no KeyInfo. The
 * plain text goes through the same strict parse as the document. Every failure
 * of decryption has the same name: a sender learns nothing from trying.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "decrypt.h"

#include <openssl/crypto.h>
#include <string.h>
#include <xmlsec/buffer.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/xmlenc.h>

#include "document.h"
#include "keys.h"

static const char *const data_methods[] = {
	"http://www.w3.org/2009/xmlenc11#aes128-gcm",
	"http://www.w3.org/2009/xmlenc11#aes192-gcm",
	"http://www.w3.org/2009/xmlenc11#aes256-gcm",
	NULL
};

/*
 * These let a sender learn the plain text from many answers to changed cipher
 * texts, so they are good only in a response whose signature has been verified.
 */
static const char *const data_methods_of_signed[] = {
	"http://www.w3.org/2009/xmlenc11#aes128-gcm",
	"http://www.w3.org/2009/xmlenc11#aes192-gcm",
	"http://www.w3.org/2009/xmlenc11#aes256-gcm",
	"http://www.w3.org/2001/04/xmlenc#aes128-cbc",
	"http://www.w3.org/2001/04/xmlenc#aes192-cbc",
	"http://www.w3.org/2001/04/xmlenc#aes256-cbc",
	NULL
};

static const char *const key_methods[] = {
	"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
	NULL
};

static bool
method_is(Work *w, const xmlNode *parent, const char *const *allowed)
{
	const xmlNode *method = only_child(parent, NS_XENC, "EncryptionMethod");
	const char *algorithm = method ? attribute(w, method, "Algorithm") : NULL;

	for (; algorithm != NULL && *allowed != NULL; allowed++)
	{
		if (strcmp(algorithm, *allowed) == 0)
			return true;
	}
	return refuse(w, "encryption_algorithm", (const char *) parent->name);
}

/* The cipher's bytes stand here: no reference to elsewhere. */
static bool
has_value(const xmlNode *parent)
{
	const xmlNode *data = only_child(parent, NS_XENC, "CipherData");
	const xmlNode *value = data ? first_child(data) : NULL;

	return is(value, NS_XENC, "CipherValue") && next_element(value) == NULL && first_child(value) == NULL;
}

/* Decrypts node with key, which it takes over; NULL when it fails. */
static xmlSecBuffer *
decrypted(xmlNode *node, xmlSecKey *key, xmlEncCtxMode mode)
{
	xmlSecEncCtx *ctx = xmlSecEncCtxCreate(NULL);
	xmlSecBuffer *result = NULL;
	xmlSecBuffer *copy = NULL;

	if (ctx != NULL && key != NULL)
	{
		ctx->mode = mode;
		ctx->encKey = key;
		key = NULL;
		ctx->transformCtx.enabledUris = xmlSecTransformUriTypeNone;
		result = xmlSecEncCtxDecryptToBuffer(ctx, node);
	}
	if (result != NULL && (copy = xmlSecBufferCreate(0)) != NULL &&
		xmlSecBufferAppend(copy, xmlSecBufferGetData(result), xmlSecBufferGetSize(result)) < 0)
	{
		xmlSecBufferDestroy(copy);
		copy = NULL;
	}
	if (key != NULL)
		xmlSecKeyDestroy(key);
	if (ctx != NULL)
		xmlSecEncCtxDestroy(ctx);
	return copy;
}

static xmlSecKey *
aes_key(xmlNode *encrypted_key, const Field *pem)
{
	xmlSecBuffer *bytes = decrypted(encrypted_key, key_of_pem(pem), xmlEncCtxModeEncryptedKey);
	xmlSecKey  *key = NULL;

	if (bytes == NULL)
		return NULL;
	key = xmlSecKeyReadMemory(xmlSecOpenSSLKeyDataAesGetKlass(), xmlSecBufferGetData(bytes),
							  xmlSecBufferGetSize(bytes));
	OPENSSL_cleanse(xmlSecBufferGetData(bytes), xmlSecBufferGetSize(bytes));
	xmlSecBufferDestroy(bytes);
	return key;
}

/*
 * An assertion may lean on prefixes declared around it, so the plain text is
 * parsed inside an element that declares the usual ones. It cannot close that
 * element: a document has one root.
 */
static xmlNode *
parsed(Work *w, xmlSecBuffer *plain)
{
	static const char head[] = "<w xmlns:saml='" NS_SAML "' xmlns:saml2='" NS_SAML "' xmlns:ds='" NS_DS "'"
	" xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>";
	xmlBuffer  *text = xmlBufferCreate();
	xmlNode    *root;

	xmlBufferCCat(text, head);
	xmlBufferAdd(text, xmlSecBufferGetData(plain), (int) xmlSecBufferGetSize(plain));
	xmlBufferCCat(text, "</w>");
	root = document_parse(w, 1, (const char *) xmlBufferContent(text), (size_t) xmlBufferLength(text));
	xmlBufferFree(text);
	if (root == NULL)
		return NULL;
	root = first_child(root);
	if (!is(root, NS_SAML, "Assertion") || next_element(root) != NULL)
		return refuse(w, "encryption_form", "not one assertion"), NULL;
	return root;
}

static xmlNode *
key_inside(const xmlNode *data)
{
	xmlNode    *info = only_child(data, NS_DS, "KeyInfo");
	xmlNode    *key = info ? first_child(info) : NULL;

	return is(key, NS_XENC, "EncryptedKey") && next_element(key) == NULL ? key : NULL;
}

/*
 * The assertion in an EncryptedAssertion, decrypted with one of the job's keys
 * and parsed to a tree of its own; NULL with the refusal noted. is_signed: the
 * signature of what it stands in has been verified.
 */
xmlNode *
assertion_decrypt(Work *w, const xmlNode *encrypted, bool is_signed)
{
	xmlNode    *data = first_child(encrypted);
	xmlNode    *key = data ? key_inside(data) : NULL;
	xmlSecBuffer *plain = NULL;
	xmlNode    *assertion;

	if (w->job->key_count == 0)
		return refuse(w, "encrypted", "no key to decrypt with"), NULL;
	if (!is(data, NS_XENC, "EncryptedData") || next_element(data) != NULL || key == NULL ||
		!has_value(data) || !has_value(key))
		return refuse(w, "encryption_form", NULL), NULL;
	if (!method_is(w, data, is_signed ? data_methods_of_signed : data_methods) || !method_is(w, key, key_methods))
		return NULL;
	for (int i = 0; plain == NULL && i < w->job->key_count; i++)
	{
		xmlSecKey  *aes = aes_key(key, &w->job->keys[i]);

		if (aes != NULL)
			plain = decrypted(data, aes, xmlEncCtxModeEncryptedData);
	}
	if (plain == NULL)
		return refuse(w, "decryption", NULL), NULL;
	assertion = parsed(w, plain);
	xmlSecBufferDestroy(plain);
	return assertion;
}
