import type { Status } from '../../../protocol/status.ts';
import type { Logged, Look } from './look.ts';

/** So long a host must have been heard to have what is confirmed. */
const HEARD_MS = 10_000;

interface Heard {
  readonly boot: string;
  readonly seq: number;
  readonly applied: number;
  readonly unarmed: number;
  /** What it took back, by key. */
  readonly back: readonly { readonly key: string; readonly rev: number }[];
  readonly atMs: number;
}

/**
 * A change is confirmed by its own host alone: its statuses, of one start of its agent, said for ten seconds that it has
 * it. What came to controllers is known from outside; what they made of it is read from their database.
 */
export class Confirmations {
  readonly #heard = new Map<string, Heard[]>();
  readonly #lastMs = new Map<string, number>();

  /** A status came to controllers. */
  heard({ host, boot, seq = 0, applied, unarmed = Number.POSITIVE_INFINITY, exceptions }: Status, atMs: number): void {
    const heard = this.#heard.get(host) ?? [];
    this.#heard.set(host, heard);
    this.#lastMs.set(host, atMs);
    const back = exceptions.filter(({ code }) => code === 'REVERTED');
    heard.push({ boot, seq, applied, unarmed, back, atMs });
  }

  /** When a host was heard last. */
  heardMs(host: string): number {
    return this.#lastMs.get(host) ?? Number.NEGATIVE_INFINITY;
  }

  committed(before: Look, now: Look): readonly string[] {
    return [...now.confirmed].flatMap(([host, rev]) => {
      if (rev <= (before.confirmed.get(host) ?? 0)) return [];
      if (rev > (now.heads.get(host) ?? 0)) return [`${host} is confirmed up to ${rev}, which is past its log`];
      return this.#isProven(host, rev, now.logs.get(host))
        ? []
        : [`${host} is confirmed up to ${rev}, which it has not said for ten seconds`];
    });
  }

  #isProven(host: string, rev: number, log: ReadonlyMap<string, Logged> | undefined): boolean {
    const said = (this.#heard.get(host) ?? []).filter(({ applied, unarmed, back }) => {
      const isBack = back.some((one) => one.rev <= rev && log?.get(one.key)?.rev === one.rev);
      return applied >= rev && unarmed > rev && !isBack;
    });
    const firstMs = new Map<string, number>();
    for (const { boot, atMs } of said) firstMs.set(boot, Math.min(atMs, firstMs.get(boot) ?? Number.POSITIVE_INFINITY));
    return said.some(({ boot, atMs }) => atMs - (firstMs.get(boot) ?? atMs) >= HEARD_MS);
  }
}
