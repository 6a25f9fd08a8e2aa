/*
 * Makes a tap of the name given, as a virtual machine has one that leaves segmentation to the host, and keeps it until
 * standard input ends. Each line of that, `SEGMENT HEX`, is a frame of TCP over IPv4 without options, written into the tap
 * to be cut into segments of so many bytes; 0 is a frame to be left as it is.
 */
#include "../tap.h"
#include <linux/virtio_net.h>

#define L4 34	/* Ethernet and IPv4 */
#define TCP 20
#define TCP_CHECK 16

struct packet {
	struct virtio_net_hdr how;
	unsigned char frame[65536];
};

static char line[2 * 65536 + 16];

int main(int argc, char **argv)
{
	static struct packet packet;
	int fd = argc == 2 ? make_tap(argv[1], IFF_VNET_HDR) : -1;

	if (fd < 0)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		unsigned int segment, at = 0;
		int hex;

		if (sscanf(line, "%u %n", &segment, &hex) != 1)
			return 2;
		while (sscanf(line + hex + 2 * at, "%2hhx", &packet.frame[at]) == 1)
			at++;
		packet.how = (struct virtio_net_hdr){
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.gso_type = segment ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_NONE,
			.hdr_len = L4 + TCP,
			.gso_size = segment,
			.csum_start = L4,
			.csum_offset = TCP_CHECK,
		};
		if (write(fd, &packet, sizeof(packet.how) + at) != (ssize_t)(sizeof(packet.how) + at))
			return 3;
	}
	return 0;
}
