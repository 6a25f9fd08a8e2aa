// SPDX-License-Identifier: Apache-2.0
/*
 * flood-send ADDRESS PORT RATE: sends datagrams of 64 bytes, so many a second in bursts of a ten-thousandth of that, until its
 * standard input ends. Then prints how many the kernel took, and how many it refused.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BURST_NS 100000
#define MOST 256

int main(int argc, char **argv)
{
	static char payload[64];
	struct iovec piece = {.iov_base = payload, .iov_len = sizeof(payload)};
	struct mmsghdr burst[MOST];
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct pollfd input = {.fd = 0, .events = POLLIN};
	unsigned long long sent = 0, refused = 0, due = 0, bursts = 0;
	struct timespec next;
	double rate;
	int socket_fd;

	if (argc != 4)
		return 2;
	/* What others do on this machine is no gap of the link; without the right to it, it is one. */
	sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 10});
	inet_pton(AF_INET, argv[1], &to.sin_addr);
	to.sin_port = htons(atoi(argv[2]));
	rate = atof(argv[3]);
	socket_fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (socket_fd < 0 || connect(socket_fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("flood-send");
		return 1;
	}
	memset(burst, 0, sizeof(burst));
	for (int i = 0; i < MOST; i++) {
		burst[i].msg_hdr.msg_iov = &piece;
		burst[i].msg_hdr.msg_iovlen = 1;
	}
	puts("ready");
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (poll(&input, 1, 0) == 0) {
		bursts++;
		due = (unsigned long long)(rate * bursts * BURST_NS / 1e9);
		while (sent + refused < due) {
			unsigned long long left = due - sent - refused;
			int some = sendmmsg(socket_fd, burst, left > MOST ? MOST : left, 0);

			if (some > 0)
				sent += some;
			else
				refused++;
		}
		next.tv_nsec += BURST_NS;
		if (next.tv_nsec >= 1000000000) {
			next.tv_nsec -= 1000000000;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	printf("{\"sent\":%llu,\"refused\":%llu}\n", sent, refused);
	return 0;
}
