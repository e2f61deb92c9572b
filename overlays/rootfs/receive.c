/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes files from the host. Its stdin has lines:
 *
 *	look SIZE PATH			says "SHA256 MODE" of a file of this size,
 *					-1 for any; "-" if there is none
 *	put MODE SIZE SHA256 PATH	SIZE bytes follow, which go to a file
 *					beside PATH
 *	commit				moves all that was put to its place, and
 *					says "done"
 *
 * What can't be done ends it, with a line "failed WHAT NUMBER: WHY", where
 * NUMBER counts the files since the last commit. What was put and not committed
 * is removed. The other side is teeforge/targets/receiver.py.
 *
 * A program and not a script, which boards have: it hashes what comes while the
 * SSH server is decrypting the next bytes, with the CPU's instructions for it,
 * and is started once for a connection and not several times for a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sha256.h"

#define LINE	(PATH_MAX + 256)

/* A file beside the one that it is to replace */
struct parcel {
	char *path;
	char *temporary;
};

static struct parcel *parcels;
static size_t parcel_count;

/* What has come, and of it what is not used yet; more would leave the caches */
static unsigned char input[1 << 16];
static size_t input_begin;
static size_t input_end;

static void forget_parcels(void)
{
	while (parcel_count) {
		struct parcel *parcel = parcels + --parcel_count;

		/* Not there any more if it was moved */
		unlink(parcel->temporary);
		free(parcel->temporary);
		free(parcel->path);
	}
}

static _Noreturn void fail(const char *what, size_t number, const char *why)
{
	forget_parcels();
	printf("failed %s %zu: %s\n", what, number, why);
	exit(1);
}

/* Waits for more input; its end is the end of the connection */
static void await_input(void)
{
	ssize_t got = 0;

	do {
		got = read(STDIN_FILENO, input, sizeof(input));
	} while (got < 0 && errno == EINTR);
	if (got <= 0) {
		forget_parcels();
		exit(got < 0);
	}
	input_begin = 0;
	input_end = got;
}

/* Returns input that is there, at least a byte and at most so many */
static const unsigned char *next_bytes(uint64_t most, size_t *size)
{
	const unsigned char *bytes = NULL;

	if (input_begin == input_end)
		await_input();
	*size = input_end - input_begin;
	if (*size > most)
		*size = most;
	bytes = input + input_begin;
	input_begin += *size;
	return bytes;
}

static void next_line(char *line)
{
	size_t length = 0;
	size_t one = 0;

	while ((line[length] = *next_bytes(1, &one)) != '\n')
		if (++length == LINE)
			fail("understand", parcel_count, "a line is too long");
	line[length] = '\0';
}

static void must_hash(bool hashed)
{
	if (!hashed)
		fail("hash", parcel_count, strerror(errno));
}

static bool hash_file(int file, char hex[SHA256_HEX])
{
	static unsigned char bytes[1 << 16];
	ssize_t got = 0;

	must_hash(sha256_begin());
	while ((got = read(file, bytes, sizeof(bytes))) > 0)
		must_hash(sha256_add(bytes, got));
	must_hash(sha256_end(hex));
	return !got;
}

/* Says whether it is a file, and of this size unless that is below 0 */
static bool is_file(int file, int64_t size, struct stat *info)
{
	return file >= 0 && !fstat(file, info) && S_ISREG(info->st_mode) &&
	       (size < 0 || size == info->st_size);
}

static void look(const char *words)
{
	char hex[SHA256_HEX] = "";
	struct stat info = { 0 };
	int64_t size = 0;
	int start = 0;
	int file = -1;

	if (sscanf(words, "%" SCNd64 " %n", &size, &start) != 1 || !start)
		fail("understand", parcel_count, words);
	/* A link to such a file is not the file, and what is none may block */
	file = open(words + start,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (is_file(file, size, &info) && hash_file(file, hex))
		printf("%s %o\n", hex, info.st_mode & 07777);
	else
		puts("-");
	if (file >= 0)
		close(file);
}

static bool is_folder(const char *path)
{
	struct stat info = { 0 };

	return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* Makes a file beside path that is removed if things go wrong */
static int open_parcel(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct parcel *more = NULL;
	struct parcel parcel = { 0 };
	int file = -1;

	if (!slash)
		fail("understand", parcel_count, "a path without a folder");
	more = realloc(parcels, (parcel_count + 1) * sizeof(*parcels));
	if (!more)
		fail("write", parcel_count, strerror(errno));
	parcels = more;

	parcel.path = strdup(path);
	if (!parcel.path ||
	    asprintf(&parcel.temporary, "%.*s/.%s.XXXXXX.part",
		     (int)(slash - path), path, slash + 1) < 0)
		fail("write", parcel_count, strerror(errno));
	file = mkostemps(parcel.temporary, strlen(".part"), O_CLOEXEC);
	if (file < 0)
		fail(errno == ENOENT || errno == ENOTDIR ? "folder" : "write",
		     parcel_count, strerror(errno));
	parcels[parcel_count++] = parcel;
	return file;
}

static void put(const char *words)
{
	char expected[SHA256_HEX] = "";
	char hex[SHA256_HEX] = "";
	size_t number = parcel_count;
	uint64_t left = 0;
	unsigned int mode = 0;
	int start = 0;
	int file = -1;

	if (sscanf(words, "%o %" SCNu64 " %64[0-9a-f] %n", &mode, &left,
		   expected, &start) != 3 || !start)
		fail("understand", number, words);
	if (is_folder(words + start))
		fail("replace", number, strerror(EISDIR));
	file = open_parcel(words + start);
	must_hash(sha256_begin());

	while (left) {
		size_t size = 0;
		size_t written = 0;
		const unsigned char *bytes = next_bytes(left, &size);

		while (written < size) {
			ssize_t some = write(file, bytes + written,
					     size - written);

			if (some < 0)
				fail("write", number, strerror(errno));
			written += some;
		}
		must_hash(sha256_add(bytes, size));
		left -= size;
	}

	must_hash(sha256_end(hex));
	if (strcmp(hex, expected))
		fail("bytes", number, "another SHA-256");
	if (fchmod(file, mode & 07777) || close(file))
		fail("write", number, strerror(errno));
}

static void commit(void)
{
	size_t n = 0;

	for (n = 0; n < parcel_count; n++)
		if (rename(parcels[n].temporary, parcels[n].path))
			fail("replace", n, strerror(errno));
	forget_parcels();
	puts("done");
}

int main(void)
{
	static char line[LINE];

	signal(SIGPIPE, SIG_IGN);
	setlinebuf(stdout);
	/* Whoever can't do that should not have begun */
	must_hash(sha256_begin());
	puts("receive 1");
	while (true) {
		next_line(line);
		if (!strncmp(line, "look ", 5))
			look(line + 5);
		else if (!strncmp(line, "put ", 4))
			put(line + 4);
		else if (!strcmp(line, "commit"))
			commit();
		else
			fail("understand", parcel_count, line);
	}
}
