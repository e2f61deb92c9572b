// SPDX-License-Identifier: Apache-2.0
/*
 * A host app made of libwasm_tee: opens a session once, loads a module once,
 * runs it as often as it is told to, and calls what it exports by name.
 *
 *	host <module.aot> <runs>
 *
 * Prints what the module prints, then what came of it, one line each.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libwasm_tee.h"

#define HEAP_SIZE (512 * 1024)

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

static double now_ms(void)
{
	struct timespec now = { };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static bool print(void *context, int fd, const void *bytes, size_t length)
{
	size_t *total = context;

	(void)fd;
	if (!total)
		return fwrite(bytes, 1, length, stdout) == length;

	*total += length;
	return true;
}

static void give_up(const struct wasm_tee_error *error)
{
	fprintf(stderr, "%s; %s\n", error->text, error->hint);
	exit(EXIT_FAILURE);
}

static void *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	void *bytes = malloc(1 << 20);

	if (!file || !bytes) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	*size = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return bytes;
}

/* Runs the module @runs times, each in a fresh instance */
static void run(struct wasm_tee_module *module, int runs)
{
	const char *argv[] = { "module", NULL };
	struct wasm_ta_result result = { };
	struct wasm_tee_error error = { };
	size_t printed = 0;
	struct wasm_tee_program program = {
		.argv = argv,
		.output = print,
		.context = &printed,
	};
	double begin = now_ms();
	int good = 0;
	int n = 0;

	for (n = 0; n < runs; n++) {
		if (!wasm_tee_run_loaded(module, &program, &result, &error))
			give_up(&error);
		good += result.outcome == WASM_TA_EXITED &&
			!result.exit_status;
	}
	printf("runs %d good %d printed %zu\n", runs, good, printed);
	fprintf(stderr, "a run takes %.2f ms\n", (now_ms() - begin) / runs);
}

static struct wasm_ta_returned call(struct wasm_tee_module *module,
				    const char *name,
				    const struct wasm_ta_value *args,
				    uint32_t argc)
{
	const struct wasm_tee_call request = {
		.name = name,
		.args = args,
		.argc = argc,
		.output = print,
	};
	struct wasm_ta_returned returned = { };
	struct wasm_tee_error error = { };

	if (!wasm_tee_call(module, &request, &returned, &error))
		give_up(&error);
	if (returned.result.outcome != WASM_TA_RETURNED)
		printf("%s: outcome %" PRIu32 " status %" PRIu32 " %s\n", name,
		       returned.result.outcome, returned.result.exit_status,
		       returned.result.message);
	return returned;
}

static void call_all(struct wasm_tee_module *module)
{
	const struct wasm_ta_value two[] = {
		wasm_tee_i32(40), wasm_tee_i32(2),
	};
	const struct wasm_ta_value three[] = {
		wasm_tee_i64(-5000000000), wasm_tee_f32(0.5), wasm_tee_f64(3),
	};
	const struct wasm_ta_value seven = wasm_tee_i32(7);
	struct wasm_ta_returned returned = { };
	double begin = now_ms();

	returned = call(module, "add", two, ARRAY_SIZE(two));
	printf("add %" PRId32 "\n", wasm_tee_as_i32(&returned.values[0]));
	fprintf(stderr, "the first call takes %.2f ms\n", now_ms() - begin);

	begin = now_ms();
	returned = call(module, "mix", three, ARRAY_SIZE(three));
	printf("mix %.1f\n", wasm_tee_as_f64(&returned.values[0]));
	fprintf(stderr, "another call takes %.2f ms\n", now_ms() - begin);

	call(module, "greet", &seven, 1);
	call(module, "count", NULL, 0);
	returned = call(module, "count", NULL, 0);
	printf("count %" PRId64 "\n", wasm_tee_as_i64(&returned.values[0]));

	call(module, "add", three, 2);
	call(module, "subtract", NULL, 0);
	returned = call(module, "count", NULL, 0);
	printf("count %" PRId64 "\n", wasm_tee_as_i64(&returned.values[0]));

	/* Each of these ends the instance: the next call counts from 1 */
	call(module, "fail", NULL, 0);
	returned = call(module, "count", NULL, 0);
	printf("count %" PRId64 "\n", wasm_tee_as_i64(&returned.values[0]));
	call(module, "leave", &seven, 1);
	returned = call(module, "count", NULL, 0);
	printf("count %" PRId64 "\n", wasm_tee_as_i64(&returned.values[0]));
}

/* Several calls in one trip to the TEE, of which one traps and is survived */
static void call_several(struct wasm_tee_module *module)
{
	const struct wasm_tee_call calls[] = {
		{ .name = "count" },
		{ .name = "fail", .keep = true },
		{ .name = "count" },
	};
	struct wasm_ta_returned returned[ARRAY_SIZE(calls)] = { };
	struct wasm_tee_error error = { };

	if (!wasm_tee_call_all(module, calls, ARRAY_SIZE(calls), returned,
			       &error))
		give_up(&error);
	printf("several %" PRId64 " %s %" PRId64 "\n",
	       wasm_tee_as_i64(&returned[0].values[0]),
	       returned[1].result.message,
	       wasm_tee_as_i64(&returned[2].values[0]));
}

int main(int argc, char *argv[])
{
	struct wasm_tee_module *module = NULL;
	struct wasm_tee_error error = { };
	struct wasm_tee *tee = NULL;
	double begin = now_ms();
	void *bytes = NULL;
	size_t size = 0;

	if (argc != 3) {
		fputs("usage: host <module.aot> <runs>\n", stderr);
		return EXIT_FAILURE;
	}
	bytes = read_file(argv[1], &size);

	tee = wasm_tee_open(&error);
	if (!tee || !wasm_tee_configure_heap(tee, HEAP_SIZE, &error))
		give_up(&error);
	fprintf(stderr, "opening takes %.2f ms\n", now_ms() - begin);

	begin = now_ms();
	module = wasm_tee_load(tee, bytes, size, NULL, &error);
	if (!module)
		give_up(&error);
	fprintf(stderr, "loading takes %.2f ms\n", now_ms() - begin);

	run(module, atoi(argv[2]));
	call_all(module);
	call_several(module);

	wasm_tee_unload(module);
	wasm_tee_close(tee);
	free(bytes);
	return EXIT_SUCCESS;
}
