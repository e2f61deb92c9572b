/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small program with a bit of everything that an AOT file can have: imports,
 * a table, data, globals, calls of the runtime, constants, exports by names that
 * the runtime looks for.
 */
#define WASI(name) \
	__attribute__((import_module("wasi_snapshot_preview1"), \
		       import_name(#name)))

struct iovec {
	const void *base;
	unsigned int size;
};

WASI(fd_write) int fd_write(int fd, const struct iovec *vector, int count, int *written);
WASI(proc_exit) void proc_exit(int status);

static const char text[] = "a seed\n";
static volatile double number = 1.5;
static volatile float single = 2.5f;
static char pool[4096];
static unsigned int used;

static int add(int x)
{
	return x + 1;
}

static int twice(int x)
{
	return x * 2;
}

static int (*volatile functions[])(int) = { add, twice };

__attribute__((export_name("malloc"))) void *take(unsigned int size)
{
	void *block = pool + used;

	used += size;
	return block;
}

__attribute__((export_name("free"))) void give(void *block)
{
	(void)block;
}

void _start(void)
{
	struct iovec vector = { text, sizeof(text) - 1 };
	int written = 0;

	fd_write(1, &vector, 1, &written);
	number = __builtin_ceil(number * 3.14159) + __builtin_floor(single);
	((volatile char *)pool)[written] = 1;
	if (functions[written & 1]((int)number) == 12345)
		proc_exit(3);
}
