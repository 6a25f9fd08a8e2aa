/*
 * Makes a tap of the name given and keeps it until standard input ends. Each line of that is a frame in hex, written into
 * the tap as a virtual machine does it.
 */
#include "tap.h"

int main(int argc, char **argv)
{
	static char line[8192];
	unsigned char frame[4096];
	int fd = argc == 2 ? make_tap(argv[1], 0) : -1;

	if (fd < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		size_t size = strcspn(line, "\n") / 2, at;

		for (at = 0; at < size; at++)
			sscanf(line + 2 * at, "%2hhx", &frame[at]);
		if (write(fd, frame, size) != (ssize_t)size)
			return 2;
	}
	return 0;
}
