/*
 * logout.c
 *	  The jobs about logouts of others: a LogoutResponse when the job says what it
 *	  must answer (in_response_to), else a LogoutRequest; signed within the
 *	  document or, in a query string, around it.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "logout.h"

#include <string.h>

#include "document.h"
#include "message.h"
#include "query.h"
#include "signature.h"

static const char *const response_children[] = {
	NS_SAML, "Issuer", NS_DS, "Signature", NS_SAMLP, "Extensions", NS_SAMLP, "Status", NULL
};

/* SessionIndex may repeat, the rest must not. */
static bool
request_child_is_known(const xmlNode *c)
{
	return is(c, NS_SAMLP, "SessionIndex") ||
		(is(c, NS_SAML, "Issuer") && only_child(c->parent, NS_SAML, "Issuer") != NULL) ||
		(is(c, NS_SAML, "NameID") && only_child(c->parent, NS_SAML, "NameID") != NULL) ||
		(is(c, NS_DS, "Signature") && only_child(c->parent, NS_DS, "Signature") != NULL) ||
		is(c, NS_SAMLP, "Extensions");
}

static bool
request_found(Work *w, const xmlNode *root)
{
	int64_t		until;

	if (!optional_moment(w, root, "NotOnOrAfter", INT64_MAX, &until) || over(w, until))
		return refuse(w, "expired", "LogoutRequest");
	found(w, "kind", "request");
	found(w, "id", attribute(w, root, "ID"));
	for (const xmlNode *c = first_child(root); c != NULL; c = next_element(c))
	{
		if (!request_child_is_known(c))
			return refuse(w, "unexpected_element", (const char *) c->name);
		if (is(c, NS_SAMLP, "SessionIndex"))
			found(w, "session_index", text_of(w, c));
	}
	return name_id_found(w, root);
}

static bool
response_found(Work *w, const xmlNode *root)
{
	if (!children_are(w, root, response_children) || !status_is_success(w, root))
		return false;
	found(w, "kind", "response");
	found(w, "id", attribute(w, root, "ID"));
	return true;
}

/* The judgement of a message whose signature is good, wherever it stood. */
static bool
logout_found(Work *w, const xmlNode *root)
{
	if (!message_head_is_good(w, root))
		return false;
	return w->job->in_response_to.data != NULL ? response_found(w, root) : request_found(w, root);
}

/* Is it of the kind that the job waits for? */
static bool
kind_is_good(Work *w, const xmlNode *root)
{
	bool		answer = w->job->in_response_to.data != NULL;

	return is(root, NS_SAMLP, answer ? "LogoutResponse" : "LogoutRequest") ||
		refuse(w, "not_a_logout", (const char *) root->name);
}

bool
verify_logout(Work *w, xmlNode *root)
{
	if (!kind_is_good(w, root))
		return false;
	if (count_below(root, NS_DS, "Signature") > 1)
		return refuse(w, "signature_form", "several");
	return signature_check(w, root, true) && logout_found(w, root);
}

/* A message whose signature stood in the query string has none within. */
static bool
verify_logout_of_query(Work *w, const xmlNode *root)
{
	if (!kind_is_good(w, root))
		return false;
	if (count_below(root, NS_DS, "Signature") > 0)
		return refuse(w, "signature_form", "within a message of a query string");
	if (!is_plain_id(attribute(w, root, "ID")))
		return refuse(w, "id", (const char *) root->name);
	return logout_found(w, root);
}

/*
 * The job peek_logout: who says to have sent this, so that it can be verified
 * by what is stored of that issuer. Nothing of it may be believed.
 */
bool
peek_logout(Work *w, xmlNode *root)
{
	const xmlNode *issuer = only_child(root, NS_SAML, "Issuer");
	const char *text = issuer ? uri_of(w, issuer) : NULL;

	if (!is(root, NS_SAMLP, "LogoutResponse") && !is(root, NS_SAMLP, "LogoutRequest"))
		return refuse(w, "not_a_logout", (const char *) root->name);
	if (text == NULL || *text == '\0')
		return refuse(w, "issuer", NULL);
	found(w, "kind", is(root, NS_SAMLP, "LogoutRequest") ? "request" : "response");
	found(w, "issuer", text);
	found(w, "in_response_to", attribute(w, root, "InResponseTo"));
	return true;
}

/* A job whose message is in a query string. */
bool
read_query(Work *w)
{
	bool		peek = w->job->kind == JOB_PEEK_LOGOUT;
	Query		query;
	xmlBuffer  *document;
	xmlNode    *root;

	if (!query_read(w, &query) || (!peek && !query_signature_check(w, &query)))
		return false;
	document = query_document(w, &query);
	if (document == NULL)
		return false;
	root = document_parse(w, 0, (const char *) xmlBufferContent(document), (size_t) xmlBufferLength(document));
	xmlBufferFree(document);
	if (root == NULL)
		return false;
	if ((query.request.data != NULL) != is(root, NS_SAMLP, "LogoutRequest"))
		return refuse(w, "query", "the parameter is not of the message's kind");
	query_relay_state_found(w, &query);
	return peek ? peek_logout(w, root) : verify_logout_of_query(w, root);
}
