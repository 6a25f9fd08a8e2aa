import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Running } from './process.ts';
import type { Testbed } from './testbed.ts';

/** What a watcher saw since it was told to expect what stood then; an entry counts once a round. */
export interface Watched {
  /** Since it started. */
  readonly rounds: number;
  /** In the last round. */
  readonly entries: number;
  readonly missing: number;
  /** That do otherwise: another target, slot or end. */
  readonly changed: number;
}

const START_MS = 60_000;

/** Who looks through the IPv4 redirects of B without end, in a process of its own. */
export class MapWatch {
  readonly #running: Running;

  private constructor(running: Running) {
    this.#running = running;
  }

  static async start(bed: Testbed): Promise<MapWatch> {
    const argv = [process.execPath, join(import.meta.dirname, 'map-watcher.ts'), join(bed.pins, 'redirect4')];
    const watch = new MapWatch(await bed.start('b', 'map watcher', argv));
    await watch.expect();
    return watch;
  }

  /** What stands now is what has to; answers how many entries that are. */
  async expect(): Promise<number> {
    return (await this.#ask('expect')).entries;
  }

  async report(): Promise<Watched> {
    return await this.#ask('report');
  }

  async #ask(question: 'expect' | 'report'): Promise<Watched> {
    const { lines } = this.#running;
    const before = lines.length;
    this.#running.write(question);
    const line = await this.#running.until(question, START_MS, () => lines[before]);
    return JSON.parse(line) as Watched;
  }
}

/** How often a traced process called bpf(2), and how many of that deleted from a map, in batches or one by one. */
export async function callsIn(trace: string): Promise<{ readonly calls: number; readonly deletes: number }> {
  const calls = (await readFile(trace, 'utf8')).split('\n').filter((line) => line.includes(' bpf('));
  const deletes = calls.filter((line) => /BPF_MAP_(LOOKUP_AND_)?DELETE_/.test(line));
  return { calls: calls.length, deletes: deletes.length };
}
