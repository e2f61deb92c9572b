/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: its heap, the one module that it serves, and its commands.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdint.h>
#include <sys/queue.h>
#include <tee_api_types.h>
#include <wasm_ta.h>

#include "session/instance.h"

/* One of the times that the module was loaded, each with its own calls */
struct loaded {
	uint32_t handle;
	struct instance *instance;	/* of the calls by name, or NULL */
	SLIST_ENTRY(loaded) link;
};

struct session {
	uint32_t heap_size;		/* 0: not configured */
	uint32_t stack_size;		/* 0: the TA's own stack */
	uint32_t last_handle;
	uint32_t count;
	/* Whatever it did to this instance, no other one comes after it */
	struct module module;
	SLIST_HEAD(loaded_list, loaded) loaded;
};

TEE_Result session_configure(struct session *session, uint32_t heap_size,
			     uint32_t stack_size);

/* These fill in @result, whatever happens, if they return TEE_SUCCESS */
TEE_Result session_run(struct session *session, struct shared module,
		       struct shared args, struct shared streams,
		       struct wasm_ta_result *result);
TEE_Result session_load(struct session *session, struct shared module,
			struct wasm_ta_result *result, uint32_t *handle);
TEE_Result session_run_loaded(struct session *session, uint32_t handle,
			      struct shared args, struct shared streams,
			      struct wasm_ta_result *result);
TEE_Result session_call(struct session *session, uint32_t handle,
			struct shared calls, struct shared streams,
			struct shared results);

TEE_Result session_unload(struct session *session, uint32_t handle);

/* Releases all; the module as well, and with it this instance's last use */
void session_close(struct session *session);

#endif /* SESSION_H */
