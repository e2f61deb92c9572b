// SPDX-License-Identifier: Apache-2.0
/*
 * Symbolic links that a program leaves behind: who follows them on the host
 * stays in the folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "library/dir_internal.h"

bool dir_stays_inside(const char *path, const char *target, size_t size)
{
	const char *end = target + size;
	bool leading = true;
	int depth = 0;

	if (!size || *target == '/' || memchr(target, '\0', size))
		return false;
	for (; *path; path++)
		depth += *path == '/';
	while (target < end) {
		const char *slash = memchr(target, '/', end - target);
		size_t part = (slash ? slash : end) - target;

		if (part == 2 && !memcmp(target, "..", 2)) {
			/* Behind another link's name it means that one's target */
			if (!leading || --depth < 0)
				return false;
		} else if (part && !(part == 1 && *target == '.')) {
			leading = false;
		}
		target += part + 1;
	}

	return true;
}

bool dir_leads_inside(int root, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	if (fd >= 0)
		close(fd);
	/* It may lead to nothing; a kernel that cannot tell is no reason to refuse */
	return fd >= 0 || errno != EXDEV;
}
