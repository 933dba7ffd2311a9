/*
 * assertion.c
 *	  An assertion that was verified: is it for us and for now, and what it says.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "assertion.h"

#include <string.h>

#include "document.h"
#include "message.h"
#include "moment.h"

#define METHOD_BEARER	"urn:oasis:names:tc:SAML:2.0:cm:bearer"

/* Statements may repeat; the rest must not. */
static bool
child_is_known(const xmlNode *c)
{
	static const char *const once[] = {"Issuer", "Subject", "Conditions", "Advice", NULL};
	static const char *const statements[] = {"AuthnStatement", "AttributeStatement", "AuthzDecisionStatement", NULL};

	if (is(c, NS_DS, "Signature"))
		return only_child(c->parent, NS_DS, "Signature") != NULL;
	for (int i = 0; once[i] != NULL; i++)
	{
		if (is(c, NS_SAML, once[i]))
			return only_child(c->parent, NS_SAML, once[i]) != NULL;
	}
	for (int i = 0; statements[i] != NULL; i++)
	{
		if (is(c, NS_SAML, statements[i]))
			return true;
	}
	return false;
}

static bool
children_are_known(Work *w, const xmlNode *assertion)
{
	for (const xmlNode *c = first_child(assertion); c != NULL; c = next_element(c))
	{
		if (!child_is_known(c))
			return refuse(w, "unexpected_element", (const char *) c->name);
	}
	return true;
}

/* Why a confirmation does not count; NULL when it does, with its end. */
static const char *
why_not_confirmed(Work *w, const xmlNode *confirmation, int64_t *until)
{
	const char *method = attribute(w, confirmation, "Method");
	const xmlNode *data = only_child(confirmation, NS_SAML, "SubjectConfirmationData");

	if (method == NULL || strcmp(method, METHOD_BEARER) != 0)
		return "subject_confirmation";
	if (data == NULL || attribute(w, data, "NotBefore") != NULL)
		return "subject_confirmation";
	if (!field_is(&w->job->recipient, attribute(w, data, "Recipient")))
		return "recipient";
	if (!field_is(&w->job->in_response_to, attribute(w, data, "InResponseTo")))
		return "in_response_to";
	if (!moment_read(attribute(w, data, "NotOnOrAfter"), until) || over(w, *until))
		return "expired";
	return NULL;
}

static bool
subject_found(Work *w, const xmlNode *assertion)
{
	const xmlNode *subject = only_child(assertion, NS_SAML, "Subject");
	const char *why = "subject_confirmation";
	int64_t		until;

	if (subject == NULL)
		return refuse(w, "name_id", "Subject");
	for (const xmlNode *c = first_child(subject); c != NULL; c = next_element(c))
	{
		if (!is(c, NS_SAML, "SubjectConfirmation"))
			continue;
		why = why_not_confirmed(w, c, &until);
		if (why == NULL)
			break;
	}
	if (why != NULL)
		return refuse(w, why, "SubjectConfirmation");
	found_number(w, "not_on_or_after", until + w->job->skew);
	return name_id_found(w, subject);
}

static bool
restriction_names_us(Work *w, const xmlNode *restriction)
{
	for (const xmlNode *a = first_child(restriction); a != NULL; a = next_element(a))
	{
		if (is(a, NS_SAML, "Audience") && field_is(&w->job->audience, uri_of(w, a)))
			return true;
	}
	return false;
}

/* Each restriction must name us; a condition nobody knows cannot be met. */
static bool
restrictions_are_met(Work *w, const xmlNode *conditions)
{
	bool		named = false;

	for (const xmlNode *c = first_child(conditions); c != NULL; c = next_element(c))
	{
		if (is(c, NS_SAML, "AudienceRestriction"))
		{
			if (!restriction_names_us(w, c))
				return refuse(w, "audience", NULL);
			named = true;
		}
		else if (!is(c, NS_SAML, "OneTimeUse") && !is(c, NS_SAML, "ProxyRestriction"))
			return refuse(w, "conditions", (const char *) c->name);
	}
	return named || refuse(w, "audience", "none");
}

static bool
conditions_are_met(Work *w, const xmlNode *assertion)
{
	const xmlNode *conditions = only_child(assertion, NS_SAML, "Conditions");
	int64_t		from;
	int64_t		until;

	if (conditions == NULL)
		return refuse(w, "conditions", "none");
	if (!optional_moment(w, conditions, "NotBefore", INT64_MIN, &from) ||
		!optional_moment(w, conditions, "NotOnOrAfter", INT64_MAX, &until))
		return refuse(w, "conditions", "a moment that is none");
	if (not_yet(w, from))
		return refuse(w, "not_yet_valid", NULL);
	if (over(w, until))
		return refuse(w, "expired", "Conditions");
	return restrictions_are_met(w, conditions);
}

static bool
authentication_found(Work *w, const xmlNode *assertion)
{
	const xmlNode *statement = only_child(assertion, NS_SAML, "AuthnStatement");
	int64_t		instant;
	int64_t		until;

	if (statement == NULL || !moment_read(attribute(w, statement, "AuthnInstant"), &instant) || not_yet(w, instant))
		return refuse(w, "authn_statement", NULL);
	if (!optional_moment(w, statement, "SessionNotOnOrAfter", INT64_MAX, &until) || over(w, until))
		return refuse(w, "expired", "AuthnStatement");
	found_number(w, "authn_instant", instant);
	if (until != INT64_MAX)
		found_number(w, "session_not_on_or_after", until);
	found(w, "session_index", attribute(w, statement, "SessionIndex"));
	return true;
}

static bool
attribute_found(Work *w, const xmlNode *node)
{
	const char *name = attribute(w, node, "Name");

	if (!is(node, NS_SAML, "Attribute") || name == NULL)
		return refuse(w, "attribute", (const char *) node->name);
	found(w, "attribute", name);
	found(w, "attribute_format", attribute(w, node, "NameFormat"));
	for (const xmlNode *v = first_child(node); v != NULL; v = next_element(v))
	{
		const char *value = text_of(w, v);

		if (!is(v, NS_SAML, "AttributeValue"))
			return refuse(w, "attribute", name);
		/* One that is XML itself (eduPersonTargetedID) is no text, and lets none after it be the first. */
		found(w, "attribute_value", value ? value : "");
	}
	return true;
}

static bool
attributes_found(Work *w, const xmlNode *assertion)
{
	for (const xmlNode *s = first_child(assertion); s != NULL; s = next_element(s))
	{
		if (!is(s, NS_SAML, "AttributeStatement"))
			continue;
		for (const xmlNode *a = first_child(s); a != NULL; a = next_element(a))
		{
			if (!attribute_found(w, a))
				return false;
		}
	}
	return true;
}

/* Judges an assertion whose signature, or whose response's, was verified, and reports it. */
bool
assertion_found(Work *w, const xmlNode *assertion)
{
	const char *version = attribute(w, assertion, "Version");

	if (version == NULL || strcmp(version, "2.0") != 0)
		return refuse(w, "version", "Assertion");
	if (!children_are_known(w, assertion) || !issued_lately(w, assertion) || !issuer_is(w, assertion))
		return false;
	found(w, "assertion_id", attribute(w, assertion, "ID"));
	return subject_found(w, assertion) && conditions_are_met(w, assertion) &&
		authentication_found(w, assertion) && attributes_found(w, assertion);
}
