// SPDX-License-Identifier: Apache-2.0
/*
 * Makes writable folders of the host what the program left behind.
 *
 * The TA's answer is not trusted: names are checked, and every folder on the
 * way is opened without following links, so that nothing outside is touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library/dir_internal.h"

#define FILE_MODE	0644
#define FOLDER_MODE	0755

/* One record of the answer */
struct item {
	struct wasm_files_record record;
	char path[WASM_FILES_PATH_MAX + 1];
	const uint8_t *contents;
};

static bool is_path(const char *path)
{
	while (true) {
		size_t part = strcspn(path, "/");

		if (!part || part > WASM_FILES_NAME_MAX ||
		    (part == 1 && path[0] == '.') ||
		    (part == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (!path[part])
			return true;
		path += part + 1;
	}
}

/* The record at *@at, which is then behind it; false: there is none */
static bool next_item(const struct dir_set *set, size_t *at, struct item *item)
{
	const uint8_t *bytes = set->back.bytes + *at;
	size_t left = set->back.size - *at;
	size_t size = 0;

	if (left < sizeof(item->record))
		return false;
	memcpy(&item->record, bytes, sizeof(item->record));
	left -= sizeof(item->record);
	size = item->record.path_size;
	if (size > WASM_FILES_PATH_MAX || size > left)
		return false;
	memcpy(item->path, bytes + sizeof(item->record), size);
	item->path[size] = '\0';
	left -= size;
	item->contents = bytes + sizeof(item->record) + size;
	if (strlen(item->path) != size)
		return false;
	if (item->record.kind == WASM_FILES_END)
		return !left;
	if (item->record.size > left)
		return false;

	*at = item->contents - set->back.bytes + item->record.size;
	return true;
}

static struct dir_entry *find(struct dir_set *set, uint32_t mount,
			      const char *path)
{
	size_t n = 0;

	for (n = 0; n < set->entry_count; n++)
		if (set->entries[n].mount == mount &&
		    !strcmp(set->entries[n].path, path))
			return &set->entries[n];

	return NULL;
}

static bool check_item(struct dir_set *set, const struct item *item,
		       uint32_t mount)
{
	struct dir_entry *entry = find(set, mount, item->path);
	uint8_t kind = item->record.kind;

	if (!is_path(item->path))
		return false;
	switch (kind) {
	case WASM_FILES_SAME:
		kind = WASM_FILES_FILE;
		if (!entry || entry->kind != kind)
			return false;
		break;
	case WASM_FILES_FOLDER:
		if (item->record.size)
			return false;
		break;
	case WASM_FILES_FILE:
	case WASM_FILES_LINK:
		break;
	default:
		return false;
	}
	if (entry && entry->kind == kind)
		entry->seen = true;
	return true;
}

/* Whether all that came back is well-formed, before any of it is written */
static bool check(struct dir_set *set)
{
	struct item item = { };
	uint64_t records = 0;
	uint32_t mount = 0;
	bool mounted = false;
	size_t at = 0;

	while (next_item(set, &at, &item)) {
		switch (item.record.kind) {
		case WASM_FILES_END:
			return item.record.size == records;
		case WASM_FILES_MOUNT:
			mount = item.record.mount;
			mounted = mount < set->count &&
				  set->dirs[mount].writable;
			if (!mounted || item.record.size)
				return false;
			break;
		default:
			if (!mounted || !check_item(set, &item, mount))
				return false;
		}
		records++;
	}

	return false;
}

/* Opens the folder that @path is in; *@name: its last component */
static int open_parent(int root, const char *path, const char **name)
{
	char part[WASM_FILES_NAME_MAX + 1];
	int fd = dup(root);

	while (fd >= 0) {
		size_t length = strcspn(path, "/");
		int next = -1;

		*name = path;
		if (!path[length])
			break;
		memcpy(part, path, length);
		part[length] = '\0';
		next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
			      O_CLOEXEC);
		close(fd);
		fd = next;
		path += length + 1;
	}

	return fd;
}

static bool write_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length) {
		ssize_t count = write(fd, bytes, length);

		if (count < 0 && errno != EINTR)
			return false;
		if (count > 0) {
			bytes += count;
			length -= count;
		}
	}

	return true;
}

/* Under another name first: the old file is there until the new one is whole */
static bool write_file(int parent, const char *name, const struct item *item,
		       uint32_t mode)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = item->record.mtime / 1000000000,
		  .tv_nsec = item->record.mtime % 1000000000 },
	};
	char temporary[64];
	bool good = false;
	int fd = -1;

	snprintf(temporary, sizeof(temporary), ".optee_wamr.%d", getpid());
	unlinkat(parent, temporary, 0);
	fd = openat(parent, temporary, O_WRONLY | O_CREAT | O_EXCL |
		    O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return false;

	good = write_all(fd, item->contents, item->record.size) &&
	       !futimens(fd, times) && !fchmod(fd, mode);
	if (close(fd))
		good = false;
	if (good)
		good = !renameat(parent, temporary, parent, name);
	if (!good)
		unlinkat(parent, temporary, 0);
	return good;
}

static bool write_link(const struct dir_set *set, int root, uint32_t mount,
		       int parent, const char *name, const struct item *item)
{
	char target[WASM_FILES_PATH_MAX + 1];
	char old[WASM_FILES_PATH_MAX + 1];
	size_t size = item->record.size;
	ssize_t had = 0;

	if (!size || size > WASM_FILES_PATH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(target, item->contents, size);
	target[size] = '\0';
	had = readlinkat(parent, name, old, sizeof(old));
	if (had >= 0 && (size_t)had == size && !memcmp(old, target, size))
		return true;

	/* One that was there may lead anywhere; one that is new may not */
	if (dir_stays_inside(item->path, target, size)) {
		if (had >= 0 && unlinkat(parent, name, 0))
			return false;
		if (symlinkat(target, parent, name))
			return false;
		if (dir_leads_inside(root, item->path))
			return true;
		unlinkat(parent, name, 0);
	}
	dir_notice(set, mount, item->path,
		   "the program's link leads out of the folder: it is not written back");
	return true;
}

static bool write_item(struct dir_set *set, int root, uint32_t mount,
		       const struct item *item)
{
	const struct dir_entry *entry = find(set, mount, item->path);
	const char *name = NULL;
	int parent = open_parent(root, item->path, &name);
	bool good = false;

	if (parent < 0)
		return false;

	switch (item->record.kind) {
	case WASM_FILES_FOLDER:
		good = !mkdirat(parent, name, FOLDER_MODE) ||
		       (errno == EEXIST && entry && entry->seen);
		break;
	case WASM_FILES_LINK:
		good = write_link(set, root, mount, parent, name, item);
		break;
	case WASM_FILES_FILE:
		good = write_file(parent, name, item,
				  entry && entry->seen ? entry->mode :
							 FILE_MODE);
		break;
	default:
		good = true;
	}
	close(parent);
	return good;
}

/* What the program removed, or made something else of; the deepest first */
static bool remove_gone(struct dir_set *set, int root, uint32_t mount,
			char path[WASM_FILES_PATH_MAX + 1])
{
	size_t n = set->entry_count;

	while (n--) {
		const struct dir_entry *entry = &set->entries[n];
		const char *name = NULL;
		int parent = -1;
		int res = 0;

		if (entry->mount != mount || entry->seen)
			continue;
		strcpy(path, entry->path);
		parent = open_parent(root, entry->path, &name);
		if (parent < 0)
			return false;
		res = unlinkat(parent, name, entry->kind == WASM_FILES_FOLDER ?
					     AT_REMOVEDIR : 0);
		close(parent);
		if (res && errno != ENOENT)
			return false;
	}

	*path = '\0';
	return true;
}

bool dir_write_back(struct dir_set *set, struct wasm_tee_error *error)
{
	struct item item = { };
	uint32_t mount = 0;
	bool good = true;
	size_t at = 0;
	int root = -1;

	errno = EBADMSG;
	if (!check(set))
		return dir_fail(error, set->dirs[0].host, "",
				"the program did not end in a way that lets the TA send its files back");

	while (good && next_item(set, &at, &item) &&
	       item.record.kind != WASM_FILES_END) {
		if (item.record.kind == WASM_FILES_MOUNT) {
			if (root >= 0)
				close(root);
			mount = item.record.mount;
			root = open(set->dirs[mount].host,
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			good = root >= 0 &&
			       remove_gone(set, root, mount, item.path);
		} else {
			good = write_item(set, root, mount, &item);
		}
	}

	if (!good)
		dir_fail(error, set->dirs[mount].host, item.path,
			 "the folder was not written back whole");
	if (root >= 0)
		close(root);
	return good;
}
