/*
 * make.c
 *	  The jobs that make messages and the service provider's metadata.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "make.h"

#include "document.h"
#include "encoding.h"
#include "keys.h"
#include "message.h"
#include "moment.h"
#include "query.h"
#include "write.h"

/* What all messages begin with; tells the Issuer, after which a signature stands. */
static xmlNode *
message_begin(Work *w, const char *name, xmlNode **issuer)
{
	char		now[MOMENT_TEXT];
	xmlNode    *root = document_begin(w, "samlp", NS_SAMLP, name);

	moment_write(w->job->now, now);
	add_attribute(root, "Version", "2.0");
	add_attribute(root, "IssueInstant", now);
	add_attribute_field(w, root, "Destination", &w->job->destination);
	*issuer = add_element(root, "saml", NS_SAML, "Issuer");
	add_attribute(*issuer, "Format", FORMAT_ENTITY);
	add_text(w, *issuer, &w->job->issuer);
	return root;
}

/* Reports a whole message as the value of a form's field. */
static bool
post_found(Work *w, xmlNode *root, xmlNode *issuer)
{
	xmlBuffer  *document;
	xmlBuffer  *text;

	if (!document_sign(w, issuer))
		return false;
	document = document_text(root);
	text = base64_encode(xmlBufferContent(document), (size_t) xmlBufferLength(document));
	found(w, "message", (const char *) xmlBufferContent(text));
	xmlBufferFree(text);
	xmlBufferFree(document);
	return true;
}

/* Reports a whole message as the binding of the job has it; parameter: its name there. */
static bool
message_found(Work *w, xmlNode *root, xmlNode *issuer, const char *parameter)
{
	xmlBuffer  *document;

	if (!w->job->redirect)
		return post_found(w, root, issuer);
	document = document_text(root);
	location_found(w, parameter, document);
	xmlBufferFree(document);
	return w->refusal == NULL;
}

bool
make_authn_request(Work *w)
{
	xmlNode    *issuer;
	xmlNode    *root = message_begin(w, "AuthnRequest", &issuer);

	add_attribute(root, "ProtocolBinding", BINDING_POST);
	add_attribute_field(w, root, "AssertionConsumerServiceURL", &w->job->recipient);
	return message_found(w, root, issuer, "SAMLRequest");
}

bool
make_logout_request(Work *w)
{
	const Job  *job = w->job;
	xmlNode    *issuer;
	xmlNode    *root = message_begin(w, "LogoutRequest", &issuer);
	xmlNode    *name_id = add_element(root, "saml", NS_SAML, "NameID");

	add_attribute_field(w, name_id, "Format", &job->name_id_format);
	add_attribute_field(w, name_id, "NameQualifier", &job->name_id_name_qualifier);
	add_attribute_field(w, name_id, "SPNameQualifier", &job->name_id_sp_name_qualifier);
	add_text(w, name_id, &job->name_id);
	for (int i = 0; i < job->session_count; i++)
		add_text(w, add_element(root, "samlp", NS_SAMLP, "SessionIndex"), &job->sessions[i]);
	return message_found(w, root, issuer, "SAMLRequest");
}

bool
make_logout_response(Work *w)
{
	xmlNode    *issuer;
	xmlNode    *root = message_begin(w, "LogoutResponse", &issuer);
	xmlNode    *status = add_element(root, "samlp", NS_SAMLP, "Status");

	add_attribute_field(w, root, "InResponseTo", &w->job->in_response_to);
	add_attribute(add_element(status, "samlp", NS_SAMLP, "StatusCode"), "Value",
				  w->job->failed ? STATUS_RESPONDER : STATUS_SUCCESS);
	return message_found(w, root, issuer, "SAMLResponse");
}

static xmlNode *
add_key(Work *w, xmlNode *provider, const char *use, const Field *certificate)
{
	xmlNode    *descriptor = add_element(provider, "md", NS_MD, "KeyDescriptor");
	xmlNode    *info = add_element(descriptor, "ds", NS_DS, "KeyInfo");
	xmlNode    *data = add_element(info, "ds", NS_DS, "X509Data");
	const char *text = certificate_base64(w, certificate);

	add_attribute(descriptor, "use", use);
	xmlNodeAddContent(add_element(data, "ds", NS_DS, "X509Certificate"), (const xmlChar *) text);
	return descriptor;
}

/* All certificates for our signatures; to encrypt, the first, and how. */
static void
add_keys(Work *w, xmlNode *provider)
{
	static const char *const methods[] = {
		"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
		"http://www.w3.org/2009/xmlenc11#aes256-gcm",
		"http://www.w3.org/2009/xmlenc11#aes128-gcm"
	};
	xmlNode    *descriptor;

	for (int i = 0; i < w->job->certificate_count; i++)
		add_key(w, provider, "signing", &w->job->certificates[i]);
	descriptor = add_key(w, provider, "encryption", &w->job->certificates[0]);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		add_attribute(add_element(descriptor, "md", NS_MD, "EncryptionMethod"), "Algorithm", methods[i]);
}

static xmlNode *
add_service(Work *w, xmlNode *provider, const char *name, const char *binding, const Field *location)
{
	xmlNode    *service = add_element(provider, "md", NS_MD, name);

	add_attribute(service, "Binding", binding);
	add_attribute_field(w, service, "Location", location);
	return service;
}

bool
make_metadata(Work *w)
{
	const Job  *job = w->job;
	xmlNode    *root = document_begin(w, "md", NS_MD, "EntityDescriptor");
	xmlNode    *provider = add_element(root, "md", NS_MD, "SPSSODescriptor");
	xmlNode    *consumer;
	xmlBuffer  *document;

	add_attribute_field(w, root, "entityID", &job->issuer);
	add_attribute(provider, "protocolSupportEnumeration", NS_SAMLP);
	add_attribute(provider, "AuthnRequestsSigned", "true");
	add_attribute(provider, "WantAssertionsSigned", job->sign_assertion ? "true" : "false");
	add_keys(w, provider);
	if (job->logout_url.len > 0)
	{
		add_service(w, provider, "SingleLogoutService", BINDING_REDIRECT, &job->logout_url);
		add_service(w, provider, "SingleLogoutService", BINDING_POST, &job->logout_url);
	}
	consumer = add_service(w, provider, "AssertionConsumerService", BINDING_POST, &job->recipient);
	add_attribute(consumer, "index", "0");
	add_attribute(consumer, "isDefault", "true");
	if (job->key_count > 0 && !document_sign(w, NULL))
		return false;
	document = document_text(root);
	found(w, "document", (const char *) xmlBufferContent(document));
	xmlBufferFree(document);
	return true;
}
