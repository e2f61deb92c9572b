/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeps until the host wakes the machine, then makes it one of its own (time,
 * randomness of both worlds, name, keys, secure storage) and becomes the server
 * given as arguments.
 *
 * Nothing before this is secret, or different from machine to machine. So while
 * it sleeps the host may make a snapshot, and resume any number of machines from
 * it; see teeforge/machines/wake.py, which writes the one line to the console that wakes:
 *
 *	wake SECONDS.NANOSECONDS SEED NAME HOSTKEY AUTHORIZEDKEY end
 *
 * It's not echoed, so that no log has it. Without its `end` it's what is left of
 * one whose writer was killed.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <tee_client_api.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LINUX_SEED 32
#define TEE_SEED 32
#define LINE 2048

/* A FIFO, made by init */
#define ASLEEP "/run/asleep"

/* core/pta/entropy.c, which a patch of ours adds to optee_os */
#define PTA_ENTROPY_UUID { 0x5a17bd94, 0x85a9, 0x4f88, \
		{ 0xa3, 0xaa, 0xad, 0x05, 0x9b, 0xd5, 0xa8, 0xc3 } }
#define PTA_ENTROPY_ADD 0

/* The host gives up on a machine that says this before it's up */
static void __attribute__((noreturn, format(printf, 1, 2)))
fail(const char *format, ...)
{
	va_list words;

	printf("teeforge: failed to ");
	va_start(words, format);
	vprintf(format, words);
	va_end(words);
	putchar('\n');
	exit(1);
}

/* Says whether a line is the one that wakes, and takes its ends off */
static bool is_call(char *line)
{
	static const char first[] = "wake ";
	static const char last[] = " end\n";
	size_t length = strlen(line);

	if (length < sizeof(first) + sizeof(last) ||
	    strncmp(line, first, sizeof(first) - 1) ||
	    strcmp(line + length - (sizeof(last) - 1), last))
		return false;
	line[length - (sizeof(last) - 1)] = '\0';
	memmove(line, line + sizeof(first) - 1,
		length - (sizeof(first) - 1) - (sizeof(last) - 1) + 1);
	return true;
}

/* Waits for that line, any other is not for us; returns its words */
static char *sleep_until_woken(void)
{
	static char line[LINE];
	struct termios quiet = { 0 };
	struct termios before = { 0 };

	if (tcgetattr(STDIN_FILENO, &before))
		fail("use the console: %s", strerror(errno));
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSANOW, &quiet);

	puts("teeforge: state prepared");
	do {
		if (!fgets(line, sizeof(line), stdin))
			fail("read the console: %s", strerror(errno));
	} while (!is_call(line));
	puts("teeforge: woken");

	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	return line;
}

static char *next_word(char **words)
{
	char *word = strsep(words, " ");

	if (!word || !*word)
		fail("understand what the host says");
	return word;
}

static void set_clock(const char *text)
{
	long long seconds = 0;
	struct timespec now = { 0 };

	if (sscanf(text, "%lld.%9ld", &seconds, &now.tv_nsec) != 2)
		fail("understand the time `%s`", text);
	now.tv_sec = seconds;
	if (clock_settime(CLOCK_REALTIME, &now))
		fail("set the clock: %s", strerror(errno));
}

/* Turns hexadecimal digits into as many bytes as there have to be */
static void unhex(const char *text, unsigned char *bytes, size_t size)
{
	size_t n = 0;

	if (strlen(text) != 2 * size)
		fail("understand a word of %zu digits", strlen(text));
	for (n = 0; n < size; n++)
		if (sscanf(text + 2 * n, "%2hhx", bytes + n) != 1)
			fail("understand a digit of the host's");
}

/* All machines of a snapshot have woken with the same pools and the same key */
static void seed_linux(const unsigned char *seed)
{
	struct {
		struct rand_pool_info info;
		unsigned char bytes[LINUX_SEED];
	} pool = { .info = { .entropy_count = 8 * LINUX_SEED,
			     .buf_size = LINUX_SEED } };
	int random = open("/dev/urandom", O_RDWR | O_CLOEXEC);

	memcpy(pool.info.buf, seed, LINUX_SEED);
	/* The pools alone would reach the key minutes later */
	if (random < 0 || ioctl(random, RNDADDENTROPY, &pool) ||
	    ioctl(random, RNDRESEEDCRNG))
		fail("seed the kernel: %s", strerror(errno));
	close(random);
	explicit_bzero(&pool, sizeof(pool));
}

/* Before any TA is loaded; it can't make the secure world's worse: see there */
static void seed_tee(const unsigned char *seed)
{
	const TEEC_UUID uuid = PTA_ENTROPY_UUID;
	TEEC_Context context = { 0 };
	TEEC_Session session = { 0 };
	TEEC_Operation operation = {
		.paramTypes = TEEC_PARAM_TYPES(
			TEEC_VALUE_INPUT, TEEC_VALUE_INPUT, TEEC_VALUE_INPUT,
			TEEC_VALUE_INPUT)
	};
	TEEC_Result res = TEEC_SUCCESS;
	size_t n = 0;

	for (n = 0; n < TEE_SEED / 8; n++) {
		memcpy(&operation.params[n].value.a, seed + 8 * n, 4);
		memcpy(&operation.params[n].value.b, seed + 8 * n + 4, 4);
	}

	res = TEEC_InitializeContext(NULL, &context);
	if (!res)
		res = TEEC_OpenSession(&context, &session, &uuid,
				       TEEC_LOGIN_PUBLIC, NULL, NULL, NULL);
	if (!res)
		res = TEEC_InvokeCommand(&session, PTA_ENTROPY_ADD, &operation,
					 NULL);
	if (res)
		fail("seed the secure world: TEE error %#x", res);
	explicit_bzero(&operation, sizeof(operation));
	TEEC_CloseSession(&session);
	TEEC_FinalizeContext(&context);
}

static void seed_both(const char *text)
{
	unsigned char seed[LINUX_SEED + TEE_SEED] = { 0 };

	unhex(text, seed, sizeof(seed));
	seed_linux(seed);
	seed_tee(seed + LINUX_SEED);
	explicit_bzero(seed, sizeof(seed));
}

static void put(const char *path, mode_t mode, const void *data, size_t size)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (file < 0 || write(file, data, size) != (ssize_t)size || close(file))
		fail("write %s: %s", path, strerror(errno));
}

static void put_line(const char *path, mode_t mode, const char *text)
{
	char line[LINE] = "";

	put(path, mode, line, snprintf(line, sizeof(line), "%s\n", text));
}

static void put_host_key(const char *text)
{
	unsigned char key[256] = { 0 };
	size_t size = strlen(text) / 2;

	if (size > sizeof(key))
		fail("understand a host key of %zu bytes", size);
	unhex(text, key, size);
	put("/etc/dropbear/dropbear_ed25519_host_key", 0600, key, size);
	explicit_bzero(key, sizeof(key));
}

/* Says whether a process of that name is there */
static bool is_running(const char *name)
{
	struct dirent *entry = NULL;
	bool found = false;
	DIR *proc = opendir("/proc");

	while (proc && !found && (entry = readdir(proc))) {
		char path[300] = "";
		char comm[32] = "";
		FILE *file = NULL;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = isdigit((unsigned char)*entry->d_name) ? fopen(path, "r") : NULL;
		if (!file)
			continue;
		found = fgets(comm, sizeof(comm), file) &&
			!strncmp(comm, name, strlen(name));
		fclose(file);
	}
	if (proc)
		closedir(proc);
	return found;
}

/* Says whether somebody listens on port 22 */
static bool is_listening(void)
{
	unsigned int port = 0;
	unsigned int state = 0;
	char line[256] = "";
	bool found = false;
	FILE *file = fopen("/proc/net/tcp", "r");

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, " %*d: %*x:%x %*x:%*x %x", &port,
			       &state) == 2 &&
			port == 22 && state == TCP_LISTEN;
	if (file)
		fclose(file);
	return found;
}

/* Beside the server while it starts: what it needs last, and the good news */
static void finish(void)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	/* What is in it is encrypted by the TEE; it outlives the machine */
	if (mount("tee", "/var/lib/tee", "9p", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "trans=virtio,version=9p2000.L"))
		fail("mount the folder of secure storage: %s", strerror(errno));
	while (!is_listening())
		nanosleep(&pause, NULL);
	puts("teeforge: state ssh");
}

static void wake(void)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	const char *name = NULL;
	char *words = NULL;
	int asleep = -1;

	/* Without it the first TA would be waited for without end */
	while (!is_running("tee-supplicant"))
		nanosleep(&pause, NULL);
	/*
	 * /etc/console reads from it once init has set up the terminal, which
	 * switches the echo on
	 */
	while ((asleep = open(ASLEEP, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0)
		nanosleep(&pause, NULL);
	words = sleep_until_woken();

	set_clock(next_word(&words));
	seed_both(next_word(&words));

	name = next_word(&words);
	if (sethostname(name, strlen(name)))
		fail("set the hostname: %s", strerror(errno));
	put_line("/etc/hostname", 0644, name);
	put_host_key(next_word(&words));
	if (!words)
		fail("understand what the host says");
	put_line("/root/.ssh/authorized_keys", 0600, words);

	/* Whoever waits for this to go away waits no longer */
	close(asleep);
	unlink(ASLEEP);

	switch (fork()) {
	case -1:
		fail("fork: %s", strerror(errno));
	case 0:
		finish();
		exit(0);
	default:
		break;
	}
}

int main(int argc, char **argv)
{
	setlinebuf(stdout);
	if (argc < 2)
		fail("wake: no server is given");
	/* init starts the server again when it ends, by then we're awake */
	if (!access(ASLEEP, F_OK))
		wake();
	execv(argv[1], argv + 1);
	fail("start %s: %s", argv[1], strerror(errno));
}
