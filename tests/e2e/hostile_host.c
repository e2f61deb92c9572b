/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host app that does not keep to any rule, for the tests:
 *
 *	hostile_host files FILE...	runs each in one session, 1.5 s at most
 *	hostile_host streams FILE N	N runs; another thread writes all over the
 *					stream area meanwhile
 *	hostile_host module FILE N	N runs; another thread changes the module
 *	hostile_host params N		N commands with parameters of any kind
 *
 * Prints one line for each run: its name, how it ended, how long it took in ms.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>
#include <time.h>
#include <wasm_ring.h>
#include <wasm_ta.h>

#define HEAP_SIZE	(2 * 1024 * 1024)
#define MODULE_MAX	(512 * 1024)
#define RING_SIZE	(64 * 1024)
#define DEADLINE_MS	1500
#define TICK_US		500

enum mischief { NONE, STREAMS, MODULE };

static TEEC_Context context;
static TEEC_Session session;
static bool has_session;
static TEEC_SharedMemory module, args, streams, result;

static enum mischief mischief;
static volatile bool running;
static volatile uint64_t began;

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void die(const char *what, TEEC_Result res)
{
	printf("%s: %#" PRIx32 "\n", what, res);
	exit(1);
}

static void allocate(TEEC_SharedMemory *memory, size_t size)
{
	TEEC_Result res;

	memory->size = size;
	memory->flags = TEEC_MEM_INPUT | TEEC_MEM_OUTPUT;
	res = TEEC_AllocateSharedMemory(&context, memory);
	if (res)
		die("no shared memory", res);
}

/* Takes all output, shows life, and asks for the end in time; does mischief */
static void *other_side(void *unused)
{
	struct wasm_streams *area = streams.buffer;
	struct timespec tick = { .tv_nsec = TICK_US * 1000 };
	uint8_t *bytes = NULL;
	int n = 0;

	while (true) {
		nanosleep(&tick, NULL);
		if (!running)
			continue;

		for (n = 0; n < 64 && mischief == MODULE; n++) {
			bytes = module.buffer;
			bytes[rand() % 4096] ^= 1 << rand() % 8;
		}
		for (n = 0; n < 8 && mischief == STREAMS; n++) {
			bytes = streams.buffer;
			bytes[rand() % sizeof(*area)] = rand();
		}
		area->heartbeat++;
		if (now_ms() - began > DEADLINE_MS)
			area->stop = 1;
		else if (mischief == STREAMS)
			area->stop = 0;
		if (mischief != STREAMS || rand() % 2)
			area->out_tail.index = area->out_head.index;
	}

	return unused;
}

static void open_session(void)
{
	const TEEC_UUID uuid = WASM_TA_UUID;
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_VALUE_INPUT, TEEC_NONE,
					       TEEC_NONE, TEEC_NONE),
		.params[0].value.a = HEAP_SIZE,
	};
	TEEC_Result res;

	if (has_session)
		return;
	res = TEEC_OpenSession(&context, &session, &uuid, TEEC_LOGIN_PUBLIC,
			       NULL, NULL, NULL);
	if (!res)
		res = TEEC_InvokeCommand(&session, WASM_TA_CMD_CONFIGURE_HEAP,
					 &operation, NULL);
	if (res)
		die("no session", res);
	has_session = true;
}

static void close_session(void)
{
	if (has_session)
		TEEC_CloseSession(&session);
	has_session = false;
}

static void reset(void)
{
	struct wasm_ta_args *strings = args.buffer;
	struct wasm_streams *area = streams.buffer;

	memset(area, 0, sizeof(*area));
	area->magic = WASM_STREAMS_MAGIC;
	area->version = WASM_STREAMS_VERSION;
	area->out_size = RING_SIZE;
	area->in_head.closed = 1;
	memset(strings, 0, sizeof(*strings) + 8);
	strings->version = WASM_TA_VERSION;
	strings->argc = 1;
	strings->size = 2;
	strings->strings[0] = 'x';
}

static size_t read_module(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size = file ? fread(module.buffer, 1, MODULE_MAX, file) : 0;

	if (file)
		fclose(file);
	return size;
}

static void report(const char *name, TEEC_Result res)
{
	const struct wasm_ta_result *told = result.buffer;
	const char *base = strrchr(name, '/');

	printf("%s ", base ? base + 1 : name);
	if (res)
		printf("error-%08" PRIx32, res);
	else if (told->outcome == WASM_TA_EXITED)
		printf("exited-%" PRIu32, told->exit_status);
	else
		printf("outcome-%" PRIu32, told->outcome);
	printf(" %" PRIu64 " %.200s\n", now_ms() - began,
	       !res && told->outcome != WASM_TA_EXITED ? told->message : "");
	fflush(stdout);
}

static void run(const char *path)
{
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(TEEC_MEMREF_PARTIAL_INPUT,
					       TEEC_MEMREF_PARTIAL_INPUT,
					       TEEC_MEMREF_PARTIAL_INOUT,
					       TEEC_MEMREF_PARTIAL_OUTPUT),
		.params[0].memref.parent = &module,
		.params[0].memref.size = read_module(path),
		.params[1].memref = { .parent = &args, .size = args.size },
		.params[2].memref = { .parent = &streams, .size = streams.size },
		.params[3].memref = { .parent = &result, .size = result.size },
	};
	TEEC_Result res;

	open_session();
	reset();
	began = now_ms();
	running = true;
	res = TEEC_InvokeCommand(&session, WASM_TA_CMD_RUN, &operation, NULL);
	running = false;
	report(path, res);
	if (res)
		close_session();
}

/* Any command with any parameters: types, sizes, handles, contents */
static void command(int number)
{
	TEEC_SharedMemory *const memories[] = { &module, &args, &streams,
						&result };
	uint32_t types[4] = { };
	TEEC_Operation operation = { };
	TEEC_Result res;
	char name[32] = "";
	int n = 0;

	open_session();
	reset();
	for (n = 0; n < 4; n++) {
		TEEC_SharedMemory *memory = memories[rand() % 3 ? n :
						     rand() % 4];
		uint8_t *bytes = memory->buffer;

		switch (rand() % 8) {
		case 0:
			types[n] = TEEC_NONE;
			break;
		case 1:
		case 2:
			types[n] = TEEC_VALUE_INPUT + rand() % 3;
			operation.params[n].value.a = rand() % 3 ? rand() % 4 :
								   rand();
			operation.params[n].value.b = rand();
			break;
		default:
			types[n] = TEEC_MEMREF_PARTIAL_INPUT + rand() % 3;
			operation.params[n].memref.parent = memory;
			operation.params[n].memref.size =
				rand() % 2 ? memory->size :
					     rand() % memory->size;
			if (rand() % 2)
				bytes[rand() % 64] = rand();
			break;
		}
	}
	operation.paramTypes = TEEC_PARAM_TYPES(types[0], types[1], types[2],
						types[3]);
	snprintf(name, sizeof(name), "params-%d", number);
	began = now_ms();
	running = true;
	res = TEEC_InvokeCommand(&session, rand() % 8, &operation, NULL);
	running = false;
	report(name, res);
	/* Anything but a refusal of the parameters */
	if (res == TEEC_ERROR_TARGET_DEAD)
		close_session();
}

int main(int argc, char *argv[])
{
	TEEC_Result res = TEEC_InitializeContext(NULL, &context);
	pthread_t thread;
	int n = 0;

	if (argc < 3)
		return 2;
	if (res)
		die("no TEE", res);
	allocate(&module, MODULE_MAX);
	allocate(&args, 4096);
	allocate(&streams, sizeof(struct wasm_streams) + RING_SIZE);
	allocate(&result, sizeof(struct wasm_ta_result));
	srand(1);
	pthread_create(&thread, NULL, other_side, NULL);

	if (!strcmp(argv[1], "files")) {
		for (n = 2; n < argc; n++)
			run(argv[n]);
	} else if (!strcmp(argv[1], "params")) {
		for (n = 0; n < atoi(argv[2]); n++)
			command(n);
	} else if (argc > 3) {
		mischief = strcmp(argv[1], "streams") ? MODULE : STREAMS;
		for (n = 0; n < atoi(argv[3]); n++)
			run(argv[2]);
	}

	close_session();
	return 0;
}
