// SPDX-License-Identifier: Apache-2.0
/*
 * AOT files: what aot_check() lets pass must not hurt the loader, nor the making
 * of an instance. With UNCHECKED, what the loader of this WAMR does on its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasm_export.h>

#include "aot/aot.h"
#include "aot_runtime.h"
#include "runtime.h"

#define MESSAGE_SIZE	256
#define MEMORY_MAX	(16 * 1024 * 1024)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static void instantiate(AOTModule *module)
{
	char error[MESSAGE_SIZE] = { };
	wasm_module_inst_t instance = NULL;

	/* Start functions are called directly; others go through invokeNative() */
	module->start_function = NULL;
	instance = wasm_runtime_instantiate((wasm_module_t)module, 256, 0,
					    error, sizeof(error));
	if (!instance)
		return;

	wasm_runtime_lookup_function(instance, "_start", NULL);
	wasm_runtime_deinstantiate(instance);
}

/* For whoever wants to know what became of the files he gave */
static void show(const char *text)
{
	if (getenv("FUZZ_SHOW"))
		fprintf(stderr, "module %s\n", *text ? text : "loaded");
}

static void load(uint8_t *file, size_t size)
{
	char error[MESSAGE_SIZE] = { };
	struct aot_info info = { };
	wasm_module_t module = NULL;

#ifndef UNCHECKED
	if (!aot_check(file, size, &info, error, sizeof(error))) {
		show(error);
		return;
	}
#endif
	module = wasm_runtime_load(file, size, error, sizeof(error));
	show(error);
	if (!module)
		return;
	if (info.memory_size <= MEMORY_MAX)
		instantiate((AOTModule *)module);
	wasm_runtime_unload(module);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *file = NULL;

	runtime_start();
	if (!size)
		return 0;

	/* Of its own: not a byte longer than the file */
	file = malloc(size);
	memcpy(file, data, size);
	load(file, size);
	free(file);
	return 0;
}

/* Files are made of 32-bit words: changes that keep everything in its place */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	static const uint32_t values[] = {
		0, 1, 2, 3, 4, 7, 8, 16, 0x7f, 0xff, 0x100, 0xffff, 0x10000,
		0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffe, 0xffffffff,
	};
	uint32_t word = 0;
	size_t at = 0;

	srand(seed);
	if (size < 8 || rand() % 4 == 0)
		return LLVMFuzzerMutate(data, size, max_size);

	do {
		at = 4 * ((size_t)rand() % (size / 4));
		memcpy(&word, data + at, sizeof(word));
		switch (rand() % 4) {
		case 0:
			word = values[(size_t)rand() % (sizeof(values) /
							sizeof(*values))];
			break;
		case 1:
			word += rand() % 17 - 8;
			break;
		case 2:
			word ^= 1u << rand() % 32;
			break;
		default:
			memcpy(&word, data + 4 * ((size_t)rand() % (size / 4)),
			       sizeof(word));
			break;
		}
		memcpy(data + at, &word, sizeof(word));
	} while (rand() % 3 == 0);

	return size;
}
