// SPDX-License-Identifier: Apache-2.0
/*
 * Reader of WAMR's AOT file format, version 3 (core/iwasm/compilation/
 * aot_emit_aot_file.c upstream). It refuses, with a reason, what the runtime
 * would refuse without one: another version, another machine, an import that
 * nobody offers. And it refuses what the runtime believes without a check:
 * indices, sizes and offsets, in aot_init.c and aot_code.c.
 */
#include "aot/aot.h"

#include <inttypes.h>

#include "aot/aot_check.h"

#define AOT_MAGIC		0x746f6100	/* "\0aot" */
#define WASM_MAGIC		0x6d736100	/* "\0asm" */
#define AOT_VERSION		3

#define TARGET_INFO_SIZE	36
#define TARGET_INFO_SIZE_2_X	48	/* wamrc 2.0.0 to 2.2.0 */
#define TARGET_ARCH_SIZE	16
#define TARGET_ARCH		"aarch64v8"
#define TARGET_ELF64_LE		2
#define TARGET_AARCH64		183

static bool check_target(struct checker *checker)
{
	struct reader reader = checker->section[SECTION_TARGET_INFO];
	size_t size = reader.end - reader.offset;
	uint16_t bin_type = 0;
	uint16_t machine = 0;
	const char *arch = NULL;

	if (size == TARGET_INFO_SIZE_2_X)
		return refuse(checker,
			      "the AOT file has a target info of 48 bytes, as wamrc 2.0.0 to 2.2.0 writes it, and not of 36: compile it with this project's wamrc");
	if (size != TARGET_INFO_SIZE)
		return refuse(checker,
			      "the AOT file has a target info of %zu bytes instead of 36: compile it with this project's wamrc",
			      size);

	bin_type = take_u16(&reader);
	take_u16(&reader);	/* ABI */
	take_u16(&reader);	/* ELF type: the loader checks it */
	machine = take_u16(&reader);
	take(&reader, sizeof(uint32_t), 3 * sizeof(uint32_t));
	arch = take(&reader, 1, TARGET_ARCH_SIZE);
	if (!arch)
		return truncated(checker, &reader);

	if (bin_type != TARGET_ELF64_LE)
		return refuse(checker,
			      "the AOT file is not for a 64-bit little-endian machine (bin type %"PRIu16"): compile it with wamrc --target=aarch64",
			      bin_type);
	if (machine != TARGET_AARCH64 ||
	    memcmp(arch, TARGET_ARCH, sizeof(TARGET_ARCH)))
		return refuse(checker,
			      "the AOT file is for %.16s (ELF machine %"PRIu16"), this TEE is " TARGET_ARCH ": compile it with wamrc --target=aarch64",
			      arch, machine);

	return true;
}

static bool find_sections(struct checker *checker, const uint8_t *file,
			  size_t size)
{
	struct reader reader = { .file = file, .end = size };
	uint32_t magic = take_u32(&reader);
	uint32_t version = take_u32(&reader);
	uint32_t expected = 0;

	if (reader.failed)
		return refuse(checker,
			      "the file is too short to be an AOT file: %zu bytes",
			      size);

	if (magic == WASM_MAGIC)
		return refuse(checker,
			      "the file is a .wasm file, not an AOT file: compile it with wamrc --target=aarch64 --bounds-checks=1");
	if (magic != AOT_MAGIC)
		return refuse(checker,
			      "the file is not an AOT file: it begins with %02x %02x %02x %02x",
			      file[0], file[1], file[2], file[3]);
	if (version != AOT_VERSION)
		return refuse(checker,
			      "the AOT file has version %"PRIu32", this runtime takes version %d: compile it with this project's wamrc",
			      version, AOT_VERSION);

	for (expected = 0; expected < SECTIONS; expected++) {
		uint32_t type = take_u32(&reader);
		uint32_t length = take_u32(&reader);
		size_t begin = reader.offset;

		if (reader.failed)
			return truncated(checker, &reader);
		if (type != expected)
			return refuse(checker,
				      "the AOT file is damaged: at byte %zu section %"PRIu32" stands for section %"PRIu32,
				      begin - 2 * sizeof(uint32_t), type,
				      expected);
		if (!take(&reader, 1, length))
			return truncated(checker, &reader);

		checker->section[type] = (struct reader){
			.file = file, .offset = begin, .end = begin + length,
		};
	}

	/* The loader aligns before it looks: up to three bytes of padding */
	if (ROUNDUP(reader.offset, sizeof(uint32_t)) < size)
		return refuse(checker,
			      "the AOT file is damaged: %zu bytes follow its last section",
			      size - reader.offset);

	return true;
}

bool aot_check(const uint8_t *file, size_t size, struct aot_info *info,
	       char *message, size_t message_size)
{
	struct checker checker = {
		.info = info,
		.message = message,
		.message_size = message_size,
	};
	bool good = false;

	*info = (struct aot_info){
		.heap_needed = COST_RUNTIME + COST_INSTANCE,
	};

	good = find_sections(&checker, file, size) && check_target(&checker) &&
	       check_init_data(&checker) && check_code(&checker);
	forget_types(&checker.types);
	if (!good)
		return false;

	info->heap_needed += info->memory_size;
	return true;
}
