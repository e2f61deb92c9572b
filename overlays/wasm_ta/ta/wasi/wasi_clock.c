// SPDX-License-Identifier: Apache-2.0
/*
 * WASI: clocks, and waiting for them or for a descriptor.
 */
#include <string.h>
#include <tee_internal_api.h>
#include <util.h>

#include "wasi/wasi_calls.h"

#define NANOS_PER_MILLI		1000000ULL
#define NANOS_PER_SECOND	1000000000ULL

/* Long sleeps are cut, so that the end of the host app is noticed */
#define SLEEP_SLICE_MS		200
/* ... and what a program types waits no longer than this */
#define STDIN_SLICE_MS		10

/* Clocks: the finest that a TA is given is in milliseconds */

static bool clock_now(uint32_t id, uint64_t *nanos)
{
	TEE_Time now = { };

	switch (id) {
	case WASI_CLOCK_REALTIME:
		TEE_GetREETime(&now);
		break;
	case WASI_CLOCK_MONOTONIC:
	case WASI_CLOCK_PROCESS_CPUTIME:
	case WASI_CLOCK_THREAD_CPUTIME:
		TEE_GetSystemTime(&now);
		break;
	default:
		return false;
	}

	*nanos = now.seconds * NANOS_PER_SECOND + now.millis * NANOS_PER_MILLI;
	return true;
}

uint32_t wasi_clock_res_get(wasm_exec_env_t env, uint32_t id, uint32_t at)
{
	if (id > WASI_CLOCK_THREAD_CPUTIME)
		return WASI_EINVAL;

	return wasi_put_u64(env, at, NANOS_PER_MILLI);
}

uint32_t wasi_clock_time_get(wasm_exec_env_t env, uint32_t id,
			       uint64_t precision __unused, uint32_t at)
{
	uint64_t nanos = 0;

	if (!clock_now(id, &nanos))
		return WASI_EINVAL;

	return wasi_put_u64(env, at, nanos);
}

/* Subscription @n of the program's list, in the layout of preview 1 */
static struct wasi_subscription subscription(const uint8_t *list, uint32_t n,
					     bool unstable)
{
	struct wasi_unstable_subscription old = { };
	struct wasi_subscription result = { };

	if (!unstable) {
		memcpy(&result, list + n * sizeof(result), sizeof(result));
		return result;
	}

	memcpy(&old, list + n * sizeof(old), sizeof(old));
	result.userdata = old.userdata;
	result.type = old.type;
	if (old.type == WASI_EVENT_CLOCK) {
		result.u.clock.id = old.u.clock.id;
		result.u.clock.timeout = old.u.clock.timeout;
		result.u.clock.flags = old.u.clock.flags;
	} else {
		result.u.fd = old.u.fd;
	}

	return result;
}

/* Whether a descriptor is ready, and the event that it then gives */
static bool fd_is_ready(const struct wasi_subscription *sub,
			struct wasi_event *event)
{
	bool reads = sub->type == WASI_EVENT_FD_READ;
	struct fd *fd = NULL;
	uint32_t bytes = 0;
	bool ended = false;

	event->error = fd_get(&wasi->fds, sub->u.fd,
			      WASI_RIGHT_POLL_FD_READWRITE, &fd);
	if (!event->error && fd->kind != FD_NODE &&
	    reads != (fd->kind == FD_STDIN))
		event->error = WASI_EBADF;
	if (event->error)
		return true;

	switch (fd->kind) {
	case FD_STDIN:
		/* What is wrong with the ring, the next read tells */
		if (input_ready(wasi->input, &bytes, &ended) != TEE_SUCCESS)
			ended = true;
		event->nbytes = bytes;
		if (ended && !bytes)
			event->flags = WASI_EVENT_HANGUP;
		return bytes || ended;
	case FD_NODE:
		if (reads && fd->node->size > fd->offset)
			event->nbytes = fd->node->size - fd->offset;
		return true;
	default:
		event->nbytes = wasi->output->size;
		return true;
	}
}

/* Nanoseconds until a subscription is due, and the event that it then gives */
static uint64_t time_to_event(const struct wasi_subscription *sub,
			      uint64_t elapsed, struct wasi_event *event)
{
	uint64_t timeout = sub->u.clock.timeout;
	uint64_t now = 0;

	*event = (struct wasi_event){
		.userdata = sub->userdata,
		.type = sub->type,
	};

	switch (sub->type) {
	case WASI_EVENT_CLOCK:
		if (!clock_now(sub->u.clock.id, &now)) {
			event->error = WASI_EINVAL;
			return 0;
		}
		if (!(sub->u.clock.flags & WASI_SUBCLOCK_ABSTIME))
			now = elapsed;
		return timeout > now ? timeout - now : 0;
	case WASI_EVENT_FD_READ:
	case WASI_EVENT_FD_WRITE:
		if (fd_is_ready(sub, event))
			return 0;
		return STDIN_SLICE_MS * NANOS_PER_MILLI;
	default:
		event->error = WASI_EINVAL;
		return 0;
	}
}

static uint32_t poll(wasm_exec_env_t env, uint32_t subs_at, uint32_t events_at,
		     uint32_t count, uint32_t ready_at, bool unstable)
{
	size_t sub_size = unstable ? sizeof(struct wasi_unstable_subscription) :
				     sizeof(struct wasi_subscription);
	const uint8_t *subs = wasi_app(env, subs_at, (uint64_t)count * sub_size);
	uint8_t *events = wasi_app(env, events_at,
			      (uint64_t)count * sizeof(struct wasi_event));
	uint64_t started = 0;
	uint64_t now = 0;

	if (!subs || !events || !wasi_app(env, ready_at, sizeof(uint32_t)))
		return WASI_EINVAL;
	if (!count)
		return WASI_EINVAL;

	clock_now(WASI_CLOCK_MONOTONIC, &started);
	while (true) {
		TEE_Result res = TEE_SUCCESS;
		uint64_t nearest = UINT64_MAX;
		uint64_t millis = 0;
		uint32_t ready = 0;
		uint32_t n = 0;

		clock_now(WASI_CLOCK_MONOTONIC, &now);
		for (n = 0; n < count; n++) {
			struct wasi_subscription sub =
				subscription(subs, n, unstable);
			struct wasi_event event = { };
			uint64_t nanos = time_to_event(&sub, now - started,
						       &event);

			nearest = MIN(nearest, nanos);
			if (!nanos) {
				memcpy(events + ready * sizeof(event), &event,
				       sizeof(event));
				ready++;
			}
		}

		if (ready)
			return wasi_put_u32(env, ready_at, ready);

		millis = nearest / NANOS_PER_MILLI + 1;
		res = output_wait(wasi->output,
				  MIN(millis, (uint64_t)SLEEP_SLICE_MS));
		if (res != TEE_SUCCESS)
			return wasi_stop(env, res);
	}
}

uint32_t wasi_poll_oneoff(wasm_exec_env_t env, uint32_t subs,
			    uint32_t events, uint32_t count, uint32_t ready_at)
{
	return poll(env, subs, events, count, ready_at, false);
}

uint32_t wasi_unstable_poll_oneoff(wasm_exec_env_t env, uint32_t subs,
				     uint32_t events, uint32_t count,
				     uint32_t ready_at)
{
	return poll(env, subs, events, count, ready_at, true);
}
