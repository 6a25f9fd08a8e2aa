import { chmodSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Native, ObjectHandle, ProgramHandle } from '../../native/index.ts';
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

/** A tracepoint by its name and by its place in LOSSES. */
interface Place {
  readonly name: string;
  readonly at: number;
}

/**
 * Pins this build's program on every tracepoint that tells of packets lost after their verdict. Where one of another build
 * is pinned, that one goes first: no loss is counted twice, and one in between is not counted. A kernel that lacks a
 * tracepoint, or its own BTF, is no reason to fail: redirecting works without.
 */
export function watchDelivery(native: Native, paths: PinPaths, maps: OpenMaps, undo: DisposableStack): Watch {
  const places = TRACEPOINTS.map((name, at) => ({ name, at }));
  const absent = places.filter(({ name }) => !existsSync(paths.tracepoint(name)));
  undo.defer(() => {
    for (const { name } of absent) rmSync(paths.tracepoint(name), { force: true });
  });
  const object = openObject(native, maps);
  if (typeof object === 'string') {
    return { changed: false, unwatched: absent.map(({ name }) => ({ tracepoint: name, why: object })) };
  }
  const due = places.filter((place) => absent.includes(place) || !isOurs(native, object, paths, place));
  for (const { name } of due) rmSync(paths.tracepoint(name), { force: true });
  const tried = due.map((place) => ({ tracepoint: place.name, why: watch(native, object, paths, maps, place) }));
  native.close(object);
  const unwatched = tried.flatMap(({ tracepoint, why }) => (why === undefined ? [] : [{ tracepoint, why }]));
  return { changed: unwatched.length < tried.length, unwatched };
}

/** Whether what is pinned on a tracepoint is the code of this build; what cannot be looked at is left as it is. */
function isOurs(native: Native, object: ObjectHandle, paths: PinPaths, place: Place): boolean {
  const link = native.linkOpen(paths.tracepoint(place.name));
  if (typeof link === 'number') return true;
  const program = native.linkProgram(link);
  native.close(link);
  if (typeof program === 'number') return true;
  const ours = programFor(native, object, place);
  const [tag, our] = [program, ours].map((one) => tagOf(native, one));
  for (const handle of [program, ours]) native.close(handle);
  return tag === our;
}

function tagOf(native: Native, program: ProgramHandle): string {
  return requireValue(native.programInfo(program), 'program info', 'delivery').tag;
}

function programFor(native: Native, object: ObjectHandle, { at }: Place): ProgramHandle {
  const program = LOSSES[at]?.toLowerCase() ?? '';
  return requireValue(native.objectProgram(object, program), 'find program', program);
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
function watch(
  native: Native,
  object: ObjectHandle,
  paths: PinPaths,
  maps: OpenMaps,
  place: Place,
): string | undefined {
  const { name, at } = place;
  const handle = programFor(native, object, place);
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
