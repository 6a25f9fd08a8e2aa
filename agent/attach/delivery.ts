import { chmodSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Native, ObjectHandle } from '../../native/index.ts';
import { LOSSES } from '../kernel/abi.ts';
import { bpfAdvice, errnoText } from '../kernel/advice.ts';
import { requireDone, requireValue } from '../kernel/errno.ts';
import type { OpenMaps } from '../kernel/open-maps.ts';
import type { PinPaths } from '../kernel/pins.ts';
import { encodeWatched, TRACEPOINTS } from '../kernel/traffic.ts';

const OBJECT = fileURLToPath(new URL('../../bpf/build/delivery.bpf.o', import.meta.url));
const BTF = '/sys/kernel/btf/vmlinux';
/** libbpf, bpf_object__load_vmlinux_btf and what looks kernel types up in it. */
const WITHOUT_BTF = Object.fromEntries(
  ['ENOENT', 'ESRCH', 'EINVAL'].map((errno) => [errno, `this kernel has no ${BTF}`]),
);
const BPF_NOEXIST = 1;
const EEXIST = 17;

/** A tracepoint that cannot be watched here, and why: what dies there is not counted. */
export interface Unwatched {
  readonly tracepoint: string;
  readonly why: string;
}

export interface Watch {
  readonly changed: boolean;
  readonly unwatched: readonly Unwatched[];
}

/**
 * Pins a program on every tracepoint that tells of packets lost after their verdict, where none is pinned yet. A kernel
 * that lacks one, or its own BTF, is no reason to fail: redirecting works without.
 */
export function watchDelivery(native: Native, paths: PinPaths, maps: OpenMaps, undo: DisposableStack): Watch {
  const absent = TRACEPOINTS.flatMap((name, at) => (existsSync(paths.tracepoint(name)) ? [] : [{ name, at }]));
  if (absent.length === 0) return { changed: false, unwatched: [] };
  undo.defer(() => {
    for (const { name } of absent) rmSync(paths.tracepoint(name), { force: true });
  });
  const object = openObject(native, maps);
  if (typeof object === 'string') {
    return { changed: false, unwatched: absent.map(({ name }) => ({ tracepoint: name, why: object })) };
  }
  const tried = absent.map(({ name, at }) => ({ tracepoint: name, why: watch(native, object, paths, maps, at) }));
  native.close(object);
  const unwatched = tried.flatMap(({ tracepoint, why }) => (why === undefined ? [] : [{ tracepoint, why }]));
  return { changed: unwatched.length < tried.length, unwatched };
}

/** Opens and loads the object; or says why it cannot. */
function openObject(native: Native, maps: OpenMaps): ObjectHandle | string {
  const object = requireValue(native.objectOpen(OBJECT), 'open object', OBJECT, 'run `./dev build` first');
  for (const name of ['about', 'losses'] as const) {
    requireDone(native.objectReuseMap(object, name, maps[name]), 'reuse map', name);
  }
  const { rc } = native.objectLoad(object);
  if (rc === 0) return object;
  native.close(object);
  return withAdvice(rc, { EPERM: 'it takes CAP_PERFMON', ...(existsSync(BTF) ? {} : WITHOUT_BTF) });
}

function withAdvice(rc: number, special: Readonly<Record<string, string>>): string {
  return errnoText(rc, bpfAdvice(rc, special));
}

/** Watches one tracepoint; or answers why it cannot. The row that says so comes last. */
function watch(native: Native, object: ObjectHandle, paths: PinPaths, maps: OpenMaps, at: number): string | undefined {
  const [program, name] = [LOSSES[at]?.toLowerCase() ?? '', TRACEPOINTS[at] ?? ''];
  const handle = requireValue(native.objectProgram(object, program), 'find program', program);
  const link = native.programAttachRawTracepoint(handle, name);
  native.close(handle);
  if (typeof link === 'number') return withAdvice(link, { ENOENT: 'this kernel lacks the tracepoint' });
  const pin = paths.tracepoint(name);
  requireDone(native.linkPin(link, pin), 'pin', pin);
  chmodSync(pin, 0o600);
  native.close(link);
  const none = new Uint8Array(8 * native.possibleCpus());
  const rc = native.mapUpdateElem(maps.losses, encodeWatched(at), none, BPF_NOEXIST);
  if (rc !== -EEXIST) requireDone(rc, 'map update', 'losses');
  return undefined;
}
