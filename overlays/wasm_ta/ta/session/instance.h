/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instance of a loaded module, with what it has of the world outside.
 */
#ifndef INSTANCE_H
#define INSTANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <wasm_export.h>

#include "aot/module.h"
#include "base/outcome.h"
#include "fs/files.h"
#include "stream/input.h"
#include "stream/output.h"
#include "wasi/args.h"
#include "wasi/wasi.h"

struct instance {
	struct args args;
	struct output output;
	struct input input;
	struct files files;
	struct wasi wasi;
	wasm_module_inst_t wamr;
	/* Of the call that executes AOT code; and whether the core watches it */
	wasm_exec_env_t env;
	bool watched;
};

/* A parameter in shared memory: the normal world may change it at any time */
struct shared {
	void *buffer;
	size_t size;
};

/*
 * instance_attach() - connect @instance to the streams of one command
 * instance_detach() - and disconnect it: the streams are not touched any more
 */
bool instance_attach(struct instance *instance, struct outcome *outcome,
		     struct shared streams);
void instance_detach(struct instance *instance);

/* Takes the arguments and the environment of the program */
bool instance_take_args(struct instance *instance, struct outcome *outcome,
			struct shared args);

/* Gives it its files, those that the host app sends first, as its manifest allows */
bool instance_take_files(struct instance *instance, struct outcome *outcome,
			 const struct module *module);

/* Gives it its memory, and runs the start function of its module */
bool instance_start(struct instance *instance, struct outcome *outcome,
		    const struct module *module);

/* Calls _start: the program runs to its end, which @outcome tells */
void instance_run(struct instance *instance, struct outcome *outcome,
		  const struct module *module);

/* Calls _initialize, as a module without _start wants it, if there is one */
bool instance_initialize(struct instance *instance, struct outcome *outcome,
			 const struct module *module);

/*
 * instance_watch() - let the core watch over all of @calls(@argument) at once
 *
 * That is for several calls in one command: to begin and end watching takes
 * longer than a small function. Returns false if AOT code was left because the
 * host app asked for the end, or is gone: the last call then has ended so.
 */
bool instance_watch(struct instance *instance, struct outcome *outcome,
		    void (*calls)(void *argument), void *argument);

/*
 * instance_call() - call an exported function by its name
 *
 * Returns true, with @returned filled in, if it returned. Else @outcome says
 * how it ended, and unless that is a refusal or a trap, the instance is not to
 * be used any more.
 */
bool instance_call(struct instance *instance, struct outcome *outcome,
		   const struct module *module,
		   const struct wasm_ta_call *call,
		   struct wasm_ta_returned *returned);

/*
 * instance_keep_files() - store what is in /secure, and send folders back
 *
 * To be called after the program's end, or after a call: what it did to its
 * files outlives it. Where that fails, @outcome says so.
 */
void instance_keep_files(struct instance *instance, struct outcome *outcome);

/* Releases all; also what was not started or taken */
void instance_close(struct instance *instance);

#endif /* INSTANCE_H */
