/* SPDX-License-Identifier: Apache-2.0 */
/* Lists a folder, then changes it: adds, appends, removes, moves. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int append(const char *path, const char *text)
{
	FILE *file = fopen(path, "a");

	return !file || fputs(text, file) < 0 || fclose(file);
}

int main(int argc, char *argv[])
{
	const char *folder = argc > 1 ? argv[1] : "/";
	struct dirent *entry = NULL;
	DIR *dir = opendir(folder);

	if (!dir || chdir(folder)) {
		perror(folder);
		return 1;
	}
	while ((entry = readdir(dir)))
		puts(entry->d_name);
	closedir(dir);

	return append("new.txt", "new\n") || append("changed.txt", "more\n") ||
	       unlink("gone.txt") || mkdir("made", 0755) ||
	       rename("sub/moved.txt", "made/moved.txt") || rmdir("sub") ||
	       symlink("changed.txt", "link");
}
