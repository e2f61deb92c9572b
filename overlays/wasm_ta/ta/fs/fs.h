/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filesystem of a run: a tree in memory, private to the TA. What is below
 * /secure is of the same kind, and kept in secure storage; see secure.c. What reads
 * or replaces contents, which may be there alone, is in fs_file.c and fs_rename.c.
 *
 * Functions that can fail return a number of enum wasi_errno.
 */
#ifndef FS_H
#define FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tee_api_types.h>

#include "fs/blocks.h"
#include "fs/pool.h"
#include "fs/trouble.h"

#define FS_NAME_MAX	255
#define FS_PATH_MAX	4096
#define FS_FILE_MAX	BLOCKS_MAX

/* What st_dev tells, and what links and renames do not cross */
enum fs_device {
	FS_MEMORY = 1,
	FS_SECURE = 2,
};

struct fs_entry;
struct manifest;

struct fs_node {
	uint64_t ino;
	uint64_t size;
	uint64_t atim;			/* ns since 1970 */
	uint64_t mtim;
	uint64_t ctim;
	uint32_t nlink;			/* names in directories */
	uint32_t opens;			/* descriptors */
	uint32_t object;		/* FS_SECURE: number of its stored contents */
	uint32_t record;		/* FS_SECURE: its first place in the index */
	uint8_t type;			/* enum wasi_filetype */
	uint8_t device;			/* enum fs_device */
	bool same;			/* as the host app sent it */
	bool mount;			/* a folder of the host: keeps its name */
	bool stored;			/* FS_SECURE: object has these contents ... */
	bool absent;			/* ... and they are there alone */
	union {
		struct blocks file;
		struct {
			struct fs_entry *first;
			struct fs_entry *last;
			struct fs_node *parent;
			uint64_t cookie;	/* of the next entry */
		} dir;
		char *target;		/* of a symbolic link, size bytes */
	} u;
};

struct fs_entry {
	struct fs_entry *next;
	struct fs_entry *previous;
	struct fs_node *node;
	uint64_t cookie;		/* rises along the list */
	uint32_t hash;			/* of the name */
	uint32_t length;
	char name[];			/* not NUL terminated */
};

struct fs {
	struct pool pool;
	struct fs_node *root;
	struct fs_node *secure;		/* root of what is in secure storage */
	struct fs_node *temporary;	/* /tmp, if it is ours */
	uint64_t last_ino;
	uint64_t clock_base;		/* ns, real time when system time was 0 */
	char *paths[2];			/* of fs_walk(), FS_PATH_MAX bytes each */
	uint32_t names[FS_SECURE + 1];	/* entries by enum fs_device */
	bool moved;			/* a directory of the host's was renamed */
	struct {
		const struct manifest *owner;	/* whose storage it is */
		uint64_t room;		/* bytes that it may have in /secure ... */
		uint64_t taken;		/* ... and has: contents and names */
		uint32_t lock;		/* handle of an object; 0: not mounted */
		uint32_t last_object;	/* the highest number in use */
		uint32_t error;		/* why it cannot be mounted */
		bool changed;		/* since it was last stored */
		bool garbage;		/* objects that nothing refers to */
		bool used;		/* there was an index at some time */
		bool unstored;		/* the last try to store it failed */
		bool newer;		/* a newer version has stored what is there */
		struct trouble trouble;
	} storage;
};

/* Makes an empty tree, with a place for /secure that is not read yet */
uint32_t fs_open(struct fs *fs);
/*
 * Makes /tmp, if nothing is called so and "/" is no folder of the host; to be
 * called when the files are there
 */
uint32_t fs_make_temporary(struct fs *fs);
void fs_close(struct fs *fs);

/* Real time in ns, with one question to the normal world for each run */
uint64_t fs_now(struct fs *fs);

/* A node without a name, for fs_add(); freed by fs_drop() */
uint32_t fs_make(struct fs *fs, uint8_t type, uint8_t device,
		 struct fs_node **node);
uint32_t fs_make_link(struct fs *fs, uint8_t device, const void *target,
		      uint32_t length, struct fs_node **node);
/* Frees a node that has neither a name nor a descriptor left */
void fs_drop(struct fs *fs, struct fs_node *node);

struct fs_entry *fs_find(const struct fs_node *dir, const char *name,
			 uint32_t length);
uint32_t fs_add(struct fs *fs, struct fs_node *dir, const char *name,
		uint32_t length, struct fs_node *node);
void fs_remove(struct fs *fs, struct fs_node *dir, struct fs_entry *entry);

/* To be called when a node, or what it holds, is no longer what it was */
void fs_changed(struct fs *fs, struct fs_node *node);

/*
 * fs_take_room() - have more of what a node may take in /secure
 * fs_give_room() - and less of it
 *
 * Fails with WASI_EDQUOT: the manifest allows no more. Elsewhere there is no
 * such limit.
 */
uint32_t fs_take_room(struct fs *fs, uint8_t device, uint64_t bytes);
void fs_give_room(struct fs *fs, uint8_t device, uint64_t bytes);

/* There is no memory for something on a device; always WASI_ENOSPC */
uint32_t fs_no_room(struct fs *fs, uint8_t device);
/* Something of /secure is in trouble: see trouble_with() */
uint32_t fs_trouble(struct fs *fs, TEE_Result res, const char *what);

/* All that is below a directory, each entry after the one that it is in */
struct fs_item {
	const struct fs_entry *entry;
	uint32_t parent;		/* its place in the list + 1; 0: the top */
};

struct fs_list {
	struct fs_item *items;
	uint32_t count;
	size_t mapped;
};

uint32_t fs_list(struct fs *fs, const struct fs_node *top,
		 struct fs_list *list);
void fs_free_list(struct fs_list *list);

#endif /* FS_H */
