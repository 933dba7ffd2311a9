/*
 * parameter_grant.c
 *	  Rights on the server's parameters, given by the script of the extension.
 *
 * What GRANT gives while an extension is created is recorded as the object's
 * initial privileges, which its DROP takes away.  A parameter is no object of
 * an extension, so the record would stay; and from PostgreSQL 17 on it makes
 * DROP OWNED fail for the role, with "unrecognized class ID: 6243", for ever.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "postgres.h"

#include "commands/extension.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(wazo_auth_grant_parameter);

/*
 * wazo_auth_grant_parameter(parameter text, role name)
 *
 * Lets the role set the parameter, without a record in pg_init_privs.  Raises
 * what GRANT raises.
 */
Datum
wazo_auth_grant_parameter(PG_FUNCTION_ARGS)
{
	char	   *parameter = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *role = NameStr(*PG_GETARG_NAME(1));
	char	   *grant = psprintf("GRANT SET ON PARAMETER %s TO %s",
								 quote_identifier(parameter), quote_identifier(role));
	bool		creating = creating_extension;

	creating_extension = false;
	PG_TRY();
	{
		SPI_connect();
		if (SPI_execute(grant, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "could not execute \"%s\"", grant);
		SPI_finish();
	}
	PG_FINALLY();
	{
		creating_extension = creating;
	}
	PG_END_TRY();
	PG_RETURN_VOID();
}
