import type { EntryValue } from '../../agent/model/entry.ts';
import type { MemoryKernel } from '../fakes/memory-kernel.ts';
import { NEIGHBOUR_NAMES, NEIGHBOURS, type Neighbour } from './addresses.ts';
import type { Answer } from './schedule.ts';

/** What the neighbours of a host do that its kernel asks. */
export class NextHops {
  #answers: Record<Neighbour, Answer> = { c: 'resolved', d: 'resolved' };

  /** The kernel of the host is another one, and was given all of them. */
  booted(): void {
    this.#answers = { c: 'resolved', d: 'resolved' };
  }

  say(kernel: MemoryKernel, name: Neighbour, answer: Answer): void {
    this.#answers[name] = answer;
    const { 4: v4, 6: v6, mac } = NEIGHBOURS[name];
    for (const address of [v4, v6]) kernel.neighbour('eth1', address, answer === 'resolved' ? mac : answer);
    kernel.notify();
  }

  /** Whether what an entry sends cannot arrive; of one that was overwritten, whether it cannot be written again. */
  areCutOff(kernel: MemoryKernel, { action, dmac }: EntryValue, isOverwritten: boolean): boolean {
    const to = NEIGHBOUR_NAMES.find((name) => NEIGHBOURS[name].mac === dmac);
    const isDown = kernel.network().netdevs.some(({ name, up }) => name === 'eth1' && !up);
    const answer = to === undefined ? 'resolved' : this.#answers[to];
    return action === 'send' && (isDown || answer === 'failed' || (isOverwritten && answer === 'asking'));
  }
}
