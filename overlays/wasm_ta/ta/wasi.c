// SPDX-License-Identifier: Apache-2.0
/*
 * WASI preview 1 as a table of native symbols: arguments, environment, clocks,
 * random numbers, standard streams and exit. What is not offered is registered
 * all the same, and returns the errno that says so.
 *
 * Every address that comes from the program goes through app(), which checks it
 * against the linear memory; a bad one traps, as an access by the program would.
 */
#include "wasi.h"

#include <string.h>
#include <tee_internal_api.h>
#include <util.h>
#include <wasm_export.h>

#include "wasi_abi.h"

#define STDIN			0u
#define STDOUT			1u
#define STDERR			2u
#define STDIO_COUNT		3u

#define NANOS_PER_MILLI		1000000ULL
#define NANOS_PER_SECOND	1000000000ULL

/* Long sleeps are cut, so that the end of the host app is noticed */
#define SLEEP_SLICE_MS		200

/* Bounds the time spent in the core with its random number generator */
#define RANDOM_SLICE		4096

/* Trap texts of the ends that are not traps; run.c looks at struct wasi */
#define TEXT_EXIT		"proc_exit"
#define TEXT_STOPPED		"the run was ended from outside"

static struct wasi *wasi;

/* @length bytes at @address of the program, or NULL with the trap set */
static void *app(wasm_exec_env_t env, uint32_t address, uint64_t length)
{
	wasm_module_inst_t inst = wasm_runtime_get_module_inst(env);

	if (length > UINT32_MAX) {
		wasm_runtime_set_exception(inst, "out of bounds memory access");
		return NULL;
	}
	if (!wasm_runtime_validate_app_addr(inst, address, length))
		return NULL;

	return wasm_runtime_addr_app_to_native(inst, address);
}

/* Stores a value, which need not be aligned in linear memory */
static uint32_t put(wasm_exec_env_t env, uint32_t address, const void *value,
		    size_t size)
{
	void *target = app(env, address, size);

	if (!target)
		return WASI_EINVAL;

	memcpy(target, value, size);
	return WASI_ESUCCESS;
}

static uint32_t put_u32(wasm_exec_env_t env, uint32_t address, uint32_t value)
{
	return put(env, address, &value, sizeof(value));
}

static uint32_t put_u64(wasm_exec_env_t env, uint32_t address, uint64_t value)
{
	return put(env, address, &value, sizeof(value));
}

/* Ends the run for a reason that is not the program's */
static uint32_t stop(wasm_exec_env_t env, TEE_Result reason)
{
	wasi->failure = reason;
	wasm_runtime_set_exception(wasm_runtime_get_module_inst(env),
				   TEXT_STOPPED);
	return WASI_EIO;
}

static bool is_open(uint32_t fd)
{
	return fd < STDIO_COUNT && !(wasi->closed & BIT32(fd));
}

/* Arguments and environment */

static uint32_t put_strings(wasm_exec_env_t env, uint32_t pointers,
			    uint32_t address, const char *strings,
			    uint32_t count, uint32_t size)
{
	uint8_t *table = app(env, pointers, (uint64_t)count * sizeof(uint32_t));
	char *target = app(env, address, size);
	uint32_t offset = 0;
	uint32_t n = 0;

	if (!table || !target)
		return WASI_EINVAL;

	memcpy(target, strings, size);
	for (n = 0; n < count; n++) {
		uint32_t pointer = address + offset;

		memcpy(table + n * sizeof(pointer), &pointer, sizeof(pointer));
		offset += strlen(strings + offset) + 1;
	}

	return WASI_ESUCCESS;
}

static uint32_t put_sizes(wasm_exec_env_t env, uint32_t count_at,
			  uint32_t size_at, uint32_t count, uint32_t size)
{
	uint32_t err = put_u32(env, count_at, count);

	return err ? err : put_u32(env, size_at, size);
}

static uint32_t args_get(wasm_exec_env_t env, uint32_t pointers,
			 uint32_t address)
{
	return put_strings(env, pointers, address, wasi->args->argv,
			   wasi->args->argc, wasi->args->argv_size);
}

static uint32_t args_sizes_get(wasm_exec_env_t env, uint32_t count_at,
			       uint32_t size_at)
{
	return put_sizes(env, count_at, size_at, wasi->args->argc,
			 wasi->args->argv_size);
}

static uint32_t environ_get(wasm_exec_env_t env, uint32_t pointers,
			    uint32_t address)
{
	return put_strings(env, pointers, address, wasi->args->environ,
			   wasi->args->envc, wasi->args->environ_size);
}

static uint32_t environ_sizes_get(wasm_exec_env_t env, uint32_t count_at,
				  uint32_t size_at)
{
	return put_sizes(env, count_at, size_at, wasi->args->envc,
			 wasi->args->environ_size);
}

/* Clocks: the finest that a TA is given is in milliseconds */

static bool clock_now(uint32_t id, uint64_t *nanos)
{
	TEE_Time now = { };

	switch (id) {
	case WASI_CLOCK_REALTIME:
		TEE_GetREETime(&now);
		break;
	case WASI_CLOCK_MONOTONIC:
	case WASI_CLOCK_PROCESS_CPUTIME:
	case WASI_CLOCK_THREAD_CPUTIME:
		TEE_GetSystemTime(&now);
		break;
	default:
		return false;
	}

	*nanos = now.seconds * NANOS_PER_SECOND + now.millis * NANOS_PER_MILLI;
	return true;
}

static uint32_t clock_res_get(wasm_exec_env_t env, uint32_t id, uint32_t at)
{
	if (id > WASI_CLOCK_THREAD_CPUTIME)
		return WASI_EINVAL;

	return put_u64(env, at, NANOS_PER_MILLI);
}

static uint32_t clock_time_get(wasm_exec_env_t env, uint32_t id,
			       uint64_t precision __unused, uint32_t at)
{
	uint64_t nanos = 0;

	if (!clock_now(id, &nanos))
		return WASI_EINVAL;

	return put_u64(env, at, nanos);
}

/* Standard streams */

static uint32_t fd_write(wasm_exec_env_t env, uint32_t fd, uint32_t iovs,
			 uint32_t count, uint32_t written_at)
{
	uint16_t channel = fd == STDOUT ? WASM_CHANNEL_STDOUT :
					  WASM_CHANNEL_STDERR;
	const uint8_t *vector = NULL;
	TEE_Result res = TEE_SUCCESS;
	uint64_t total = 0;
	uint32_t n = 0;

	if (!is_open(fd) || fd == STDIN)
		return WASI_EBADF;

	vector = app(env, iovs, (uint64_t)count * sizeof(struct wasi_iovec));
	if (!vector || !app(env, written_at, sizeof(uint32_t)))
		return WASI_EINVAL;

	for (n = 0; n < count; n++) {
		struct wasi_iovec iov = { };
		const void *bytes = NULL;

		memcpy(&iov, vector + n * sizeof(iov), sizeof(iov));
		bytes = app(env, iov.buf, iov.buf_len);
		if (!bytes)
			return WASI_EINVAL;

		/* The count is returned in 32 bits: a short write is allowed */
		if (total + iov.buf_len > UINT32_MAX)
			break;

		res = output_write(wasi->output, channel, bytes, iov.buf_len);
		if (res != TEE_SUCCESS)
			return stop(env, res);
		total += iov.buf_len;
	}

	return put_u32(env, written_at, total);
}

static uint32_t fd_read(wasm_exec_env_t env, uint32_t fd,
			uint32_t iovs __unused, uint32_t count __unused,
			uint32_t read_at)
{
	if (!is_open(fd) || fd != STDIN)
		return WASI_EBADF;

	/* Nothing feeds the in ring yet: end of file */
	return put_u32(env, read_at, 0);
}

static uint32_t fd_fdstat_get(wasm_exec_env_t env, uint32_t fd, uint32_t at)
{
	struct wasi_fdstat stat = {
		.filetype = WASI_FILETYPE_CHARACTER_DEVICE,
		.rights_base = WASI_RIGHT_FD_FILESTAT_GET |
			       WASI_RIGHT_POLL_FD_READWRITE,
	};

	if (!is_open(fd))
		return WASI_EBADF;

	if (fd == STDIN) {
		stat.rights_base |= WASI_RIGHT_FD_READ;
	} else {
		stat.rights_base |= WASI_RIGHT_FD_WRITE;
		stat.flags = WASI_FDFLAG_APPEND;
	}

	return put(env, at, &stat, sizeof(stat));
}

static uint32_t fd_filestat_get(wasm_exec_env_t env, uint32_t fd, uint32_t at)
{
	struct wasi_filestat stat = {
		.ino = fd,
		.filetype = WASI_FILETYPE_CHARACTER_DEVICE,
		.nlink = 1,
	};

	return is_open(fd) ? put(env, at, &stat, sizeof(stat)) : WASI_EBADF;
}

static uint32_t unstable_fd_filestat_get(wasm_exec_env_t env, uint32_t fd,
					 uint32_t at)
{
	struct wasi_unstable_filestat stat = {
		.ino = fd,
		.filetype = WASI_FILETYPE_CHARACTER_DEVICE,
		.nlink = 1,
	};

	return is_open(fd) ? put(env, at, &stat, sizeof(stat)) : WASI_EBADF;
}

static uint32_t fd_close(wasm_exec_env_t env __unused, uint32_t fd)
{
	if (!is_open(fd))
		return WASI_EBADF;

	wasi->closed |= BIT32(fd);
	return WASI_ESUCCESS;
}

static uint32_t fd_fdstat_set_flags(wasm_exec_env_t env __unused, uint32_t fd,
				    uint32_t flags __unused)
{
	return is_open(fd) ? WASI_ENOTSUP : WASI_EBADF;
}

static uint32_t fd_fdstat_set_rights(wasm_exec_env_t env __unused, uint32_t fd,
				     uint64_t base __unused,
				     uint64_t inheriting __unused)
{
	return is_open(fd) ? WASI_ENOTSUP : WASI_EBADF;
}

static uint32_t fd_seek(wasm_exec_env_t env __unused, uint32_t fd,
			int64_t offset __unused, uint32_t whence __unused,
			uint32_t at __unused)
{
	return is_open(fd) ? WASI_ESPIPE : WASI_EBADF;
}

static uint32_t fd_tell(wasm_exec_env_t env __unused, uint32_t fd,
			uint32_t at __unused)
{
	return is_open(fd) ? WASI_ESPIPE : WASI_EBADF;
}

static uint32_t fd_pread(wasm_exec_env_t env __unused, uint32_t fd,
			 uint32_t iovs __unused, uint32_t count __unused,
			 uint64_t offset __unused, uint32_t at __unused)
{
	return is_open(fd) ? WASI_ESPIPE : WASI_EBADF;
}

/* Also fd_datasync */
static uint32_t fd_sync(wasm_exec_env_t env __unused, uint32_t fd)
{
	return is_open(fd) ? WASI_EINVAL : WASI_EBADF;
}

static uint32_t fd_advise(wasm_exec_env_t env __unused, uint32_t fd,
			  uint64_t offset __unused, uint64_t length __unused,
			  uint32_t advice __unused)
{
	return is_open(fd) ? WASI_ESPIPE : WASI_EBADF;
}

static uint32_t fd_allocate(wasm_exec_env_t env __unused, uint32_t fd,
			    uint64_t offset __unused, uint64_t length __unused)
{
	return is_open(fd) ? WASI_ESPIPE : WASI_EBADF;
}

static uint32_t fd_filestat_set_size(wasm_exec_env_t env __unused, uint32_t fd,
				     uint64_t size __unused)
{
	return is_open(fd) ? WASI_EINVAL : WASI_EBADF;
}

static uint32_t fd_filestat_set_times(wasm_exec_env_t env __unused,
				      uint32_t fd, uint64_t atim __unused,
				      uint64_t mtim __unused,
				      uint32_t flags __unused)
{
	return is_open(fd) ? WASI_ENOTSUP : WASI_EBADF;
}

static uint32_t fd_renumber(wasm_exec_env_t env __unused, uint32_t from,
			    uint32_t to)
{
	return is_open(from) && is_open(to) ? WASI_ENOTSUP : WASI_EBADF;
}

/* Directories: nothing is preopened, which programs find out with these */

static uint32_t fd_prestat_get(wasm_exec_env_t env __unused,
			       uint32_t fd __unused, uint32_t at __unused)
{
	return WASI_EBADF;
}

static uint32_t fd_prestat_dir_name(wasm_exec_env_t env __unused,
				    uint32_t fd __unused, uint32_t at __unused,
				    uint32_t length __unused)
{
	return WASI_EBADF;
}

static uint32_t not_a_directory(uint32_t fd)
{
	return is_open(fd) ? WASI_ENOTDIR : WASI_EBADF;
}

static uint32_t fd_readdir(wasm_exec_env_t env __unused, uint32_t fd,
			   uint32_t buf __unused, uint32_t length __unused,
			   uint64_t cookie __unused, uint32_t used __unused)
{
	return not_a_directory(fd);
}

/* Also path_remove_directory and path_unlink_file */
static uint32_t path_create_directory(wasm_exec_env_t env __unused,
				      uint32_t fd, uint32_t path __unused,
				      uint32_t length __unused)
{
	return not_a_directory(fd);
}

static uint32_t path_filestat_get(wasm_exec_env_t env __unused, uint32_t fd,
				  uint32_t flags __unused,
				  uint32_t path __unused,
				  uint32_t length __unused,
				  uint32_t at __unused)
{
	return not_a_directory(fd);
}

static uint32_t path_filestat_set_times(wasm_exec_env_t env __unused,
					uint32_t fd, uint32_t flags __unused,
					uint32_t path __unused,
					uint32_t length __unused,
					uint64_t atim __unused,
					uint64_t mtim __unused,
					uint32_t fst_flags __unused)
{
	return not_a_directory(fd);
}

static uint32_t path_link(wasm_exec_env_t env __unused, uint32_t fd,
			  uint32_t flags __unused, uint32_t path __unused,
			  uint32_t length __unused, uint32_t new_fd __unused,
			  uint32_t new_path __unused,
			  uint32_t new_length __unused)
{
	return not_a_directory(fd);
}

static uint32_t path_open(wasm_exec_env_t env __unused, uint32_t fd,
			  uint32_t dirflags __unused, uint32_t path __unused,
			  uint32_t length __unused, uint32_t oflags __unused,
			  uint64_t rights __unused,
			  uint64_t inheriting __unused,
			  uint32_t fdflags __unused, uint32_t at __unused)
{
	return not_a_directory(fd);
}

static uint32_t path_readlink(wasm_exec_env_t env __unused, uint32_t fd,
			      uint32_t path __unused, uint32_t length __unused,
			      uint32_t buf __unused, uint32_t size __unused,
			      uint32_t used __unused)
{
	return not_a_directory(fd);
}

static uint32_t path_rename(wasm_exec_env_t env __unused, uint32_t fd,
			    uint32_t path __unused, uint32_t length __unused,
			    uint32_t new_fd __unused,
			    uint32_t new_path __unused,
			    uint32_t new_length __unused)
{
	return not_a_directory(fd);
}

static uint32_t path_symlink(wasm_exec_env_t env __unused,
			     uint32_t target __unused,
			     uint32_t target_length __unused, uint32_t fd,
			     uint32_t path __unused, uint32_t length __unused)
{
	return not_a_directory(fd);
}

/* Sockets */

static uint32_t not_a_socket(uint32_t fd)
{
	return is_open(fd) ? WASI_ENOTSOCK : WASI_EBADF;
}

static uint32_t sock_accept(wasm_exec_env_t env __unused, uint32_t fd,
			    uint32_t flags __unused, uint32_t at __unused)
{
	return not_a_socket(fd);
}

static uint32_t sock_recv(wasm_exec_env_t env __unused, uint32_t fd,
			  uint32_t iovs __unused, uint32_t count __unused,
			  uint32_t flags __unused, uint32_t length_at __unused,
			  uint32_t flags_at __unused)
{
	return not_a_socket(fd);
}

static uint32_t sock_send(wasm_exec_env_t env __unused, uint32_t fd,
			  uint32_t iovs __unused, uint32_t count __unused,
			  uint32_t flags __unused, uint32_t length_at __unused)
{
	return not_a_socket(fd);
}

static uint32_t sock_shutdown(wasm_exec_env_t env __unused, uint32_t fd,
			      uint32_t how __unused)
{
	return not_a_socket(fd);
}

/* Process, random numbers, waiting */

static void proc_exit(wasm_exec_env_t env, uint32_t code)
{
	/* AOT code returns to its caller, up to run.c, on any exception */
	wasi->exited = true;
	wasi->exit_code = code;
	wasm_runtime_set_exception(wasm_runtime_get_module_inst(env),
				   TEXT_EXIT);
}

static uint32_t proc_raise(wasm_exec_env_t env __unused,
			   uint32_t signal __unused)
{
	return WASI_ENOSYS;
}

static uint32_t random_get(wasm_exec_env_t env, uint32_t at, uint32_t length)
{
	uint8_t *bytes = app(env, at, length);

	if (!bytes)
		return WASI_EINVAL;

	while (length) {
		uint32_t part = MIN(length, (uint32_t)RANDOM_SLICE);

		TEE_GenerateRandom(bytes, part);
		bytes += part;
		length -= part;
	}

	return WASI_ESUCCESS;
}

static uint32_t sched_yield(wasm_exec_env_t env __unused)
{
	return WASI_ESUCCESS;
}

/* Subscription @n of the program's list, in the layout of preview 1 */
static struct wasi_subscription subscription(const uint8_t *list, uint32_t n,
					     bool unstable)
{
	struct wasi_unstable_subscription old = { };
	struct wasi_subscription result = { };

	if (!unstable) {
		memcpy(&result, list + n * sizeof(result), sizeof(result));
		return result;
	}

	memcpy(&old, list + n * sizeof(old), sizeof(old));
	result.userdata = old.userdata;
	result.type = old.type;
	if (old.type == WASI_EVENT_CLOCK) {
		result.u.clock.id = old.u.clock.id;
		result.u.clock.timeout = old.u.clock.timeout;
		result.u.clock.flags = old.u.clock.flags;
	} else {
		result.u.fd = old.u.fd;
	}

	return result;
}

/* Nanoseconds until a subscription is due, and the event that it then gives */
static uint64_t time_to_event(const struct wasi_subscription *sub,
			      uint64_t elapsed, struct wasi_event *event)
{
	uint64_t timeout = sub->u.clock.timeout;
	uint64_t now = 0;

	*event = (struct wasi_event){
		.userdata = sub->userdata,
		.type = sub->type,
	};

	switch (sub->type) {
	case WASI_EVENT_CLOCK:
		if (!clock_now(sub->u.clock.id, &now)) {
			event->error = WASI_EINVAL;
			return 0;
		}
		if (!(sub->u.clock.flags & WASI_SUBCLOCK_ABSTIME))
			now = elapsed;
		return timeout > now ? timeout - now : 0;
	case WASI_EVENT_FD_READ:
		if (!is_open(sub->u.fd) || sub->u.fd != STDIN)
			event->error = WASI_EBADF;
		else
			event->flags = WASI_EVENT_HANGUP;
		return 0;
	case WASI_EVENT_FD_WRITE:
		if (!is_open(sub->u.fd) || sub->u.fd == STDIN)
			event->error = WASI_EBADF;
		else
			event->nbytes = wasi->output->size;
		return 0;
	default:
		event->error = WASI_EINVAL;
		return 0;
	}
}

static uint32_t poll(wasm_exec_env_t env, uint32_t subs_at, uint32_t events_at,
		     uint32_t count, uint32_t ready_at, bool unstable)
{
	size_t sub_size = unstable ? sizeof(struct wasi_unstable_subscription) :
				     sizeof(struct wasi_subscription);
	const uint8_t *subs = app(env, subs_at, (uint64_t)count * sub_size);
	uint8_t *events = app(env, events_at,
			      (uint64_t)count * sizeof(struct wasi_event));
	uint64_t started = 0;
	uint64_t now = 0;

	if (!subs || !events || !app(env, ready_at, sizeof(uint32_t)))
		return WASI_EINVAL;
	if (!count)
		return WASI_EINVAL;

	clock_now(WASI_CLOCK_MONOTONIC, &started);
	while (true) {
		TEE_Result res = TEE_SUCCESS;
		uint64_t nearest = UINT64_MAX;
		uint64_t millis = 0;
		uint32_t ready = 0;
		uint32_t n = 0;

		clock_now(WASI_CLOCK_MONOTONIC, &now);
		for (n = 0; n < count; n++) {
			struct wasi_subscription sub =
				subscription(subs, n, unstable);
			struct wasi_event event = { };
			uint64_t nanos = time_to_event(&sub, now - started,
						       &event);

			nearest = MIN(nearest, nanos);
			if (!nanos) {
				memcpy(events + ready * sizeof(event), &event,
				       sizeof(event));
				ready++;
			}
		}

		if (ready)
			return put_u32(env, ready_at, ready);

		millis = nearest / NANOS_PER_MILLI + 1;
		res = output_wait(wasi->output,
				  MIN(millis, (uint64_t)SLEEP_SLICE_MS));
		if (res != TEE_SUCCESS)
			return stop(env, res);
	}
}

static uint32_t poll_oneoff(wasm_exec_env_t env, uint32_t subs,
			    uint32_t events, uint32_t count, uint32_t ready_at)
{
	return poll(env, subs, events, count, ready_at, false);
}

static uint32_t unstable_poll_oneoff(wasm_exec_env_t env, uint32_t subs,
				     uint32_t events, uint32_t count,
				     uint32_t ready_at)
{
	return poll(env, subs, events, count, ready_at, true);
}

/* The 46 functions. Signatures: i 32 and I 64 bits; addresses are checked here */

#define FUNCTION(name, signature) { #name, (void *)name, signature, NULL }
#define SAME(name, as, signature) { #name, (void *)as, signature, NULL }

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
	SAME(fd_datasync, fd_sync, "(i)i"),
	FUNCTION(fd_fdstat_get, "(ii)i"),
	FUNCTION(fd_fdstat_set_flags, "(ii)i"),
	FUNCTION(fd_fdstat_set_rights, "(iII)i"),
	FUNCTION(fd_filestat_get, "(ii)i"),
	FUNCTION(fd_filestat_set_size, "(iI)i"),
	FUNCTION(fd_filestat_set_times, "(iIIi)i"),
	FUNCTION(fd_pread, "(iiiIi)i"),
	FUNCTION(fd_prestat_dir_name, "(iii)i"),
	FUNCTION(fd_prestat_get, "(ii)i"),
	SAME(fd_pwrite, fd_pread, "(iiiIi)i"),
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
	SAME(path_remove_directory, path_create_directory, "(iii)i"),
	FUNCTION(path_rename, "(iiiiii)i"),
	FUNCTION(path_symlink, "(iiiii)i"),
	SAME(path_unlink_file, path_create_directory, "(iii)i"),
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

/* Functions whose structures were other ones in wasi_unstable */
static const NativeSymbol unstable_only[] = {
	SAME(fd_filestat_get, unstable_fd_filestat_get, "(ii)i"),
	SAME(poll_oneoff, unstable_poll_oneoff, "(iiii)i"),
};

static NativeSymbol unstable[ARRAY_SIZE(preview1)];

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

void wasi_select(struct wasi *state)
{
	wasi = state;
}

bool wasi_register(void)
{
	make_unstable();
	return wasm_runtime_register_natives("wasi_snapshot_preview1", preview1,
					     ARRAY_SIZE(preview1)) &&
	       wasm_runtime_register_natives("wasi_unstable", unstable,
					     ARRAY_SIZE(unstable));
}

static bool equal(const char *text, size_t length, const char *name)
{
	return length == strlen(name) && !memcmp(text, name, length);
}

const char *wasi_signature(const char *module, size_t module_length,
			   const char *name, size_t name_length)
{
	size_t n = 0;

	if (!equal(module, module_length, "wasi_snapshot_preview1") &&
	    !equal(module, module_length, "wasi_unstable"))
		return NULL;

	for (n = 0; n < ARRAY_SIZE(preview1); n++)
		if (equal(name, name_length, preview1[n].symbol))
			return preview1[n].signature;

	return NULL;
}
