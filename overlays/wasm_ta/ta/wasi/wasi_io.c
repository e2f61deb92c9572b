// SPDX-License-Identifier: Apache-2.0
/*
 * WASI: reading and writing, of files and of the standard streams; and sockets,
 * of which there are none.
 */
#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "fs/fs_file.h"
#include "wasi/wasi_calls.h"

/* The list of buffers of a call, in linear memory */
struct vector {
	const uint8_t *list;
	uint32_t count;
};

static bool get_vector(wasm_exec_env_t env, uint32_t iovs, uint32_t count,
		       uint32_t done_at, struct vector *vector)
{
	vector->list = wasi_app(env, iovs,
				(uint64_t)count * sizeof(struct wasi_iovec));
	vector->count = count;
	return vector->list && wasi_app(env, done_at, sizeof(uint32_t));
}

/* Buffer @n; NULL: out of bounds, with the trap set */
static void *buffer(wasm_exec_env_t env, const struct vector *vector,
		    uint32_t n, uint32_t *length)
{
	struct wasi_iovec iov = { };

	memcpy(&iov, vector->list + n * sizeof(iov), sizeof(iov));
	*length = iov.buf_len;
	return wasi_app(env, iov.buf, iov.buf_len);
}

/* The count is returned in 32 bits: fewer bytes are allowed */
static bool is_full(uint64_t total, uint32_t length)
{
	return total + length > UINT32_MAX;
}

static uint32_t write_stream(wasm_exec_env_t env, const struct fd *fd,
			     const struct vector *vector, uint64_t *total)
{
	uint16_t channel = fd->kind == FD_STDOUT ? WASM_CHANNEL_STDOUT :
						   WASM_CHANNEL_STDERR;
	uint32_t n = 0;

	for (n = 0; n < vector->count; n++) {
		TEE_Result res = TEE_SUCCESS;
		uint32_t length = 0;
		void *bytes = buffer(env, vector, n, &length);

		if (!bytes)
			return WASI_EINVAL;
		if (is_full(*total, length))
			break;
		res = output_write(wasi->output, channel, bytes, length);
		if (res != TEE_SUCCESS)
			return wasi_stop(env, res);
		*total += length;
	}

	return WASI_ESUCCESS;
}

/* Waits for the first bytes, and takes what is there with them */
static uint32_t read_stream(wasm_exec_env_t env, const struct fd *fd,
			    const struct vector *vector, uint64_t *total)
{
	uint32_t ready = 0;
	bool ended = false;
	uint32_t n = 0;

	for (n = 0; n < vector->count; n++) {
		TEE_Result res = TEE_SUCCESS;
		uint32_t length = 0;
		uint32_t done = 0;
		void *bytes = buffer(env, vector, n, &length);

		if (!bytes)
			return WASI_EINVAL;
		if (!length || is_full(*total, length))
			continue;

		res = input_ready(wasi->input, &ready, &ended);
		if (res == TEE_SUCCESS && !ready) {
			if (*total || ended)
				break;
			if (fd->flags & WASI_FDFLAG_NONBLOCK)
				return WASI_EAGAIN;
		}
		if (res == TEE_SUCCESS)
			res = input_read(wasi->input, bytes, length, &done);
		if (res != TEE_SUCCESS)
			return wasi_stop(env, res);
		*total += done;
		if (done < length)
			break;
	}

	return WASI_ESUCCESS;
}

typedef uint32_t (*transfer)(struct fs *fs, struct fs_node *file,
			     uint64_t offset, void *bytes, size_t length,
			     size_t *done);

static uint32_t write_file(struct fs *fs, struct fs_node *file, uint64_t offset,
			   void *bytes, size_t length, size_t *done)
{
	return fs_write(fs, file, offset, bytes, length, done);
}

/* Between a file from @offset on and the buffers */
static uint32_t move(wasm_exec_env_t env, struct fs_node *file, uint64_t offset,
		     const struct vector *vector, transfer one, uint64_t *total)
{
	uint32_t n = 0;

	for (n = 0; n < vector->count; n++) {
		uint32_t length = 0;
		size_t done = 0;
		void *bytes = buffer(env, vector, n, &length);
		uint32_t err = WASI_EINVAL;

		if (!bytes)
			return err;
		if (is_full(*total, length))
			break;
		err = one(&wasi->fs, file, offset + *total, bytes, length,
			  &done);
		*total += done;
		/* What was done before counts */
		if (err)
			return *total ? WASI_ESUCCESS : err;
		if (done < length)
			break;
	}

	return WASI_ESUCCESS;
}

uint32_t wasi_fd_write(wasm_exec_env_t env, uint32_t number, uint32_t iovs,
		       uint32_t count, uint32_t at)
{
	struct vector vector = { };
	struct fd *fd = NULL;
	uint64_t total = 0;
	uint32_t err = fd_get(&wasi->fds, number, WASI_RIGHT_FD_WRITE, &fd);

	if (err)
		return err;
	if (!get_vector(env, iovs, count, at, &vector))
		return WASI_EINVAL;

	if (fd->kind == FD_NODE) {
		if (fd->flags & WASI_FDFLAG_APPEND)
			fd->offset = fd->node->size;
		err = move(env, fd->node, fd->offset, &vector, write_file,
			   &total);
		fd->offset += total;
	} else {
		err = write_stream(env, fd, &vector, &total);
	}

	return err ? err : wasi_put_u32(env, at, total);
}

uint32_t wasi_fd_read(wasm_exec_env_t env, uint32_t number, uint32_t iovs,
		      uint32_t count, uint32_t at)
{
	struct vector vector = { };
	struct fd *fd = NULL;
	uint64_t total = 0;
	uint32_t err = fd_get(&wasi->fds, number, WASI_RIGHT_FD_READ, &fd);

	if (err)
		return err;
	if (!get_vector(env, iovs, count, at, &vector))
		return WASI_EINVAL;

	if (fd->kind == FD_NODE) {
		err = move(env, fd->node, fd->offset, &vector, fs_read, &total);
		fd->offset += total;
	} else {
		err = read_stream(env, fd, &vector, &total);
	}

	return err ? err : wasi_put_u32(env, at, total);
}

static uint32_t at_offset(wasm_exec_env_t env, uint32_t number, uint64_t right,
			  uint32_t iovs, uint32_t count, uint64_t offset,
			  uint32_t at, transfer one)
{
	struct vector vector = { };
	struct fd *fd = NULL;
	uint64_t total = 0;
	uint32_t err = fd_get_file(&wasi->fds, number,
				   right | WASI_RIGHT_FD_SEEK, WASI_ESPIPE,
				   &fd);

	if (err)
		return err;
	if (!get_vector(env, iovs, count, at, &vector))
		return WASI_EINVAL;
	if (offset > INT64_MAX)
		return WASI_EINVAL;

	err = move(env, fd->node, offset, &vector, one, &total);
	return err ? err : wasi_put_u32(env, at, total);
}

uint32_t wasi_fd_pread(wasm_exec_env_t env, uint32_t number, uint32_t iovs,
		       uint32_t count, uint64_t offset, uint32_t at)
{
	return at_offset(env, number, WASI_RIGHT_FD_READ, iovs, count, offset,
			 at, fs_read);
}

uint32_t wasi_fd_pwrite(wasm_exec_env_t env, uint32_t number, uint32_t iovs,
			uint32_t count, uint64_t offset, uint32_t at)
{
	return at_offset(env, number, WASI_RIGHT_FD_WRITE, iovs, count, offset,
			 at, write_file);
}

/*
 * Sockets: there is no way to make one. A directory is a bad descriptor here,
 * anything else that is open just not a socket, as in other runtimes.
 */
static uint32_t not_a_socket(uint32_t number)
{
	struct fd *fd = NULL;
	uint32_t err = fd_get(&wasi->fds, number, 0, &fd);

	if (err)
		return err;
	return fd->node && fd->node->type == WASI_FILETYPE_DIRECTORY ?
	       WASI_EBADF : WASI_ENOTSOCK;
}

uint32_t wasi_sock_accept(wasm_exec_env_t env __unused, uint32_t number,
			  uint32_t flags __unused, uint32_t at __unused)
{
	return not_a_socket(number);
}

uint32_t wasi_sock_recv(wasm_exec_env_t env __unused, uint32_t number,
			uint32_t iovs __unused, uint32_t count __unused,
			uint32_t flags __unused, uint32_t length_at __unused,
			uint32_t flags_at __unused)
{
	return not_a_socket(number);
}

uint32_t wasi_sock_send(wasm_exec_env_t env __unused, uint32_t number,
			uint32_t iovs __unused, uint32_t count __unused,
			uint32_t flags __unused, uint32_t length_at __unused)
{
	return not_a_socket(number);
}

uint32_t wasi_sock_shutdown(wasm_exec_env_t env __unused, uint32_t number,
			    uint32_t how __unused)
{
	return not_a_socket(number);
}
