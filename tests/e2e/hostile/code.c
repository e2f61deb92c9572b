// SPDX-License-Identifier: Apache-2.0
/*
 * Machine code that no wamrc made, in the place of a module's functions: what
 * it can ask of the OP-TEE core once it runs. DO is what it does; see the end.
 *
 * Position independent, without relocations: -mcmodel=tiny, one section. It
 * tells what came of it in the secure world's log, a line that begins with
 * "hostile" for each system call.
 */
#include <pta_system.h>
#include <stddef.h>
#include <stdint.h>
#include <tee_api_defines.h>
#include <tee_api_defines_extensions.h>
#include <tee_syscall_numbers.h>
#include <utee_types.h>

#define PAGE		4096
#define BEYOND		64
#define NUMBERS		(TEE_SCN_MAX + 1 + BEYOND)
#define SESSIONS	64
#define COMMANDS	64
#define A_DAY_MS	(24 * 60 * 60 * 1000)
/* TAs and ldelf lie below it */
#define USER_END	0x80000000

typedef uint64_t u64;

static u64 scall(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f, u64 g)
{
	register u64 x0 asm("x0") = a;
	register u64 x1 asm("x1") = b;
	register u64 x2 asm("x2") = c;
	register u64 x3 asm("x3") = d;
	register u64 x4 asm("x4") = e;
	register u64 x5 asm("x5") = f;
	register u64 x6 asm("x6") = g;
	register u64 x7 asm("x7") = g;
	register u64 x8 asm("x8") = number;

	asm volatile("svc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3),
		     "+r"(x4), "+r"(x5), "+r"(x6), "+r"(x7)
		     : "r"(x8) : "memory", "cc");
	return (uint32_t)x0;
}

/* The compiler calls it */
void *memset(void *to, int byte, size_t count)
{
	volatile uint8_t *bytes = to;

	while (count--)
		*bytes++ = byte;
	return to;
}

static char *put(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	return to;
}

static char *put_hex(char *to, u64 value, int digits)
{
	while (digits--)
		*to++ = "0123456789abcdef"[value >> 4 * digits & 15];
	return to;
}

static void say(const char *what, u64 number, u64 value)
{
	char line[64];
	char *end = put(put(line, "hostile "), what);

	end = put_hex(put(end, " "), number, 3);
	end = put_hex(put(end, " "), value, 8);
	*end++ = '\n';
	scall(TEE_SCN_LOG, (u64)line, end - line, 0, 0, 0, 0, 0);
}

static void each_call(void)
{
	static const uint8_t sets[][7] = {
		{ 0, 0, 0, 0, 0, 0, 0 }, { 1, 1, 1, 1, 1, 1, 1 },
		{ 2, 2, 2, 2, 2, 2, 2 }, { 3, 3, 3, 3, 3, 3, 3 },
		{ 2, 4, 2, 4, 2, 4, 2 }, { 4, 2, 4, 2, 4, 2, 4 },
		{ 1, 2, 4, 2, 1, 2, 0 }, { 0, 3, 2, 1, 4, 3, 2 },
	};
	u64 page[PAGE / sizeof(u64)];
	u64 values[] = { 0, 1, (u64)page, ~0ULL, 64 };
	u64 number = 0;
	size_t n = 0;

	for (n = 0; n < PAGE / sizeof(u64); n++)
		page[n] = 0;
	for (number = 0; number < NUMBERS; number++) {
		u64 last = 1;

		/* These end it, or take their time: cases of their own */
		if (number == TEE_SCN_RETURN || number == TEE_SCN_PANIC ||
		    number == TEE_SCN_WAIT)
			continue;
		for (n = 0; n < sizeof(sets) / sizeof(sets[0]); n++) {
			const uint8_t *s = sets[n];
			u64 res = scall(number, values[s[0]], values[s[1]],
					values[s[2]], values[s[3]],
					values[s[4]], values[s[5]],
					values[s[6]]);

			if (res != last)
				say("call", number, res);
			last = res;
		}
	}
}

static u64 invoke(u64 session, u64 command, struct utee_params *params)
{
	uint32_t origin = 0;

	return scall(TEE_SCN_INVOKE_TA_COMMAND, session, 0, command,
		     (u64)params, (u64)&origin, 0, 0);
}

/* Of the system pseudo TA, in the session that the TA has with it */
static void each_command(void)
{
	struct utee_params none = { };
	struct utee_params map = { .types = 0x131, .vals = { PAGE } };
	struct utee_params protect = { .types = 0x11 };
	struct utee_params all = { .types = 0x511 };
	u64 session = 0;
	u64 command = 0;
	size_t n = 0;

	for (n = 1; n <= SESSIONS && !session; n++)
		if (invoke(n, PTA_SYSTEM_MAP_ZI, &none) ==
		    TEE_ERROR_BAD_PARAMETERS &&
		    invoke(n, PTA_SYSTEM_MPROTECT, &none) ==
		    TEE_ERROR_ACCESS_DENIED)
			session = n;
	say("session", 0, session);
	for (command = 0; command < COMMANDS; command++)
		say("command", command, invoke(session, command, &none));

	say("map", 0, invoke(session, PTA_SYSTEM_MAP_ZI, &map));
	protect.vals[0] = PAGE;
	protect.vals[1] = PTA_SYSTEM_PROT_UR | PTA_SYSTEM_PROT_UX;
	protect.vals[2] = map.vals[2];
	protect.vals[3] = map.vals[3];
	say("protect", 0, invoke(session, PTA_SYSTEM_MPROTECT, &protect));

	/* Whatever list comes later, and for all objects */
	all.vals[0] = ~0U & ~(1U << TEE_SCN_OPEN_TA_SESSION);
	all.vals[1] = ~0U;
	all.vals[2] = 0x7f;
	say("seal", 0, invoke(session, PTA_SYSTEM_SEAL, &all));
	say("again", 0, scall(TEE_SCN_CRYP_STATE_ALLOC, TEE_ALG_SHA256,
			      TEE_MODE_DIGEST, 0, 0, (u64)&none, 0, 0));
	say("again", 1, invoke(session, PTA_SYSTEM_WATCH, &none));
}

/* Objects of other programs: their ids do not begin as those of this one do */
static void objects(void)
{
	uint8_t info[PAGE / 16];
	char id[TEE_OBJECT_ID_MAX_LEN];
	uint32_t handle = 0;
	u64 length = 0;

	say("object", TEE_SCN_STORAGE_OBJ_OPEN,
	    scall(TEE_SCN_STORAGE_OBJ_OPEN, TEE_STORAGE_PRIVATE, (u64)"index",
		  5, TEE_DATA_FLAG_ACCESS_READ, (u64)&handle, 0, 0));
	say("object", TEE_SCN_STORAGE_OBJ_CREATE,
	    scall(TEE_SCN_STORAGE_OBJ_CREATE, TEE_STORAGE_PRIVATE, (u64)"index",
		  5, TEE_DATA_FLAG_ACCESS_WRITE | TEE_DATA_FLAG_OVERWRITE, 0, 0,
		  0));
	say("object", TEE_SCN_STORAGE_ENUM_ALLOC,
	    scall(TEE_SCN_STORAGE_ENUM_ALLOC, (u64)&handle, 0, 0, 0, 0, 0, 0));
	say("object", TEE_SCN_STORAGE_ENUM_START,
	    scall(TEE_SCN_STORAGE_ENUM_START, handle, TEE_STORAGE_PRIVATE, 0, 0,
		  0, 0, 0));
	say("object", TEE_SCN_STORAGE_ENUM_NEXT,
	    scall(TEE_SCN_STORAGE_ENUM_NEXT, handle, (u64)info, (u64)id,
		  (u64)&length, 0, 0, 0));
}

static int is_writable(u64 page)
{
	return !scall(TEE_SCN_CHECK_ACCESS_RIGHTS,
		      TEE_MEMORY_ACCESS_READ | TEE_MEMORY_ACCESS_WRITE |
		      TEE_MEMORY_ACCESS_ANY_OWNER, page, PAGE, 0, 0, 0, 0);
}

/*
 * Has ldelf, which prints the state of a TA that panicked, go round in circles:
 * all that it can write is full of pointers to itself.
 */
static void circles(void)
{
	u64 here = (u64)__builtin_frame_address(0) & ~(PAGE - 1ULL);
	u64 to = 0;
	u64 page = 0;
	size_t n = 0;

	for (page = PAGE; page < USER_END; page += PAGE) {
		if ((page >= here - PAGE && page <= here + PAGE) ||
		    !is_writable(page))
			continue;
		to = to ? to : page + PAGE / 2;
		for (n = 0; n < PAGE / sizeof(u64); n++)
			((volatile u64 *)page)[n] = to;
	}
	scall(TEE_SCN_PANIC, 0, 0, 0, 0, 0, 0, 0);
}

__attribute__((section(".entry"))) void entry(void)
{
#if DO == 0
	say("begin", 0, 0);
	each_call();
	objects();
	each_command();
	say("done", 0, 0);
#elif DO == 1
	while (1)
		scall(TEE_SCN_WAIT, A_DAY_MS, 0, 0, 0, 0, 0, 0);
#elif DO == 2
	while (1)
		scall(TEE_SCN_GET_TIME, 0, 0, 0, 0, 0, 0, 0);
#elif DO == 3
	circles();
#elif DO == 4
	while (1)
		;
#elif DO == 5
	scall(TEE_SCN_PANIC, 0, 0, 0, 0, 0, 0, 0);
#endif
}
