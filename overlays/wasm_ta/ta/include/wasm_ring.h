/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte streams between the TA and the host app, in memory that they share.
 *
 * One area holds two rings: "out" carries what the program writes, from the TA
 * to the host app; "in" carries its standard input, the other way round.
 *
 *	struct wasm_streams | data of out | data of in
 *
 * Each ring has one producer and one consumer. Head counts the bytes ever
 * produced and tail those ever consumed, both modulo 2^32: head - tail bytes
 * are in the ring, at offset tail & (size - 1) of its data. The producer
 * stores head, with release, after the data; the consumer stores tail, with
 * release, after it has taken them.
 *
 * What is in the out ring is a sequence of frames, each a struct wasm_frame
 * followed by its bytes and up to seven of padding, so that no frame header is
 * split. What is in the in ring are plain bytes: files, if there are any (see
 * wasm_files.h), and then standard input, which the host app begins to read
 * when the program wants it.
 *
 * The two sides do not trust each other. The TA reads the sizes once, keeps
 * its own index in private memory, and reads from the area nothing but the
 * other side's index, each time checking that it lies within the ring.
 */
#ifndef WASM_RING_H
#define WASM_RING_H

#include <stdint.h>

#define WASM_STREAMS_MAGIC	0x6d727473	/* "strm" */
#define WASM_STREAMS_VERSION	3

/* Sizes are powers of two within these limits; an unused ring has size 0 */
#define WASM_RING_MIN		4096
#define WASM_RING_MAX		(16 * 1024 * 1024)

/* Each side's words have a cache line of their own */
#define WASM_RING_LINE		64

struct wasm_ring_end {
	uint32_t index;
	uint32_t closed;	/* producer: no more will come */
	uint32_t wanted;	/* consumer of in: the program wants to read */
	uint8_t pad[WASM_RING_LINE - 3 * sizeof(uint32_t)];
};

struct wasm_streams {
	uint32_t magic;
	uint32_t version;
	uint32_t out_size;
	uint32_t in_size;
	/* Host app: changes as long as it lives, for the TA not to wait in vain */
	uint32_t heartbeat;
	/* Host app: not 0 asks the TA to end the run at the next chance */
	uint32_t stop;
	/* Host app: not 0 says that files come first in the in ring */
	uint32_t files;
	/* Host app: most bytes of memory for files; 0: what the TEE has */
	uint32_t files_limit;
	/* Host app: bytes of what is a file ... */
	uint64_t stdio_sizes[3];
	/* ... and what each stream is: enum wasm_ta_stdio */
	uint8_t stdio_types[3];
	uint8_t pad[WASM_RING_LINE - 8 * sizeof(uint32_t) -
		    3 * sizeof(uint64_t) - 3];
	struct wasm_ring_end out_head;	/* written by the TA */
	struct wasm_ring_end out_tail;	/* written by the host app */
	struct wasm_ring_end in_head;	/* written by the host app */
	struct wasm_ring_end in_tail;	/* written by the TA */
};

struct wasm_frame {
	uint16_t channel;	/* WASM_CHANNEL_... */
	uint16_t reserved;	/* 0 */
	uint32_t length;	/* of the bytes that follow, without padding */
};

#define WASM_FRAME_ALIGN	8u
#define WASM_FRAME_SPACE(length) \
	(sizeof(struct wasm_frame) + \
	 (((length) + WASM_FRAME_ALIGN - 1) & ~(WASM_FRAME_ALIGN - 1)))

#define WASM_CHANNEL_STDOUT	1
#define WASM_CHANNEL_STDERR	2
#define WASM_CHANNEL_FILES	3	/* what comes back, after the program's end */

#endif /* WASM_RING_H */
