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
	WASI_EACCES = 2,
	WASI_EAGAIN = 6,
	WASI_EBADF = 8,
	WASI_EBADMSG = 9,
	WASI_EBUSY = 10,
	WASI_EDQUOT = 19,
	WASI_EEXIST = 20,
	WASI_EFBIG = 22,
	WASI_EILSEQ = 25,
	WASI_EINVAL = 28,
	WASI_EIO = 29,
	WASI_EISDIR = 31,
	WASI_ELOOP = 32,
	WASI_EMFILE = 33,
	WASI_EMSGSIZE = 35,
	WASI_ENAMETOOLONG = 37,
	WASI_ENOBUFS = 42,
	WASI_ENOENT = 44,
	WASI_ENOMEM = 48,
	WASI_ENOSPC = 51,
	WASI_ENOSYS = 52,
	WASI_ENOTDIR = 54,
	WASI_ENOTEMPTY = 55,
	WASI_ENOTSOCK = 57,
	WASI_ENOTSUP = 58,
	WASI_EOVERFLOW = 61,
	WASI_EPERM = 63,
	WASI_ESPIPE = 70,
	WASI_EXDEV = 75,
	WASI_ENOTCAPABLE = 76,
};

enum wasi_clock {
	WASI_CLOCK_REALTIME = 0,
	WASI_CLOCK_MONOTONIC = 1,
	WASI_CLOCK_PROCESS_CPUTIME = 2,
	WASI_CLOCK_THREAD_CPUTIME = 3,
};

enum wasi_filetype {
	WASI_FILETYPE_CHARACTER_DEVICE = 2,
	WASI_FILETYPE_DIRECTORY = 3,
	WASI_FILETYPE_REGULAR_FILE = 4,
	WASI_FILETYPE_SOCKET_STREAM = 6,
	WASI_FILETYPE_SYMBOLIC_LINK = 7,
};

#define WASI_RIGHT_FD_DATASYNC			(1ULL << 0)
#define WASI_RIGHT_FD_READ			(1ULL << 1)
#define WASI_RIGHT_FD_SEEK			(1ULL << 2)
#define WASI_RIGHT_FD_FDSTAT_SET_FLAGS		(1ULL << 3)
#define WASI_RIGHT_FD_SYNC			(1ULL << 4)
#define WASI_RIGHT_FD_TELL			(1ULL << 5)
#define WASI_RIGHT_FD_WRITE			(1ULL << 6)
#define WASI_RIGHT_FD_ADVISE			(1ULL << 7)
#define WASI_RIGHT_FD_ALLOCATE			(1ULL << 8)
#define WASI_RIGHT_PATH_CREATE_DIRECTORY	(1ULL << 9)
#define WASI_RIGHT_PATH_CREATE_FILE		(1ULL << 10)
#define WASI_RIGHT_PATH_LINK_SOURCE		(1ULL << 11)
#define WASI_RIGHT_PATH_LINK_TARGET		(1ULL << 12)
#define WASI_RIGHT_PATH_OPEN			(1ULL << 13)
#define WASI_RIGHT_FD_READDIR			(1ULL << 14)
#define WASI_RIGHT_PATH_READLINK		(1ULL << 15)
#define WASI_RIGHT_PATH_RENAME_SOURCE		(1ULL << 16)
#define WASI_RIGHT_PATH_RENAME_TARGET		(1ULL << 17)
#define WASI_RIGHT_PATH_FILESTAT_GET		(1ULL << 18)
#define WASI_RIGHT_PATH_FILESTAT_SET_SIZE	(1ULL << 19)
#define WASI_RIGHT_PATH_FILESTAT_SET_TIMES	(1ULL << 20)
#define WASI_RIGHT_FD_FILESTAT_GET		(1ULL << 21)
#define WASI_RIGHT_FD_FILESTAT_SET_SIZE		(1ULL << 22)
#define WASI_RIGHT_FD_FILESTAT_SET_TIMES	(1ULL << 23)
#define WASI_RIGHT_PATH_SYMLINK			(1ULL << 24)
#define WASI_RIGHT_PATH_REMOVE_DIRECTORY	(1ULL << 25)
#define WASI_RIGHT_PATH_UNLINK_FILE		(1ULL << 26)
#define WASI_RIGHT_POLL_FD_READWRITE		(1ULL << 27)

#define WASI_RIGHTS_ALL				((1ULL << 28) - 1)

#define WASI_FDFLAG_APPEND		1
#define WASI_FDFLAG_DSYNC		2
#define WASI_FDFLAG_NONBLOCK		4
#define WASI_FDFLAG_RSYNC		8
#define WASI_FDFLAG_SYNC		16
#define WASI_FDFLAGS_ALL		31

#define WASI_LOOKUP_SYMLINK_FOLLOW	1

#define WASI_OFLAG_CREAT		1
#define WASI_OFLAG_DIRECTORY		2
#define WASI_OFLAG_EXCL			4
#define WASI_OFLAG_TRUNC		8
#define WASI_OFLAGS_ALL			15

#define WASI_FSTFLAG_ATIM		1
#define WASI_FSTFLAG_ATIM_NOW		2
#define WASI_FSTFLAG_MTIM		4
#define WASI_FSTFLAG_MTIM_NOW		8
#define WASI_FSTFLAGS_ALL		15

#define WASI_ADVICE_LAST		5

enum wasi_whence {
	WASI_WHENCE_SET = 0,
	WASI_WHENCE_CUR = 1,
	WASI_WHENCE_END = 2,
};

/* The same in wasi_unstable */
enum wasi_unstable_whence {
	WASI_UNSTABLE_WHENCE_CUR = 0,
	WASI_UNSTABLE_WHENCE_END = 1,
	WASI_UNSTABLE_WHENCE_SET = 2,
};

struct wasi_iovec {
	uint32_t buf;
	uint32_t buf_len;
};

/* Of a directory: the only type there is */
struct wasi_prestat {
	uint8_t tag;
	uint8_t pad[3];
	uint32_t name_length;
};

struct wasi_dirent {
	uint64_t next;
	uint64_t ino;
	uint32_t name_length;
	uint8_t type;
	uint8_t pad[3];
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

_Static_assert(sizeof(struct wasi_prestat) == 8, "witx");
_Static_assert(sizeof(struct wasi_dirent) == 24, "witx");
_Static_assert(sizeof(struct wasi_fdstat) == 24, "witx");
_Static_assert(sizeof(struct wasi_filestat) == 64, "witx");
_Static_assert(sizeof(struct wasi_unstable_filestat) == 56, "witx");
_Static_assert(sizeof(struct wasi_subscription) == 48, "witx");
_Static_assert(sizeof(struct wasi_unstable_subscription) == 56, "witx");
_Static_assert(sizeof(struct wasi_event) == 32, "witx");

#endif /* WASI_ABI_H */
