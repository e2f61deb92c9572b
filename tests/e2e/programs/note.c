/* SPDX-License-Identifier: Apache-2.0 */
/*
 * note put TEXT, note get: one file in /secure. note careless BYTES: another one of that size, whatever the errors;
 * note replace TEXT: as put, but a new file takes the place of the old one; note hold SECONDS: has /secure that long.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOTE "/secure/note"
#define NEW "/secure/new"

static int put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file) {
		perror(path);
		return 2;
	}
	fputs(text, file);
	return fclose(file) ? 3 : 0;
}

static int replace(const char *text)
{
	int status = put(NEW, text);

	if (!status && rename(NEW, NOTE)) {
		perror(NOTE);
		return 6;
	}
	return status;
}

static int get(void)
{
	FILE *file = NULL;
	char text[100] = "";

	if (!opendir("/secure")) {
		perror("/secure");
		return 4;
	}
	file = fopen(NOTE, "r");
	if (!file) {
		perror(NOTE);
		return 5;
	}
	if (!fgets(text, sizeof(text), file)) {
		perror(NOTE);
		return 7;
	}
	fputs(text, stdout);
	return 0;
}

static int careless(long bytes)
{
	FILE *file = fopen("/secure/careless", "w");

	while (file && bytes--)
		fputc('x', file);
	if (file)
		fclose(file);
	return 0;
}

static int hold(unsigned int seconds)
{
	if (!opendir("/secure"))
		return 8;
	return sleep(seconds);
}

int main(int argc, char *argv[])
{
	if (argc == 3 && !strcmp(argv[1], "put"))
		return put(NOTE, argv[2]);
	if (argc == 3 && !strcmp(argv[1], "replace"))
		return replace(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "hold"))
		return hold(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "careless"))
		return careless(atol(argv[2]));
	return get();
}
