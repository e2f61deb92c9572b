// SPDX-License-Identifier: Apache-2.0
/*
 * Reader of WAMR's AOT file format, version 3 (core/iwasm/compilation/
 * aot_emit_aot_file.c upstream), as far as it takes to refuse, with a reason,
 * what the runtime would refuse without one or stumble over: another version,
 * another machine, a truncated file, an import that nobody offers.
 */
#include "aot.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <trace.h>
#include <util.h>

#include "wasi.h"

#define AOT_MAGIC		0x746f6100	/* "\0aot" */
#define WASM_MAGIC		0x6d736100	/* "\0asm" */
#define AOT_VERSION		3

#define TARGET_INFO_SIZE	36
#define TARGET_INFO_SIZE_2_X	48	/* wamrc 2.0.0 to 2.2.0 */
#define TARGET_ARCH_SIZE	16
#define TARGET_ARCH		"aarch64v8"
#define TARGET_ELF64_LE		2
#define TARGET_AARCH64		183

#define INIT_EXPR_V128		0xfd
#define EXPORT_FUNCTION		0
#define NO_START_FUNCTION	UINT32_MAX

/*
 * What the runtime allocates, for an estimate of the heap that a module needs:
 * sizes of its structures (core/iwasm/aot/aot_runtime.h), and of a block's
 * header (core/shared/mem-alloc/ems).
 */
#define COST_RUNTIME		2000	/* heap, hash maps, module, exec env */
#define COST_BLOCK_HEADER	4
#define COST_DATA_SEGMENT	36
#define COST_ELEMENT_SEGMENT	44
#define COST_TYPE		8
#define COST_GLOBAL		(40 + 8)
#define COST_TABLE		(20 + 8)
#define COST_IMPORT		64
#define COST_EXPORT		(16 + 32)
#define COST_NAME		(24 + COST_BLOCK_HEADER)
#define COST_DATA_SECTION	24
#define COST_RELOCATION_GROUP	24
#define COST_RELOCATION		40
#define COST_MEMORY		(16 + 104 + 8)
#define COST_INSTANCE		320
#define COST_FUNCTION_LOADED	(8 + 4)
#define COST_FUNCTION_INSTANCE	(8 + 4)

enum section {
	SECTION_TARGET_INFO,
	SECTION_INIT_DATA,
	SECTION_TEXT,
	SECTION_FUNCTION,
	SECTION_EXPORT,
	SECTION_RELOCATION,
	SECTIONS,
};

struct reader {
	const uint8_t *file;
	size_t offset;
	size_t end;
	bool failed;		/* a read went beyond the end */
};

struct name {
	const char *text;	/* not NUL terminated */
	uint16_t length;
};

struct types {
	struct reader at;	/* the first type */
	uint32_t count;
};

struct checker {
	struct aot_info *info;
	struct types types;
	uint32_t import_count;
	uint32_t func_count;
	struct reader section[SECTIONS];
	char *message;
	size_t message_size;
};

static bool __printf(2, 3) refuse(struct checker *checker, const char *format,
				  ...)
{
	va_list ap = { };
	char *c = NULL;

	va_start(ap, format);
	vsnprintf(checker->message, checker->message_size, format, ap);
	va_end(ap);

	/* Names come from the file and end up on consoles */
	for (c = checker->message; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';

	return false;
}

static bool truncated(struct checker *checker, const struct reader *reader)
{
	return refuse(checker,
		      "the AOT file is damaged: at byte %zu more is announced than follows",
		      reader->offset);
}

static const void *take(struct reader *reader, size_t align, size_t size)
{
	size_t offset = ROUNDUP(reader->offset, align);

	if (reader->failed || offset > reader->end ||
	    size > reader->end - offset) {
		reader->failed = true;
		return NULL;
	}

	reader->offset = offset + size;
	return reader->file + offset;
}

static uint8_t take_u8(struct reader *reader)
{
	const uint8_t *p = take(reader, 1, sizeof(*p));

	return p ? *p : 0;
}

static uint16_t take_u16(struct reader *reader)
{
	const uint16_t *p = take(reader, sizeof(*p), sizeof(*p));

	return p ? *p : 0;
}

static uint32_t take_u32(struct reader *reader)
{
	const uint32_t *p = take(reader, sizeof(*p), sizeof(*p));

	return p ? *p : 0;
}

/* A u64 is aligned like a u32 */
static void skip_u64(struct reader *reader)
{
	take(reader, sizeof(uint32_t), sizeof(uint64_t));
}

static struct name take_name(struct reader *reader)
{
	struct name name = { };

	name.length = take_u16(reader);
	name.text = take(reader, 1, name.length);
	if (!name.text)
		name.length = 0;

	return name;
}

static bool name_is(struct name name, const char *text)
{
	return name.length == strlen(text) &&
	       !memcmp(name.text, text, name.length);
}

/* Counts are untrusted: each loop over one ends at the first failed read */
#define for_each_until_failed(n, count, reader) \
	for ((n) = 0; (n) < (count) && !(reader)->failed; (n)++)

static void cost(struct checker *checker, uint64_t count, uint64_t bytes)
{
	/* Counts have 32 bits and bytes less than 33: no product overflows */
	checker->info->heap_needed += count * bytes;
}

/* A block of its own, which the allocator rounds up */
static void cost_block(struct checker *checker, uint64_t bytes)
{
	cost(checker, 1, ROUNDUP(bytes + COST_BLOCK_HEADER, 8));
}

static void cost_name(struct checker *checker, struct name name)
{
	cost_block(checker, name.length + 1);
	cost(checker, 1, COST_NAME);
}

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

static bool check_memory(struct checker *checker, struct reader *reader)
{
	uint32_t memory_count = 0;
	uint32_t data_count = 0;
	uint32_t page_size = 0;
	uint32_t pages = 0;
	uint32_t length = 0;
	uint32_t n = 0;

	if (take_u32(reader))
		return refuse(checker,
			      "the module imports its memory, which this TA does not offer: link it with a memory of its own");

	memory_count = take_u32(reader);
	for_each_until_failed(n, memory_count, reader) {
		take_u32(reader);	/* flags */
		page_size = take_u32(reader);
		pages = take_u32(reader);
		take_u32(reader);	/* maximum */
		checker->info->memory_size += (uint64_t)page_size * pages;
		cost(checker, 1, COST_MEMORY);
	}

	data_count = take_u32(reader);
	cost(checker, data_count, sizeof(void *));
	for_each_until_failed(n, data_count, reader) {
		take(reader, sizeof(uint32_t), 3 * sizeof(uint32_t));
		skip_u64(reader);
		length = take_u32(reader);
		take(reader, 1, length);
		cost_block(checker, (uint64_t)length + COST_DATA_SEGMENT);
	}

	return true;
}

static void read_tables(struct checker *checker, struct reader *reader)
{
	uint32_t count = take_u32(reader);
	uint32_t elements = 0;
	uint32_t initial = 0;
	uint32_t maximum = 0;
	uint32_t grows = 0;
	uint32_t n = 0;

	for_each_until_failed(n, count, reader)
		take(reader, sizeof(uint32_t), 3 * sizeof(uint32_t));

	count = take_u32(reader);
	for_each_until_failed(n, count, reader) {
		take(reader, sizeof(uint32_t), 2 * sizeof(uint32_t));
		initial = take_u32(reader);
		maximum = take_u32(reader);
		grows = take_u32(reader);
		cost(checker, 1, COST_TABLE);
		cost(checker, grows & 1 ? maximum : initial, sizeof(uint32_t));
	}

	count = take_u32(reader);
	cost(checker, count, sizeof(void *));
	for_each_until_failed(n, count, reader) {
		take(reader, sizeof(uint32_t), 4 * sizeof(uint32_t));
		skip_u64(reader);
		elements = take_u32(reader);
		take(reader, 1, (size_t)elements * sizeof(uint32_t));
		cost_block(checker, (uint64_t)elements * sizeof(uint32_t) +
				    COST_ELEMENT_SEGMENT);
	}
}

static void read_types(struct checker *checker, struct reader *reader)
{
	uint32_t n = 0;

	checker->types.count = take_u32(reader);
	checker->types.at = *reader;
	for_each_until_failed(n, checker->types.count, reader) {
		uint64_t cells = take_u32(reader);

		cells += take_u32(reader);
		take(reader, 1, cells);
		cost_block(checker, cells + COST_TYPE);
		cost(checker, 1, sizeof(void *));
	}
}

/* Finds type @index: its parameter and result types, one byte each */
static const uint8_t *find_type(const struct types *types, uint32_t index,
				uint32_t *params, uint32_t *results)
{
	struct reader reader = types->at;
	const uint8_t *cells = NULL;
	uint32_t n = 0;

	if (index >= types->count)
		return NULL;

	for (n = 0; n <= index; n++) {
		*params = take_u32(&reader);
		*results = take_u32(&reader);
		cells = take(&reader, 1, (uint64_t)*params + *results);
	}

	return cells;
}

static bool check_globals(struct checker *checker, struct reader *reader)
{
	uint32_t count = take_u32(reader);
	uint32_t n = 0;

	if (count && !reader->failed) {
		struct name module = { };
		struct name name = { };

		take(reader, sizeof(uint16_t), 2);
		module = take_name(reader);
		name = take_name(reader);
		if (reader->failed)
			return truncated(checker, reader);
		return refuse(checker,
			      "the module imports the global %.*s.%.*s, which this TA does not offer",
			      module.length, module.text, name.length,
			      name.text);
	}

	count = take_u32(reader);
	cost(checker, count, COST_GLOBAL);
	for_each_until_failed(n, count, reader) {
		take_u8(reader);	/* type */
		take_u8(reader);	/* is mutable */
		if (take_u16(reader) == INIT_EXPR_V128)
			take(reader, 1, 2 * sizeof(uint64_t));
		else
			skip_u64(reader);
	}

	return true;
}

/* Whether a type is what a signature like "(iIi)i" says */
static bool type_matches(const uint8_t *cells, uint32_t params,
			 uint32_t results, const char *signature)
{
	/* 0x7f i32, 0x7e i64, 0x7d f32, 0x7c f64 */
	static const char letters[] = "FfIi";
	size_t length = strlen(signature);
	uint32_t n = 0;

	if (length != (size_t)params + results + 2)
		return false;

	for (n = 0; n < params + results; n++) {
		/* Past the parameters comes the closing parenthesis */
		char letter = signature[n < params ? n + 1 : n + 2];

		if (cells[n] < 0x7c || cells[n] > 0x7f ||
		    letters[cells[n] - 0x7c] != letter)
			return false;
	}

	return signature[params + 1] == ')';
}

static bool check_imports(struct checker *checker, struct reader *reader)
{
	uint32_t n = 0;

	checker->import_count = take_u32(reader);
	cost(checker, checker->import_count, COST_IMPORT);
	for_each_until_failed(n, checker->import_count, reader) {
		uint16_t type = take_u16(reader);
		struct name module = take_name(reader);
		struct name name = take_name(reader);
		const char *signature = NULL;
		const uint8_t *cells = NULL;
		uint32_t params = 0;
		uint32_t results = 0;

		if (reader->failed)
			break;

		cost_name(checker, name);
		signature = wasi_signature(module.text, module.length,
					   name.text, name.length);
		if (!signature)
			return refuse(checker,
				      "the module imports %.*s.%.*s, which this TA does not offer: it has WASI preview 1",
				      module.length, module.text, name.length,
				      name.text);

		cells = find_type(&checker->types, type, &params, &results);
		if (!cells || !type_matches(cells, params, results, signature))
			return refuse(checker,
				      "the module imports %.*s.%.*s with another type than %s, which it has in WASI preview 1",
				      module.length, module.text, name.length,
				      name.text, signature);
	}

	return true;
}

static void read_data_sections(struct checker *checker, struct reader *reader)
{
	uint32_t count = take_u32(reader);
	uint32_t n = 0;

	cost(checker, count, COST_DATA_SECTION);
	for_each_until_failed(n, count, reader) {
		cost_name(checker, take_name(reader));
		take(reader, 1, take_u32(reader));
	}
}

static bool check_init_data(struct checker *checker)
{
	struct reader reader = checker->section[SECTION_INIT_DATA];

	if (!check_memory(checker, &reader))
		return false;

	read_tables(checker, &reader);
	read_types(checker, &reader);
	if (reader.failed)
		return truncated(checker, &reader);

	if (!check_globals(checker, &reader) ||
	    !check_imports(checker, &reader))
		return false;

	checker->func_count = take_u32(&reader);
	cost(checker, checker->func_count, COST_FUNCTION_LOADED);
	checker->info->has_start_section =
		take_u32(&reader) != NO_START_FUNCTION;
	take(&reader, sizeof(uint32_t), 7 * sizeof(uint32_t));	/* stack etc. */
	read_data_sections(checker, &reader);
	if (reader.failed || reader.offset != reader.end)
		return truncated(checker, &reader);

	return true;
}

/* Whether function @index is the module's own and of type () -> () */
static bool is_plain_function(const struct checker *checker, uint32_t index)
{
	struct reader reader = checker->section[SECTION_FUNCTION];
	uint32_t params = 0;
	uint32_t results = 0;

	if (index < checker->import_count ||
	    index - checker->import_count >= checker->func_count)
		return false;

	/* Offsets into the code come first, then the types of the functions */
	index -= checker->import_count;
	take(&reader, sizeof(uint32_t),
	     (size_t)checker->func_count * sizeof(uint64_t));
	take(&reader, sizeof(uint32_t), (size_t)index * sizeof(uint32_t));
	if (!find_type(&checker->types, take_u32(&reader), &params, &results))
		return false;

	return !reader.failed && !params && !results;
}

static bool check_exports(struct checker *checker)
{
	struct reader reader = checker->section[SECTION_EXPORT];
	uint32_t count = take_u32(&reader);
	uint32_t n = 0;

	cost(checker, count, COST_EXPORT);
	for_each_until_failed(n, count, &reader) {
		uint32_t index = take_u32(&reader);
		uint8_t kind = take_u8(&reader);
		struct name name = take_name(&reader);

		cost_name(checker, name);
		if (reader.failed || kind != EXPORT_FUNCTION)
			continue;

		/* The runtime looks these up without checking the index */
		if (index >= (uint64_t)checker->import_count +
			     checker->func_count)
			return refuse(checker,
				      "the AOT file is damaged: export %.*s has function index %"PRIu32" of %"PRIu32,
				      name.length, name.text, index,
				      checker->import_count +
				      checker->func_count);

		if (name_is(name, "_start"))
			checker->info->has_start =
				is_plain_function(checker, index);
	}

	if (reader.failed)
		return truncated(checker, &reader);

	return true;
}

/*
 * Relocations are in memory while the module is loaded. What they leave behind
 * is taken by the smaller blocks of the instance, never by linear memory.
 */
static bool check_relocations(struct checker *checker)
{
	struct reader reader = checker->section[SECTION_RELOCATION];
	uint64_t instance = (uint64_t)COST_FUNCTION_INSTANCE *
			    ((uint64_t)checker->import_count +
			     checker->func_count);
	uint64_t relocations = 0;
	uint32_t count = take_u32(&reader);
	uint32_t size = 0;
	uint32_t n = 0;

	/* Where each symbol is, the size of all, and then the symbols */
	take(&reader, sizeof(uint32_t), (size_t)count * sizeof(uint32_t));
	size = take_u32(&reader);
	take(&reader, 1, size);
	cost(checker, count, COST_NAME + COST_BLOCK_HEADER);
	cost(checker, 1, size);

	count = take_u32(&reader);
	for_each_until_failed(n, count, &reader) {
		take_u32(&reader);	/* name */
		size = take_u32(&reader);
		/* Offset, addend, type and symbol of each */
		take(&reader, sizeof(uint32_t), (size_t)size * 24);
		relocations += (uint64_t)size * COST_RELOCATION +
			       COST_RELOCATION_GROUP + COST_BLOCK_HEADER;
	}

	if (reader.failed)
		return truncated(checker, &reader);

	cost(checker, 1, MAX(relocations, instance));
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

	*info = (struct aot_info){
		.heap_needed = COST_RUNTIME + COST_INSTANCE,
	};

	if (!find_sections(&checker, file, size) || !check_target(&checker) ||
	    !check_init_data(&checker) || !check_exports(&checker) ||
	    !check_relocations(&checker))
		return false;

	info->heap_needed += info->memory_size;
	return true;
}
