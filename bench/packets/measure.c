// SPDX-License-Identifier: Apache-2.0
/*
 * measure OBJECT PIN FRAME-IN-HEX INGRESS REPEAT V6 BASE MASK: runs the pinned program behind the wrapper of OBJECT, on
 * a frame that comes in by the interface with the index INGRESS, REPEAT times. Prints what the last run returned and
 * nanoseconds a run.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	__u32 v6;
	__u32 base;
	__u32 mask;
	__u8 macs[12];
};

static int fail(const char *what, int rc)
{
	fprintf(stderr, "%s: %s\n", what, strerror(rc < 0 ? -rc : errno));
	return 1;
}

static struct bpf_object *load(const char *path, const unsigned char *frame, char **argv)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;
	struct bpf_map *data;
	struct run *run;
	size_t size;

	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), "wrapper"));
	data = bpf_object__find_map_by_name(object, ".rodata");
	run = data ? (struct run *)bpf_map__initial_value(data, &size) : NULL;
	if (!run || size < sizeof(*run))
		return NULL;
	run->v6 = atoi(argv[6]);
	run->base = strtoul(argv[7], NULL, 0);
	run->mask = strtoul(argv[8], NULL, 0);
	memcpy(run->macs, frame, sizeof(run->macs));
	return bpf_object__load(object) ? NULL : object;
}

int main(int argc, char **argv)
{
	unsigned char frame[2048], out[2048];
	struct xdp_md ctx = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_out = out, .data_size_out = sizeof(out),
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));
	struct bpf_object *object;
	int subject, wrapper, rc;
	__u32 zero = 0;
	size_t i;

	if (argc != 9)
		return 2;
	for (i = 0; i < sizeof(frame) && sscanf(argv[3] + 2 * i, "%2hhx", &frame[i]) == 1; i++)
		;
	object = load(argv[1], frame, argv);
	if (!object)
		return fail(argv[1], 0);
	subject = bpf_obj_get(argv[2]);
	if (subject < 0)
		return fail(argv[2], subject);
	rc = bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, "subject"), &zero, &subject, 0);
	if (rc < 0)
		return fail("tail call", rc);
	wrapper = bpf_program__fd(bpf_object__find_program_by_name(object, "wrapper"));
	ctx.ingress_ifindex = atoi(argv[4]);
	ctx.data_end = opts.data_size_in = i;
	opts.repeat = atoi(argv[5]);
	rc = bpf_prog_test_run_opts(wrapper, &opts);
	if (rc < 0)
		return fail("test-run", rc);
	printf("%u %u\n", opts.retval, opts.duration);
	return 0;
}
