import { Failure } from './line/failure.ts';
import type { Terminal } from './show/terminal.ts';

/** Hosts that are asked at the same time. */
const ASKED_AT_ONCE = 32;

/** A host that did not do what it was asked for, and why. */
export interface Failed {
  readonly host: string;
  readonly code: string;
  readonly message: string;
}

/** Asks hosts, some at a time. One that fails is told, and keeps no other from its answer; both lists are in the order given. */
export async function askHosts<T>(
  hosts: readonly string[],
  ask: (host: string) => Promise<T>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<{ readonly answers: readonly T[]; readonly failed: readonly Failed[] }> {
  const answers: T[][] = hosts.map(() => []);
  const failed: Failed[][] = hosts.map(() => []);
  const left = [...hosts.entries()];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, host] = next;
      try {
        answers[at] = [await ask(host)];
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        failed[at] = [{ host, code: error.code, message: error.message }];
      }
      terminal.progress(`${hosts.length - left.length} of ${hosts.length} hosts asked`);
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, work));
  terminal.progress('');
  return { answers: answers.flat(), failed: failed.flat() };
}
