/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of WASI preview 1, by the subject that each file has, and what
 * they share. Each is called by AOT code and returns a number of enum
 * wasi_errno.
 *
 * Every address that comes from the program goes through wasi_app(), which
 * checks it against the linear memory; a bad one traps, as an access by the
 * program would.
 */
#ifndef WASI_CALLS_H
#define WASI_CALLS_H

#include <stdint.h>
#include <tee_api_types.h>
#include <wasm_export.h>

#include "base/wasi_abi.h"
#include "wasi/wasi_state.h"

/* Of the program that runs */
extern struct wasi *wasi;

/* @length bytes at @address of the program, or NULL with the trap set */
void *wasi_app(wasm_exec_env_t env, uint32_t address, uint64_t length);

/* Store a value, which need not be aligned in linear memory */
uint32_t wasi_put(wasm_exec_env_t env, uint32_t address, const void *value,
		  size_t size);
uint32_t wasi_put_u32(wasm_exec_env_t env, uint32_t address, uint32_t value);
uint32_t wasi_put_u64(wasm_exec_env_t env, uint32_t address, uint64_t value);

/* Ends the run for a reason that is not the program's */
uint32_t wasi_stop(wasm_exec_env_t env, TEE_Result reason);

/* What filestat_get tells about a node */
struct wasi_filestat wasi_filestat_of(const struct fs_node *node);
uint32_t wasi_put_filestat(wasm_exec_env_t env, uint32_t at,
			   const struct wasi_filestat *stat, bool unstable);
/* Sets times as fd_filestat_set_times and path_filestat_set_times ask for */
uint32_t wasi_set_times(struct fs_node *node, uint64_t atim, uint64_t mtim,
			uint32_t flags);

#define CALL(name, ...) \
	uint32_t wasi_##name(wasm_exec_env_t env __VA_OPT__(,) __VA_ARGS__)

/* wasi_clock.c */
CALL(clock_res_get, uint32_t id, uint32_t at);
CALL(clock_time_get, uint32_t id, uint64_t precision, uint32_t at);
CALL(poll_oneoff, uint32_t subs, uint32_t events, uint32_t count,
     uint32_t ready_at);
CALL(unstable_poll_oneoff, uint32_t subs, uint32_t events, uint32_t count,
     uint32_t ready_at);

/* wasi_fd.c */
CALL(fd_advise, uint32_t fd, uint64_t offset, uint64_t length, uint32_t advice);
CALL(fd_allocate, uint32_t fd, uint64_t offset, uint64_t length);
CALL(fd_close, uint32_t fd);
CALL(fd_datasync, uint32_t fd);
CALL(fd_fdstat_get, uint32_t fd, uint32_t at);
CALL(fd_fdstat_set_flags, uint32_t fd, uint32_t flags);
CALL(fd_fdstat_set_rights, uint32_t fd, uint64_t base, uint64_t inheriting);
CALL(fd_filestat_get, uint32_t fd, uint32_t at);
CALL(unstable_fd_filestat_get, uint32_t fd, uint32_t at);
CALL(fd_filestat_set_size, uint32_t fd, uint64_t size);
CALL(fd_filestat_set_times, uint32_t fd, uint64_t atim, uint64_t mtim,
     uint32_t flags);
CALL(fd_prestat_dir_name, uint32_t fd, uint32_t at, uint32_t length);
CALL(fd_prestat_get, uint32_t fd, uint32_t at);
CALL(fd_readdir, uint32_t fd, uint32_t buf, uint32_t length, uint64_t cookie,
     uint32_t used_at);
CALL(fd_renumber, uint32_t from, uint32_t to);
CALL(fd_seek, uint32_t fd, int64_t offset, uint32_t whence, uint32_t at);
CALL(unstable_fd_seek, uint32_t fd, int64_t offset, uint32_t whence,
     uint32_t at);
CALL(fd_sync, uint32_t fd);
CALL(fd_tell, uint32_t fd, uint32_t at);

/* wasi_io.c */
CALL(fd_pread, uint32_t fd, uint32_t iovs, uint32_t count, uint64_t offset,
     uint32_t at);
CALL(fd_pwrite, uint32_t fd, uint32_t iovs, uint32_t count, uint64_t offset,
     uint32_t at);
CALL(fd_read, uint32_t fd, uint32_t iovs, uint32_t count, uint32_t at);
CALL(fd_write, uint32_t fd, uint32_t iovs, uint32_t count, uint32_t at);
CALL(sock_accept, uint32_t fd, uint32_t flags, uint32_t at);
CALL(sock_recv, uint32_t fd, uint32_t iovs, uint32_t count, uint32_t flags,
     uint32_t length_at, uint32_t flags_at);
CALL(sock_send, uint32_t fd, uint32_t iovs, uint32_t count, uint32_t flags,
     uint32_t length_at);
CALL(sock_shutdown, uint32_t fd, uint32_t how);

/* wasi_path.c */
CALL(path_create_directory, uint32_t fd, uint32_t path, uint32_t length);
CALL(path_filestat_get, uint32_t fd, uint32_t flags, uint32_t path,
     uint32_t length, uint32_t at);
CALL(unstable_path_filestat_get, uint32_t fd, uint32_t flags, uint32_t path,
     uint32_t length, uint32_t at);
CALL(path_filestat_set_times, uint32_t fd, uint32_t flags, uint32_t path,
     uint32_t length, uint64_t atim, uint64_t mtim, uint32_t fst_flags);
CALL(path_link, uint32_t fd, uint32_t flags, uint32_t path, uint32_t length,
     uint32_t new_fd, uint32_t new_path, uint32_t new_length);
CALL(path_open, uint32_t fd, uint32_t dirflags, uint32_t path, uint32_t length,
     uint32_t oflags, uint64_t base, uint64_t inheriting, uint32_t fdflags,
     uint32_t at);
CALL(path_readlink, uint32_t fd, uint32_t path, uint32_t length, uint32_t buf,
     uint32_t size, uint32_t used_at);
CALL(path_remove_directory, uint32_t fd, uint32_t path, uint32_t length);
CALL(path_rename, uint32_t fd, uint32_t path, uint32_t length, uint32_t new_fd,
     uint32_t new_path, uint32_t new_length);
CALL(path_symlink, uint32_t target, uint32_t target_length, uint32_t fd,
     uint32_t path, uint32_t length);
CALL(path_unlink_file, uint32_t fd, uint32_t path, uint32_t length);

/* wasi_process.c */
CALL(args_get, uint32_t pointers, uint32_t at);
CALL(args_sizes_get, uint32_t count_at, uint32_t size_at);
CALL(environ_get, uint32_t pointers, uint32_t at);
CALL(environ_sizes_get, uint32_t count_at, uint32_t size_at);
void wasi_proc_exit(wasm_exec_env_t env, uint32_t code);
CALL(proc_raise, uint32_t signal);
CALL(random_get, uint32_t at, uint32_t length);
CALL(sched_yield);

/* wasi_ra.c */
CALL(ra_collect_quote, uint32_t at, uint32_t size, uint32_t size_at);
CALL(ra_receive_data, uint32_t from, uint32_t length, uint32_t at,
     uint32_t size, uint32_t size_at);
CALL(ra_session_key, uint32_t at, uint32_t size, uint32_t size_at);

#undef CALL

#endif /* WASI_CALLS_H */
