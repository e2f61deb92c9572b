// SPDX-License-Identifier: Apache-2.0
/*
 * optee_wamr: runs a WebAssembly module (AOT) in the TEE.
 *
 *	optee_wamr [options] <heap_size> <module.aot> [args...]
 *	optee_wamr --keep SECONDS
 *
 * Standard output and error are the program's; what optee_wamr itself has to
 * say goes to standard error. So is the exit status, except:
 *
 *	124	the program trapped
 *	125	the TA refused it: not a module for this TA, or too small a heap
 *	126	the TEE, the TA or the way there failed
 *	127	optee_wamr was called wrongly, or could not read the module
 *
 * A program may exit with one of these as well: --report tells them apart.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wasm_files.h>

#include "libwasm_tee.h"
#include "report.h"

#define STATUS_TRAP	124
#define STATUS_REFUSED	125
#define STATUS_TEE	126
#define STATUS_USAGE	127

#define ENVIRON_MAX	256

#define KEEP_MAX_SECONDS	86400

static const char usage[] =
	"usage: optee_wamr [options] <heap_size> <module.aot> [args...]\n"
	"       optee_wamr --keep SECONDS\n"
	"Run a WebAssembly module, compiled ahead of time, in the TEE.\n"
	"\n"
	"  heap_size         bytes for the module, its linear memory included;\n"
	"                    K and M may follow\n"
	"  --env KEY=VALUE   give the program an environment variable (repeatable)\n"
	"  --dir HOST[::GUEST][:rw]\n"
	"                    copy a folder into the program's files, at GUEST (default:\n"
	"                    /), and with :rw back after the run (repeatable)\n"
	"  --files-limit SIZE\n"
	"                    most memory that the program's files may take\n"
	"  --keep SECONDS    use a session that is kept open, and keep it for so long;\n"
	"                    0: use it, and no longer keep it. Without a module: just\n"
	"                    open one for the run that follows\n"
	"  --module-size SIZE\n"
	"                    the module is not a file but the first bytes of standard\n"
	"                    input; what follows them is the program's\n"
	"  --quiet           do not print the module's SHA-256\n"
	"  --report FILE     write how it went to FILE, as JSON (also: --json); -: last\n"
	"                    on standard error, as a JSON text sequence (RFC 7464)\n"
	"  --help            print this\n"
	"\n"
	"Exit status: the program's own; 124 it trapped, 125 it was refused,\n"
	"126 the TEE failed, 127 called wrongly.\n";

struct options {
	uint64_t heap_size;
	const char *module;
	const char *const *argv;	/* of the program, its name first */
	const char *environ[ENVIRON_MAX + 1];
	size_t environ_count;
	struct wasm_tee_dir dirs[WASM_FILES_MOUNTS_MAX];
	size_t dirs_count;
	uint64_t files_limit;
	uint64_t module_size;		/* of one in standard input, or 0 */
	const char *report;
	bool kept;			/* use a session that is kept, */
	unsigned int keep;		/* ... and keep it for so many seconds */
	bool quiet;
};

static struct wasm_tee *running;
static volatile sig_atomic_t got_signal;
static bool broken_pipe;

static void on_signal(int number)
{
	got_signal = number;
	if (running)
		wasm_tee_stop(running);
}

/* One line: what, where, and what to do. Control characters do not get out */
static void say(const char *where, const char *what, const char *hint)
{
	char line[1024] = { };
	char *c = NULL;

	snprintf(line, sizeof(line), "optee_wamr: %s%s%s%s%s",
		 where ? where : "", where ? ": " : "", what,
		 hint ? "; " : "", hint ? hint : "");
	for (c = line; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	fprintf(stderr, "%s\n", line);
}

static double now_ms(void)
{
	struct timespec now = { };

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static bool parse_size(const char *text, uint64_t *size)
{
	char *end = NULL;

	if (!isdigit((unsigned char)*text))
		return false;

	errno = 0;
	*size = strtoull(text, &end, 10);
	if (errno || *size > UINT32_MAX)
		return false;

	if (*end == 'K' || *end == 'k') {
		*size <<= 10;
		end++;
	} else if (*end == 'M' || *end == 'm') {
		*size <<= 20;
		end++;
	}

	return !*end;
}

/* HOST[::GUEST][:rw]; a HOST that ends like one takes an explicit :ro */
static bool parse_dir(struct options *options, char *text)
{
	struct wasm_tee_dir *dir = &options->dirs[options->dirs_count];
	size_t length = strlen(text);
	char *guest = NULL;

	if (options->dirs_count == WASM_FILES_MOUNTS_MAX)
		return false;

	if (length > 3 && !strcmp(text + length - 3, ":rw"))
		dir->writable = true;
	if (length > 3 && (dir->writable || !strcmp(text + length - 3, ":ro")))
		text[length - 3] = '\0';

	guest = strstr(text, "::");
	if (guest) {
		*guest = '\0';
		guest += 2;
	}
	dir->host = text;
	dir->guest = guest ? guest : "/";
	if (!*text || *dir->guest != '/')
		return false;

	options->dirs_count++;
	return true;
}

static bool parse_seconds(const char *text, unsigned int *seconds)
{
	char *end = NULL;
	unsigned long number = strtoul(text, &end, 10);

	*seconds = number;
	return isdigit((unsigned char)*text) && !*end &&
	       number <= KEEP_MAX_SECONDS;
}

/* Returns -1 to go on, else the status to exit with */
static int parse_options(int argc, char *argv[], struct options *options)
{
	static const struct option known[] = {
		{ "env", required_argument, NULL, 'e' },
		{ "dir", required_argument, NULL, 'd' },
		{ "files-limit", required_argument, NULL, 'l' },
		{ "keep", required_argument, NULL, 'k' },
		{ "module-size", required_argument, NULL, 'm' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "report", required_argument, NULL, 'r' },
		{ "json", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	int option = 0;

	/* +: what follows the heap size is the program's */
	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		switch (option) {
		case 'e':
			if (!strchr(optarg, '=') || *optarg == '=') {
				say("--env", optarg, "write it as KEY=VALUE");
				return STATUS_USAGE;
			}
			if (options->environ_count == ENVIRON_MAX) {
				say("--env", "too many variables", NULL);
				return STATUS_USAGE;
			}
			options->environ[options->environ_count++] = optarg;
			break;
		case 'd':
			if (!parse_dir(options, optarg)) {
				say("--dir", optarg,
				    "write it as HOST[::GUEST][:rw], at most 16 of them");
				return STATUS_USAGE;
			}
			break;
		case 'l':
			if (!parse_size(optarg, &options->files_limit) ||
			    !options->files_limit ||
			    options->files_limit > UINT32_MAX) {
				say("--files-limit", optarg,
				    "give a number of bytes, or one with K or M");
				return STATUS_USAGE;
			}
			break;
		case 'k':
			if (!parse_seconds(optarg, &options->keep)) {
				say("--keep", optarg,
				    "give seconds from 0 to 86400");
				return STATUS_USAGE;
			}
			options->kept = true;
			break;
		case 'm':
			if (!parse_size(optarg, &options->module_size) ||
			    !options->module_size) {
				say("--module-size", optarg,
				    "give a number of bytes, or one with K or M");
				return STATUS_USAGE;
			}
			break;
		case 'q':
			options->quiet = true;
			break;
		case 'r':
			options->report = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return STATUS_USAGE;
		}
	}

	if (argc == optind && options->kept)
		return -1;
	if (argc - optind < 2) {
		fputs(usage, stderr);
		return STATUS_USAGE;
	}

	if (!parse_size(argv[optind], &options->heap_size)) {
		say(argv[optind], "is not a heap size",
		    "give a number of bytes, or one with K or M");
		return STATUS_USAGE;
	}

	options->module = argv[optind + 1];
	/* The program's name is the module's, without the folder */
	argv[optind + 1] = basename(strdup(options->module));
	options->argv = (const char *const *)&argv[optind + 1];
	return -1;
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

static int status_of(const struct wasm_ta_result *result)
{
	switch (result->outcome) {
	case WASM_TA_EXITED:
		return result->exit_status & 0xff;
	case WASM_TA_TRAPPED:
		return STATUS_TRAP;
	case WASM_TA_REFUSED:
		return STATUS_REFUSED;
	default:
		return STATUS_TEE;
	}
}

static void say_measurement(const struct wasm_ta_result *result)
{
	size_t n = 0;

	fputs("optee_wamr: sha256 ", stderr);
	for (n = 0; n < sizeof(result->sha256); n++)
		fprintf(stderr, "%02x", result->sha256[n]);
	fputs(" measured by the TA\n", stderr);
}

static void say_end(const char *module, const struct wasm_ta_result *result)
{
	char what[WASM_TA_MESSAGE_SIZE + 32] = { };

	if (result->outcome == WASM_TA_EXITED || got_signal || broken_pipe)
		return;

	snprintf(what, sizeof(what), "%s%s",
		 result->outcome == WASM_TA_TRAPPED ? "trapped: " :
		 result->outcome == WASM_TA_REFUSED ? "refused: " : "failed: ",
		 result->message);
	say(module, what, wasm_tee_hint(result));
}

/* Runs the module and fills in the report */
static void run(const struct options *options, const void *module,
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
	};
	double begin = now_ms();
	bool good = false;

	running = options->kept ? wasm_tee_open_kept(options->keep, error) :
				  wasm_tee_open(error);
	report->times.open = now_ms() - begin;

	begin = now_ms();
	good = running &&
	       wasm_tee_configure_heap(running, options->heap_size, error) &&
	       wasm_tee_run(running, &program, result, error);
	report->times.run = now_ms() - begin;

	begin = now_ms();
	wasm_tee_close(running);
	report->times.close = now_ms() - begin;

	report->error = good ? NULL : error;
	report->status = good ? status_of(result) : STATUS_TEE;
}

/* Has a session opened for the run that follows; the keeper has it then */
static int open_only(const struct options *options)
{
	struct wasm_tee_error error = { };
	struct wasm_tee *tee = wasm_tee_open_kept(options->keep, &error);

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
	int status = parse_options(argc, argv, &options);

	if (status >= 0)
		return status;

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

	catch_signals(&caught);
	run(&options, module, &result, &error, &report);
	pthread_sigmask(SIG_UNBLOCK, &caught, NULL);
	free(module);

	if (!options.quiet && result.flags & WASM_TA_MEASURED)
		say_measurement(&result);
	if (report.error)
		say(options.module, error.text, error.hint);
	else
		say_end(options.module, &result);

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
