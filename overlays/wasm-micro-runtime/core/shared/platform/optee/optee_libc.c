// SPDX-License-Identifier: Apache-2.0
/*
 * Functions that the runtime refers to, and that neither libutils nor the files
 * built here have.
 */
#include "platform_api_vmcore.h"

struct wasm_trap_t;

/* Their own headers include most of WAMR's, which are not free of warnings */
uint64 bh_get_tick_ms(void);
void wasm_trap_delete(struct wasm_trap_t *trap);

int atoi(const char *text)
{
	/* The AOT loader reads function indexes: out of range must not wrap */
	unsigned long value = strtoul(text, NULL, 10);

	return value > INT_MAX ? INT_MAX : (int)value;
}

/* runtime_timer.c is for app-mgr; bh_log.c wants just this of it */
uint64 bh_get_tick_ms(void)
{
	return os_time_get_boot_microsecond() / 1000;
}

/* The wasm-c-api is not built: no native function of its kind ever traps */
void wasm_trap_delete(struct wasm_trap_t *trap __unused)
{
}
