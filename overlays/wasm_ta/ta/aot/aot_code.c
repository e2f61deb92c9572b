// SPDX-License-Identifier: Apache-2.0
/*
 * The text, function, export and relocation sections of an AOT file. Code can
 * be checked for where it is entered and where it is patched, not for what it
 * does: it is what the module's author, and wamrc, made it.
 */
#include <inttypes.h>

#include "aot/aot_check.h"

#define INSTRUCTION_SIZE	4

#define FUNCTION_PREFIX		"aot_func#"

enum export_kind {
	EXPORT_FUNCTION,
	EXPORT_TABLE,
	EXPORT_MEMORY,
	EXPORT_GLOBAL,
	EXPORT_KINDS,
};

static bool check_text(struct checker *checker)
{
	struct reader reader = checker->section[SECTION_TEXT];
	size_t size = reader.end - reader.offset;

	/* Literals come before the code, preceded by their size */
	checker->literal_size = take_u32(&reader);
	take(&reader, 1, checker->literal_size);
	checker->code_size = reader.end - reader.offset;
	if (reader.failed || checker->literal_size % INSTRUCTION_SIZE)
		return refuse(checker,
			      "the AOT file is damaged: literals of %"PRIu32" bytes in a text of %zu",
			      checker->literal_size, size);

	return true;
}

static bool check_functions(struct checker *checker)
{
	struct reader reader = checker->section[SECTION_FUNCTION];
	uint32_t n = 0;

	for_each_until_failed(n, checker->func_count, &reader) {
		uint32_t low = take_u32(&reader);
		uint32_t high = take_u32(&reader);

		if (!reader.failed &&
		    (high || low >= checker->code_size ||
		     low % INSTRUCTION_SIZE))
			return refuse(checker,
				      "the AOT file is damaged: function %"PRIu32" is at byte %#"PRIx32"%08"PRIx32" of %#"PRIx32,
				      n, high, low, checker->code_size);
	}

	for_each_until_failed(n, checker->func_count, &reader) {
		uint32_t type = take_u32(&reader);

		if (!reader.failed && type >= checker->types.count)
			return refuse(checker,
				      "the AOT file is damaged: function %"PRIu32" has type %"PRIu32" of %"PRIu32,
				      n, type, checker->types.count);
	}

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

	if (index < checker->import_count || !is_function(checker, index))
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
	const uint64_t counts[EXPORT_KINDS] = {
		[EXPORT_FUNCTION] = (uint64_t)checker->import_count +
				    checker->func_count,
		[EXPORT_TABLE] = checker->table_count,
		[EXPORT_MEMORY] = checker->memory_count,
		[EXPORT_GLOBAL] = checker->global_count,
	};
	struct reader reader = checker->section[SECTION_EXPORT];
	uint32_t count = take_u32(&reader);
	bool seen_start = false;
	bool seen_new = false;
	uint32_t n = 0;

	cost(checker, count, COST_EXPORT);
	for_each_until_failed(n, count, &reader) {
		uint32_t index = take_u32(&reader);
		uint8_t kind = take_u8(&reader);
		struct name name = take_name(&reader);

		if (reader.failed)
			break;
		cost_name(checker, name);

		/* The runtime looks these up without checking kind and index */
		if (kind >= EXPORT_KINDS || index >= counts[kind] ||
		    has_nul(name))
			return refuse(checker,
				      "the AOT file is damaged: export %.*s is of kind %u and index %"PRIu32,
				      name.length, name.text, kind, index);
		if (kind != EXPORT_FUNCTION)
			continue;

		/* It also takes these for the module's own */
		if (index < checker->import_count &&
		    (name_is(name, "__retain") || name_is(name, "__pin")))
			return refuse(checker,
				      "the module exports %.*s, which it imports itself",
				      name.length, name.text);

		/* For each of that name it goes through all exports again */
		if (name_is(name, "__new") && seen_new)
			return refuse(checker,
				      "the AOT file is damaged: it has two exports __new");
		seen_new |= name_is(name, "__new");

		/* The first one of that name is what the runtime finds */
		if (name_is(name, "_start") && !seen_start) {
			seen_start = true;
			checker->info->has_start =
				is_plain_function(checker, index);
		}
	}

	if (reader.failed || reader.offset != reader.end)
		return truncated(checker, &reader);

	return true;
}

/* The runtime calls it as () -> () whatever it is */
static bool check_start(struct checker *checker)
{
	if (checker->start == NO_START_FUNCTION ||
	    is_plain_function(checker, checker->start))
		return true;

	return refuse(checker,
		      "the module's start function %"PRIu32" is not one of its own of type () -> ()",
		      checker->start);
}

/* Symbol table of the relocation section: offsets first, then the names */
struct symbols {
	uint32_t count;
	const uint32_t *offsets;
	struct reader names;
	size_t begin;
};

static bool check_symbols(struct checker *checker, struct reader *reader,
			  struct symbols *symbols)
{
	struct reader names = { };
	uint32_t size = 0;
	uint32_t n = 0;

	symbols->count = take_u32(reader);
	symbols->offsets = take(reader, sizeof(uint32_t),
				(size_t)symbols->count * sizeof(uint32_t));
	size = take_u32(reader);
	symbols->begin = reader->offset;
	take(reader, 1, size);
	cost(checker, symbols->count, COST_NAME + COST_BLOCK_HEADER);
	cost(checker, 1, size);
	if (reader->failed)
		return truncated(checker, reader);

	names = *reader;
	names.offset = symbols->begin;
	names.end = symbols->begin + size;
	symbols->names = names;
	for (n = 0; n < symbols->count; n++) {
		size_t at = ROUNDUP(names.offset, sizeof(uint16_t));
		struct name name = take_name(&names);

		if (names.failed || has_nul(name) ||
		    symbols->offsets[n] != at - symbols->begin)
			return refuse(checker,
				      "the AOT file is damaged: its symbol %"PRIu32" is not where it should be",
				      n);
	}

	return true;
}

/* @index is below the count, and check_symbols() has been there */
static struct name symbol_name(const struct symbols *symbols, uint32_t index)
{
	struct reader reader = symbols->names;

	reader.offset = symbols->begin + symbols->offsets[index];
	return take_name(&reader);
}

/* Size of a data section, or of the part of the text; false: there is none */
static bool find_place(const struct checker *checker, struct name name,
		       uint64_t *size)
{
	struct reader reader = checker->data_sections;
	uint32_t n = 0;

	if (name_is(name, ".text")) {
		*size = checker->code_size;
		return true;
	}
	if (name_is(name, ".literal")) {
		*size = checker->literal_size;
		return true;
	}

	for (n = 0; n < checker->data_section_count; n++) {
		struct name section = take_name(&reader);
		uint32_t length = take_u32(&reader);

		take(&reader, 1, length);
		if (section.length == name.length &&
		    !memcmp(section.text, name.text, name.length)) {
			*size = length;
			return true;
		}
	}

	return false;
}

/* What a group of relocations, named after its section, is applied to */
static bool find_target(const struct checker *checker, struct name group,
			uint64_t *size)
{
	static const char * const prefixes[] = { ".rela.", ".rel." };
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(prefixes); n++) {
		size_t length = strlen(prefixes[n]);

		if (group.length > length &&
		    !memcmp(group.text, prefixes[n], length)) {
			group.text += length - 1;
			group.length -= length - 1;
			/* ".rel.literal" is no name that the runtime knows */
			return (n == 0 || !name_is(group, ".literal")) &&
			       find_place(checker, group, size);
		}
	}

	return false;
}

/* The N of aot_func#N, without sign, letters and more digits than it takes */
static bool function_number(struct name name, uint32_t *number)
{
	size_t n = strlen(FUNCTION_PREFIX);
	uint32_t value = 0;

	if (name.length <= n || name.length > n + 9)
		return false;

	for (; n < name.length; n++) {
		if (name.text[n] < '0' || name.text[n] > '9')
			return false;
		value = value * 10 + name.text[n] - '0';
	}

	*number = value;
	return true;
}

static bool is_known_relocation(uint32_t type)
{
	/* core/iwasm/aot/arch/aot_reloc_aarch64.c; numbers of the AArch64 ELF ABI */
	switch (type) {
	case 263 ... 269:	/* MOVW_UABS_G0 to G3 */
	case 275 ... 278:	/* ADR_PREL_PG_HI21, ADD_ABS_LO12_NC, LDST8 */
	case 283:		/* CALL26 */
	case 284 ... 286:	/* LDST16 to LDST64 */
	case 299:		/* LDST128 */
		return true;
	default:
		return false;
	}
}

static bool check_relocation(struct checker *checker, struct reader *reader,
			     const struct symbols *symbols, uint64_t size)
{
	uint64_t offset = take_u64(reader);
	uint64_t addend = take_u64(reader);
	uint32_t type = take_u32(reader);
	uint32_t symbol = take_u32(reader);
	struct name name = { };
	uint64_t place = 0;
	uint32_t n = 0;

	if (reader->failed)
		return truncated(checker, reader);

	if (!is_known_relocation(type))
		return refuse(checker,
			      "the AOT file has a relocation of type %"PRIu32", which this runtime does not know: compile it with this project's wamrc",
			      type);
	if (symbol >= symbols->count)
		return refuse(checker,
			      "the AOT file is damaged: a relocation to symbol %"PRIu32" of %"PRIu32,
			      symbol, symbols->count);

	name = symbol_name(symbols, symbol);
	if (size < INSTRUCTION_SIZE || offset > size - INSTRUCTION_SIZE ||
	    offset % INSTRUCTION_SIZE)
		return refuse(checker,
			      "the AOT file is damaged: a relocation to %.*s at byte %#"PRIx64" of %#"PRIx64,
			      name.length, name.text, offset, size);

	/* The runtime takes one function more than there are */
	if (name.length >= strlen(FUNCTION_PREFIX) &&
	    !memcmp(name.text, FUNCTION_PREFIX, strlen(FUNCTION_PREFIX)) &&
	    (!function_number(name, &n) || n >= checker->func_count))
		return refuse(checker,
			      "the AOT file is damaged: a relocation to %.*s, it has %"PRIu32" functions",
			      name.length, name.text, checker->func_count);

	/*
	 * Data is reached by its section and an addend, the end included, and
	 * functions without. The runtime adds whatever there is.
	 */
	find_place(checker, name, &place);
	if (addend > place)
		return refuse(checker,
			      "the AOT file is damaged: a relocation to byte %#"PRIx64" of %.*s, which has %#"PRIx64,
			      addend, name.length, name.text, place);

	/* Another symbol is one of the runtime, which refuses what it lacks */
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
	struct symbols symbols = { };
	uint64_t relocations = 0;
	uint32_t groups = 0;
	uint32_t n = 0;

	if (!check_symbols(checker, &reader, &symbols))
		return false;

	groups = take_u32(&reader);
	for_each_until_failed(n, groups, &reader) {
		uint32_t name = take_u32(&reader);
		uint32_t count = take_u32(&reader);
		uint64_t size = 0;
		uint32_t i = 0;

		if (reader.failed)
			break;
		if (name >= symbols.count ||
		    (count && !find_target(checker, symbol_name(&symbols, name),
					   &size)))
			return refuse(checker,
				      "the AOT file is damaged: it has relocations for a section that does not exist");

		for (i = 0; i < count; i++)
			if (!check_relocation(checker, &reader, &symbols, size))
				return false;

		relocations += (uint64_t)count * COST_RELOCATION +
			       COST_RELOCATION_GROUP + COST_BLOCK_HEADER;
	}

	if (reader.failed)
		return truncated(checker, &reader);

	cost(checker, 1, MAX(relocations, instance));
	cost(checker, 1, MIN(relocations, instance) / 4);
	return true;
}

bool check_code(struct checker *checker)
{
	return check_text(checker) && check_functions(checker) &&
	       check_exports(checker) && check_start(checker) &&
	       check_relocations(checker);
}
