// SPDX-License-Identifier: Apache-2.0
/*
 * Two threads beside the one that is in the TEE: one takes the output; the
 * other shows the TA that this process lives, even while the output of the
 * first is blocked by whoever reads it. That other one also takes the signals
 * of the process, which the one in the TEE cannot.
 */
#include "library/drain.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wasm_ta.h>

#define HEARTBEAT_NS	500000000L

/* An empty ring is looked at again after this, and then ever more seldom */
#define IDLE_MIN_NS	200000L
#define IDLE_MAX_NS	20000000L

#define NS_PER_SECOND	1000000000L

struct drain {
	struct wasm_streams *streams;
	const uint8_t *data;
	uint32_t size;
	uint32_t tail;
	wasm_tee_output output;
	void *context;
	struct dir_set *dirs;
	bool deaf;		/* output is thrown away from now on */
	pthread_mutex_t lock;
	pthread_cond_t done_changed;
	bool done;
	pthread_t consumer;
	pthread_t heart;
};

static void ask_to_stop(struct drain *drain)
{
	drain->deaf = true;
	__atomic_store_n(&drain->streams->stop, 1, __ATOMIC_RELEASE);
}

static void deliver(struct drain *drain, int channel, const void *bytes,
		    size_t length)
{
	bool good = true;

	if (!length || drain->deaf)
		return;

	if (channel == WASM_CHANNEL_FILES)
		good = drain->dirs && dir_take(drain->dirs, bytes, length);
	else if (drain->output && (channel == WASM_CHANNEL_STDOUT ||
				   channel == WASM_CHANNEL_STDERR))
		good = drain->output(drain->context, channel, bytes, length);
	if (!good)
		ask_to_stop(drain);
}

/* Takes one frame; false when the ring is empty, or not to be understood */
static bool take_frame(struct drain *drain)
{
	uint32_t head = __atomic_load_n(&drain->streams->out_head.index,
					__ATOMIC_ACQUIRE);
	uint32_t mask = drain->size - 1;
	struct wasm_frame frame = { };
	uint32_t offset = 0;
	uint32_t first = 0;

	if (head == drain->tail)
		return false;

	memcpy(&frame, drain->data + (drain->tail & mask), sizeof(frame));
	if (head - drain->tail > drain->size ||
	    frame.length > drain->size ||
	    WASM_FRAME_SPACE(frame.length) > head - drain->tail) {
		ask_to_stop(drain);
		return false;
	}

	offset = (drain->tail + sizeof(frame)) & mask;
	first = drain->size - offset;
	if (first > frame.length)
		first = frame.length;
	deliver(drain, frame.channel, drain->data + offset, first);
	deliver(drain, frame.channel, drain->data, frame.length - first);

	drain->tail += WASM_FRAME_SPACE(frame.length);
	__atomic_store_n(&drain->streams->out_tail.index, drain->tail,
			 __ATOMIC_RELEASE);
	return true;
}

/* Waits until @ns have passed or the run is done, and tells which */
static bool wait_done(struct drain *drain, long ns)
{
	struct timespec until = { };
	bool done = false;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ns;
	if (until.tv_nsec >= NS_PER_SECOND) {
		until.tv_nsec -= NS_PER_SECOND;
		until.tv_sec++;
	}

	pthread_mutex_lock(&drain->lock);
	while (!drain->done &&
	       !pthread_cond_timedwait(&drain->done_changed, &drain->lock,
				       &until))
		;
	done = drain->done;
	pthread_mutex_unlock(&drain->lock);

	return done;
}

static void *consume(void *argument)
{
	struct drain *drain = argument;
	long idle = IDLE_MIN_NS;
	bool done = false;

	while (!done) {
		/* What was there when the run was done is still taken */
		done = wait_done(drain, idle);
		idle = idle * 2 < IDLE_MAX_NS ? idle * 2 : IDLE_MAX_NS;
		while (take_frame(drain))
			idle = IDLE_MIN_NS;
	}

	return NULL;
}

static void *beat(void *argument)
{
	struct drain *drain = argument;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_UNBLOCK, &all, NULL);
	do {
		__atomic_add_fetch(&drain->streams->heartbeat, 1,
				   __ATOMIC_RELEASE);
	} while (!wait_done(drain, HEARTBEAT_NS));

	return NULL;
}

static void set_done(struct drain *drain)
{
	pthread_mutex_lock(&drain->lock);
	drain->done = true;
	pthread_cond_broadcast(&drain->done_changed);
	pthread_mutex_unlock(&drain->lock);
}

static void release(struct drain *drain)
{
	pthread_cond_destroy(&drain->done_changed);
	pthread_mutex_destroy(&drain->lock);
	free(drain);
}

static void init_lock(struct drain *drain)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&drain->done_changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&drain->lock, NULL);
}

/* Starts a thread that takes no signals, unless it unblocks them itself */
static int start_thread(pthread_t *thread, void *(*function)(void *),
			struct drain *drain)
{
	sigset_t all;
	sigset_t old;
	int res = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	res = pthread_create(thread, NULL, function, drain);
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	return res;
}

struct drain *drain_start(struct wasm_streams *streams, uint32_t size,
			  wasm_tee_output output, void *context,
			  struct dir_set *dirs)
{
	struct drain *drain = calloc(1, sizeof(*drain));

	if (!drain)
		return NULL;

	memset(streams, 0, sizeof(*streams));
	streams->magic = WASM_STREAMS_MAGIC;
	streams->version = WASM_STREAMS_VERSION;
	streams->out_size = size;

	drain->streams = streams;
	drain->data = (const uint8_t *)(streams + 1);
	drain->size = size;
	drain->output = output;
	drain->context = context;
	drain->dirs = dirs;
	init_lock(drain);

	if (start_thread(&drain->consumer, consume, drain)) {
		release(drain);
		return NULL;
	}
	if (start_thread(&drain->heart, beat, drain)) {
		set_done(drain);
		pthread_join(drain->consumer, NULL);
		release(drain);
		return NULL;
	}

	return drain;
}

void drain_finish(struct drain *drain)
{
	set_done(drain);
	pthread_join(drain->consumer, NULL);
	pthread_join(drain->heart, NULL);
	release(drain);
}
