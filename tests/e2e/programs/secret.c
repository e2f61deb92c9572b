/* SPDX-License-Identifier: Apache-2.0 */
/* secret write NAME TEXT, secret read NAME, secret remove NAME, secret list: files in secure storage. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int list(void)
{
	struct dirent *entry = NULL;
	DIR *dir = opendir("/secure");

	if (!dir)
		return 1;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			puts(entry->d_name);
	return closedir(dir);
}

int main(int argc, char *argv[])
{
	char path[256];
	char text[256];
	FILE *file = NULL;

	if (argc == 2)
		return list();
	snprintf(path, sizeof(path), "/secure/%s", argv[2]);
	if (!strcmp(argv[1], "remove"))
		return unlink(path) != 0;

	file = fopen(path, argc == 4 ? "w" : "r");
	if (!file) {
		perror(path);
		return 1;
	}
	if (argc == 4)
		return fputs(argv[3], file) < 0 || fclose(file) ? 1 : 0;
	while (fgets(text, sizeof(text), file))
		fputs(text, stdout);
	return 0;
}
