/*
 * metadata.c
 *	  The job parse_metadata: what an identity provider says of itself.
 *
 * A signature of the metadata is not looked at: trust in it comes from the
 * administrator who stores it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "metadata.h"

#include <string.h>

#include "document.h"
#include "keys.h"
#include "message.h"

#define ENTITY_ID_MAX		1024

/* Only what a browser may be sent to. */
static bool
is_web_address(const char *location)
{
	size_t		host;

	if (location == NULL)
		return false;
	if (strncmp(location, "https://", 8) == 0)
		host = 8;
	else if (strncmp(location, "http://", 7) == 0)
		host = 7;
	else
		return false;
	for (const char *p = location; *p != '\0'; p++)
	{
		if ((unsigned char) *p <= ' ' || strchr("\"'<>\\`#", *p) != NULL)
			return false;
	}
	return location[host] != '\0' && strchr("/?#", location[host]) == NULL;
}

static const char *
binding_name(Work *w, const xmlNode *service)
{
	const char *binding = attribute(w, service, "Binding");

	if (binding != NULL && strcmp(binding, BINDING_REDIRECT) == 0)
		return "redirect";
	if (binding != NULL && strcmp(binding, BINDING_POST) == 0)
		return "post";
	return NULL;
}

/* Reports sso_redirect, slo_post and the like; other bindings are passed over. */
static bool
service_found(Work *w, const xmlNode *service, const char *prefix, int *usable)
{
	const char *binding = binding_name(w, service);
	const char *location = attribute(w, service, "Location");
	const char *answers = attribute(w, service, "ResponseLocation");
	xmlChar    *name;

	if (binding == NULL)
		return true;
	if (!is_web_address(location) || (answers != NULL && !is_web_address(answers)))
		return refuse(w, "location", (const char *) service->name);
	name = xmlStrncatNew((const xmlChar *) prefix, (const xmlChar *) binding, -1);
	found(w, keep(w, name), location);
	if (answers != NULL)
	{
		name = xmlStrncatNew(name, (const xmlChar *) "_response", -1);
		found(w, keep(w, name), answers);
	}
	(*usable)++;
	return true;
}

static bool
certificates_found(Work *w, const xmlNode *descriptor, int *count)
{
	const char *use = attribute(w, descriptor, "use");

	if (use != NULL && strcmp(use, "signing") != 0)
		return true;
	for (const xmlNode *n = descriptor; n != NULL; n = walk(descriptor, n))
	{
		const char *pem;

		if (!is(n, NS_DS, "X509Certificate"))
			continue;
		pem = certificate_pem(w, text_of(w, n));
		if (pem == NULL || ++*count > JOB_MAX_CERTIFICATES)
			return refuse(w, "certificate", pem ? "too many" : "not one, or its key is weak");
		found(w, "certificate", pem);
	}
	return true;
}

static bool
provider_found(Work *w, const xmlNode *provider)
{
	int			sso = 0;
	int			slo = 0;
	int			certificates = 0;

	for (const xmlNode *c = first_child(provider); c != NULL; c = next_element(c))
	{
		bool		good = true;

		if (is(c, NS_MD, "SingleSignOnService"))
			good = service_found(w, c, "sso_", &sso);
		else if (is(c, NS_MD, "SingleLogoutService"))
			good = service_found(w, c, "slo_", &slo);
		else if (is(c, NS_MD, "KeyDescriptor"))
			good = certificates_found(w, c, &certificates);
		if (!good)
			return false;
	}
	if (sso == 0)
		return refuse(w, "location", "no SingleSignOnService with HTTP-Redirect or HTTP-POST");
	if (certificates == 0)
		return refuse(w, "certificate", "no certificate to verify signatures with");
	return true;
}

/* validUntil of the entity or of its role: the earlier one counts. */
static bool
is_current(Work *w, const xmlNode *entity, const xmlNode *provider)
{
	int64_t		of_entity;
	int64_t		of_provider;
	int64_t		until;

	if (!optional_moment(w, entity, "validUntil", INT64_MAX, &of_entity) ||
		!optional_moment(w, provider, "validUntil", INT64_MAX, &of_provider))
		return refuse(w, "valid_until", "a moment that is none");
	until = of_entity < of_provider ? of_entity : of_provider;
	if (over(w, until))
		return refuse(w, "expired", "validUntil");
	if (until != INT64_MAX)
		found_number(w, "valid_until", until);
	return true;
}

/* Is word one of the words of text? */
static bool
lists(const char *text, const char *word)
{
	size_t		len = strlen(word);

	while (text != NULL && *text != '\0')
	{
		size_t		n = strcspn(text, " \t\r\n");

		if (n == len && memcmp(text, word, len) == 0)
			return true;
		text += n + strspn(text + n, " \t\r\n");
	}
	return false;
}

bool
parse_metadata(Work *w, xmlNode *root)
{
	const char *entity_id = attribute(w, root, "entityID");
	const xmlNode *provider = only_child(root, NS_MD, "IDPSSODescriptor");

	if (!is(root, NS_MD, "EntityDescriptor"))
		return refuse(w, "not_metadata", (const char *) root->name);
	if (entity_id == NULL || *entity_id == '\0' || strlen(entity_id) > ENTITY_ID_MAX)
		return refuse(w, "not_metadata", "entityID");
	if (w->job->issuer.data != NULL && !field_is(&w->job->issuer, entity_id))
		return refuse(w, "issuer", "entityID");
	if (provider == NULL || !lists(attribute(w, provider, "protocolSupportEnumeration"), NS_SAMLP))
		return refuse(w, "not_metadata", "not exactly one IDPSSODescriptor of SAML 2.0");
	found(w, "entity_id", entity_id);
	found(w, "want_authn_requests_signed", attribute(w, provider, "WantAuthnRequestsSigned"));
	return is_current(w, root, provider) && provider_found(w, provider);
}
