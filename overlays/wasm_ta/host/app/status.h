/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How optee_wamr ends, and what it says of it.
 */
#ifndef STATUS_H
#define STATUS_H

#include <libwasm_tee.h>

#define STATUS_TRAP	124
#define STATUS_REFUSED	125
#define STATUS_TEE	126
#define STATUS_USAGE	127

/* One line: what, where, and what to do. Control characters do not get out */
void say(const char *where, const char *what, const char *hint);

/*
 * The exit status that a program's end becomes. Its own fits in 32 bits, that of
 * a process in 8, and 0 is for 0 alone.
 */
int status_of(const struct wasm_ta_result *result);

/* A line for whoever could take the status for another end than it is */
void status_say(const char *name, const struct wasm_ta_result *result);

#endif /* STATUS_H */
