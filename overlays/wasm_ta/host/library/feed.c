// SPDX-License-Identifier: Apache-2.0
/*
 * A thread that sends what the program is to read. It takes nothing from its
 * standard input before the program wants to read: what a program leaves is
 * there for the next one, up to the size of the ring.
 */
#include "library/feed.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A full ring, or a program that does not read, is looked at again after this */
#define IDLE_MIN_MS	1
#define IDLE_MAX_MS	20

#define READ_SIZE	65536

struct feed {
	struct wasm_streams *streams;
	uint8_t *data;
	uint32_t size;
	uint32_t head;
	struct feed_source source;
	int done;		/* eventfd: the run is over */
	pthread_t thread;
};

/* Sleeps; false: the run is over */
static bool nap(struct feed *feed, int ms)
{
	struct pollfd over = { .fd = feed->done, .events = POLLIN };

	return poll(&over, 1, ms) == 0 || !(over.revents & POLLIN);
}

static bool send_bytes(struct feed *feed, const void *bytes, size_t length)
{
	const uint8_t *next = bytes;
	int idle = IDLE_MIN_MS;

	while (length) {
		uint32_t tail = __atomic_load_n(&feed->streams->in_tail.index,
						__ATOMIC_ACQUIRE);
		uint32_t used = feed->head - tail;
		uint32_t offset = feed->head & (feed->size - 1);
		size_t part = 0;

		if (used > feed->size)
			return false;
		part = feed->size - used;
		if (part > length)
			part = length;
		if (part > feed->size - offset)
			part = feed->size - offset;
		if (!part) {
			if (!nap(feed, idle))
				return false;
			idle = idle * 2 < IDLE_MAX_MS ? idle * 2 : IDLE_MAX_MS;
			continue;
		}

		idle = IDLE_MIN_MS;
		memcpy(feed->data + offset, next, part);
		feed->head += part;
		next += part;
		length -= part;
		__atomic_store_n(&feed->streams->in_head.index, feed->head,
				 __ATOMIC_RELEASE);
	}

	return true;
}

static bool wait_until_wanted(struct feed *feed)
{
	int idle = IDLE_MIN_MS;

	while (!__atomic_load_n(&feed->streams->in_tail.wanted,
				__ATOMIC_ACQUIRE)) {
		if (!nap(feed, idle))
			return false;
		idle = idle * 2 < IDLE_MAX_MS ? idle * 2 : IDLE_MAX_MS;
	}

	return true;
}

/* Bytes read; 0 at the end, be it that of the run */
static size_t read_input(struct feed *feed, void *bytes)
{
	struct pollfd polled[] = {
		{ .fd = feed->source.input, .events = POLLIN },
		{ .fd = feed->done, .events = POLLIN },
	};
	ssize_t count = 0;

	while (true) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return 0;
		if (polled[1].revents)
			return 0;
		if (!polled[0].revents)
			continue;
		count = read(feed->source.input, bytes, READ_SIZE);
		if (count >= 0)
			return count;
		if (errno != EINTR && errno != EAGAIN)
			return 0;
	}
}

static void send_input(struct feed *feed)
{
	uint8_t *bytes = NULL;
	size_t count = 0;

	if (feed->source.input < 0 || !wait_until_wanted(feed))
		return;

	bytes = malloc(READ_SIZE);
	if (!bytes)
		return;
	do {
		count = read_input(feed, bytes);
	} while (count && send_bytes(feed, bytes, count));
	free(bytes);
}

static void *produce(void *argument)
{
	struct feed *feed = argument;

	if (send_bytes(feed, feed->source.files, feed->source.files_size))
		send_input(feed);
	__atomic_store_n(&feed->streams->in_head.closed, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void release(struct feed *feed)
{
	if (feed->done >= 0)
		close(feed->done);
	free(feed);
}

/* The thread takes no signals */
static int start_thread(struct feed *feed)
{
	sigset_t all;
	sigset_t old;
	int res = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	res = pthread_create(&feed->thread, NULL, produce, feed);
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	return res;
}

struct feed *feed_start(struct wasm_streams *streams, uint32_t size,
			const struct feed_source *source)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;

	feed->streams = streams;
	feed->data = (uint8_t *)(streams + 1) + streams->out_size;
	feed->size = size;
	feed->source = *source;
	streams->in_size = size;
	streams->files = source->files_size != 0;

	feed->done = eventfd(0, EFD_CLOEXEC);
	if (feed->done < 0 || start_thread(feed)) {
		release(feed);
		return NULL;
	}

	return feed;
}

void feed_finish(struct feed *feed)
{
	const uint64_t one = 1;

	/* It cannot fail: the counter was 0 */
	while (write(feed->done, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(feed->thread, NULL);
	release(feed);
}
