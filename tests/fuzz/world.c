// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <stdlib.h>
#include <string.h>
#include <tee_internal_api.h>
#include <util.h>
#include <wasm_files.h>

#include "base/wasi_abi.h"
#include "shim.h"

#define RING		WASM_RING_MIN
#define AREA		(sizeof(struct wasm_streams) + 2 * RING)
/* More than the ring holds: it comes in parts */
#define SENT_MAX	(4 * RING)
/* After so many waits the host app is no more */
#define TURNS		12

static struct {
	struct wasm_streams *streams;
	uint8_t sent[SENT_MAX];
	uint32_t size;
	uint32_t at;
	uint32_t turns;
} host;

/* What there is room for in the ring, until all has been sent */
static void send(void)
{
	struct wasm_streams *streams = host.streams;
	uint8_t *ring = (uint8_t *)(streams + 1) + streams->out_size;

	while (host.at < host.size &&
	       streams->in_head.index - streams->in_tail.index < RING) {
		ring[streams->in_head.index % RING] = host.sent[host.at++];
		streams->in_head.index++;
	}
	if (host.at == host.size)
		streams->in_head.closed = 1;
}

static void turn(void)
{
	struct wasm_streams *streams = host.streams;

	if (!host.turns)
		return;
	host.turns--;
	streams->heartbeat++;
	streams->out_tail.index = streams->out_head.index;
	if (streams->in_size == RING && streams->out_size == RING)
		send();
}

static void put(const void *bytes, size_t size)
{
	size = MIN(size, SENT_MAX - (size_t)host.size);
	if (size)
		memcpy(host.sent + host.size, bytes, size);
	host.size += size;
}

static void put_record(struct cursor *c, uint8_t kind, uint32_t mount)
{
	struct wasm_files_record record = {
		.kind = kind,
		.mount = mount,
		.flags = WASM_FILES_WRITABLE,
		.mtime = take(c, 1),
	};
	static uint8_t contents[SENT_MAX];
	char path[8192] = { };
	uint8_t byte = take(c, 1);

	record.path_size = take_path(c, path, sizeof(path));
	if (kind == WASM_FILES_FILE)
		record.size = byte * 37u;
	else if (kind == WASM_FILES_LINK)
		record.size = 1 + byte % 4;
	if (byte == 0xff)
		record.size = take_wide(c);
	put(&record, sizeof(record));
	put(path, record.path_size);
	memset(contents, 'a' + byte % 3, sizeof(contents));
	put(contents, MIN(record.size, (uint64_t)sizeof(contents)));
}

/* Folders by the rules, or nearly so */
static void compose(struct cursor *c)
{
	struct wasm_files_record end = { .kind = WASM_FILES_END };
	uint32_t mounts = 0;
	uint32_t n = take(c, 1) % 24;

	while (n--) {
		uint8_t byte = take(c, 1);
		uint8_t kind = WASM_FILES_MOUNT + byte % 4;

		if (!end.size)
			kind = WASM_FILES_MOUNT;
		if (byte >= 0xfc)
			kind = take(c, 1);
		put_record(c, kind, mounts);
		mounts += kind == WASM_FILES_MOUNT;
		end.size++;
	}
	put(&end, sizeof(end));
}

bool world_open(struct world *world, struct cursor *c)
{
	uint8_t options = take(c, 1);
	struct wasm_streams *streams = NULL;
	size_t size = 0;

	streams = aligned_alloc(64, AREA);
	memset(streams, 0, AREA);
	*streams = (struct wasm_streams){
		.magic = WASM_STREAMS_MAGIC,
		.version = WASM_STREAMS_VERSION,
		.out_size = RING,
		.in_size = RING,
		.files = options & 1,
		.files_limit = options & 2 ? take_length(c) : 0,
		.stdio_types = { options >> 6, options >> 5, options },
		.stdio_sizes = { options * 0x0101010101010101ull },
	};
	host.streams = streams;
	host.size = 0;
	host.at = 0;
	host.turns = options & 4 ? take(c, 1) % 4 : TURNS;

	if (options & 8) {
		size = take(c, 1);
		put(take_bytes(c, &size), size);
	} else if (options & 1) {
		compose(c);
	}
	if (options & 16)
		put("standard input\n", 15);
	if (options & 32) {
		streams->in_size = take(c, 4);
		streams->out_size = take(c, 4);
	} else {
		send();
	}

	world->streams = streams;
	shim_host = turn;
	return output_open(&world->output, streams, AREA) == TEE_SUCCESS &&
	       input_open(&world->input, &world->output, AREA) == TEE_SUCCESS;
}

void world_close(struct world *world)
{
	output_close(&world->output);
	free(world->streams);
	shim_host = NULL;
	*world = (struct world){ .storage_filled = world->storage_filled };
}

void world_disturb(struct world *world, struct cursor *c)
{
	uint32_t *words = (uint32_t *)world->streams;
	uint32_t at = take(c, 2) % (AREA / sizeof(*words));
	uint32_t value = take_number(c);

	words[at] = value;
}

/* Of OWNER: digests are zeros here */
#define SPACE		"00000000000000000000000000000000."

/* An index that nobody has written: the tree of another version of the TA */
void world_fill_storage(struct world *world, struct cursor *c)
{
	static const uint32_t start[] = { 0x63657377, 2 };
	uint8_t index[sizeof(start) + 255];
	size_t size = take(c, 1);
	const uint8_t *bytes = NULL;

	world->storage_filled = size;
	if (!size)
		return;
	bytes = take_bytes(c, &size);
	memcpy(index, start, sizeof(start));
	memcpy(index + sizeof(start), bytes, size);
	storage_add(SPACE "index", index, sizeof(start) + size);
	storage_add(SPACE "f00000001", "contents", 8);
}

static void expect(bool good)
{
	if (!good)
		abort();
}

static void check_names(const struct fs_node *dir, bool once)
{
	const struct fs_entry *entry = NULL;
	const struct fs_entry *previous = NULL;

	for (entry = dir->u.dir.first; entry; entry = entry->next) {
		expect(entry->previous == previous);
		expect(entry->length && entry->length <= FS_NAME_MAX);
		expect(!previous || entry->cookie > previous->cookie);
		expect(entry->node->device == dir->device);
		if (entry->node->type == WASI_FILETYPE_DIRECTORY)
			expect(entry->node->u.dir.parent == dir);
		/* What is stored is the TA's own: it does not look for this */
		expect(!once || fs_find(dir, entry->name, entry->length) ==
				entry);
		previous = entry;
	}
	expect(dir->u.dir.last == previous);
}

static void check_links(const struct fs_list *list, const struct fs_node *node)
{
	uint32_t names = 0;
	uint32_t n = 0;

	for (n = 0; n < list->count; n++)
		names += list->items[n].entry->node == node;
	expect(names == node->nlink);
	expect(names == 1 || node->type != WASI_FILETYPE_DIRECTORY);
}

static void check_below(struct fs *fs, const struct fs_node *top, bool once)
{
	size_t budget = shim_budget;
	struct fs_list list = { };
	uint32_t n = 0;

	shim_budget = 1 << 20;
	expect(fs_list(fs, top, &list) == WASI_ESUCCESS);
	expect(list.count == fs->names[top->device]);
	check_names(top, once);
	for (n = 0; n < list.count; n++) {
		const struct fs_node *node = list.items[n].entry->node;

		check_links(&list, node);
		if (node->type == WASI_FILETYPE_DIRECTORY)
			check_names(node, once);
	}
	fs_free_list(&list);
	shim_budget = budget;
}

void world_check_tree(const struct world *world, struct fs *fs)
{
	check_below(fs, fs->root, true);
	check_below(fs, fs->secure, !world->storage_filled);
}

void world_check_descriptors(struct fd_table *fds)
{
	struct fd *fd = NULL;
	uint32_t n = 0;

	for (n = 0; n < 64; n++)
		if (fd_get(fds, n, 0, &fd) == WASI_ESUCCESS && fd->node)
			expect(fd->node->opens);
}
