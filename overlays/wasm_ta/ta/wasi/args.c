// SPDX-License-Identifier: Apache-2.0
/*
 * Arguments and environment: copied out of shared memory first, then checked.
 */
#include <string.h>
#include <tee_internal_api.h>
#include <tee_internal_api_extensions.h>
#include <wasm_ta.h>

#include "wasi/args.h"

/* Counts NUL terminated strings: where @count of them end, or NULL */
static const char *skip_strings(const char *text, const char *end,
				uint32_t count)
{
	uint32_t n = 0;

	for (n = 0; n < count; n++) {
		text = memchr(text, '\0', end - text);
		if (!text)
			return NULL;
		text++;
	}

	return text;
}

TEE_Result args_copy(struct args *args, const void *shared, size_t size)
{
	const struct wasm_ta_args *copy = NULL;
	const char *end = NULL;
	const char *last = NULL;

	*args = (struct args){ };
	if (size < sizeof(*copy) || size > WASM_TA_ARGS_MAX)
		return TEE_ERROR_BAD_PARAMETERS;

	/* Not TEE_Malloc(): the TA's own heap is small */
	args->memory_size = size;
	args->memory = tee_map_zi(size, 0);
	if (!args->memory)
		return TEE_ERROR_OUT_OF_MEMORY;

	memcpy(args->memory, shared, size);
	copy = args->memory;
	if (copy->version != WASM_TA_VERSION ||
	    copy->size > size - sizeof(*copy))
		return TEE_ERROR_BAD_PARAMETERS;

	args->argc = copy->argc;
	args->argv = copy->strings;
	end = copy->strings + copy->size;
	args->environ = skip_strings(args->argv, end, copy->argc);
	if (!args->environ)
		return TEE_ERROR_BAD_PARAMETERS;

	args->envc = copy->envc;
	last = skip_strings(args->environ, end, copy->envc);
	if (last != end)
		return TEE_ERROR_BAD_PARAMETERS;

	args->argv_size = args->environ - args->argv;
	args->environ_size = last - args->environ;
	return TEE_SUCCESS;
}

void args_free(struct args *args)
{
	if (args->memory)
		tee_unmap(args->memory, args->memory_size);
	*args = (struct args){ };
}
