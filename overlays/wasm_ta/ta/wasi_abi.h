/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers and layouts of WASI preview 1 that the runtime TA uses, from
 * github.com/WebAssembly/WASI, legacy/preview1/docs.md (witx).
 */
#ifndef WASI_ABI_H
#define WASI_ABI_H

#include <stdint.h>

enum wasi_errno {
	WASI_ESUCCESS = 0,
	WASI_EBADF = 8,
	WASI_EINVAL = 28,
	WASI_EIO = 29,
	WASI_ENOSYS = 52,
	WASI_ENOTDIR = 54,
	WASI_ENOTSOCK = 57,
	WASI_ENOTSUP = 58,
	WASI_EOVERFLOW = 61,
	WASI_ESPIPE = 70,
};

enum wasi_clock {
	WASI_CLOCK_REALTIME = 0,
	WASI_CLOCK_MONOTONIC = 1,
	WASI_CLOCK_PROCESS_CPUTIME = 2,
	WASI_CLOCK_THREAD_CPUTIME = 3,
};

enum wasi_filetype {
	WASI_FILETYPE_CHARACTER_DEVICE = 2,
};

#define WASI_RIGHT_FD_READ		(1ULL << 1)
#define WASI_RIGHT_FD_WRITE		(1ULL << 6)
#define WASI_RIGHT_FD_FILESTAT_GET	(1ULL << 21)
#define WASI_RIGHT_POLL_FD_READWRITE	(1ULL << 27)

#define WASI_FDFLAG_APPEND		1

struct wasi_iovec {
	uint32_t buf;
	uint32_t buf_len;
};

struct wasi_fdstat {
	uint8_t filetype;
	uint8_t pad0;
	uint16_t flags;
	uint32_t pad1;
	uint64_t rights_base;
	uint64_t rights_inheriting;
};

struct wasi_filestat {
	uint64_t dev;
	uint64_t ino;
	uint8_t filetype;
	uint8_t pad[7];
	uint64_t nlink;
	uint64_t size;
	uint64_t atim;
	uint64_t mtim;
	uint64_t ctim;
};

/* The same in wasi_unstable, where nlink has 32 bits */
struct wasi_unstable_filestat {
	uint64_t dev;
	uint64_t ino;
	uint8_t filetype;
	uint8_t pad[3];
	uint32_t nlink;
	uint64_t size;
	uint64_t atim;
	uint64_t mtim;
	uint64_t ctim;
};

enum wasi_eventtype {
	WASI_EVENT_CLOCK = 0,
	WASI_EVENT_FD_READ = 1,
	WASI_EVENT_FD_WRITE = 2,
};

#define WASI_SUBCLOCK_ABSTIME		1
#define WASI_EVENT_HANGUP		1

struct wasi_subscription {
	uint64_t userdata;
	uint8_t type;
	uint8_t pad0[7];
	union {
		struct {
			uint32_t id;
			uint32_t pad;
			uint64_t timeout;
			uint64_t precision;
			uint16_t flags;
			uint8_t pad1[6];
		} clock;
		uint32_t fd;
	} u;
};

/* The same in wasi_unstable, where a clock has user data of its own */
struct wasi_unstable_subscription {
	uint64_t userdata;
	uint8_t type;
	uint8_t pad0[7];
	union {
		struct {
			uint64_t identifier;
			uint32_t id;
			uint32_t pad;
			uint64_t timeout;
			uint64_t precision;
			uint16_t flags;
			uint8_t pad1[6];
		} clock;
		uint32_t fd;
	} u;
};

struct wasi_event {
	uint64_t userdata;
	uint16_t error;
	uint8_t type;
	uint8_t pad0[5];
	uint64_t nbytes;
	uint16_t flags;
	uint8_t pad1[6];
};

_Static_assert(sizeof(struct wasi_fdstat) == 24, "witx");
_Static_assert(sizeof(struct wasi_filestat) == 64, "witx");
_Static_assert(sizeof(struct wasi_unstable_filestat) == 56, "witx");
_Static_assert(sizeof(struct wasi_subscription) == 48, "witx");
_Static_assert(sizeof(struct wasi_unstable_subscription) == 56, "witx");
_Static_assert(sizeof(struct wasi_event) == 32, "witx");

#endif /* WASI_ABI_H */
