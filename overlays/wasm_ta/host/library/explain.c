// SPDX-License-Identifier: Apache-2.0
/*
 * Words for what goes wrong: TEE result codes, and the ends of programs.
 */
#include "library/explain.h"

#include <libwasm_tee.h>
#include <string.h>
#include <tee_client_api.h>

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

/* Each list takes its own entries of words.def */
#define CODE(code, name, text, hint)
#define ORIGIN(origin, text)
#define TRAP(part, hint)
#define REFUSAL(part, hint)
#define STORAGE(part, hint)

static const struct {
	uint32_t code;
	const char *text;
	const char *hint;
} codes[] = {
#undef CODE
#define CODE(code, name, text, hint) { code, text, hint },
#include "library/words.def"
#undef CODE
#define CODE(code, name, text, hint)
};

static const struct {
	uint32_t origin;
	const char *text;
} origins[] = {
#undef ORIGIN
#define ORIGIN(origin, text) { origin, text },
#include "library/words.def"
#undef ORIGIN
#define ORIGIN(origin, text)
};

struct message {
	const char *part;	/* of the runtime's or the TA's message */
	const char *hint;
};

static const struct message traps[] = {
#undef TRAP
#define TRAP(part, hint) { part, hint },
#include "library/words.def"
#undef TRAP
#define TRAP(part, hint)
};

static const struct message refusals[] = {
#undef REFUSAL
#define REFUSAL(part, hint) { part, hint },
#include "library/words.def"
#undef REFUSAL
#define REFUSAL(part, hint)
};

static const struct message troubles[] = {
#undef STORAGE
#define STORAGE(part, hint) { part, hint },
#include "library/words.def"
};

static const char *find_hint(const struct message *messages, size_t count,
			     const char *text, const char *otherwise)
{
	size_t n = 0;

	for (n = 0; n < count; n++)
		if (strstr(text, messages[n].part))
			return messages[n].hint;

	return otherwise;
}

static const char *storage_hint(const char *text)
{
	return find_hint(troubles, ARRAY_SIZE(troubles), text,
			 "see the log of the secure world");
}

const char *explain_code(uint32_t code)
{
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(codes); n++)
		if (codes[n].code == code)
			return codes[n].text;

	return "an unknown error";
}

const char *explain_hint(uint32_t code, uint32_t origin)
{
	size_t n = 0;

	if (code == TEEC_ERROR_ITEM_NOT_FOUND && origin == TEEC_ORIGIN_TEE)
		return "deploy the runtime TA: 7c1e4bb6-5a37-4a0e-9d2c-0f5d2f8b6a11.ta in /lib/optee_armtz";

	for (n = 0; n < ARRAY_SIZE(codes); n++)
		if (codes[n].code == code)
			return codes[n].hint;

	return "see the log of the secure world";
}

const char *explain_origin(uint32_t origin)
{
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(origins); n++)
		if (origins[n].origin == origin)
			return origins[n].text;

	return "an unknown origin";
}

const char *wasm_tee_hint(const struct wasm_ta_result *result)
{
	switch (result->outcome) {
	case WASM_TA_TRAPPED:
		return find_hint(traps, ARRAY_SIZE(traps), result->message,
				 "look at what the program did last");
	case WASM_TA_REFUSED:
		return find_hint(refusals, ARRAY_SIZE(refusals),
				 result->message,
				 "compile the module again, and check that it was copied whole");
	default:
		return storage_hint(result->message);
	}
}

const char *wasm_tee_storage_hint(const struct wasm_ta_result *result)
{
	return storage_hint(result->storage);
}
