// SPDX-License-Identifier: Apache-2.0
/*
 * From an AOT file in shared memory to code that can be called.
 */
#include "aot/module.h"

#include <inttypes.h>
#include <optee_platform.h>
#include <stdio.h>
#include <string.h>
#include <tee_internal_api_extensions.h>
#include <trace.h>
#include <util.h>

#include "aot/aot.h"
#include "aot/runtime.h"
#include "base/hex.h"
#include "trust/digest.h"
#include "trust/evidence.h"

#define ERROR_SIZE		128

/* The digits of a version, and a NUL */
#define VERSION_SIZE		11

static bool measure(struct outcome *outcome, const uint8_t *file, size_t size)
{
	/* Kept: there is no other one after the seal */
	static TEE_OperationHandle operation = TEE_HANDLE_NULL;
	struct wasm_ta_result *result = outcome->result;
	size_t length = WASM_TA_SHA256_SIZE;
	TEE_Result res = TEE_SUCCESS;
	char hex[HEX_SIZE(WASM_TA_SHA256_SIZE)] = { };

	if (operation == TEE_HANDLE_NULL)
		res = digest_open(&operation);
	if (res == TEE_SUCCESS)
		res = TEE_DigestDoFinal(operation, file, size, result->sha256,
					&length);
	if (res != TEE_SUCCESS)
		return outcome_is(outcome, WASM_TA_FAILED,
				  "the module could not be measured (%#"PRIx32")",
				  res);

	result->flags |= WASM_TA_MEASURED;
	hex_put(hex, result->sha256, sizeof(result->sha256));
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
			return outcome_heap_too_small(outcome,
						      module->info.heap_needed,
						      module->info.memory_size,
						      "loading");
		if (strstr(error, "mmap memory failed"))
			return outcome_no_memory(outcome,
						 "the TEE has no memory for the module's code beside a heap of %"PRIu32" bytes",
						 outcome->result->heap_size);
		return outcome_is(outcome, WASM_TA_REFUSED, "%s", error);
	}

	if (res == TEE_SUCCESS)
		return true;

	wasm_runtime_unload(module->wamr);
	module->wamr = NULL;
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

/* Before its first instruction */
static bool attest(const struct module *module, struct outcome *outcome)
{
	static const uint8_t unknown[WASM_SIGNED_DIGEST_SIZE];
	const struct manifest *manifest = &module->manifest;
	struct token_module subject = { .sha256 = module->sha256 };
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

static bool check_and_load(struct module *module, struct outcome *outcome,
			   const uint8_t *file)
{
	outcome_stage(outcome, WASM_TA_STAGE_CHECK);
	if (!check(module, outcome, file, module->aot_size) ||
	    !start_and_load(module, outcome, file, module->aot_size))
		return false;
	if (attest(module, outcome))
		return true;

	module_unload(module);
	return false;
}

static bool take_first(struct module *module, struct outcome *outcome,
		       const uint8_t *file, size_t size)
{
	struct module fresh = { .size = size, .aot_size = size };

	evidence_begin();
	if (!manifest_take(&fresh.manifest, outcome, file, &fresh.aot_size) ||
	    !measure(outcome, file, fresh.aot_size) ||
	    !manifest_is_of(&fresh.manifest, outcome,
			    outcome->result->sha256) ||
	    !manifest_allows_heap(&fresh.manifest, outcome))
		return false;

	memcpy(fresh.sha256, outcome->result->sha256, sizeof(fresh.sha256));
	memcpy(fresh.trailer, file + fresh.aot_size, size - fresh.aot_size);
	if (!check_and_load(&fresh, outcome, file))
		return false;

	*module = fresh;
	return true;
}

/* Nothing that the seal took is needed for that */
static bool is_the_same(const struct module *module, struct outcome *outcome,
			const uint8_t *file, size_t size)
{
	struct wasm_ta_result *result = outcome->result;

	if (size == module->size &&
	    !memcmp(file + module->aot_size, module->trailer,
		    size - module->aot_size)) {
		if (!measure(outcome, file, module->aot_size))
			return false;
		if (!memcmp(module->sha256, result->sha256,
			    sizeof(module->sha256))) {
			result->heap_needed = MIN(module->info.heap_needed,
						  UINT32_MAX);
			result->stack_size = runtime_stack_size();
			return true;
		}
	}

	result->flags |= WASM_TA_OTHER_MODULE;
	return outcome_is(outcome, WASM_TA_REFUSED,
			  "this session serves another module, and no second one");
}

bool module_take(struct module *module, struct outcome *outcome,
		 const void *shared, size_t size)
{
	bool good = false;
	void *copy = NULL;

	outcome_stage(outcome, WASM_TA_STAGE_COPY);
	copy = tee_map_zi(size, 0);
	if (!copy)
		return outcome_no_memory(outcome,
					 "the TEE has no memory for a module of %zu bytes",
					 size);
	memcpy(copy, shared, size);

	outcome_stage(outcome, WASM_TA_STAGE_MEASURE);
	good = module->wamr ? is_the_same(module, outcome, copy, size) :
			      take_first(module, outcome, copy, size);

	/* The loader keeps no pointer into the file */
	tee_unmap(copy, size);
	return good;
}

void module_unload(struct module *module)
{
	wasm_runtime_unload(module->wamr);
	runtime_put();
}
