import type { Acceptance, Candidate, DesiredStore, Stored } from '../../agent/ports.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST, elementDigest } from '../../protocol/digest.ts';
import { type Change, intentBody } from '../../protocol/intent.ts';

/** The desired state of a store in memory, as strict about digests as the real one. */
export class MemoryStore implements Pick<DesiredStore, 'accept'> {
  /** What is stored; to be set for a test that starts with something. */
  stored: Pick<Stored, 'cursor' | 'digest' | 'seq' | 'sound'> = {
    sound: true,
    cursor: NO_CURSOR,
    digest: EMPTY_DIGEST,
    seq: 0,
  };
  set: ReadonlyMap<string, Extract<Change, { op: 'put' }>> = new Map();
  /** Thrown by the next calls, first one first. */
  readonly failures: Error[] = [];

  async accept({ base, changes, cursor, digest }: Candidate): Promise<Acceptance> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const next = new Map(base === 'stored' ? this.set : []);
    for (const change of changes) {
      if (change.rev <= (next.get(change.key)?.rev ?? 0)) continue;
      if (change.op === 'put') next.set(change.key, change);
      else next.delete(change.key);
    }
    const sound = this.stored.sound || base === 'empty';
    if (!sound || digestOf(next.values()) !== digest) return { outcome: 'mismatch', sound: this.stored.sound };
    const removed = [...this.set.keys()].filter((key) => !next.has(key));
    const put = [...next.values()]
      .filter(({ key, rev }) => this.set.get(key)?.rev !== rev)
      .map(({ op: _, ...intent }) => intent);
    this.set = next;
    this.stored = { sound: true, cursor, digest, seq: this.stored.seq + 1 };
    return { outcome: 'accepted', seq: this.stored.seq, put, removed };
  }
}

function digestOf(set: Iterable<Extract<Change, { op: 'put' }>>): string {
  let sum = 0n;
  for (const each of set) sum += elementDigest(each.key, each.rev, intentBody(each));
  return addDigest(EMPTY_DIGEST, sum);
}
