/*
 * ldap_login.c
 *	  Logins against a tenant's directory.
 *
 * The program wazo-auth-ldap talks to the directory (ldap/program); here it is
 * given its job and its answer is judged.  Passwords go there through a socket
 * and into no message.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/error.h"
#include "base/helper_process.h"
#include "crypto/secret.h"
#include "ldap/directory_limit.h"
#include "ldap/ldap_login.h"
#include "plain/ldap_text.h"
#include "plain/log_text.h"
#include "plain/uuid_text.h"

#define PROGRAM			"wazo-auth-ldap"
#define ANSWER_MAX_BYTES	8192
#define LINE_MAX_BYTES		1024

/* arguments of wazo_auth_ldap_ask: the tenant, then the members of the job but for the file of authorities */
#define ARG_TENANT		0
#define ARG_FIRST		1
#define ARG_SECURITY	4
#define ARG_LAST		12

static char *ca_file;
static int	ldap_login_timeout = 10000;

PG_FUNCTION_INFO_V1(wazo_auth_ldap_ask);
PG_FUNCTION_INFO_V1(wazo_auth_ldap_filter_valid);

typedef struct Answer
{
	const char *verdict;
	const char *reason;
	const char *email;
} Answer;

static void
append_member(StringInfo job, const char *value, size_t len)
{
	appendBinaryStringInfo(job, value, len);
	appendStringInfoChar(job, '\0');
}

/* The job as the program reads it (ldap/program/job.h); a member that is null is empty. */
static void
write_job(StringInfo job, FunctionCallInfo fcinfo)
{
	size_t		size = strlen(ca_file) + 1;

	for (int i = ARG_FIRST; i <= ARG_LAST; i++)
		size += PG_ARGISNULL(i) ? 1 : VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(i)) + 1;
	initStringInfo(job);
	/* never moved, so that no copy of a password stays behind */
	enlargeStringInfo(job, size);
	for (int i = ARG_FIRST; i <= ARG_LAST; i++)
	{
		text	   *value = PG_ARGISNULL(i) ? NULL : PG_GETARG_TEXT_PP(i);

		append_member(job, value ? VARDATA_ANY(value) : "", value ? VARSIZE_ANY_EXHDR(value) : 0);
		if (i == ARG_SECURITY)
			append_member(job, ca_file, strlen(ca_file));
	}
}

/* The strings of the program's answer; false when it is none. */
static bool
read_answer(StringInfo output, Answer *answer)
{
	const char **members[] = {&answer->verdict, &answer->reason, &answer->email};
	const char *at = output->data;
	const char *end = output->data + output->len;

	for (int i = 0; i < lengthof(members); i++)
	{
		const char *zero = memchr(at, '\0', end - at);

		if (zero == NULL)
			return false;
		*members[i] = at;
		at = zero + 1;
	}
	return at == end;
}

/* One line about a login that failed, with the reason and without what was typed. */
static void
log_failure(const pg_uuid_t *tenant, const char *what, const char *reason)
{
	char		uuid[UUID_TEXT_LEN + 1];
	char		line[LINE_MAX_BYTES];

	uuid_text_format(tenant->data, uuid);
	(void) log_text(line, sizeof(line), reason, strlen(reason), LOG_PLAIN);
	ereport(LOG_SERVER_ONLY,
			(errmsg("LDAP login of tenant %s %s: %s", uuid, what, line),
			 errhidestmt(true), errhidecontext(true)));
}

pg_noreturn static void
raise_no_answer(void)
{
	raise_status_hint(503, "the directory does not answer in time",
					  "Try again later; the server's log says what it was waiting for.");
}

/* Puts the job to the program. Raises WA503 when there is no answer in time. */
static HelperEnd
run_program(FunctionCallInfo fcinfo, StringInfo output)
{
	StringInfoData job;
	HelperEnd	end;

	write_job(&job, fcinfo);
	PG_TRY();
	{
		end = helper_run(PROGRAM, job.data, job.len, output, ANSWER_MAX_BYTES, ldap_login_timeout);
	}
	PG_FINALLY();
	{
		secret_wipe(job.data, job.maxlen);
	}
	PG_END_TRY();
	return end;
}

/* The address that the directory gave, NULL for a login that is refused. */
static const char *
judge(const pg_uuid_t *tenant, HelperEnd end, StringInfo output)
{
	Answer		answer;

	if (end == HELPER_LATE)
	{
		log_failure(tenant, "has no answer", "it took longer than wazo_auth.ldap_login_timeout");
		raise_no_answer();
	}
	if (end == HELPER_NOT_STARTED)
	{
		log_failure(tenant, "has no answer", "the program " PROGRAM " did not start");
		raise_no_answer();
	}
	if (end != HELPER_DONE || !read_answer(output, &answer))
	{
		log_failure(tenant, "was refused", "the program " PROGRAM " failed");
		return NULL;
	}
	if (strcmp(answer.verdict, "timeout") == 0)
	{
		log_failure(tenant, "has no answer", answer.reason);
		raise_no_answer();
	}
	if (strcmp(answer.verdict, "ok") != 0)
	{
		log_failure(tenant, "was refused", answer.reason);
		return NULL;
	}
	if (!pg_verify_mbstr(PG_UTF8, answer.email, strlen(answer.email), true))
	{
		log_failure(tenant, "was refused", "the e-mail address is not UTF-8");
		return NULL;
	}
	return answer.email;
}

/*
 * wazo_auth.ldap_ask(tenant uuid, host text, port text, version text, security text, bind_dn text, bind_password text,
 *		base_dn text, login_attribute text, email_attribute text, filter text, login text, password text) returns text
 */
Datum
wazo_auth_ldap_ask(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *tenant = PG_GETARG_UUID_P(ARG_TENANT);
	DirectorySlot slot;
	StringInfoData output;
	const char *email;
	HelperEnd	end;

	if (!directory_limit_acquire(&slot, tenant))
	{
		log_failure(tenant, "was not tried", "too many logins are waiting for directories");
		raise_status_hint(503, "too many logins are waiting for directories",
						  "Try again later, or raise wazo_auth.max_directory_logins_per_tenant.");
	}
	initStringInfo(&output);
	end = run_program(fcinfo, &output);
	directory_limit_release(&slot);
	email = judge(tenant, end, &output);
	if (email == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(email));
}

/* wazo_auth.ldap_filter_valid(filter text) returns boolean */
Datum
wazo_auth_ldap_filter_valid(PG_FUNCTION_ARGS)
{
	char	   *filter = text_to_cstring(PG_GETARG_TEXT_PP(0));
	size_t		size = strlen(filter) + 1;
	char	   *filled = palloc(size);
	LdapNames	names = {"x", "x", "x"};

	/* what stands for a placeholder is shorter */
	PG_RETURN_BOOL(ldap_filter(filled, size, filter, &names) && ldap_filter_well_formed(filled));
}

/* Defines the settings; called from _PG_init. */
void
ldap_login_init(void)
{
	DefineCustomStringVariable("wazo_auth.ldap_ca_file",
							   "Certificates of the authorities whose directories are trusted (PEM).",
							   NULL,
							   &ca_file,
							   "/etc/ssl/certs/ca-certificates.crt", PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("wazo_auth.ldap_login_timeout",
							"Longest time that a login waits for a directory.",
							"After it, or after 2 seconds in one step, it fails with SQLSTATE WA503 (HTTP 503).",
							&ldap_login_timeout,
							10000, 100, 60000, PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	directory_limit_init();
}
