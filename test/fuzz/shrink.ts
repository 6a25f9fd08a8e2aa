/** From a difference to one that is as small as can be, of the frame and of what is written. */
import type { Family } from '../../protocol/address.ts';
import type { Lists, Value } from '../reference/state.ts';
import { shorten } from '../sim/shorten.ts';
import { compareOne, type Difference } from './compare.ts';
import { SHORTEST, withRightLength } from './frames.ts';
import type { Written, WrittenState } from './states.ts';
import type { Subjects } from './subject.ts';

/** What an entry says where it says nothing of its own. */
const PLAIN: Partial<Value> = { slot: 1, until: 0n, mtu: 1500, keepTtl: false, guarded: false };

/** Answers the same difference with less around it. */
export async function shrink(subjects: Subjects, difference: Difference): Promise<Difference> {
  const smaller = new Shrinking(subjects, difference);
  for (let before = ''; before !== smaller.size; ) {
    before = smaller.size;
    await smaller.leaveOutState();
    await smaller.leaveOutBytes();
    smaller.simplify();
  }
  return smaller.now;
}

class Shrinking {
  readonly #subjects: Subjects;
  now: Difference;

  constructor(subjects: Subjects, difference: Difference) {
    this.#subjects = subjects;
    this.now = difference;
  }

  /** Changes with each step, and not with the time. */
  get size(): string {
    const { frame, state } = this.now;
    const words = [
      state.table,
      state.zones,
      state.ports,
      state.control,
      state.shapes,
      state.strays.length,
      state.protect.live,
    ];
    const protects = state.protect.lists.map((list) => list.length);
    const entries = state.entries.map(({ value, endsIn }) => [value.action, `${endsIn ?? value.until}`]);
    return JSON.stringify([[...frame], words, protects, entries]);
  }

  async leaveOutState(): Promise<void> {
    if (this.now.state.table !== undefined) this.#try({ table: undefined });
    await shorten(this.now.state.entries, async (entries) => this.#try({ entries: [...entries] }));
    await shorten(this.now.state.strays, async (strays) => this.#try({ strays: [...strays] }));
    await shorten(this.now.state.ports, async (ports) => this.#try({ ports: [...ports] }));
    for (const which of [0, 1] as const)
      await shorten(this.now.state.protect.lists[which], async (some) => {
        const { live, lists } = this.now.state.protect;
        return this.#try({ protect: { live, lists: which === 0 ? [some, lists[1]] : [lists[0], some] } });
      });
    for (const family of [4, 6] as const)
      for (const which of [0, 1] as const)
        await shorten(this.now.state.shapes[family][which], async (some) =>
          this.#try({ shapes: { ...this.now.state.shapes, [family]: put(this.now.state, family, which, some) } }),
        );
  }

  /** As it is then, or with a length that fits. */
  async leaveOutBytes(): Promise<void> {
    await shorten([...this.now.frame], async (bytes) => {
      const frame = Uint8Array.from(bytes);
      return frame.length >= SHORTEST && (this.#tryFrame(frame) || this.#tryFrame(withRightLength(frame)));
    });
  }

  /** Zeros, and what is usual. */
  simplify(): void {
    for (let at = 0; at < this.now.frame.length; at += 1)
      if (this.now.frame[at] !== 0) this.#tryFrame(this.now.frame.with(at, 0));
    const { control, zones } = this.now.state;
    for (const word of ['shapes4', 'shapes6', 'bypass', 'ready'] as const)
      if (control[word] !== 0) this.#try({ control: { ...this.now.state.control, [word]: 0 } });
    for (const zone of zones.keys())
      if (this.now.state.zones[zone] !== 0) this.#try({ zones: this.now.state.zones.with(zone, 0) });
    for (const at of this.now.state.entries.keys()) this.#simplifyEntry(at);
  }

  #simplifyEntry(at: number): void {
    const replace = (change: (entry: Written) => Written) => {
      const entries = this.now.state.entries.map((entry, index) => (index === at ? change(entry) : entry));
      this.#try({ entries });
    };
    replace(({ key, value }) => ({ key, value, whole: true }));
    replace(({ endsIn: _, ...one }) => one);
    for (const [field, plain] of Object.entries(PLAIN)) {
      const [entry] = this.now.state.entries.slice(at);
      if (entry?.value[field as keyof Value] === plain) continue;
      replace((one) => ({ ...one, value: { ...one.value, [field]: plain } }));
    }
  }

  #try(change: Partial<WrittenState>): boolean {
    return this.#keep({ ...this.now.state, ...change }, this.now.frame);
  }

  #tryFrame(frame: Uint8Array): boolean {
    return this.#keep(this.now.state, frame);
  }

  #keep(state: WrittenState, frame: Uint8Array): boolean {
    const difference = compareOne(this.#subjects, state, frame);
    if (difference !== undefined) this.now = difference;
    return difference !== undefined;
  }
}

function put(state: WrittenState, family: Family, which: 0 | 1, list: Lists[0]): Lists {
  const [even, odd] = state.shapes[family];
  return which === 0 ? [[...list], odd] : [even, [...list]];
}
