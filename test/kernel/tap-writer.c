/*
 * Makes a tap of the name given and keeps it until standard input ends. Each line of that is a frame in hex, written into
 * the tap as a virtual machine does it.
 */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char line[8192];
	unsigned char frame[4096];
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR);

	if (argc != 2 || fd < 0)
		return 1;
	strncpy(request.ifr_name, argv[1], IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return 2;
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		size_t size = strcspn(line, "\n") / 2, at;

		for (at = 0; at < size; at++)
			sscanf(line + 2 * at, "%2hhx", &frame[at]);
		if (write(fd, frame, size) != (ssize_t)size)
			return 3;
	}
	return 0;
}
