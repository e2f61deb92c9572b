// SPDX-License-Identifier: Apache-2.0
/*
 * Runs of hostile programs on a hostile host: folders that it sends, and then
 * any sequence of WASI calls, as AOT code makes them through the runtime's table,
 * on the linear memory of a real instance. Memory, secure storage and the other
 * world fail wherever the input says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <util.h>
#include <wasm_export.h>
#include <wasm_ta.h>

#include "aot_runtime.h"
#include "base/wasi_abi.h"
#include "cursor.h"
#include "fs/files.h"
#include "fs/secure.h"
#include "runtime.h"
#include "shim.h"
#include "trust/manifest.h"
#include "wasi/wasi.h"
#include "wasm_native.h"
#include "world.h"

#define MEMORY_SIZE	65536
#define ARGS_MAX	9
#define CALLS_MAX	200
/* Where lists and paths are put for the calls, behind what they write to */
#define SCRATCH		16384

/*
 * The functions and what they take: d descriptor, a address, l length, n number,
 * q 64 bits, r rights; p path, v buffers, e subscriptions and events with their
 * counts.
 */
static const struct {
	const char *name;
	const char *takes;
} functions[] = {
	{ "args_get", "aa" },
	{ "args_sizes_get", "aa" },
	{ "clock_res_get", "na" },
	{ "clock_time_get", "nqa" },
	{ "environ_get", "aa" },
	{ "environ_sizes_get", "aa" },
	{ "fd_advise", "dqqn" },
	{ "fd_allocate", "dqq" },
	{ "fd_close", "d" },
	{ "fd_datasync", "d" },
	{ "fd_fdstat_get", "da" },
	{ "fd_fdstat_set_flags", "dn" },
	{ "fd_fdstat_set_rights", "drr" },
	{ "fd_filestat_get", "da" },
	{ "fd_filestat_set_size", "dq" },
	{ "fd_filestat_set_times", "dqqn" },
	{ "fd_pread", "dvqa" },
	{ "fd_prestat_dir_name", "dal" },
	{ "fd_prestat_get", "da" },
	{ "fd_pwrite", "dvqa" },
	{ "fd_read", "dva" },
	{ "fd_readdir", "dalqa" },
	{ "fd_renumber", "dd" },
	{ "fd_seek", "dqna" },
	{ "fd_sync", "d" },
	{ "fd_tell", "da" },
	{ "fd_write", "dva" },
	{ "path_create_directory", "dp" },
	{ "path_filestat_get", "dnpa" },
	{ "path_filestat_set_times", "dnpqqn" },
	{ "path_link", "dnpdp" },
	{ "path_open", "dnpnrrna" },
	{ "path_readlink", "dpala" },
	{ "path_remove_directory", "dp" },
	{ "path_rename", "dpdp" },
	{ "path_symlink", "pdp" },
	{ "path_unlink_file", "dp" },
	{ "poll_oneoff", "ea" },
	{ "proc_exit", "n" },
	{ "proc_raise", "n" },
	{ "random_get", "al" },
	{ "sched_yield", "" },
	{ "sock_accept", "dna" },
	{ "sock_recv", "dvnaa" },
	{ "sock_send", "dvna" },
	{ "sock_shutdown", "dn" },
	/* wasi_ra */
	{ "collect_quote", "ana" },
	{ "receive_data", "anana" },
	{ "session_key", "ana" },
};

#define PREVIEW1	46

_Static_assert(ARRAY_SIZE(functions) == PREVIEW1 + 3,
	       "WASI preview 1 has 46 functions, wasi_ra 3");

static const char *const modules[] = {
	"wasi_snapshot_preview1", "wasi_unstable",
};

/* As AOT code for this host calls them: each argument in 64 bits */
typedef uint32_t (*native)(wasm_exec_env_t env, uint64_t, uint64_t, uint64_t,
			   uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
			   uint64_t);

static struct {
	wasm_module_inst_t inst;
	wasm_exec_env_t env;
	uint8_t *memory;
	native natives[2][ARRAY_SIZE(functions)];
	size_t counts[ARRAY_SIZE(functions)];
	bool shows;		/* for whoever wants to know what an input does */
} machine;

static native resolve(const char *module, size_t n)
{
	const char *signature = wasi_signature(module, strlen(module),
					       functions[n].name,
					       strlen(functions[n].name));
	uint64_t room[4] = { };
	WASMType *type = (WASMType *)room;
	const char *text = signature + 1;
	void *attachment = NULL;
	bool raw = false;

	for (; *text != ')'; text++)
		type->types[type->param_count++] =
			*text == 'I' ? VALUE_TYPE_I64 : VALUE_TYPE_I32;
	if (text[1]) {
		type->result_count = 1;
		type->types[type->param_count] = VALUE_TYPE_I32;
	}
	machine.counts[n] = type->param_count;
	return (native)wasm_native_resolve_symbol(module, functions[n].name,
						  type, &signature,
						  &attachment, &raw);
}

/* A module that has nothing but a memory of one page */
int LLVMFuzzerInitialize(int *argc __unused, char ***argv __unused)
{
	static AOTMemory memory = {
		.num_bytes_per_page = MEMORY_SIZE,
		.mem_init_page_count = 1,
		.mem_max_page_count = 1,
	};
	static AOTModule module = {
		.module_type = Wasm_Module_AoT,
		.memory_count = 1,
		.memories = &memory,
		.malloc_func_index = (uint32)-1,
		.free_func_index = (uint32)-1,
		.retain_func_index = (uint32)-1,
		.aux_heap_base_global_index = (uint32)-1,
	};
	char error[128] = { };
	size_t n = 0;
	size_t m = 0;

	runtime_start();
	machine.inst = wasm_runtime_instantiate((wasm_module_t)&module, 256, 0,
						error, sizeof(error));
	if (machine.inst)
		machine.env = wasm_runtime_create_exec_env(machine.inst, 256);
	if (!machine.env)
		abort();
	machine.memory = wasm_runtime_addr_app_to_native(machine.inst, 0);
	machine.shows = getenv("FUZZ_SHOW");

	for (m = 0; m < ARRAY_SIZE(modules); m++)
		for (n = 0; n < ARRAY_SIZE(functions); n++) {
			machine.natives[m][n] =
				resolve(n < PREVIEW1 ? modules[m] : "wasi_ra", n);
			if (!machine.natives[m][n])
				abort();
		}
	return 0;
}

/* Arguments of a call, in making */
struct args_list {
	uint64_t values[ARGS_MAX];
	size_t count;
	uint32_t scratch;
};

static void add(struct args_list *list, uint64_t value)
{
	if (list->count == ARGS_MAX)
		abort();
	list->values[list->count++] = value;
}

/* At the beginning of the memory, near its end, or anywhere */
static uint32_t take_address(struct cursor *c)
{
	uint8_t byte = take(c, 1);

	if (byte < 0xc0)
		return byte * 61u;
	return byte < 0xf0 ? MEMORY_SIZE - (byte - 0xc0) : take(c, 4);
}

static uint64_t take_rights(struct cursor *c)
{
	uint8_t byte = take(c, 1);

	if (byte < 0x60)
		return WASI_RIGHTS_ALL;
	return byte < 0xe0 ? WASI_RIGHTS_ALL & ~WASI_RIGHT_FD_WRITE :
			     take(c, 8);
}

static void put_word(uint32_t at, uint64_t value, size_t size)
{
	if (at + size <= MEMORY_SIZE)
		memcpy(machine.memory + at, &value, size);
}

static void add_path(struct args_list *list, struct cursor *c)
{
	uint32_t at = list->scratch;
	size_t length = 0;

	if (c->left && *c->next == 0xff) {
		take(c, 1);
		add(list, take_address(c));
		add(list, take_length(c));
		return;
	}

	length = take_path(c, (char *)machine.memory + at, 8192);
	add(list, at);
	add(list, length);
	list->scratch += 8192;
}

static void add_vector(struct args_list *list, struct cursor *c)
{
	uint8_t byte = take(c, 1);
	uint32_t n = 0;

	if (byte >= 0xf0) {
		add(list, take_address(c));
		add(list, take_length(c));
		return;
	}

	for (n = 0; n < byte % 4u; n++) {
		put_word(list->scratch + 8 * n, take_address(c), 4);
		put_word(list->scratch + 8 * n + 4, take_length(c), 4);
	}
	add(list, list->scratch);
	add(list, byte % 4u);
}

static void add_events(struct args_list *list, struct cursor *c)
{
	uint8_t byte = take(c, 1);
	uint32_t at = list->scratch;
	uint32_t n = 0;

	if (byte >= 0xf0) {
		add(list, take_address(c));
		add(list, take_address(c));
		add(list, take_length(c));
		return;
	}

	for (n = 0; n < byte % 4u; n++) {
		uint32_t one = at + n * sizeof(struct wasi_subscription);

		put_word(one, n, 8);
		put_word(one + 8, take(c, 1) % 4, 8);
		put_word(one + 16, take_number(c), 8);
		put_word(one + 24, take_wide(c), 8);
		put_word(one + 32, 0, 8);
		put_word(one + 40, take(c, 1) % 2, 8);
	}
	add(list, at);
	add(list, take_address(c));
	add(list, byte % 4u);
}

static void add_argument(struct args_list *list, struct cursor *c, char kind)
{
	switch (kind) {
	case 'd':
		add(list, c->left && *c->next < 0xf0 ? take(c, 1) % 12 :
						       take_number(c));
		break;
	case 'a':
		add(list, take_address(c));
		break;
	case 'l':
		add(list, take_length(c));
		break;
	case 'n':
		add(list, take_number(c));
		break;
	case 'q':
		add(list, take_wide(c));
		break;
	case 'r':
		add(list, take_rights(c));
		break;
	case 'p':
		add_path(list, c);
		break;
	case 'v':
		add_vector(list, c);
		break;
	default:
		add_events(list, c);
		break;
	}
}

static void call(struct cursor *c, size_t module, size_t n)
{
	struct args_list list = { .scratch = SCRATCH };
	const char *kind = NULL;
	const uint64_t *v = list.values;
	uint32_t err = 0;

	for (kind = functions[n].takes; *kind; kind++)
		add_argument(&list, c, *kind);
	if (list.count != machine.counts[n])
		abort();

	err = machine.natives[module][n](machine.env, v[0], v[1], v[2], v[3],
					 v[4], v[5], v[6], v[7], v[8]);
	if (machine.shows)
		fprintf(stderr, "%s: %u\n", functions[n].name, err);
}

/* What a program does between its calls: false, it has ended */
static bool act(struct cursor *c, struct world *world)
{
	uint8_t byte = take(c, 1);
	uint32_t at = 0;
	size_t size = 0;

	if (byte < 4 * PREVIEW1) {
		call(c, byte % 4 == 3, byte / 4);
		return !wasm_runtime_get_exception(machine.inst);
	}

	switch (byte % 8) {
	case 0:
		size = take(c, 1) % 64;
		at = take(c, 2);
		if (at + size <= MEMORY_SIZE)
			memcpy(machine.memory + at, take_bytes(c, &size), size);
		return true;
	case 1:
		world_disturb(world, c);
		return true;
	case 2:
		pool_fail = take(c, 1);
		return true;
	case 3:
		storage_fail = take(c, 1);
		world->storage_failed = true;
		return true;
	case 4:
		return false;
	case 6:
		call(c, 0, PREVIEW1 + take(c, 1) % 3);
		return !wasm_runtime_get_exception(machine.inst);
	default:
		call(c, 0, 31);	/* path_open, without which there is little */
		return !wasm_runtime_get_exception(machine.inst);
	}
}

/* Whose storage it is, less than there is of it */
static const struct manifest owner = {
	.is_signed = true,
	.name = "program",
	.version = 1,
	.storage = 256 * 1024,
};

/* What is counted of the quota is at least what the tree has */
static void check_room(struct fs *fs)
{
	struct fs_list list = { };
	uint64_t bytes = 0;
	uint32_t n = 0;

	if (!fs->storage.lock || fs_list(fs, fs->secure, &list) != WASI_ESUCCESS)
		return;
	for (n = 0; n < list.count; n++) {
		const struct fs_node *node = list.items[n].entry->node;

		bytes += list.items[n].entry->length;
		if (node->type != WASI_FILETYPE_DIRECTORY && node->nlink == 1)
			bytes += node->size;
	}
	fs_free_list(&list);
	if (bytes > fs->storage.taken)
		abort();
}

/* As instance.c does it */
static void run(struct cursor *c, struct world *world, const struct args *args)
{
	struct wasi state = {
		.args = args,
		.output = &world->output,
		.input = &world->input,
	};
	struct files files = { };
	TEE_Result res = TEE_ERROR_OUT_OF_MEMORY;
	size_t n = 0;

	wasi_select(&state);
	if (world_open(world, c)) {
		state.fs.pool.limit = input_files_limit(&world->input);
		if (wasi_open(&state))
			res = files_receive(&files, &state.fs, &world->input);
		state.fs.storage.owner = &owner;
		if (machine.shows)
			fprintf(stderr, "files: %#x, %u\n", res, files.count);
		for (n = 0; res == TEE_SUCCESS && n < CALLS_MAX && c->left; n++)
			if (!act(c, world))
				break;
		/* Whatever failed in the runs before, there is a tree */
		if (state.fs.storage.error == WASI_EIO &&
		    !world->storage_failed && !world->storage_filled)
			abort();
		if (state.fs.root && state.fs.secure)
			world_check_tree(world, &state.fs);
		check_room(&state.fs);
		if (res == TEE_SUCCESS) {
			world_check_descriptors(&state.fds);
			secure_store(&state.fs);
			if (!state.failure)
				files_send(&files, &state.fs, &world->output);
		}
	}
	wasm_runtime_clear_exception(machine.inst);
	wasi_close(&state);
	world_close(world);
	wasi_select(NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t budgets[] = {
		4 << 20, 4 << 20, 1 << 20, 256 << 10, 64 << 10, 32 << 10,
		28 << 10, 16 << 10,
	};
	/* struct wasm_ta_args, whose strings have no size in C */
	static const struct {
		uint32_t head[4];
		char strings[13];
	} strings = { { WASM_TA_VERSION, 2, 1, 13 }, "prog\0arg\0K=V" };
	struct cursor c = { data, size };
	struct world world = { };
	struct args args = { };
	size_t budget = 0;
	uint32_t n = 0;

	shim_seconds = 0;
	shim_ree_seconds = take(&c, 1) << 24;
	memset(machine.memory, 0, MEMORY_SIZE);
	world_fill_storage(&world, &c);
	if (args_copy(&args, &strings, offsetof(typeof(strings), strings) + 13) != TEE_SUCCESS)
		abort();

	/* Runs after each other: what one stores, the next one finds */
	for (n = 0; n < 4 && c.left; n++) {
		budget = budgets[take(&c, 1) % ARRAY_SIZE(budgets)];
		shim_budget = budget;
		run(&c, &world, &args);
		if (shim_budget != budget || !storage_is_closed())
			abort();
		pool_fail = 0;
		storage_fail = 0;
	}
	shim_budget = 1 << 20;
	args_free(&args);
	storage_reset();
	return 0;
}
