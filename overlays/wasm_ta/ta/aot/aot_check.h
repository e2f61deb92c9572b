/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the AOT file's check share: a reader that never leaves its
 * section, and what is known of the file so far.
 */
#ifndef AOT_CHECK_H
#define AOT_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <util.h>

#include "aot/aot_info.h"

/*
 * What the runtime allocates, for an estimate of the heap that a module needs:
 * sizes of its structures (core/iwasm/aot/aot_runtime.h), and of a block's
 * header (core/shared/mem-alloc/ems). teeforge/modules/aotbody.py has the same numbers
 * and does the same sum.
 */
#define COST_RUNTIME		2320	/* heap, hash maps, module, exec env */
#define COST_BLOCK_HEADER	4
#define COST_DATA_SEGMENT	(36 + 1)	/* with its bit in the instance */
#define COST_ELEMENT_SEGMENT	(44 + 1)
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

#define NO_START_FUNCTION	UINT32_MAX
#define NO_FUNCTION		UINT32_MAX	/* ref.null */

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

/* Where each is, or looking for them would take long when there are many */
struct types {
	struct reader all;
	uint32_t count;
	uint32_t *offsets;
};

struct checker {
	struct aot_info *info;
	struct types types;
	uint32_t memory_count;
	uint32_t table_count;
	uint32_t global_count;
	uint32_t import_count;
	uint32_t func_count;	/* without imports */
	uint32_t start;		/* index of a function, or NO_START_FUNCTION */
	uint32_t literal_size;	/* what comes before the code in the text ... */
	uint32_t code_size;	/* ... and what remains of it */
	uint32_t data_section_count;
	struct reader data_sections;
	struct reader section[SECTIONS];
	char *message;
	size_t message_size;
};

static inline const void *take(struct reader *reader, size_t align, size_t size)
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

static inline uint8_t take_u8(struct reader *reader)
{
	const uint8_t *p = take(reader, 1, sizeof(*p));

	return p ? *p : 0;
}

static inline uint16_t take_u16(struct reader *reader)
{
	const uint16_t *p = take(reader, sizeof(*p), sizeof(*p));

	return p ? *p : 0;
}

static inline uint32_t take_u32(struct reader *reader)
{
	const uint32_t *p = take(reader, sizeof(*p), sizeof(*p));

	return p ? *p : 0;
}

/* A u64 is aligned like a u32 */
static inline void skip_u64(struct reader *reader)
{
	take(reader, sizeof(uint32_t), sizeof(uint64_t));
}

static inline uint64_t take_u64(struct reader *reader)
{
	uint64_t low = take_u32(reader);

	return low | (uint64_t)take_u32(reader) << 32;
}

static inline struct name take_name(struct reader *reader)
{
	struct name name = { };

	name.length = take_u16(reader);
	name.text = take(reader, 1, name.length);
	if (!name.text)
		name.length = 0;

	return name;
}

/*
 * The runtime takes a name as a C string. One with a NUL inside is to it what
 * comes before: it must not be something else to us.
 */
static inline bool has_nul(struct name name)
{
	return name.length && memchr(name.text, '\0', name.length);
}

static inline bool name_is(struct name name, const char *text)
{
	return name.length == strlen(text) &&
	       !memcmp(name.text, text, name.length);
}

/* Counts are untrusted: each loop over one ends at the first failed read */
#define for_each_until_failed(n, count, reader) \
	for ((n) = 0; (n) < (count) && !(reader)->failed; (n)++)

/* Writes the one sentence that says why: false, for the caller to return */
bool refuse(struct checker *checker, const char *format, ...) __printf(2, 3);

bool truncated(struct checker *checker, const struct reader *reader);

/* aot_init.c */
bool check_init_data(struct checker *checker);
void forget_types(struct types *types);

/* Finds type @index: its parameter and result types, one byte each */
const uint8_t *find_type(const struct types *types, uint32_t index,
			 uint32_t *params, uint32_t *results);

/* aot_code.c */
bool check_code(struct checker *checker);

/* Imports come first, then the module's own functions */
static inline bool is_function(const struct checker *checker, uint32_t index)
{
	return index < (uint64_t)checker->import_count + checker->func_count;
}

static inline void cost(struct checker *checker, uint64_t count, uint64_t bytes)
{
	/* Counts have 32 bits and bytes less than 33: no product overflows */
	checker->info->heap_needed += count * bytes;
}

/* A block of its own, which the allocator rounds up */
static inline void cost_block(struct checker *checker, uint64_t bytes)
{
	cost(checker, 1, ROUNDUP(bytes + COST_BLOCK_HEADER, 8));
}

static inline void cost_name(struct checker *checker, struct name name)
{
	cost_block(checker, name.length + 1);
	cost(checker, 1, COST_NAME);
}


#endif /* AOT_CHECK_H */
