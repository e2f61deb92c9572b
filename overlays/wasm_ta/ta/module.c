// SPDX-License-Identifier: Apache-2.0
/*
 * From an AOT file in shared memory to code that can be called.
 */
#include "module.h"

#include <inttypes.h>
#include <optee_platform.h>
#include <stdio.h>
#include <string.h>
#include <tee_internal_api_extensions.h>
#include <trace.h>

#include "digest.h"
#include "evidence.h"
#include "runtime.h"

#define ERROR_SIZE		128

/* The digits of a version, and a NUL */
#define VERSION_SIZE		11

/* The hexadecimal digits of a SHA-256 and a NUL */
#define HEX_SIZE		(2 * WASM_TA_SHA256_SIZE + 1)

static bool measure(struct module *module, struct outcome *outcome,
		    const uint8_t *file, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	struct wasm_ta_result *result = outcome->result;
	TEE_Result res = digest_of(file, size, module->sha256);
	char hex[HEX_SIZE] = { };
	size_t n = 0;

	if (res != TEE_SUCCESS)
		return outcome_is(outcome, WASM_TA_FAILED,
				  "the module could not be measured (%#"PRIx32")",
				  res);

	memcpy(result->sha256, module->sha256, sizeof(result->sha256));
	result->flags |= WASM_TA_MEASURED;
	for (n = 0; n < WASM_TA_SHA256_SIZE; n++) {
		hex[2 * n] = digits[module->sha256[n] >> 4];
		hex[2 * n + 1] = digits[module->sha256[n] & 0xf];
	}
	IMSG("module sha256 %s size %zu heap %"PRIu32, hex, size,
	     result->heap_size);
	return true;
}

static bool check(struct module *module, struct outcome *outcome,
		  const uint8_t *file, size_t size)
{
	struct wasm_ta_result *result = outcome->result;

	if (!aot_check(file, size, &module->info, result->message,
		       sizeof(result->message))) {
		result->outcome = WASM_TA_REFUSED;
		return false;
	}

	if (module->info.heap_needed <= UINT32_MAX)
		result->heap_needed = module->info.heap_needed;
	return manifest_allows_wasi(&module->manifest, outcome,
				    module->info.wasi);
}

bool module_is_out_of_memory(const char *error)
{
	return strstr(error, "allocate memory failed") ||
	       strstr(error, "hash map failed") ||
	       strstr(error, "const string set failed");
}

static bool load(struct module *module, struct outcome *outcome,
		 const uint8_t *file, size_t size)
{
	char error[ERROR_SIZE] = { };
	TEE_Result res = TEE_SUCCESS;

	module->wamr = wasm_runtime_load(file, size, error, sizeof(error));
	res = optee_platform_protect_result();
	if (!module->wamr) {
		if (module_is_out_of_memory(error))
			return outcome_heap_too_small(outcome, &module->info,
						      "loading");
		if (strstr(error, "mmap memory failed"))
			return outcome_no_memory(outcome,
						 "the TEE has no memory for the module's code beside a heap of %"PRIu32" bytes",
						 outcome->result->heap_size);
		return outcome_is(outcome, WASM_TA_REFUSED, "%s", error);
	}

	optee_platform_code(&module->code.begin, &module->code.size);
	if (res == TEE_SUCCESS)
		return true;

	wasm_runtime_unload(module->wamr);
	return outcome_is(outcome, WASM_TA_FAILED,
			  "the OP-TEE core does not let this TA make pages executable (%#"PRIx32")",
			  res);
}

static bool start_and_load(struct module *module, struct outcome *outcome,
			   const uint8_t *file, size_t size)
{
	outcome_stage(outcome, WASM_TA_STAGE_HEAP);
	if (!runtime_get(outcome, &module->info))
		return false;

	outcome_stage(outcome, WASM_TA_STAGE_LOAD);
	if (load(module, outcome, file, size))
		return true;

	runtime_put();
	return false;
}

/* Before its first instruction; who signed it, and what it was made of, is not known here */
static bool attest(const struct module *module, struct outcome *outcome)
{
	static const uint8_t unknown[WASM_SIGNED_DIGEST_SIZE];
	const struct manifest *manifest = &module->manifest;
	struct evidence_module subject = { .sha256 = module->sha256 };
	char version[VERSION_SIZE] = { };

	if (manifest->is_signed) {
		snprintf(version, sizeof(version), "%"PRIu32,
			 manifest->version);
		subject.signer = manifest->signer;
		subject.name = manifest->name;
		subject.version = version;
		if (memcmp(manifest->wasm_sha256, unknown, sizeof(unknown)))
			subject.wasm_sha256 = manifest->wasm_sha256;
	}

	return evidence_make(outcome, &subject);
}

bool module_load(struct module *module, struct outcome *outcome,
		 const void *shared, size_t size)
{
	size_t aot_size = size;
	bool good = false;
	void *copy = NULL;

	if (!evidence_admits(outcome))
		return false;

	outcome_stage(outcome, WASM_TA_STAGE_COPY);
	copy = tee_map_zi(size, 0);
	if (!copy)
		return outcome_no_memory(outcome,
					 "the TEE has no memory for a module of %zu bytes",
					 size);
	memcpy(copy, shared, size);

	outcome_stage(outcome, WASM_TA_STAGE_MEASURE);
	good = manifest_take(&module->manifest, outcome, copy, &aot_size) &&
	       measure(module, outcome, copy, aot_size) &&
	       manifest_is_of(&module->manifest, outcome, module->sha256) &&
	       manifest_allows_heap(&module->manifest, outcome);
	if (good) {
		outcome_stage(outcome, WASM_TA_STAGE_CHECK);
		good = check(module, outcome, copy, aot_size);
	}
	if (good)
		good = start_and_load(module, outcome, copy, aot_size);
	if (good && !attest(module, outcome)) {
		module_unload(module);
		good = false;
	}

	/* The loader keeps no pointer into the file */
	tee_unmap(copy, size);
	return good;
}

void module_unload(struct module *module)
{
	wasm_runtime_unload(module->wamr);
	runtime_put();
}
