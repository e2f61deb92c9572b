// SPDX-License-Identifier: Apache-2.0
/*
 * iwasm: runs a WebAssembly module (AOT) in the normal world, with WAMR's own
 * WASI. Upstream's main() ends with 0 whatever happens, and upstream's
 * proc_exit drops the exit code; here both are told as optee_wamr tells them:
 *
 *	124	the program trapped
 *	125	the runtime refused it
 *	127	iwasm was called wrongly, or could not read the module
 *	else	the program's own exit status
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <wasm_export.h>

#include "aot_runtime.h"

#define STATUS_TRAP	124
#define STATUS_REFUSED	125
#define STATUS_USAGE	127

/* See overlays/wasm_ta/ta/session/instance.c: AOT code uses the stack of the thread */
#define WASM_STACK_SIZE	256
#define APP_HEAP_SIZE	0

#define LIST_MAX	256
#define ERROR_SIZE	128

static const char usage[] =
	"usage: iwasm [options] <module.aot> [args...]\n"
	"Run a WebAssembly module, compiled ahead of time, in the normal world.\n"
	"\n"
	"  --env KEY=VALUE   give the program an environment variable (repeatable)\n"
	"  --dir FOLDER      let the program open what is in FOLDER (repeatable)\n"
	"  --name NAME       the program's name: its argv[0] (default: the module's file)\n"
	"  --report FILE     write the times it took to FILE, as JSON\n"
	"  --help            print this\n"
	"\n"
	"Exit status: the program's own; 124 it trapped, 125 it was refused,\n"
	"127 called wrongly.\n";

struct options {
	const char *environ[LIST_MAX];
	uint32_t environ_count;
	const char *dirs[LIST_MAX];
	uint32_t dir_count;
	const char *name;
	const char *report;
	const char *module;
	char **argv;
	int argc;
};

struct times {
	double load;
	double instantiate;
	double run;
};

static bool exited;
static uint32_t exit_code;

static void proc_exit(wasm_exec_env_t env, uint32_t code)
{
	exited = true;
	exit_code = code;
	/* The text that upstream takes for an end that is no trap */
	wasm_runtime_set_exception(wasm_runtime_get_module_inst(env),
				   "wasi proc exit");
}

/* Registered later than upstream's, they are found first */
static NativeSymbol preview1[] = {
	{ "proc_exit", proc_exit, "(i)", NULL },
};

static NativeSymbol unstable[] = {
	{ "proc_exit", proc_exit, "(i)", NULL },
};

/* As in the TA: emcc's programs tell JavaScript that they grew */
static void notify_memory_growth(wasm_exec_env_t env, uint32_t memory)
{
	(void)env;
	(void)memory;
}

static NativeSymbol emscripten[] = {
	{ "emscripten_notify_memory_growth", notify_memory_growth, "(i)", NULL },
};

static double now_ms(void)
{
	struct timespec now = { };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void say(const char *where, const char *what)
{
	fprintf(stderr, "iwasm: %s: %s\n", where, what);
}

/* Returns -1 to go on, else the status to exit with */
static int parse_options(int argc, char *argv[], struct options *options)
{
	static const struct option known[] = {
		{ "env", required_argument, NULL, 'e' },
		{ "dir", required_argument, NULL, 'd' },
		{ "name", required_argument, NULL, 'n' },
		{ "report", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	int option = 0;

	/* +: what follows the module is the program's */
	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		if (option == 'e' && strchr(optarg, '=') && *optarg != '=' &&
		    options->environ_count < LIST_MAX) {
			options->environ[options->environ_count++] = optarg;
		} else if (option == 'd' && options->dir_count < LIST_MAX) {
			options->dirs[options->dir_count++] = optarg;
		} else if (option == 'n') {
			options->name = optarg;
		} else if (option == 'r') {
			options->report = optarg;
		} else if (option == 'h') {
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		} else {
			fputs(usage, stderr);
			return STATUS_USAGE;
		}
	}

	if (optind == argc) {
		fputs(usage, stderr);
		return STATUS_USAGE;
	}

	options->module = argv[optind];
	/* The program's name, unless told, is the module's without the folder */
	argv[optind] = options->name ? (char *)options->name :
				       basename(strdup(options->module));
	options->argv = &argv[optind];
	options->argc = argc - optind;
	return -1;
}

static uint8_t *read_file(const char *path, uint32_t *size)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *bytes = NULL;
	long length = 0;

	if (!file)
		return NULL;

	if (!fseek(file, 0, SEEK_END) && (length = ftell(file)) > 0 &&
	    length <= INT32_MAX && !fseek(file, 0, SEEK_SET))
		bytes = malloc(length);
	if (bytes && fread(bytes, 1, length, file) != (size_t)length) {
		free(bytes);
		bytes = NULL;
	}
	if (!bytes && !errno)
		errno = ENODATA;
	*size = length;
	fclose(file);
	return bytes;
}

static int trapped(const char *module, const char *exception)
{
	static const char prefix[] = "Exception: ";

	if (!strncmp(exception, prefix, sizeof(prefix) - 1))
		exception += sizeof(prefix) - 1;
	fprintf(stderr, "iwasm: %s: trapped: %s\n", module, exception);
	return STATUS_TRAP;
}

/* As optee_wamr has it: 0 is for 0 alone, and a line tells what does not fit */
static int own_status(const char *module)
{
	int status = exit_code > 0xff && !(exit_code & 0xff) ?
		     0xff : exit_code & 0xff;
	char text[128] = { };

	if (exit_code > 0xff)
		snprintf(text, sizeof(text),
			 "its exit status is %d, which a process cannot have: it becomes %d",
			 (int)exit_code, status);
	else if (status >= STATUS_TRAP && status <= STATUS_USAGE)
		snprintf(text, sizeof(text),
			 "exit status %d is the program's own", status);
	if (*text)
		say(module, text);
	return status;
}

static int call_start(const struct options *options, wasm_module_inst_t inst)
{
	wasm_function_inst_t start = NULL;
	const char *exception = NULL;
	wasm_exec_env_t env = NULL;

	start = wasm_runtime_lookup_function(inst, "_start", NULL);
	if (!start) {
		say(options->module, "the module exports no function _start");
		return STATUS_REFUSED;
	}

	env = wasm_runtime_create_exec_env(inst, WASM_STACK_SIZE);
	if (!env) {
		say(options->module, "no memory to start it");
		return STATUS_REFUSED;
	}
	wasm_runtime_call_wasm(env, start, 0, NULL);
	exception = wasm_runtime_get_exception(inst);
	wasm_runtime_destroy_exec_env(env);

	if (exited)
		return own_status(options->module);
	return exception ? trapped(options->module, exception) : 0;
}

/*
 * Overwrites the module's code, which is about to be unmapped. Where the kernel
 * hands its pages on, QEMU 7.2 still has translations of them: clearing a page
 * by DC ZVA does not drop them all, and then every write to that page takes the
 * slow road for self-modifying code. The next program, with its stack on such a
 * page, was seen to take 50 times as long.
 */
static void overwrite_code(wasm_module_t module)
{
	const AOTModule *aot = (const AOTModule *)module;
	uintptr_t page_mask = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
	uintptr_t begin = (uintptr_t)aot->code & ~page_mask;
	uintptr_t end = ((uintptr_t)aot->code + aot->code_size + page_mask) &
			~page_mask;

	/* Not zeros, for which memset() would use DC ZVA as well */
	if (!mprotect((void *)begin, end - begin, PROT_READ | PROT_WRITE))
		memset((void *)begin, 0xff, end - begin);
}

static int run(struct options *options, uint8_t *bytes, uint32_t size,
	       struct times *times)
{
	wasm_module_inst_t inst = NULL;
	char error[ERROR_SIZE] = { };
	wasm_module_t module = NULL;
	double begin = now_ms();
	double end = 0;
	int status = STATUS_REFUSED;

	module = wasm_runtime_load(bytes, size, error, sizeof(error));
	if (!module) {
		say(options->module, error);
		return status;
	}
	end = now_ms();
	times->load = end - begin;
	begin = end;

	wasm_runtime_set_wasi_args(module, options->dirs, options->dir_count,
				   NULL, 0, options->environ,
				   options->environ_count, options->argv,
				   options->argc);
	inst = wasm_runtime_instantiate(module, WASM_STACK_SIZE, APP_HEAP_SIZE,
					error, sizeof(error));
	end = now_ms();
	times->instantiate = end - begin;
	begin = end;
	if (inst) {
		status = call_start(options, inst);
		times->run = now_ms() - begin;
		wasm_runtime_deinstantiate(inst);
	} else if (exited) {
		status = own_status(options->module);
	} else if (strstr(error, "Exception: ")) {
		status = trapped(options->module, strstr(error, "Exception: "));
	} else {
		say(options->module, error);
	}

	overwrite_code(module);
	wasm_runtime_unload(module);
	return status;
}

static bool write_report(const char *path, const struct times *times,
			 int status)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return false;

	fprintf(file,
		"{\"status\": %d, \"ms\": {\"load\": %.3f, \"instantiate\": %.3f, \"run\": %.3f}}\n",
		status, times->load, times->instantiate, times->run);
	return !fclose(file);
}

int main(int argc, char *argv[])
{
	RuntimeInitArgs init = {
		.mem_alloc_type = Alloc_With_System_Allocator,
	};
	struct options options = { };
	struct times times = { };
	uint8_t *bytes = NULL;
	uint32_t size = 0;
	int status = parse_options(argc, argv, &options);

	if (status >= 0)
		return status;

	errno = 0;
	bytes = read_file(options.module, &size);
	if (!bytes) {
		say(options.module, strerror(errno));
		return STATUS_USAGE;
	}

	if (!wasm_runtime_full_init(&init) ||
	    !wasm_runtime_register_natives("wasi_snapshot_preview1", preview1,
					   1) ||
	    !wasm_runtime_register_natives("wasi_unstable", unstable, 1) ||
	    !wasm_runtime_register_natives("env", emscripten, 1)) {
		say(options.module, "the runtime does not start");
		return STATUS_REFUSED;
	}

	status = run(&options, bytes, size, &times);
	wasm_runtime_destroy();
	free(bytes);
	if (options.report && !write_report(options.report, &times, status))
		say(options.report, strerror(errno));
	return status;
}
