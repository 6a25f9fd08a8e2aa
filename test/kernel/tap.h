/* A tap of a name, made by `main`, as a virtual machine has one. */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Makes it and says so on standard output; answers its descriptor, or -1. It is there for as long as that is open. */
static int make_tap(const char *name, short flags)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | flags };
	int fd = open("/dev/net/tun", O_RDWR);

	if (fd < 0)
		return -1;
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return -1;
	puts("ready");
	fflush(stdout);
	return fd;
}
