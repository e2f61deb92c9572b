// SPDX-License-Identifier: Apache-2.0
/*
 * Other runs are processes of the same name.
 */
#include "app/others.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define NAME_SIZE	16	/* TASK_COMM_LEN of the kernel */
#define WAITING		"optee_wamr wait"
#define WAIT_MS		200

static bool read_name(const char *pid, char name[NAME_SIZE + 1])
{
	char path[64] = { };
	FILE *file = NULL;
	bool good = false;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	good = fgets(name, NAME_SIZE + 1, file);
	fclose(file);
	if (good)
		name[strcspn(name, "\n")] = '\0';
	return good;
}

size_t others_count(char *pids, size_t room)
{
	char own[NAME_SIZE + 1] = { };
	char name[NAME_SIZE + 1] = { };
	DIR *proc = opendir("/proc");
	struct dirent *entry = NULL;
	size_t count = 0;
	size_t used = 0;

	if (!proc)
		return 0;

	prctl(PR_GET_NAME, own);
	while ((entry = readdir(proc))) {
		if (!isdigit((unsigned char)*entry->d_name) ||
		    atoi(entry->d_name) == getpid() ||
		    !read_name(entry->d_name, name) || strcmp(name, own))
			continue;
		if (pids && used < room)
			used += snprintf(pids + used, room - used, "%s%.20s",
					 count ? ", " : "", entry->d_name);
		count++;
	}
	closedir(proc);
	return count;
}

void others_wait(void)
{
	const struct timespec pause = { .tv_nsec = WAIT_MS * 1000000 };
	char own[NAME_SIZE + 1] = { };

	prctl(PR_GET_NAME, own);
	prctl(PR_SET_NAME, WAITING);
	nanosleep(&pause, NULL);
	prctl(PR_SET_NAME, own);
}
