// SPDX-License-Identifier: Apache-2.0
/*
 * The init data section of an AOT file: what instances are made from.
 */
#include <inttypes.h>
#include <tee_internal_api_extensions.h>

#include "aot/aot_check.h"
#include "wasi/wasi.h"

#define INIT_EXPR_FUNCREF	0xd2
#define INIT_EXPR_V128		0xfd

/* Of a type in the file: how many parameters and results it has */
#define TYPE_MIN		(2 * sizeof(uint32_t))

/* The widest access: the runtime subtracts it from the memory's size */
#define WIDEST_ACCESS		16

/* More than any compiler makes; the runtime searches them for each relocation */
#define MAX_DATA_SECTIONS	64

static bool check_memory_size(struct checker *checker, struct reader *reader)
{
	uint32_t page_size = 0;
	uint32_t maximum = 0;
	uint32_t pages = 0;
	uint64_t size = 0;

	take_u32(reader);	/* flags */
	page_size = take_u32(reader);
	pages = take_u32(reader);
	maximum = take_u32(reader);
	size = (uint64_t)page_size * pages;

	if (pages > maximum || (size && size < WIDEST_ACCESS))
		return refuse(checker,
			      "the AOT file is damaged: a memory of %"PRIu32" pages of %"PRIu32" bytes, at most %"PRIu32" pages",
			      pages, page_size, maximum);

	checker->info->memory_size = size;
	cost(checker, 1, COST_MEMORY);
	return true;
}

static bool check_memory(struct checker *checker, struct reader *reader)
{
	uint32_t data_count = 0;
	uint32_t passive = 0;
	uint32_t length = 0;
	uint32_t n = 0;

	if (take_u32(reader))
		return refuse(checker,
			      "the module imports its memory, which this TA does not offer: link it with a memory of its own");

	checker->memory_count = take_u32(reader);
	if (checker->memory_count > 1)
		return refuse(checker,
			      "the module has %"PRIu32" memories, this runtime takes one",
			      checker->memory_count);
	if (checker->memory_count && !check_memory_size(checker, reader))
		return false;

	data_count = take_u32(reader);
	cost(checker, data_count, sizeof(void *));
	for_each_until_failed(n, data_count, reader) {
		passive = take_u32(reader);
		if (take_u32(reader) >= checker->memory_count && !passive &&
		    !reader->failed)
			return refuse(checker,
				      "the AOT file is damaged: data segment %"PRIu32" is for a memory that does not exist",
				      n);
		take_u32(reader);	/* kind of the offset */
		skip_u64(reader);
		length = take_u32(reader);
		take(reader, 1, length);
		cost_block(checker, (uint64_t)length + COST_DATA_SEGMENT);
	}

	return true;
}

static bool check_table_size(struct checker *checker, struct reader *reader)
{
	uint32_t initial = take_u32(reader);
	uint32_t maximum = take_u32(reader);
	uint32_t grows = take_u32(reader) & 1;

	/* It has room for the maximum if it grows, and else for the initial */
	if (grows && initial > maximum)
		return refuse(checker,
			      "the AOT file is damaged: a table of %"PRIu32" elements, at most %"PRIu32,
			      initial, maximum);

	cost(checker, 1, COST_TABLE);
	cost(checker, grows ? maximum : initial, sizeof(uint32_t));
	return true;
}

static bool check_tables(struct checker *checker, struct reader *reader)
{
	uint32_t imported = take_u32(reader);
	uint32_t count = 0;
	uint32_t n = 0;

	for_each_until_failed(n, imported, reader)
		if (!check_table_size(checker, reader))
			return false;

	count = take_u32(reader);
	for_each_until_failed(n, count, reader) {
		take(reader, sizeof(uint32_t), 2 * sizeof(uint32_t));
		if (!check_table_size(checker, reader))
			return false;
	}

	/* Each was in the file: the sum does not overflow */
	if (!reader->failed)
		checker->table_count = imported + count;
	return true;
}

/* Others name no table, in WebAssembly's binary format: bit 0 says so */
static bool is_active(uint32_t mode)
{
	return !(mode & 1);
}

/*
 * Element segments come before what they refer to: this is called once to pass
 * over them, and again when the functions are known.
 */
static bool check_elements(struct checker *checker, struct reader *reader,
			   bool functions_known)
{
	uint32_t count = take_u32(reader);
	uint32_t n = 0;

	for_each_until_failed(n, count, reader) {
		const uint32_t *functions = NULL;
		uint32_t elements = 0;
		uint32_t table = 0;
		uint32_t mode = 0;
		uint32_t i = 0;

		mode = take_u32(reader);
		take_u32(reader);	/* type of the elements */
		table = take_u32(reader);
		take_u32(reader);	/* kind of the offset */
		skip_u64(reader);
		elements = take_u32(reader);
		functions = take(reader, 1, (size_t)elements *
					    sizeof(*functions));
		if (reader->failed)
			break;
		if (table >= checker->table_count && is_active(mode))
			return refuse(checker,
				      "the AOT file is damaged: element segment %"PRIu32" is for a table that does not exist",
				      n);

		for (i = 0; functions_known && i < elements; i++)
			if (functions[i] != NO_FUNCTION &&
			    !is_function(checker, functions[i]))
				return refuse(checker,
					      "the AOT file is damaged: element segment %"PRIu32" has function index %"PRIu32,
					      n, functions[i]);

		if (functions_known) {
			cost(checker, 1, sizeof(void *));
			cost_block(checker, (uint64_t)elements *
					    sizeof(*functions) +
					    COST_ELEMENT_SEGMENT);
		}
	}

	return true;
}

static bool is_value_type(uint8_t type)
{
	switch (type) {
	case 0x7f: /* i32 */
	case 0x7e: /* i64 */
	case 0x7d: /* f32 */
	case 0x7c: /* f64 */
	case 0x7b: /* v128 */
	case 0x70: /* funcref */
	case 0x6f: /* externref */
		return true;
	default:
		return false;
	}
}

static bool map_offsets(struct checker *checker, const struct reader *reader,
			uint32_t count)
{
	struct types *types = &checker->types;

	if (reader->failed || count > (reader->end - reader->offset) / TYPE_MIN)
		return truncated(checker, reader);

	types->all = *reader;
	if (!count)
		return true;

	types->offsets = tee_map_zi(count * sizeof(*types->offsets), 0);
	if (!types->offsets)
		return refuse(checker,
			      "the TEE has no memory to check the module's %"PRIu32" types",
			      count);

	types->count = count;
	return true;
}

void forget_types(struct types *types)
{
	if (types->offsets)
		tee_unmap(types->offsets,
			  types->count * sizeof(*types->offsets));
	*types = (struct types){ };
}

static bool check_types(struct checker *checker, struct reader *reader)
{
	uint32_t count = take_u32(reader);
	uint32_t n = 0;

	if (!map_offsets(checker, reader, count))
		return false;

	for_each_until_failed(n, checker->types.count, reader) {
		const uint8_t *types = NULL;
		uint64_t cells = 0;
		uint64_t i = 0;

		checker->types.offsets[n] = reader->offset;
		cells = take_u32(reader);
		cells += take_u32(reader);
		types = take(reader, 1, cells);
		for (i = 0; types && i < cells; i++)
			if (!is_value_type(types[i]))
				return refuse(checker,
					      "the AOT file is damaged: %#x is no type of a value",
					      types[i]);
		cost_block(checker, cells + COST_TYPE);
		cost(checker, 1, sizeof(void *));
	}

	return true;
}

const uint8_t *find_type(const struct types *types, uint32_t index,
			 uint32_t *params, uint32_t *results)
{
	struct reader reader = types->all;

	if (index >= types->count)
		return NULL;

	reader.offset = types->offsets[index];
	*params = take_u32(&reader);
	*results = take_u32(&reader);
	return take(&reader, 1, (uint64_t)*params + *results);
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

	checker->global_count = take_u32(reader);
	cost(checker, checker->global_count, COST_GLOBAL);
	for_each_until_failed(n, checker->global_count, reader) {
		if (!is_value_type(take_u8(reader)) && !reader->failed)
			return refuse(checker,
				      "the AOT file is damaged: global %"PRIu32" has a type that does not exist",
				      n);
		take_u8(reader);	/* is mutable */
		if (take_u16(reader) == INIT_EXPR_V128)
			take(reader, 1, 2 * sizeof(uint64_t));
		else
			skip_u64(reader);
	}

	return true;
}

/* Passes over globals that check_globals() has seen, now with their functions */
static bool check_global_functions(struct checker *checker,
				   struct reader reader)
{
	uint32_t count = 0;
	uint32_t n = 0;

	take_u32(&reader);	/* imported: none */
	count = take_u32(&reader);
	for_each_until_failed(n, count, &reader) {
		uint16_t kind = 0;
		uint32_t value = 0;

		take(&reader, 1, 2);	/* type, is mutable */
		kind = take_u16(&reader);
		if (kind == INIT_EXPR_V128) {
			take(&reader, 1, 2 * sizeof(uint64_t));
			continue;
		}
		value = take_u32(&reader);
		take_u32(&reader);
		if (kind == INIT_EXPR_FUNCREF && value != NO_FUNCTION &&
		    !is_function(checker, value))
			return refuse(checker,
				      "the AOT file is damaged: global %"PRIu32" has function index %"PRIu32,
				      n, value);
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
		if (has_nul(module) || has_nul(name))
			return refuse(checker,
				      "the AOT file is damaged: a NUL in the name of import %"PRIu32,
				      n);

		cost_name(checker, name);
		signature = wasi_signature(module.text, module.length,
					   name.text, name.length);
		if (!signature)
			return refuse(checker,
				      "the module imports %.*s.%.*s, which this TA does not offer: it has WASI preview 1",
				      module.length, module.text, name.length,
				      name.text);

		checker->info->wasi |= wasi_group(name.text, name.length);
		cells = find_type(&checker->types, type, &params, &results);
		if (!cells || !type_matches(cells, params, results, signature))
			return refuse(checker,
				      "the module imports %.*s.%.*s with another type than %s, which it has in WASI preview 1",
				      module.length, module.text, name.length,
				      name.text, signature);
	}

	return true;
}

static bool check_data_sections(struct checker *checker, struct reader *reader)
{
	uint32_t count = take_u32(reader);
	uint32_t n = 0;

	if (count > MAX_DATA_SECTIONS)
		return refuse(checker,
			      "the AOT file is damaged: it has %"PRIu32" data sections",
			      count);

	checker->data_section_count = count;
	checker->data_sections = *reader;
	cost(checker, count, COST_DATA_SECTION);
	for_each_until_failed(n, count, reader) {
		struct name name = take_name(reader);

		if (has_nul(name))
			return refuse(checker,
				      "the AOT file is damaged: a NUL in the name of data section %"PRIu32,
				      n);
		cost_name(checker, name);
		take(reader, 1, take_u32(reader));
	}

	return true;
}

bool check_init_data(struct checker *checker)
{
	struct reader reader = checker->section[SECTION_INIT_DATA];
	struct reader elements = { };
	struct reader globals = { };

	if (!check_memory(checker, &reader) || !check_tables(checker, &reader))
		return false;

	elements = reader;
	if (!check_elements(checker, &reader, false) ||
	    !check_types(checker, &reader))
		return false;
	if (reader.failed)
		return truncated(checker, &reader);

	globals = reader;
	if (!check_globals(checker, &reader) ||
	    !check_imports(checker, &reader))
		return false;

	checker->func_count = take_u32(&reader);
	cost(checker, checker->func_count, COST_FUNCTION_LOADED);
	checker->start = take_u32(&reader);
	checker->info->has_start_section = checker->start != NO_START_FUNCTION;
	take(&reader, sizeof(uint32_t), 7 * sizeof(uint32_t));	/* stack etc. */
	if (!check_data_sections(checker, &reader))
		return false;
	if (reader.failed || reader.offset != reader.end)
		return truncated(checker, &reader);

	return check_elements(checker, &elements, true) &&
	       check_global_functions(checker, globals);
}
