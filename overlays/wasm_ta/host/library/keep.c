// SPDX-License-Identifier: Apache-2.0
/*
 * Opening a session is most of what a short run takes: the TA is read, hashed,
 * verified and mapped. A keeper, a child of the first process that asks for
 * one, holds a session open and lends it, as a file descriptor of /dev/tee0 in
 * which the session is known to the driver, over a socket that only processes
 * of the same user may use.
 *
 * An instance of the TA serves one module for as long as it lives. So whoever
 * asks says what is to run, and the keeper opens another session if the one that
 * it has served anything else.
 *
 * Rather this than TA_FLAG_INSTANCE_KEEP_ALIVE: an instance of the TA still
 * belongs to one session, so that programs that run at once neither wait for
 * each other nor die together; it goes away when it is not used; and a TA that
 * was deployed anew is noticed, instead of the old one staying until a reboot.
 */
#include "library/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wasm_ta.h>

/* Where tee-supplicant takes the TA from */
#define TA_FILE "/lib/optee_armtz/7c1e4bb6-5a37-4a0e-9d2c-0f5d2f8b6a11.ta"

#define KEEP_VERSION	2
#define BACKLOG		8

/* What a client sends when it is done; its end without this is a failure */
#define RETURNED	'r'

struct request {
	uint32_t version;
	uint32_t reserved;	/* 0 */
	uint64_t key;		/* of what is to run, 0: nobody knows yet */
};

struct lease {
	uint32_t version;
	uint32_t code;		/* TEEC_Result of opening the session */
	uint32_t origin;
	uint32_t session;
};

struct keeper {
	TEEC_Context context;
	TEEC_Session session;
	struct lease lease;
	struct stat ta;		/* as it was when the session was opened */
	uint64_t key;		/* of what ran in it, 0: nothing */
	int listener;
	int timeout_ms;
};

/* An abstract name: it goes away with the keeper */
static socklen_t make_address(struct sockaddr_un *address)
{
	int length = 0;

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	length = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1,
			  "wasm_tee.%u", geteuid());
	return offsetof(struct sockaddr_un, sun_path) + 1 + length;
}

static bool is_same_user(int connection)
{
	struct ucred peer = { };
	socklen_t size = sizeof(peer);

	return !getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) &&
	       peer.uid == geteuid();
}

static bool send_lease(int connection, const struct lease *lease, int fd)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = { };
	struct iovec data = {
		.iov_base = (void *)lease,
		.iov_len = sizeof(*lease),
	};
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}

	return sendmsg(connection, &message, MSG_NOSIGNAL) == sizeof(*lease);
}

static bool receive_lease(int connection, struct lease *lease, int *fd)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = { };
	struct iovec data = { .iov_base = lease, .iov_len = sizeof(*lease) };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	const struct cmsghdr *header = NULL;
	ssize_t length = 0;

	do {
		length = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	} while (length < 0 && errno == EINTR);

	*fd = -1;
	header = CMSG_FIRSTHDR(&message);
	if (length > 0 && header && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));

	return length == sizeof(*lease) && lease->version == KEEP_VERSION;
}

static bool ta_is_the_same(const struct keeper *keeper)
{
	struct stat now = { };

	stat(TA_FILE, &now);
	return now.st_ino == keeper->ta.st_ino &&
	       now.st_size == keeper->ta.st_size &&
	       now.st_mtim.tv_sec == keeper->ta.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == keeper->ta.st_mtim.tv_nsec;
}

/* Waits for the client to return the session; others are turned away */
static bool wait_for_return(const struct keeper *keeper, int client)
{
	struct pollfd events[] = {
		{ .fd = client, .events = POLLIN },
		{ .fd = keeper->listener, .events = POLLIN },
	};
	char word = 0;

	while (!events[0].revents) {
		if (poll(events, 2, -1) < 0 && errno != EINTR)
			return false;
		/* The next client may be here before the return is seen */
		if (events[1].revents && !events[0].revents)
			close(accept4(keeper->listener, NULL, NULL,
				      SOCK_CLOEXEC));
	}

	return recv(client, &word, sizeof(word), 0) == 1 && word == RETURNED;
}

static void open_session(struct keeper *keeper)
{
	const TEEC_UUID uuid = WASM_TA_UUID;
	struct lease *lease = &keeper->lease;

	stat(TA_FILE, &keeper->ta);
	lease->version = KEEP_VERSION;
	lease->origin = TEEC_ORIGIN_API;
	lease->code = TEEC_InitializeContext(NULL, &keeper->context);
	if (lease->code == TEEC_SUCCESS)
		lease->code = TEEC_OpenSession(&keeper->context,
					       &keeper->session, &uuid,
					       TEEC_LOGIN_PUBLIC, NULL, NULL,
					       &lease->origin);
	lease->session = keeper->session.imp.session_id;
	keeper->key = 0;
}

static void open_another_session(struct keeper *keeper)
{
	TEEC_CloseSession(&keeper->session);
	TEEC_FinalizeContext(&keeper->context);
	open_session(keeper);
}

static bool receive_request(int client, struct request *request)
{
	/* It is sent before anybody waits: who does not is of no use */
	const struct timeval patience = { .tv_sec = 1 };

	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	return recv(client, request, sizeof(*request), 0) == sizeof(*request) &&
	       request->version == KEEP_VERSION;
}

/* Whether the keeper still has a session that is worth keeping */
static bool serve(struct keeper *keeper, int client)
{
	struct request request = { };

	if (!is_same_user(client) || !receive_request(client, &request))
		return true;
	/* The next one to ask gets a session with the new TA */
	if (!ta_is_the_same(keeper))
		return false;

	if (keeper->key && keeper->key != request.key)
		open_another_session(keeper);
	if (keeper->lease.code != TEEC_SUCCESS) {
		send_lease(client, &keeper->lease, -1);
		return false;
	}
	if (!send_lease(client, &keeper->lease, keeper->context.imp.fd))
		return true;

	keeper->key = request.key;
	return wait_for_return(keeper, client);
}

static bool lend(struct keeper *keeper)
{
	int client = accept4(keeper->listener, NULL, NULL, SOCK_CLOEXEC);
	bool good = false;

	if (client < 0)
		return errno == EINTR || errno == ECONNABORTED;

	good = serve(keeper, client);
	close(client);
	return good;
}

/* Nothing of the process that started it may be held by the keeper */
static void leave_all_behind(int listener)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = 0;

	setsid();
	/* Not one of those that run programs, see others.c */
	prctl(PR_SET_NAME, "optee_wamr keep");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (chdir("/"))
		_exit(EXIT_FAILURE);
	close_range(STDERR_FILENO + 1, listener - 1, 0);
	close_range(listener + 1, ~0U, 0);
}

static void __attribute__((noreturn)) keep(int listener, unsigned int seconds)
{
	struct keeper keeper = {
		.listener = listener,
		.timeout_ms = seconds * 1000,
	};
	struct pollfd event = { .fd = listener, .events = POLLIN };

	leave_all_behind(listener);
	/* The one who waits for it is told if it fails */
	open_session(&keeper);
	while (poll(&event, 1, keeper.timeout_ms) > 0 && lend(&keeper))
		;

	/* The driver closes the session with its last file descriptor */
	_exit(EXIT_SUCCESS);
}

/* Starts a keeper, unless there is one already */
static void start_keeper(unsigned int seconds)
{
	struct sockaddr_un address = { };
	socklen_t size = make_address(&address);
	int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	pid_t child = 0;

	if (listener < 0)
		return;

	/* Listens before it is anybody's: our own request finds it for certain */
	if (!bind(listener, (struct sockaddr *)&address, size) &&
	    !listen(listener, BACKLOG)) {
		child = fork();
		if (!child) {
			/* Twice, for nobody to have to wait for its end */
			if (fork())
				_exit(EXIT_SUCCESS);
			keep(listener, seconds);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
	}
	close(listener);
}

static int connect_to_keeper(void)
{
	struct sockaddr_un address = { };
	socklen_t size = make_address(&address);
	int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (connection >= 0 &&
	    (connect(connection, (struct sockaddr *)&address, size) ||
	     !is_same_user(connection))) {
		close(connection);
		connection = -1;
	}

	return connection;
}

enum keep_borrowed keep_borrow(unsigned int seconds, uint64_t key,
			       TEEC_Context *context, TEEC_Session *session,
			       int *lease, TEEC_Result *code, uint32_t *origin)
{
	const struct request request = { .version = KEEP_VERSION, .key = key };
	struct lease told = { };
	int connection = connect_to_keeper();
	int fd = -1;

	if (connection < 0 && seconds) {
		start_keeper(seconds);
		connection = connect_to_keeper();
	}
	if (connection < 0)
		return KEEP_BUSY;

	if (send(connection, &request, sizeof(request), MSG_NOSIGNAL) !=
	    sizeof(request) || !receive_lease(connection, &told, &fd)) {
		close(connection);
		return KEEP_BUSY;
	}
	if (told.code != TEEC_SUCCESS || fd < 0) {
		*code = told.code;
		*origin = told.origin;
		close(connection);
		return KEEP_FAILED;
	}

	/* The context is ours, the device in it the one with the session */
	dup3(fd, context->imp.fd, O_CLOEXEC);
	close(fd);
	session->imp.ctx = context;
	session->imp.session_id = told.session;
	*lease = connection;
	return KEEP_BORROWED;
}

void keep_return(int lease, bool good)
{
	const char word = RETURNED;

	if (good)
		send(lease, &word, sizeof(word), MSG_NOSIGNAL);
	close(lease);
}
