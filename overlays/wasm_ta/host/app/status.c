// SPDX-License-Identifier: Apache-2.0
/*
 * How optee_wamr ends, and what it says of it.
 */
#include "app/status.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#define STATUS_MOST	255

void say(const char *where, const char *what, const char *hint)
{
	char line[1024] = { };
	char *c = NULL;

	snprintf(line, sizeof(line), "optee_wamr: %s%s%s%s%s",
		 where ? where : "", where ? ": " : "", what,
		 hint ? "; " : "", hint ? hint : "");
	for (c = line; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	fprintf(stderr, "%s\n", line);
}

int status_of(const struct wasm_ta_result *result)
{
	switch (result->outcome) {
	case WASM_TA_EXITED:
		if (result->exit_status > STATUS_MOST &&
		    !(result->exit_status & STATUS_MOST))
			return STATUS_MOST;
		return result->exit_status & STATUS_MOST;
	case WASM_TA_TRAPPED:
		return STATUS_TRAP;
	case WASM_TA_REFUSED:
		return STATUS_REFUSED;
	default:
		return STATUS_TEE;
	}
}

void status_say(const char *name, const struct wasm_ta_result *result)
{
	uint32_t status = result->exit_status;
	char what[128] = { };

	if (result->outcome != WASM_TA_EXITED)
		return;

	if (status > STATUS_MOST)
		snprintf(what, sizeof(what),
			 "its exit status is %"PRId32", which a process cannot have: it becomes %d",
			 (int32_t)status, status_of(result));
	else if (status >= STATUS_TRAP && status <= STATUS_USAGE)
		snprintf(what, sizeof(what),
			 "exit status %"PRIu32" is the program's own", status);
	else
		return;
	say(name, what, NULL);
}
