/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a run as JSON, for the program that started the host app.
 */
#ifndef REPORT_H
#define REPORT_H

#include <libwasm_tee.h>
#include <stdbool.h>

/* Milliseconds that the host app saw go by */
struct report_times {
	double open;		/* until the session was open */
	double run;		/* the run command, all stages of the TA included */
	double close;
};

struct report {
	const char *module;			/* path */
	size_t module_size;
	int status;				/* exit status of the host app */
	const struct wasm_ta_result *result;
	const struct wasm_tee_error *error;	/* NULL if the TEE did its part */
	struct report_times times;
};

/*
 * @path may be "-" for standard error. Returns false, with errno set, if the
 * file could not be written.
 */
bool report_write(const char *path, const struct report *report);

#endif /* REPORT_H */
