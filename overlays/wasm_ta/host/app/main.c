// SPDX-License-Identifier: Apache-2.0
/*
 * optee_wamr: runs a WebAssembly module (AOT) in the TEE.
 *
 *	optee_wamr [options] <heap_size> <module.aot> [args...]
 *	optee_wamr --keep SECONDS
 *	optee_wamr --attestation-key
 *
 * Standard output and error are the program's; what optee_wamr itself has to
 * say goes to standard error. So is the exit status, except:
 *
 *	124	the program trapped
 *	125	the TA refused it: not a module for this TA, or too small a heap
 *	126	the TEE, the TA or the way there failed, or what the program wrote
 *		to /secure could not be stored at its end
 *	127	optee_wamr was called wrongly, or could not read the module
 *
 * A program may exit with one of these as well, or with more than a process can
 * have: then a line says so, and --report tells the status as it is.
 *
 * What else goes wrong with /secure, the program gets as an errno and may ignore
 * it: that is told in a line here, and leaves the exit status as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <libwasm_tee.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <tee_client_api.h>
#include <time.h>
#include <unistd.h>

#include "app/attest.h"
#include "app/options.h"
#include "app/others.h"
#include "app/report.h"
#include "app/status.h"

static struct wasm_tee *running;
static volatile sig_atomic_t got_signal;
static bool broken_pipe;
static bool told_files;

static void on_signal(int number)
{
	got_signal = number;
	if (running)
		wasm_tee_stop(running);
}

/* Once: a run that is tried again packs its folders again */
static void say_notice(const char *line)
{
	if (!told_files)
		say(NULL, line, NULL);
}

static double now_ms(void)
{
	struct timespec now = { };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

/* Reads no byte too many: what follows may be the program's input */
static void *read_module(int fd, uint64_t size)
{
	uint8_t *bytes = NULL;
	size_t done = 0;

	if (!size || size > WASM_TA_MODULE_MAX) {
		errno = size ? EFBIG : ENODATA;
		return NULL;
	}

	bytes = malloc(size);
	while (bytes && done < size) {
		ssize_t count = read(fd, bytes + done, size - done);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0) {
			if (!count)
				errno = EIO;
			free(bytes);
			return NULL;
		}
		done += count;
	}

	return bytes;
}

static void *read_file(const char *path, size_t *size)
{
	struct stat status = { };
	void *bytes = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return NULL;

	if (fstat(fd, &status))
		goto out;
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		goto out;
	}

	*size = status.st_size;
	bytes = read_module(fd, *size);
out:
	error = errno;
	close(fd);
	errno = error;
	return bytes;
}

static bool write_output(void *context, int fd, const void *bytes,
			 size_t length)
{
	const uint8_t *next = bytes;

	(void)context;
	while (length) {
		ssize_t count = write(fd, next, length);

		if (count < 0 && errno == EAGAIN) {
			struct pollfd ready = { .fd = fd, .events = POLLOUT };

			poll(&ready, 1, -1);
			continue;
		}
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0) {
			broken_pipe = errno == EPIPE;
			return false;
		}
		next += count;
		length -= count;
	}

	return true;
}

/*
 * A thread that is in the TEE takes no signal: block them in this one, for a
 * thread of the library to take them.
 */
static void catch_signals(sigset_t *caught)
{
	/* Reset: a second signal ends the host app whatever the TA does */
	struct sigaction action = {
		.sa_handler = on_signal,
		.sa_flags = SA_RESETHAND | SA_RESTART,
	};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);

	sigemptyset(caught);
	sigaddset(caught, SIGINT);
	sigaddset(caught, SIGTERM);
	sigaddset(caught, SIGHUP);
	pthread_sigmask(SIG_BLOCK, caught, NULL);
}

/* Ends as the signal would have ended it, which shells understand */
static void die_of(int number)
{
	signal(number, SIG_DFL);
	raise(number);
}

static void say_measurement(const struct wasm_ta_result *result)
{
	size_t n = 0;

	fputs("optee_wamr: sha256 ", stderr);
	for (n = 0; n < sizeof(result->sha256); n++)
		fprintf(stderr, "%02x", result->sha256[n]);
	fputs(" measured by the TA\n", stderr);
}

/* @error: NULL if the TEE did its part */
static void say_end(const char *name, const struct wasm_ta_result *result,
		    const struct wasm_tee_error *error)
{
	char what[WASM_TA_MESSAGE_SIZE + 32] = { };

	if (error) {
		say(name, error->text, error->hint);
		/* What came after a program's end does not hide it */
		snprintf(what, sizeof(what), "the program itself ended with exit status %d",
			 (int)result->exit_status);
		if (result->outcome == WASM_TA_EXITED)
			say(name, what, NULL);
		return;
	}
	if (got_signal || broken_pipe)
		return;
	if (result->outcome == WASM_TA_EXITED) {
		status_say(name, result);
		return;
	}

	snprintf(what, sizeof(what), "%s%s",
		 result->outcome == WASM_TA_TRAPPED ? "trapped: " :
		 result->outcome == WASM_TA_REFUSED ? "refused: " : "failed: ",
		 result->message);
	say(name, what, wasm_tee_hint(result));
}

/* Whatever the program made of its errno */
static void say_storage(const struct wasm_ta_result *result)
{
	if (*result->storage)
		say(NULL, result->storage, wasm_tee_storage_hint(result));
}

/* Runs the module and fills in the report */
static void run_once(const struct options *options, const void *module,
		     struct wasm_ta_result *result, struct wasm_tee_error *error,
		     struct report *report)
{
	const int input = STDIN_FILENO;
	const struct wasm_tee_program program = {
		.module = module,
		.module_size = report->module_size,
		.argv = options->argv,
		.environ = options->environ,
		.output = write_output,
		.input = &input,
		.dirs = options->dirs,
		.dirs_count = options->dirs_count,
		.files_limit = options->files_limit,
		.stdio = options->stdio,
		.notice = say_notice,
	};
	double begin = now_ms();
	bool good = false;

	memset(result, 0, sizeof(*result));
	/* Evidence is of a module that comes after its nonce */
	running = options->kept && !options->nonce_size ?
		  wasm_tee_open_kept(options->keep, options->key, error) :
		  wasm_tee_open(error);
	report->times.open = now_ms() - begin;

	begin = now_ms();
	good = running &&
	       wasm_tee_configure(running, options->heap_size,
				  options->stack_size, error) &&
	       (!options->nonce_size ||
		wasm_tee_set_nonce(running, options->nonce,
				   options->nonce_size, error)) &&
	       wasm_tee_run(running, &program, result, error);
	report->times.run = now_ms() - begin;

	begin = now_ms();
	wasm_tee_close(running);
	report->times.close = now_ms() - begin;
	running = NULL;

	report->error = good ? NULL : error;
	report->status = good ? status_of(result) : STATUS_TEE;
}

static bool lacks_memory(const struct report *report)
{
	if (report->error)
		return report->error->code == TEEC_ERROR_OUT_OF_MEMORY;

	return report->result->outcome == WASM_TA_REFUSED &&
	       report->result->flags & WASM_TA_NO_MEMORY;
}

/*
 * A program that was refused has done nothing yet, and read nothing: it is tried
 * again as long as there are other runs, whose memory it could have.
 */
static void run(const struct options *options, const void *module,
		const sigset_t *caught, struct wasm_ta_result *result,
		struct wasm_tee_error *error, struct report *report)
{
	double deadline = now_ms() + options->wait * 1e3;
	char what[192] = { };
	char pids[128] = { };
	bool alone = false;
	bool told = false;

	while (true) {
		size_t others = 0;

		run_once(options, module, result, error, report);
		told_files = true;
		if (!lacks_memory(report) || got_signal || broken_pipe)
			return;
		others = others_count(pids, sizeof(pids));
		/* Once more: one that had it may have ended just before */
		if (!others && alone)
			return;
		alone = !others;
		if (others)
			snprintf(what, sizeof(what),
				 "the TEE's memory is held by %zu other run%s (process %s)",
				 others, others > 1 ? "s" : "", pids);
		if (now_ms() > deadline || got_signal)
			break;
		if (!told && others)
			say(options->name, what, "waiting for an end of one");
		told |= others;
		if (alone)
			continue;
		/* No thread of the library is there to take a signal */
		pthread_sigmask(SIG_UNBLOCK, caught, NULL);
		others_wait();
		pthread_sigmask(SIG_BLOCK, caught, NULL);
	}
	if (*what)
		say(options->name, what, "run it when they have ended");
}

/* Has a session opened for the run that follows; the keeper has it then */
static int open_only(const struct options *options)
{
	struct wasm_tee_error error = { };
	struct wasm_tee *tee = wasm_tee_open_kept(options->keep, 0, &error);

	wasm_tee_close(tee);
	if (!tee)
		say("--keep", error.text, error.hint);

	return tee ? EXIT_SUCCESS : STATUS_TEE;
}

int main(int argc, char *argv[])
{
	struct wasm_ta_result result = { };
	struct wasm_tee_error error = { };
	struct options options = { };
	struct report report = { .result = &result };
	void *module = NULL;
	sigset_t caught;
	int status = options_parse(argc, argv, &options);

	if (status >= 0)
		return status;

	if (options.attestation_key)
		return attest_key();
	if (!options.module)
		return open_only(&options);

	report.module = options.module;
	report.module_size = options.module_size;
	module = options.module_size ?
		 read_module(STDIN_FILENO, options.module_size) :
		 read_file(options.module, &report.module_size);
	if (!module) {
		say(options.module,
		    errno == ENODATA ? "the file is empty" : strerror(errno),
		    "give the AOT file of a module");
		return STATUS_USAGE;
	}

	if (options.attest) {
		status = attest_module(&options, module, report.module_size);
		free(module);
		return status;
	}

	if (options.kept)
		options.key = wasm_tee_key(module, report.module_size,
					   options.heap_size,
					   options.stack_size);
	catch_signals(&caught);
	run(&options, module, &caught, &result, &error, &report);
	pthread_sigmask(SIG_UNBLOCK, &caught, NULL);
	free(module);

	if (!options.quiet && result.flags & WASM_TA_MEASURED)
		say_measurement(&result);
	say_storage(&result);
	say_end(options.name, &result, report.error);

	if (options.report && !report_write(options.report, &report)) {
		say(options.report, strerror(errno), NULL);
		if (!report.status)
			report.status = STATUS_USAGE;
	}

	if (got_signal)
		die_of(got_signal);
	if (broken_pipe)
		die_of(SIGPIPE);
	return report.status;
}
