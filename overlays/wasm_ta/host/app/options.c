// SPDX-License-Identifier: Apache-2.0
/*
 * The command line of optee_wamr.
 */
#include "app/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/status.h"

#define KEEP_MAX_SECONDS	86400
#define WAIT_SECONDS		60

static const char usage[] =
	"usage: optee_wamr [options] <heap_size> <module.aot> [args...]\n"
	"       optee_wamr --keep SECONDS\n"
	"       optee_wamr --attestation-key\n"
	"Run a WebAssembly module, compiled ahead of time, in the TEE.\n"
	"\n"
	"  heap_size         bytes for the module, its linear memory included;\n"
	"                    K and M may follow\n"
	"  --attest          with --nonce: do not run it, but write evidence of it to\n"
	"                    standard output, a token as RFC 9711 has it\n"
	"  --attestation-key write the key that evidence is signed with, a COSE_Key\n"
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
	"  --name NAME       the program's name: its argv[0] (default: the module's file)\n"
	"  --nonce HEX       have evidence made that the program can ask for; 8 to 64\n"
	"                    bytes, as whoever verifies it has chosen them\n"
	"  --stack SIZE      stack for compiled code, instead of the TA's own of 256K\n"
	"  --stdio TYPES     what the program's standard input, output and error are, if\n"
	"                    not what ours are: each t (terminal), d (another device),\n"
	"                    p (pipe) or f:SIZE (file), with commas between\n"
	"  --wait SECONDS    how long to wait for memory that other runs hold (60)\n"
	"  --quiet           do not print the module's SHA-256\n"
	"  --report FILE     write how it went to FILE, as JSON (also: --json); -: last\n"
	"                    on standard error, as a JSON text sequence (RFC 7464)\n"
	"  --help            print this\n"
	"\n"
	"Exit status: the program's own; 124 it trapped, 125 it was refused,\n"
	"126 the TEE failed, 127 called wrongly.\n";

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
	if (end > text && !isdigit((unsigned char)end[-1]) && !strcmp(end, "iB"))
		end += 2;

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

/* Two digits a byte */
static bool parse_nonce(struct options *options, const char *text)
{
	size_t size = strlen(text) / 2;
	size_t n = 0;

	if (strlen(text) % 2 || size < WASM_TA_NONCE_MIN ||
	    size > WASM_TA_NONCE_MAX ||
	    strspn(text, "0123456789abcdefABCDEF") != strlen(text))
		return false;

	for (n = 0; n < size; n++) {
		const char digits[] = { text[2 * n], text[2 * n + 1], '\0' };

		options->nonce[n] = strtoul(digits, NULL, 16);
	}
	options->nonce_size = size;
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

static bool add_variable(struct options *options, const char *setting)
{
	if (!strchr(setting, '=') || *setting == '=') {
		say("--env", setting, "write it as KEY=VALUE");
		return false;
	}
	if (options->environ_count == ENVIRON_MAX) {
		say("--env", "too many variables", NULL);
		return false;
	}

	options->environ[options->environ_count++] = setting;
	return true;
}

/* t, d, p or f:SIZE for each of the three, with commas between */
static bool parse_stdio(struct options *options, const char *text)
{
	static const char letters[] = {
		[WASM_TA_STDIO_PIPE] = 'p',
		[WASM_TA_STDIO_TERMINAL] = 't',
		[WASM_TA_STDIO_DEVICE] = 'd',
		[WASM_TA_STDIO_FILE] = 'f',
	};
	size_t n = 0;

	for (n = 0; n < WASM_TA_STDIO_COUNT; n++) {
		const char *letter = *text ? memchr(letters, *text,
						    sizeof(letters)) : NULL;
		char *end = (char *)text + 1;

		if (!letter)
			return false;
		options->stdio[n] = (struct wasm_tee_stdio){
			.type = letter - letters,
		};
		if (*end == ':' && isdigit((unsigned char)end[1]))
			options->stdio[n].size = strtoull(end + 1, &end, 10);
		text = end;
		if (n < WASM_TA_STDIO_COUNT - 1 && *text++ != ',')
			return false;
	}

	return !*text;
}

int options_parse(int argc, char *argv[], struct options *options)
{
	static const struct option known[] = {
		{ "attest", no_argument, NULL, 'a' },
		{ "attestation-key", no_argument, NULL, 'A' },
		{ "env", required_argument, NULL, 'e' },
		{ "dir", required_argument, NULL, 'd' },
		{ "files-limit", required_argument, NULL, 'l' },
		{ "keep", required_argument, NULL, 'k' },
		{ "module-size", required_argument, NULL, 'm' },
		{ "name", required_argument, NULL, 'n' },
		{ "nonce", required_argument, NULL, 'N' },
		{ "stack", required_argument, NULL, 's' },
		{ "stdio", required_argument, NULL, 'i' },
		{ "wait", required_argument, NULL, 'w' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "report", required_argument, NULL, 'r' },
		{ "json", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	int option = 0;

	options->wait = WAIT_SECONDS;
	for (option = 0; option < WASM_TA_STDIO_COUNT; option++)
		options->stdio[option] = wasm_tee_stdio_of(option);

	/* +: what follows the heap size is the program's */
	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1) {
		switch (option) {
		case 'a':
			options->attest = true;
			break;
		case 'A':
			options->attestation_key = true;
			break;
		case 'e':
			if (!add_variable(options, optarg))
				return STATUS_USAGE;
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
		case 'n':
			options->name = optarg;
			break;
		case 'N':
			if (!parse_nonce(options, optarg)) {
				say("--nonce", optarg,
				    "give 8 to 64 bytes in hexadecimal digits");
				return STATUS_USAGE;
			}
			break;
		case 's':
			if (!parse_size(optarg, &options->stack_size) ||
			    !options->stack_size) {
				say("--stack", optarg,
				    "give a number of bytes, or one with K or M");
				return STATUS_USAGE;
			}
			break;
		case 'i':
			if (!parse_stdio(options, optarg)) {
				say("--stdio", optarg,
				    "write it as t,p,f:1024: one for each of three");
				return STATUS_USAGE;
			}
			break;
		case 'w':
			if (!parse_seconds(optarg, &options->wait)) {
				say("--wait", optarg,
				    "give seconds from 0 to 86400");
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

	if (argc == optind && (options->kept || options->attestation_key))
		return -1;
	if (options->attest && !options->nonce_size) {
		say("--attest", "there is no nonce", "give one with --nonce");
		return STATUS_USAGE;
	}
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
	if (!options->name)
		options->name = basename(strdup(options->module));
	argv[optind + 1] = (char *)options->name;
	options->argv = (const char *const *)&argv[optind + 1];
	return -1;
}
