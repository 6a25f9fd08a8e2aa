import type { EntryValue } from '../../agent/model/entry.ts';
import type { Op } from '../../agent/model/op.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { HostItem } from '../../protocol/listings.ts';
import type { Status } from '../../protocol/status.ts';
import { HELD } from './fleet-check.ts';
import type { Host } from './host.ts';
import { expectedOn } from './oracle.ts';
import type { HostName } from './schedule.ts';

/** Its store does not say any more what it held. */
const LOST = ['ADOPTING', 'STORE_DAMAGED'];

export interface Seen {
  readonly name: HostName;
  readonly status: Status | undefined;
  readonly listed: HostItem | undefined;
  readonly specs: readonly object[];
  readonly nowMs: number;
  /** Whether a database was put back, so that a host may know more than its controller. */
  readonly mayBeHeld: boolean;
}

/** What does not hold of a host that has had its time (I1, I2, I5); what is not converged has to say why. */
export function checkQuiet(host: Host, { name, status, listed, specs, nowMs, mayBeHeld }: Seen): readonly string[] {
  const says = (what: string): string => `${name}: ${what}`;
  if (status === undefined || listed === undefined) return [says('was never heard')];
  const held = (status.problems ?? []).some(({ code }) => HELD.includes(code));
  const stands = new Map([...host.kernel.observe().entries].map(([id, { value }]) => [id, value.action]));
  const set = [...host.store.set.keys()].sort();
  // What stands is kept whatever the store says, where that is lost, too.
  const isLost = (status.problems ?? []).some(({ code }) => LOST.includes(code));
  if (held && mayBeHeld && isLost) return [];
  if (held && mayBeHeld)
    return same(
      'kernel, though it is held',
      [...stands.keys()].filter((id) => !set.includes(id)),
      [],
    ).map(says);
  const { wanted, standing } = expectedOn(name, host.labels, specs, { can: host.can, nowMs });
  const { stored, applied, verified } = status;
  return [
    ...same(
      'problems',
      (status.problems ?? []).map(({ code }) => code),
      [],
    ),
    ...same('set', set, wanted),
    ...same('kernel', sorted(stands), sorted(standing)),
    ...same('stored, applied, verified', [stored, applied, verified], [listed.head, listed.head, listed.head]),
    ...same(
      'listed',
      [listed.stored, listed.applied, listed.verified, listed.standing],
      [stored, applied, verified, 'ok'],
    ),
    ...same('installed', status.counts.installed, standing.size),
  ].map(says);
}

/** The newest change of a key in the log of a host. */
export type Newest = (key: string) => { readonly op: 'put' | 'delete'; readonly rev: number } | undefined;

/**
 * What an op does that it must not, at the moment at which it is asked for:
 * - it writes what is not stored, or not of that revision (R8, I2), or an older revision than stood before (I4);
 * - it deletes what stands, though its newest change is a put that the host has (I8), and nothing else speaks against it.
 */
export class OpCheck {
  readonly #host: Host;
  readonly #newest: Newest;
  /** Revisions by entry, of each boot: with its kernel a host may have lost the only word that it knew more once. */
  readonly #written = new WeakMap<object, Map<string, { readonly rev: number; readonly epoch: string }>>();
  /** How far a kernel's mark ever went: it is the host's word on what it has, whatever it says later. */
  readonly #marked = new WeakMap<object, number>();

  constructor(host: Host, newest: Newest) {
    this.#host = host;
    this.#newest = newest;
  }

  of(op: Op): readonly string[] {
    const { kernel } = this.#host;
    this.#marked.set(kernel, Math.max(kernel.mark()?.rev ?? 0, this.#marked.get(kernel) ?? 0));
    if (op.op === 'write') return this.#write(op.id, op.value);
    return op.op === 'delete' ? this.#delete(op.id) : [];
  }

  #write(id: string, { rev }: EntryValue): readonly string[] {
    const { store, kernel } = this.#host;
    const { epoch } = store.stored.cursor;
    const written = this.#written.get(kernel) ?? new Map<string, { rev: number; epoch: string }>();
    const before = written.get(id);
    this.#written.set(kernel, written.set(id, { rev, epoch }));
    // By decree a host goes back to what another log says.
    const isDecreed = before?.epoch !== epoch && this.#newest(id) === undefined;
    const isOlder = before !== undefined && rev < before.rev && !isDecreed;
    if (rev !== before?.rev) this.#host.silence.came(id);
    return [
      ...same(`writes ${id} with rev`, rev, store.set.get(id)?.rev ?? 'nothing stored'),
      ...(isOlder ? [`writes ${id} with rev ${rev} after ${before.rev}`] : []),
    ];
  }

  #delete(id: string): readonly string[] {
    const { kernel } = this.#host;
    const entry = kernel.observe().entries.get(id);
    const newest = this.#newest(id);
    const had = this.#marked.get(kernel) ?? 0;
    if (entry === undefined || !entry.sound || newest?.op !== 'put') return [];
    if (newest.rev > had || entry.value.rev !== newest.rev || entry.value.until !== 0n) return [];
    const isUp = kernel.network().netdevs.every(({ up }) => up);
    if (entry.value.action === 'send' && !isUp) return [];
    if (this.#host.store.set.get(id)?.idle !== undefined) return this.#giveUp(id);
    return [`deletes ${id}, whose newest change is a put of rev ${newest.rev}`];
  }

  /** A redirect is given up after its silence, and after the disk has it. */
  #giveUp(id: string): readonly string[] {
    const { silence, store } = this.#host;
    const afterMs = store.set.get(id)?.idle?.afterMs ?? 0;
    const [state, silentMs] = [store.rows.get(id)?.state, silence.of(id)];
    return [
      ...(state === 'idle' ? [] : [`gives ${id} up, and its store says ${state}`]),
      ...(silentMs < afterMs ? [`gives ${id} up after ${silentMs} ms, and not ${afterMs}`] : []),
    ];
  }
}

/** What a status says that is not so, at the moment at which it is sent (I5). */
export function checkStatus(
  { host: name, stored, applied, verified }: Status,
  host: Host | undefined,
): readonly string[] {
  const says = `${name}: says ${verified} verified, ${applied} applied, ${stored} stored`;
  if (verified > applied || applied > stored || stored > (host?.store.stored.cursor.rev ?? 0)) return [says];
  const due = [...(host?.store.set.values() ?? [])].filter(({ rev }) => rev <= applied);
  return due.flatMap((intent) => {
    const { key, rev } = intent;
    if (host?.store.rows.get(key)?.rev !== rev) return [`${says}, and ${key} of ${rev} was not looked at`];
    return rev > verified || isSeen(host, intent) ? [] : [`${says}, and ${key} of ${rev} does not stand`];
  });
}

/** Whether an intent stands, where nothing but its own revision decides that. */
function isSeen({ kernel, store, tampered }: Host, { key, rev, to, expires }: Intent): boolean {
  const isPlain = to === 'pass' || to === 'drop';
  if (tampered || !isPlain || expires !== undefined || store.rows.get(key)?.state !== 'installed') return true;
  return kernel.observe().entries.get(key)?.value.rev === rev;
}

function sorted(entries: ReadonlyMap<string, string>): readonly string[] {
  return [...entries].map((entry) => entry.join(' ')).sort();
}

function same(what: string, is: unknown, shall: unknown): readonly string[] {
  const [found, wanted] = [JSON.stringify(is), JSON.stringify(shall)];
  return found === wanted ? [] : [`${what} ${found}, and not ${wanted}`];
}
