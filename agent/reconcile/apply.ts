import { type Family, familyOf } from '../../protocol/match.ts';
import { type Op, type OpResult, runsOf } from '../model/op.ts';
import type { Entries } from '../ports.ts';

/**
 * Carries a plan's ops out in order, those of one kind together, and answers one result an op. A failure stops only
 * the ops that depend on it: writes whose egress, shape or protection could not be had, and removals of what may still be used.
 */
export function applyOps(entries: Pick<Entries, 'apply'>, ops: readonly Op[]): readonly OpResult[] {
  const results: OpResult[] = [];
  const failures = new Failures();
  for (const group of runsOf(ops)) {
    const outcomes = new Array<OpResult>(group.length);
    const open = group.flatMap((op, i) => {
      const errno = failures.stops(op);
      if (errno === undefined) return [{ op, i }];
      outcomes[i] = { done: false, errno };
      failures.note(op, errno);
      return [];
    });
    const answers = open.length === 0 ? [] : entries.apply(open.map((it) => it.op));
    open.forEach(({ op, i }, n) => {
      const answer = answers[n] as OpResult;
      outcomes[i] = answer;
      if (!answer.done) failures.note(op, answer.errno);
    });
    for (const outcome of outcomes) results.push(outcome);
  }
  return results;
}

/** What failed or was stopped so far, and which later ops that rules out. */
class Failures {
  readonly #ports = new Map<number, string>();
  readonly #shapes = new Map<Family, string>();
  readonly #entries = new Map<Family, string>();
  #protect: string | undefined;

  note(op: Op, errno: string): void {
    if (op.op === 'port') this.#ports.set(op.ifindex, errno);
    else if (op.op === 'shapes') this.#shapes.set(op.family, errno);
    else if (op.op === 'protect') this.#protect = errno;
    else this.#entries.set(familyOf(op.key.match), errno);
  }

  stops(op: Op): string | undefined {
    switch (op.op) {
      case 'write': {
        const shapes = this.#shapes.get(familyOf(op.key.match));
        const protect = op.value.guarded ? this.#protect : undefined;
        return shapes ?? protect ?? (op.value.action === 'send' ? this.#ports.get(op.value.ifindex) : undefined);
      }
      case 'delete':
      case 'protect':
        return undefined;
      case 'shapes':
        return this.#entries.get(op.family);
      case 'port':
        return op.present ? undefined : [...this.#entries.values(), ...this.#shapes.values()][0];
    }
  }
}
