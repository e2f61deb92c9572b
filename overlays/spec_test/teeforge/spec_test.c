// SPDX-License-Identifier: Apache-2.0
/*
 * What `invoke spec-test` runs on the target: loads modules and calls what they
 * export, as a script on stdin says, each in a session of its own with the
 * runtime TA (or with what normal.c has in its place).
 *
 *	spec_test <seconds for a trip to the TEE> <calls in a trip>
 *
 *	heap <bytes>
 *	load <slot> <path>
 *	start <slot>
 *	call <slot> <name in hex> <type>:<bits in hex> ...
 *	unload <slot>
 *
 * Types are those of WebAssembly's binary format. There is a line on stdout for
 * each load, start and call:
 *
 *	loaded | started | returned <type>:<bits> ... | trapped <why> |
 *	refused <why> | exited <status> | failed <why>
 */
#include <inttypes.h>
#include <libwasm_tee.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <signal.h>

#define SLOTS		16
#define FILE_MAX	(16 * 1024 * 1024)

struct slot {
	struct wasm_tee *tee;
	struct wasm_tee_module *module;
};

static struct slot slots[SLOTS];
static struct wasm_tee *running;
static uint64_t heap_size;
static unsigned int seconds;
static size_t at_once;

/* Also where the TA died: nothing is left then that could be unloaded */
static void empty(struct slot *slot)
{
	wasm_tee_unload(slot->module);
	wasm_tee_close(slot->tee);
	*slot = (struct slot){ };
}

static void stop(int signal)
{
	(void)signal;
	wasm_tee_stop(running);
}

static struct slot *slot_of(char **words)
{
	const char *word = strtok_r(NULL, " ", words);
	unsigned long number = word ? strtoul(word, NULL, 10) : SLOTS;

	if (number < SLOTS)
		return &slots[number];

	fputs("spec_test: there is no such slot\n", stderr);
	exit(EXIT_FAILURE);
}

static void print_failure(const struct wasm_tee_error *error)
{
	printf("failed %s\n", error->text);
}

static void print_result(const struct wasm_ta_result *result)
{
	switch (result->outcome) {
	case WASM_TA_TRAPPED:
		printf("trapped %s\n", result->message);
		break;
	case WASM_TA_REFUSED:
		printf("refused %s\n", result->message);
		break;
	case WASM_TA_EXITED:
		printf("exited %" PRIu32 "\n", result->exit_status);
		break;
	default:
		printf("failed %s\n", result->message);
		break;
	}
}

static void load(struct slot *slot, const char *path)
{
	static uint8_t file[FILE_MAX];
	struct wasm_ta_result result = { };
	struct wasm_tee_error error = { };
	FILE *stream = fopen(path, "rb");
	size_t size = 0;

	if (!stream) {
		printf("failed %s cannot be read\n", path);
		return;
	}
	size = fread(file, 1, sizeof(file), stream);
	fclose(stream);
	slot->tee = wasm_tee_open(&error);
	if (slot->tee && wasm_tee_configure_heap(slot->tee, heap_size, &error))
		slot->module = wasm_tee_load(slot->tee, file, size, &result,
					     &error);
	if (slot->module) {
		puts("loaded");
		return;
	}
	if (result.outcome == WASM_TA_REFUSED)
		print_result(&result);
	else
		print_failure(&error);
	empty(slot);
}

/* Calls of one module that wait until it is worth the trip, at most @at_once */
static struct {
	struct slot *slot;
	size_t count;
	struct wasm_tee_call calls[WASM_TA_CALLS_MAX];
	struct wasm_ta_value args[WASM_TA_CALLS_MAX][WASM_TA_CALL_VALUES];
	char names[WASM_TA_CALLS_MAX][WASM_TA_NAME_SIZE];
} queue;

/* A name that nothing has: the instance is made before it is looked for */
static const char start_name[] = "spec_test: no module exports this";

static void print_returned(const struct wasm_tee_call *call,
			   const struct wasm_ta_returned *returned)
{
	const struct wasm_ta_result *result = &returned->result;
	uint32_t n = 0;

	if (!strcmp(call->name, start_name) &&
	    result->outcome == WASM_TA_REFUSED &&
	    result->stage == WASM_TA_STAGE_RUN) {
		puts("started");
		return;
	}
	if (result->outcome != WASM_TA_RETURNED) {
		print_result(result);
		return;
	}
	fputs("returned", stdout);
	for (n = 0; n < returned->count; n++)
		printf(" %" PRIx32 ":%" PRIx64, returned->values[n].type,
		       returned->values[n].bits);
	putchar('\n');
}

static void call_all(void)
{
	static struct wasm_ta_returned returned[WASM_TA_CALLS_MAX];
	struct wasm_tee_error error = { };
	bool good = false;
	size_t n = 0;

	if (!queue.count)
		return;
	snprintf(error.text, sizeof(error.text), "the module is not there any more");
	if (queue.slot->module) {
		running = queue.slot->tee;
		alarm(seconds);
		good = wasm_tee_call_all(queue.slot->module, queue.calls,
					 queue.count, returned, &error);
		alarm(0);
		if (!good)
			empty(queue.slot);
	}
	for (n = 0; n < queue.count; n++) {
		if (good)
			print_returned(&queue.calls[n], &returned[n]);
		else
			print_failure(&error);
	}
	queue.count = 0;
}

/* Returns a call to fill in, whose arguments have room */
static struct wasm_tee_call *add_call(struct slot *slot, char **name,
				      struct wasm_ta_value **args)
{
	struct wasm_tee_call *call = NULL;

	if (slot != queue.slot || queue.count == at_once)
		call_all();
	queue.slot = slot;
	call = &queue.calls[queue.count];
	*name = queue.names[queue.count];
	*args = queue.args[queue.count++];
	memset(*name, 0, sizeof(queue.names[0]));
	memset(*args, 0, sizeof(queue.args[0]));
	*call = (struct wasm_tee_call){
		.name = *name, .args = *args, .keep = true,
	};
	return call;
}

static void start(struct slot *slot)
{
	struct wasm_ta_value *args = NULL;
	char *name = NULL;

	add_call(slot, &name, &args);
	strcpy(name, start_name);
}

/* "-": the empty name */
static void take_name(char *name, const char *hex)
{
	unsigned int byte = 0;

	if (!hex || strlen(hex) >= 2 * WASM_TA_NAME_SIZE)
		return;
	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		*name++ = byte;
}

static void call_by_name(struct slot *slot, char **words)
{
	struct wasm_ta_value *args = NULL;
	struct wasm_tee_call *call = NULL;
	const char *word = NULL;
	char *name = NULL;

	call = add_call(slot, &name, &args);
	take_name(name, strtok_r(NULL, " ", words));
	while ((word = strtok_r(NULL, " ", words)) &&
	       call->argc < WASM_TA_CALL_VALUES) {
		struct wasm_ta_value *arg = &args[call->argc++];

		if (sscanf(word, "%" SCNx32 ":%" SCNx64, &arg->type,
			   &arg->bits) != 2) {
			fputs("spec_test: an argument is no value\n", stderr);
			exit(EXIT_FAILURE);
		}
	}
}

static void obey(char *line)
{
	char *words = NULL;
	const char *verb = strtok_r(line, " ", &words);
	struct slot *slot = NULL;

	if (!verb)
		return;
	if (!strcmp(verb, "heap")) {
		heap_size = strtoull(words, NULL, 10);
		return;
	}
	slot = slot_of(&words);
	if (!strcmp(verb, "start")) {
		start(slot);
		return;
	}
	if (!strcmp(verb, "call")) {
		call_by_name(slot, &words);
		return;
	}
	call_all();
	if (!strcmp(verb, "load")) {
		load(slot, words);
	} else if (!strcmp(verb, "unload")) {
		empty(slot);
	} else {
		fprintf(stderr, "spec_test: %s is no command\n", verb);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char *argv[])
{
	struct sigaction action = { .sa_handler = stop };
	sigset_t caught;
	char *line = NULL;
	size_t room = 0;
	ssize_t length = 0;
	size_t n = 0;

	if (argc != 3) {
		fputs("usage: spec_test <seconds> <calls>\n",
		      stderr);
		return EXIT_FAILURE;
	}
	seconds = strtoul(argv[1], NULL, 10);
	at_once = strtoul(argv[2], NULL, 10);
	if (!at_once || at_once > WASM_TA_CALLS_MAX)
		at_once = WASM_TA_CALLS_MAX;
	sigaction(SIGALRM, &action, NULL);
	/* The library has a thread that takes signals while this one is away */
	sigemptyset(&caught);
	sigaddset(&caught, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &caught, NULL);
	/* A line at a time: what was last begun is known should it all end */
	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((length = getline(&line, &room, stdin)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		obey(line);
	}
	call_all();
	free(line);
	for (n = 0; n < SLOTS; n++)
		empty(&slots[n]);
	return EXIT_SUCCESS;
}
