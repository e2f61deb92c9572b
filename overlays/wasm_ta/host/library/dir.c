// SPDX-License-Identifier: Apache-2.0
/*
 * Packs folders of the host. Symbolic links are packed as such, and not
 * followed; what is no file, cannot be read, or has no name in UTF-8, which is
 * all that WASI knows, stays behind and is told.
 */
#include "library/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library/dir_internal.h"

#define DEPTH_MAX	64
#define SECURE		"secure"

bool dir_fail(struct wasm_tee_error *error, const char *folder,
	      const char *path, const char *hint)
{
	error->code = 0;
	error->origin = 0;
	snprintf(error->text, sizeof(error->text), "--dir: %.100s%s%.60s: %s",
		 folder, *path ? "/" : "", path, strerror(errno));
	error->hint = hint;
	return false;
}

bool dir_append(struct dir_buffer *buffer, const void *bytes, size_t length)
{
	if (length > DIR_BYTES_MAX - buffer->size) {
		errno = EFBIG;
		return false;
	}
	if (buffer->size + length > buffer->room) {
		size_t room = 2 * (buffer->size + length) + 4096;
		uint8_t *grown = realloc(buffer->bytes, room);

		if (!grown)
			return false;
		buffer->bytes = grown;
		buffer->room = room;
	}
	if (length)
		memcpy(buffer->bytes + buffer->size, bytes, length);
	buffer->size += length;
	return true;
}

static bool remember(struct dir_set *set, uint32_t mount, const char *path,
		     uint8_t kind, uint32_t mode)
{
	struct dir_entry *entry = NULL;

	if (set->entry_count == set->entry_room) {
		size_t room = 2 * set->entry_room + 64;
		void *grown = reallocarray(set->entries, room,
					   sizeof(*set->entries));

		if (!grown)
			return false;
		set->entries = grown;
		set->entry_room = room;
	}

	entry = &set->entries[set->entry_count];
	*entry = (struct dir_entry){ .mount = mount, .kind = kind, .mode = mode };
	entry->path = strdup(path);
	if (!entry->path)
		return false;
	set->entry_count++;
	return true;
}

static bool put_record(struct dir_set *set, uint8_t kind, uint32_t mount,
		       const char *path, uint64_t size, const struct stat *st)
{
	struct wasm_files_record record = {
		.kind = kind,
		.mount = mount,
		.path_size = strlen(path),
		.size = size,
	};

	if (kind == WASM_FILES_MOUNT && set->dirs[mount].writable)
		record.flags = WASM_FILES_WRITABLE;
	if (st)
		record.mtime = st->st_mtim.tv_sec * 1000000000ull +
			       st->st_mtim.tv_nsec;
	if (kind != WASM_FILES_END)
		set->records++;
	return dir_append(&set->out, &record, sizeof(record)) &&
	       dir_append(&set->out, path, record.path_size);
}

/* Appends exactly the bytes that the record announced */
static bool put_contents(struct dir_set *set, int fd, uint64_t size)
{
	char bytes[16384];

	while (size) {
		size_t part = size < sizeof(bytes) ? size : sizeof(bytes);
		ssize_t count = read(fd, bytes, part);

		if (count < 0 && errno == EINTR)
			continue;
		if (!count)
			errno = ESTALE;
		if (count <= 0 || !dir_append(&set->out, bytes, count))
			return false;
		size -= count;
	}

	return true;
}

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFIFO:
		return "it is a pipe";
	case S_IFSOCK:
		return "it is a socket";
	default:
		return "it is a device";
	}
}

static bool is_refused(int error)
{
	return error == EACCES || error == EPERM || error == ELOOP ||
	       error == ENOENT;
}

static bool pack_folder(struct dir_set *set, uint32_t mount, int fd,
			char *path, unsigned int depth);

static bool pack_regular(struct dir_set *set, uint32_t mount, int fd,
			 const char *path)
{
	struct stat st = { };

	return !fstat(fd, &st) &&
	       put_record(set, WASM_FILES_FILE, mount, path, st.st_size, &st) &&
	       remember(set, mount, path, WASM_FILES_FILE, st.st_mode & 0777) &&
	       put_contents(set, fd, st.st_size);
}

static bool pack_link(struct dir_set *set, uint32_t mount, int parent,
		      const char *name, const char *path,
		      const struct stat *st)
{
	char target[WASM_FILES_PATH_MAX + 1];
	ssize_t size = readlinkat(parent, name, target, sizeof(target));

	if (size < 0 || size > WASM_FILES_PATH_MAX) {
		if (size >= 0)
			errno = ENAMETOOLONG;
		return false;
	}
	return put_record(set, WASM_FILES_LINK, mount, path, size, st) &&
	       dir_append(&set->out, target, size) &&
	       remember(set, mount, path, WASM_FILES_LINK, 0777);
}

static bool pack_entry(struct dir_set *set, uint32_t mount, int parent,
		       const char *name, char *path, unsigned int depth)
{
	struct stat st = { };
	bool good = false;
	int fd = -1;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		return false;
	if (S_ISLNK(st.st_mode))
		return pack_link(set, mount, parent, name, path, &st);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return dir_leave(set, mount, path, kind_of(st.st_mode));

	fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
		    O_CLOEXEC | (S_ISDIR(st.st_mode) ? O_DIRECTORY : 0));
	if (fd < 0)
		return is_refused(errno) &&
		       dir_leave(set, mount, path, strerror(errno));
	if (S_ISREG(st.st_mode)) {
		good = pack_regular(set, mount, fd, path);
		close(fd);
		return good;
	}

	if (!put_record(set, WASM_FILES_FOLDER, mount, path, 0, &st) ||
	    !remember(set, mount, path, WASM_FILES_FOLDER, st.st_mode & 0777)) {
		close(fd);
		return false;
	}
	return pack_folder(set, mount, fd, path, depth + 1);
}

static int is_not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

/* @path: of this folder, in a buffer of WASM_FILES_PATH_MAX + 1; closes @fd */
static bool pack_folder(struct dir_set *set, uint32_t mount, int fd,
			char *path, unsigned int depth)
{
	struct dirent **names = NULL;
	size_t length = strlen(path);
	int count = -1;
	int n = 0;
	bool good = true;

	if (depth > DEPTH_MAX)
		errno = ELOOP;
	else
		count = scandirat(fd, ".", &names, is_not_dots, alphasort);
	if (count < 0) {
		close(fd);
		return false;
	}

	for (n = 0; n < count; n++) {
		const char *name = names[n]->d_name;

		if (good && length + strlen(name) + 2 > WASM_FILES_PATH_MAX) {
			errno = ENAMETOOLONG;
			good = false;
		}
		if (good) {
			sprintf(path + length, "%s%s", length ? "/" : "", name);
			good = dir_is_utf8(name) ?
			       pack_entry(set, mount, fd, name, path, depth) :
			       dir_leave(set, mount, path,
					 "its name is not UTF-8");
		}
		/* Where it failed stays in the path, for the message */
		if (good)
			path[length] = '\0';
		free(names[n]);
	}
	free(names);
	close(fd);
	return good;
}

/* "/a/b/" as "a/b"; false: a component is none */
static bool plain_guest(const char *guest, char plain[WASM_FILES_PATH_MAX + 1])
{
	size_t length = 0;

	if (*guest != '/' || strlen(guest) > WASM_FILES_PATH_MAX)
		return false;
	while (*guest) {
		size_t part = 0;

		guest += strspn(guest, "/");
		part = strcspn(guest, "/");
		if (!part)
			break;
		if (part > WASM_FILES_NAME_MAX ||
		    (part == 1 && !memcmp(guest, ".", 1)) ||
		    (part == 2 && !memcmp(guest, "..", 2)))
			return false;
		if (length)
			plain[length++] = '/';
		memcpy(plain + length, guest, part);
		length += part;
		guest += part;
	}

	plain[length] = '\0';
	return strcmp(plain, SECURE) &&
	       strncmp(plain, SECURE "/", strlen(SECURE "/"));
}

/* Whether a folder before has the same place, and what is whose is not known */
static bool is_shared(const struct dir_set *set, uint32_t mount,
		      const char *place)
{
	char other[WASM_FILES_PATH_MAX + 1] = { };
	uint32_t n = 0;

	for (n = 0; n < mount; n++)
		if ((set->dirs[n].writable || set->dirs[mount].writable) &&
		    plain_guest(set->dirs[n].guest, other) &&
		    !strcmp(other, place))
			return true;

	return false;
}

static bool pack(struct dir_set *set, uint32_t mount,
		 struct wasm_tee_error *error)
{
	const struct wasm_tee_dir *dir = &set->dirs[mount];
	char path[WASM_FILES_PATH_MAX + 1] = { };
	int fd = -1;

	errno = EINVAL;
	if (!plain_guest(dir->guest, path))
		return dir_fail(error, dir->guest, "",
				"in the program, a folder is at an absolute path other than /secure");
	if (is_shared(set, mount, path))
		return dir_fail(error, dir->host, "",
				"a writable folder has its place in the program for itself: HOST::/GUEST:rw");
	if (!put_record(set, WASM_FILES_MOUNT, mount, path, 0, NULL))
		return dir_fail(error, dir->host, "", NULL);

	*path = '\0';
	fd = open(dir->host, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !pack_folder(set, mount, fd, path, 0))
		return dir_fail(error, dir->host, path,
				"give a folder that can be read whole");
	return true;
}

struct dir_set *dir_pack(const struct wasm_tee_dir *dirs, size_t count,
			 wasm_tee_notice notice, struct wasm_tee_error *error)
{
	struct dir_set *set = calloc(1, sizeof(*set));
	size_t n = 0;

	errno = count > WASM_FILES_MOUNTS_MAX ? E2BIG : ENOMEM;
	if (!set || count > WASM_FILES_MOUNTS_MAX) {
		dir_fail(error, dirs[0].host, "", "give fewer folders");
		free(set);
		return NULL;
	}

	set->dirs = dirs;
	set->count = count;
	set->notice = notice;
	for (n = 0; n < count; n++)
		if (!pack(set, n, error))
			goto err;
	if (put_record(set, WASM_FILES_END, 0, "", set->records, NULL))
		return set;
	dir_fail(error, dirs[0].host, "", NULL);
err:
	dir_free(set);
	return NULL;
}

const void *dir_bytes(const struct dir_set *set, size_t *size)
{
	*size = set->out.size;
	return set->out.bytes;
}

bool dir_take(struct dir_set *set, const void *bytes, size_t length)
{
	return dir_append(&set->back, bytes, length);
}

void dir_free(struct dir_set *set)
{
	size_t n = 0;

	if (!set)
		return;

	for (n = 0; n < set->entry_count; n++)
		free(set->entries[n].path);
	free(set->entries);
	free(set->out.bytes);
	free(set->back.bytes);
	free(set);
}
