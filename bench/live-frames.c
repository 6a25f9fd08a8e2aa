// SPDX-License-Identifier: Apache-2.0
/*
 * live-frames PIN IFINDEX FRAME-IN-HEX REPEAT BATCH: sends a frame through a pinned XDP program as if it came in there,
 * REPEAT times, and carries out what the program says. Prints nanoseconds a frame.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	unsigned char frame[2048];
	struct xdp_md ctx = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .ctx_in = &ctx, .ctx_size_in = sizeof(ctx),
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int program, rc;
	size_t i;

	if (argc != 6)
		return 2;
	program = bpf_obj_get(argv[1]);
	for (i = 0; i < sizeof(frame) && sscanf(argv[3] + 2 * i, "%2hhx", &frame[i]) == 1; i++)
		;
	ctx.ingress_ifindex = atoi(argv[2]);
	ctx.data_end = opts.data_size_in = i;
	opts.repeat = atoi(argv[4]);
	opts.batch_size = atoi(argv[5]);
	rc = bpf_prog_test_run_opts(program, &opts);
	if (rc < 0) {
		fprintf(stderr, "test-run: %s\n", strerror(-rc));
		return 1;
	}
	printf("%u\n", opts.duration);
	return 0;
}
