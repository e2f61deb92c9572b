// SPDX-License-Identifier: Apache-2.0
/*
 * WASI preview 1 as a table of native symbols; they are in wasi_*.c by subject.
 */
#include "wasi/wasi.h"

#include <string.h>
#include <util.h>
#include <wasm_signed.h>

#include "fs/secure.h"
#include "wasi/wasi_calls.h"

/* The 46 functions. Signatures: i 32 and I 64 bits; addresses are checked here */

#define FUNCTION(name, signature) { #name, (void *)wasi_##name, signature, NULL }
#define SAME(name, as, signature) { #name, (void *)wasi_##as, signature, NULL }

/* Not const: the runtime sorts the table */
static NativeSymbol preview1[] = {
	FUNCTION(args_get, "(ii)i"),
	FUNCTION(args_sizes_get, "(ii)i"),
	FUNCTION(clock_res_get, "(ii)i"),
	FUNCTION(clock_time_get, "(iIi)i"),
	FUNCTION(environ_get, "(ii)i"),
	FUNCTION(environ_sizes_get, "(ii)i"),
	FUNCTION(fd_advise, "(iIIi)i"),
	FUNCTION(fd_allocate, "(iII)i"),
	FUNCTION(fd_close, "(i)i"),
	FUNCTION(fd_datasync, "(i)i"),
	FUNCTION(fd_fdstat_get, "(ii)i"),
	FUNCTION(fd_fdstat_set_flags, "(ii)i"),
	FUNCTION(fd_fdstat_set_rights, "(iII)i"),
	FUNCTION(fd_filestat_get, "(ii)i"),
	FUNCTION(fd_filestat_set_size, "(iI)i"),
	FUNCTION(fd_filestat_set_times, "(iIIi)i"),
	FUNCTION(fd_pread, "(iiiIi)i"),
	FUNCTION(fd_prestat_dir_name, "(iii)i"),
	FUNCTION(fd_prestat_get, "(ii)i"),
	FUNCTION(fd_pwrite, "(iiiIi)i"),
	FUNCTION(fd_read, "(iiii)i"),
	FUNCTION(fd_readdir, "(iiiIi)i"),
	FUNCTION(fd_renumber, "(ii)i"),
	FUNCTION(fd_seek, "(iIii)i"),
	FUNCTION(fd_sync, "(i)i"),
	FUNCTION(fd_tell, "(ii)i"),
	FUNCTION(fd_write, "(iiii)i"),
	FUNCTION(path_create_directory, "(iii)i"),
	FUNCTION(path_filestat_get, "(iiiii)i"),
	FUNCTION(path_filestat_set_times, "(iiiiIIi)i"),
	FUNCTION(path_link, "(iiiiiii)i"),
	FUNCTION(path_open, "(iiiiiIIii)i"),
	FUNCTION(path_readlink, "(iiiiii)i"),
	FUNCTION(path_remove_directory, "(iii)i"),
	FUNCTION(path_rename, "(iiiiii)i"),
	FUNCTION(path_symlink, "(iiiii)i"),
	FUNCTION(path_unlink_file, "(iii)i"),
	FUNCTION(poll_oneoff, "(iiii)i"),
	FUNCTION(proc_exit, "(i)"),
	FUNCTION(proc_raise, "(i)i"),
	FUNCTION(random_get, "(ii)i"),
	FUNCTION(sched_yield, "()i"),
	FUNCTION(sock_accept, "(iii)i"),
	FUNCTION(sock_recv, "(iiiiii)i"),
	FUNCTION(sock_send, "(iiiii)i"),
	FUNCTION(sock_shutdown, "(ii)i"),
};

_Static_assert(ARRAY_SIZE(preview1) == 46, "WASI preview 1 has 46 functions");

/* Functions whose structures or numbers were other ones in wasi_unstable */
static const NativeSymbol unstable_only[] = {
	SAME(fd_filestat_get, unstable_fd_filestat_get, "(ii)i"),
	SAME(fd_seek, unstable_fd_seek, "(iIii)i"),
	SAME(path_filestat_get, unstable_path_filestat_get, "(iiiii)i"),
	SAME(poll_oneoff, unstable_poll_oneoff, "(iiii)i"),
};

static NativeSymbol unstable[ARRAY_SIZE(preview1)];

/* emcc's programs tell JavaScript that they grew; here nobody has to know */
static void wasi_memory_grew(wasm_exec_env_t env __unused,
			     uint32_t memory __unused)
{
}

static NativeSymbol emscripten[] = {
	SAME(emscripten_notify_memory_growth, memory_grew, "(i)"),
};

/* Our own, described in samples/attest/wasi_ra.h */
static NativeSymbol attestation[] = {
	SAME(collect_quote, ra_collect_quote, "(iii)i"),
	SAME(receive_data, ra_receive_data, "(iiiii)i"),
	SAME(session_key, ra_session_key, "(iii)i"),
};

struct offer {
	const char *module;
	NativeSymbol *functions;
	size_t count;
};

static const struct offer offered[] = {
	{ "wasi_snapshot_preview1", preview1, ARRAY_SIZE(preview1) },
	{ "wasi_unstable", unstable, ARRAY_SIZE(unstable) },
	{ "env", emscripten, ARRAY_SIZE(emscripten) },
	{ "wasi_ra", attestation, ARRAY_SIZE(attestation) },
};

static void make_unstable(void)
{
	size_t n = 0;
	size_t m = 0;

	memcpy(unstable, preview1, sizeof(unstable));
	for (n = 0; n < ARRAY_SIZE(unstable); n++)
		for (m = 0; m < ARRAY_SIZE(unstable_only); m++)
			if (!strcmp(unstable[n].symbol,
				    unstable_only[m].symbol))
				unstable[n] = unstable_only[m];
}

/* Modules are checked before there is a runtime to register anything with */
static const struct offer *offers(void)
{
	if (!unstable[0].symbol)
		make_unstable();

	return offered;
}

bool wasi_open(struct wasi *state)
{
	return fs_open(&state->fs) == WASI_ESUCCESS &&
	       fd_open_table(&state->fds, &state->fs, state->input) ==
	       WASI_ESUCCESS;
}

void wasi_close(struct wasi *state)
{
	secure_unmount(&state->fs);
	fs_close(&state->fs);
}

void wasi_select(struct wasi *state)
{
	wasi = state;
}

bool wasi_register(void)
{
	const struct offer *offer = offers();
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(offered); n++)
		if (!wasm_runtime_register_natives(offer[n].module,
						   offer[n].functions,
						   offer[n].count))
			return false;

	return true;
}

static bool equal(const char *text, size_t length, const char *name)
{
	return length == strlen(name) && !memcmp(text, name, length);
}

const char *wasi_signature(const char *module, size_t module_length,
			   const char *name, size_t name_length)
{
	const struct offer *offer = offers();
	const NativeSymbol *found = NULL;
	size_t n = 0;
	size_t m = 0;

	for (n = 0; n < ARRAY_SIZE(offered); n++)
		if (equal(module, module_length, offer[n].module))
			for (m = 0; m < offer[n].count; m++) {
				found = &offer[n].functions[m];
				if (equal(name, name_length, found->symbol))
					return found->signature;
			}

	return NULL;
}

uint32_t wasi_group(const char *name, size_t length)
{
	static const struct {
		const char *begin;
		uint32_t group;
	} groups[] = {
		{ "args_", WASM_SIGNED_WASI_ARGUMENTS },
		{ "environ_", WASM_SIGNED_WASI_ARGUMENTS },
		{ "clock_", WASM_SIGNED_WASI_CLOCKS },
		{ "poll_oneoff", WASM_SIGNED_WASI_CLOCKS },
		{ "random_get", WASM_SIGNED_WASI_RANDOM },
		{ "path_", WASM_SIGNED_WASI_FILES },
		{ "fd_readdir", WASM_SIGNED_WASI_FILES },
		{ "sock_", WASM_SIGNED_WASI_SOCKETS },
	};
	size_t n = 0;

	for (n = 0; n < ARRAY_SIZE(groups); n++)
		if (length >= strlen(groups[n].begin) &&
		    !memcmp(name, groups[n].begin, strlen(groups[n].begin)))
			return groups[n].group;

	return 0;
}
