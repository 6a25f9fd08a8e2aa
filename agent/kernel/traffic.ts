import type { MapHandle, Native } from '../../native/index.ts';
import type { Loss, Losses } from '../ports.ts';
import { LOSSES, STRUCTS, VERDICTS, type Verdict } from './abi.ts';
import { u32, viewOf } from './bytes.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { errnoName, isErrno, requireDone, requireValue } from './errno.ts';

const AT = STRUCTS.loss;

/** The tracepoints that the loader watches, by the `at` of a key of `losses`. */
export const TRACEPOINTS = LOSSES.map((name) => `xdp_${name.toLowerCase()}`);

/**
 * Reads how many packets went which way, by verdict, over all CPUs. A program that was attached before a verdict existed
 * has no row for it, and never gave it: 0. Errors: KernelError.
 */
export function readVerdicts(native: Native, verdicts: MapHandle): Map<string, bigint> {
  return new Map(VERDICTS.map((name) => [name, readVerdict(native, verdicts, name)]));
}

/** The same of one verdict. Errors: KernelError. */
export function readVerdict(native: Native, verdicts: MapHandle, name: Verdict): bigint {
  const row = native.mapLookupElem(verdicts, u32(VERDICTS.indexOf(name)), 0);
  return typeof row === 'number' && isErrno(row, 'ENOENT') ? 0n : sum(requireValue(row, 'read', name));
}

/** Reads the packets that died after their verdict, over all CPUs. Errors: KernelError. */
export function readLosses(native: Native, map: MapHandle): Losses {
  const { rc, count, keys, values } = native.mapDump(map, 0);
  requireDone(rc, 'map dump', 'losses');
  const size = values.length / Math.max(count, 1);
  const rows = Array.from({ length: count }, (_, row) =>
    decodeLoss(keys.subarray(row * AT.size, (row + 1) * AT.size), sum(values.subarray(row * size, (row + 1) * size))),
  );
  const watched = new Set(rows.filter((row) => row.ifindex === 0).map((row) => row.tracepoint));
  return {
    losses: rows.filter((row) => row.packets > 0n),
    unwatched: TRACEPOINTS.filter((name) => !watched.has(name)),
  };
}

/** The key of the row that says that a tracepoint is watched. */
export function encodeWatched(at: number): Uint8Array {
  const bytes = new Uint8Array(AT.size);
  bytes[AT.at] = at;
  return bytes;
}

export function decodeLoss(key: Uint8Array, packets: bigint): Loss {
  const view = viewOf(key);
  const errno = view.getUint16(AT.error, LITTLE_ENDIAN);
  const at = view.getUint8(AT.at);
  return {
    ifindex: view.getUint32(AT.ifindex, LITTLE_ENDIAN),
    tracepoint: TRACEPOINTS[at] ?? `unknown_${at}`,
    ...(errno !== 0 && { errno: errnoName(-errno) }),
    packets,
  };
}

/** The sum of a per-CPU counter. */
function sum(cpus: Uint8Array): bigint {
  const view = viewOf(cpus);
  let total = 0n;
  for (let at = 0; at < cpus.byteLength; at += 8) total += view.getBigUint64(at, LITTLE_ENDIAN);
  return total;
}
