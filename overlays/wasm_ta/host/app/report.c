// SPDX-License-Identifier: Apache-2.0
/*
 * Writes the report of a run: one JSON object, see report_write().
 */
#include "app/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Tells the report from what the program wrote there before: RFC 7464 */
#define RECORD_SEPARATOR "\x1e"

static const char *outcome_name(const struct report *report)
{
	if (report->error)
		return "tee-error";

	switch (report->result->outcome) {
	case WASM_TA_EXITED:
		return "exited";
	case WASM_TA_TRAPPED:
		return "trapped";
	case WASM_TA_REFUSED:
		return "refused";
	default:
		return "failed";
	}
}

static const char *const stage_names[WASM_TA_STAGES] = {
	[0] = "none",
	[WASM_TA_STAGE_COPY] = "copy",
	[WASM_TA_STAGE_MEASURE] = "measure",
	[WASM_TA_STAGE_CHECK] = "check",
	[WASM_TA_STAGE_HEAP] = "heap",
	[WASM_TA_STAGE_LOAD] = "load",
	[WASM_TA_STAGE_INSTANTIATE] = "instantiate",
	[WASM_TA_STAGE_RUN] = "run",
};

static void put_string(FILE *file, const char *key, const char *text)
{
	fprintf(file, "  \"%s\": \"", key);
	for (; *text; text++) {
		unsigned char c = *text;

		if (c == '"' || c == '\\')
			fprintf(file, "\\%c", c);
		else if (c < ' ' || c > '~')
			fprintf(file, "\\u%04x", c);
		else
			fputc(c, file);
	}
	fputs("\",\n", file);
}

static void put_sha256(FILE *file, const struct wasm_ta_result *result)
{
	size_t n = 0;

	if (!(result->flags & WASM_TA_MEASURED)) {
		fputs("  \"sha256\": null,\n", file);
		return;
	}

	fputs("  \"sha256\": \"", file);
	for (n = 0; n < sizeof(result->sha256); n++)
		fprintf(file, "%02x", result->sha256[n]);
	fputs("\",\n", file);
}

static void put_times(FILE *file, const struct report *report)
{
	int stage = 0;

	fprintf(file,
		"  \"host_ms\": {\"open\": %.3f, \"run\": %.3f, \"close\": %.3f},\n",
		report->times.open, report->times.run, report->times.close);
	fputs("  \"ta_ms\": {", file);
	for (stage = 1; stage < WASM_TA_STAGES; stage++)
		fprintf(file, "%s\"%s\": %" PRIu32, stage > 1 ? ", " : "",
			stage_names[stage], report->result->stage_ms[stage]);
	fputs("}\n", file);
}

bool report_write(const char *path, const struct report *report)
{
	const struct wasm_ta_result *result = report->result;
	bool to_stderr = !strcmp(path, "-");
	FILE *file = to_stderr ? stderr : fopen(path, "we");
	bool good = false;

	if (!file)
		return false;

	fputs(to_stderr ? RECORD_SEPARATOR "{\n" : "{\n", file);
	put_string(file, "outcome", outcome_name(report));
	fprintf(file, "  \"status\": %d,\n", report->status);
	if (result->outcome == WASM_TA_EXITED)
		fprintf(file, "  \"exit_status\": %" PRIu32 ",\n",
			result->exit_status);
	else
		fputs("  \"exit_status\": null,\n", file);
	put_string(file, "stage", stage_names[result->stage < WASM_TA_STAGES ?
					      result->stage : 0]);
	put_string(file, "message",
		   report->error ? report->error->text : result->message);
	if (report->error)
		fprintf(file, "  \"tee_result\": \"0x%08" PRIx32 "\",\n",
			report->error->code);
	put_string(file, "storage", result->storage);
	put_string(file, "module", report->module);
	fprintf(file, "  \"module_size\": %zu,\n", report->module_size);
	put_sha256(file, result);
	fprintf(file, "  \"heap_size\": %" PRIu32 ",\n", result->heap_size);
	fprintf(file, "  \"heap_needed\": %" PRIu32 ",\n", result->heap_needed);
	fprintf(file, "  \"stack_size\": %" PRIu32 ",\n", result->stack_size);
	put_times(file, report);
	fputs("}\n", file);

	good = !fflush(file) && !ferror(file);
	return (to_stderr || !fclose(file)) && good;
}
