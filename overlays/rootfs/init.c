/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First process: brings up what is the same on every machine (file systems,
 * kernel modules, network), then hands over to busybox init (etc/inittab).
 *
 * A program and not a script: each command of a script costs an emulated machine
 * some hundredths of a second, and a boot is to take three.
 *
 * The host reads the lines which start with "teeforge:"; see teeforge/machines/bootlog.py.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MODULES "/lib/modules/"

/* QEMU's user network: what it forwards to, and the host as the machine sees it */
#define ADDRESS "10.0.2.15"
#define NETMASK "255.255.255.0"
#define GATEWAY "10.0.2.2"

static void failed(const char *what, const char *which)
{
	printf("teeforge: failed to %s %s: %s\n", what, which, strerror(errno));
}

static void mount_all(void)
{
	static const struct {
		const char *type;
		const char *where;
		const char *options;
	} mounts[] = {
		{ "proc", "/proc", NULL },
		{ "sysfs", "/sys", NULL },
		{ "devtmpfs", "/dev", NULL },
		{ "devpts", "/dev/pts", NULL },
		{ "tmpfs", "/dev/shm", "mode=1777" },
	};
	size_t n = 0;

	for (n = 0; n < sizeof(mounts) / sizeof(mounts[0]); n++) {
		/* Those in /dev are not there before */
		mkdir(mounts[n].where, 0755);
		if (mount(mounts[n].type, mounts[n].where, mounts[n].type, 0,
			  mounts[n].options))
			failed("mount", mounts[n].where);
	}
}

static void load_modules(void)
{
	FILE *list = fopen(MODULES "load", "r");
	char path[128] = MODULES;
	char *name = path + strlen(path);

	if (!list)
		failed("open", MODULES "load");
	while (list &&
	       fgets(name, sizeof(path) - (size_t)(name - path), list)) {
		int module = 0;

		name[strcspn(name, "\n")] = '\0';
		module = open(path, O_RDONLY | O_CLOEXEC);
		if (module < 0 || syscall(SYS_finit_module, module, "", 0))
			failed("load the kernel module", name);
		close(module);
	}
	if (list)
		fclose(list);
	if (access("/dev/tee0", F_OK))
		failed("start the TEE driver: no", "/dev/tee0");
}

static struct sockaddr inet_sockaddr(const char *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr result = { 0 };

	if (address)
		inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&result, &in, sizeof(result));
	return result;
}

static void bring_up(int sock, const char *name, const char *address,
		     const char *netmask)
{
	struct ifreq request = { 0 };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	request.ifr_addr = inet_sockaddr(address);
	if (ioctl(sock, SIOCSIFADDR, &request))
		failed("configure the network interface", name);
	request.ifr_addr = inet_sockaddr(netmask);
	if (ioctl(sock, SIOCSIFNETMASK, &request))
		failed("configure the network interface", name);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(sock, SIOCSIFFLAGS, &request))
		failed("bring up the network interface", name);
}

static void set_up_network(void)
{
	struct rtentry route = {
		.rt_flags = RTF_UP | RTF_GATEWAY,
		.rt_dst = inet_sockaddr(NULL),
		.rt_genmask = inet_sockaddr(NULL),
		.rt_gateway = inet_sockaddr(GATEWAY),
	};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	bring_up(sock, "lo", "127.0.0.1", "255.0.0.0");
	bring_up(sock, "eth0", ADDRESS, NETMASK);
	if (ioctl(sock, SIOCADDRT, &route))
		failed("set the default route to", GATEWAY);
	close(sock);
}

int main(void)
{
	setlinebuf(stdout);
	puts("teeforge: state linux");
	mount_all();
	load_modules();
	set_up_network();
	/* It is there for as long as the machine sleeps; see wake.c */
	if (mkfifo("/run/asleep", 0600))
		failed("make", "/run/asleep");
	execl("/bin/busybox", "init", NULL);
	failed("start", "/bin/busybox");
	return 1;
}
