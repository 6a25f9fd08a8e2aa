import test from 'ava';
import type { ChosenReport } from '../../../../agent/attach/attach-chosen.ts';
import { AttachError } from '../../../../agent/attach/attach-error.ts';
import { PinsGone } from '../../../../agent/attach/follower.ts';
import { Following } from '../../../../agent/attach/following.ts';
import type { AttachedInterface } from '../../../../agent/attach/loader.ts';
import type { Interfaces, Steps } from '../../../../agent/attach/steps.ts';
import { KernelError } from '../../../../agent/model/kernel-error.ts';
import type { NetLink } from '../../../../native/index.ts';
import { link } from './links.ts';

/** Interfaces, pins and zones, without a kernel. */
class World {
  links: NetLink[] = [];
  /** The name of a pin, and its device. */
  readonly pins = new Map<string, number>();
  /** Gone interfaces that redirects name. */
  readonly named = new Set<string>();
  /** Why an interface is not attached to, by name. */
  readonly refused = new Map<string, string>();
  readonly tried: string[] = [];
  broken: Error | undefined;
  #last = 1;

  add(name: string, more: Partial<NetLink> = {}): void {
    this.#last += 1;
    this.links.push(link(this.#last, name, more));
  }

  remove(name: string): void {
    this.links = this.links.filter((one) => one.name !== name);
  }

  look(): Interfaces {
    if (this.broken !== undefined) throw this.broken;
    const isHere = (ifindex: number): boolean => this.links.some((one) => one.ifindex === ifindex);
    const pins = [...this.pins].map(([name, ifindex]) => ({ name, ifindex: isHere(ifindex) ? ifindex : 0 }));
    const held = pins.map(({ ifindex }) => ifindex);
    const links = this.links.map((one) => (held.includes(one.ifindex) ? { ...one, xdpMode: 2 } : one));
    return { links, pins, zones: [0, ...pins.map(({ ifindex }) => ifindex)] };
  }

  letGo(name: string): void {
    this.pins.set(name, 0);
  }

  rename(renamings: Steps['rename']): void {
    for (const { from, to } of renamings) {
      this.pins.set(to, this.pins.get(from) ?? 0);
      this.pins.delete(from);
    }
  }

  forget(names: readonly string[]): readonly string[] {
    const unused = names.filter((name) => !this.named.has(name));
    for (const name of unused) this.pins.delete(name);
    return unused;
  }

  attach(name: string): AttachedInterface | undefined {
    this.tried.push(name);
    const why = this.refused.get(name);
    if (why !== undefined) throw new AttachError(why);
    const found = this.links.find((one) => one.name === name);
    if (found === undefined) return undefined;
    this.pins.set(name, found.ifindex);
    return { name, mode: 'generic', changed: true, why: 'as asked', tags: { state: 'seen', switchedOff: [] } };
  }
}

function follow(...interfaces: readonly string[]) {
  const world = new World();
  const lines: string[] = [];
  const say = ({ interface: name, why }: { interface?: string; why?: string }, message: string): void =>
    void lines.push([name, message, why === 'as asked' ? undefined : why].filter(Boolean).join(': '));
  const report = { interfaces: [], skipped: [] } as unknown as ChosenReport;
  const following = new Following(world, { interfaces, allEthernet: false }, { info: say, warn: say }, report);
  return { world, lines, following };
}

test('following: what is named as it is, is attached to at once, and again, and keeps its pin', (t) => {
  const { world, lines, following } = follow('eth0');
  following.look(0);
  world.add('eth0');
  following.look(1);
  world.remove('eth0');
  following.look(2);
  t.true(world.pins.has('eth0'));
  world.add('eth0');
  following.look(3);
  world.remove('eth0');
  world.add('eth0');
  following.look(4);
  t.deepEqual(lines, [
    'eth0: attached',
    'eth0: gone',
    'eth0: attached',
    'eth0: made anew, or its program was taken off',
    'eth0: attached',
  ]);
  t.is(following.dueMs, undefined);
});

test('following: what a pattern means is left alone for a moment, whoever made it may still set it up', (t) => {
  const { world, lines, following } = follow('v*');
  world.add('v0');
  following.look(1_000);
  t.deepEqual([world.tried, following.dueMs], [[], 1_300]);
  world.add('br0', { kind: 'bridge' });
  world.links = world.links.map((one) => (one.name === 'v0' ? { ...one, master: 3 } : one));
  following.look(1_300);
  t.deepEqual(lines, ['v0: left alone: it is a port of the bridge br0']);
  t.is(following.dueMs, undefined);
  world.add('v1');
  following.look(2_000);
  following.look(2_300);
  world.remove('v1');
  following.look(2_400);
  t.false(world.pins.has('v1'), 'its zone is free');
  world.add('v1');
  following.look(2_500);
  t.deepEqual(world.tried, ['v1', 'v1'], 'one that had the program has it again at once');
});

test('following: what is gone keeps its pin while a redirect names it', (t) => {
  const { world, following } = follow('v*');
  world.add('v0');
  following.look(0);
  following.look(300);
  world.named.add('v0');
  world.remove('v0');
  following.look(400);
  t.true(world.pins.has('v0'));
  world.named.clear();
  following.look(500);
  t.false(world.pins.has('v0'));
});

test('following: what is refused is said once, and tried again ever later', (t) => {
  const { world, lines, following } = follow('eth0');
  world.add('eth0');
  world.refused.set('eth0', 'it is busy');
  for (let nowMs = 0; nowMs <= 120_000; nowMs += 100) following.look(nowMs);
  t.is(world.tried.length, 7, 'after 1, 2, 4, … 60 s');
  t.deepEqual(lines, ['eth0: not attached; tries again: it is busy']);
  world.refused.set('eth0', 'its driver refuses');
  for (let nowMs = 120_000; nowMs <= 200_000; nowMs += 100) following.look(nowMs);
  world.refused.clear();
  for (let nowMs = 200_000; nowMs <= 300_000; nowMs += 100) following.look(nowMs);
  t.deepEqual(lines.slice(1), ['eth0: not attached; tries again: its driver refuses', 'eth0: attached']);
});

test('following: a kernel that cannot be looked at is said once, and looked at again; pins that are gone end it', (t) => {
  const { world, lines, following } = follow('eth0');
  world.broken = new KernelError('rtnetlink dump', 'links', 'EMFILE');
  for (let nowMs = 0; nowMs < 10_000; nowMs += 100) following.look(nowMs);
  t.deepEqual(lines, ['*: cannot look; tries again: rtnetlink dump links: EMFILE']);
  world.broken = undefined;
  world.add('eth0');
  for (let nowMs = 10_000; nowMs < 20_000; nowMs += 100) following.look(nowMs);
  t.deepEqual(lines.slice(1), ['eth0: attached']);
  world.broken = new PinsGone('the pins are gone');
  t.throws(() => following.look(30_000), { message: 'the pins are gone' });
});

test('following: what is renamed keeps the program, and what has no room is said once', (t) => {
  const { world, lines, following } = follow('eth0', 'v*');
  world.add('eth0');
  following.look(0);
  world.links = world.links.map((one) => ({ ...one, name: 'wan0' }));
  following.look(1);
  t.deepEqual([...world.pins.keys()], ['wan0']);
  t.deepEqual(lines, ['eth0: attached', 'wan0: renamed; the program stays on it']);
  for (let i = 0; i < 14; i += 1) world.add(`v${i}`);
  following.look(1_000);
  following.look(1_300);
  following.look(1_400);
  const why = 'fifteen interfaces have the program, or are to have it first';
  t.deepEqual(lines.slice(2, 3), [`v13: left alone: ${why}`], 'room is kept for eth0');
  t.is(world.pins.size, 14);
});
