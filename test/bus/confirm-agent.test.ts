import test, { type ExecutionContext } from 'ava';
import type { NatsBus } from '../../agent/bus/nats-bus.ts';
import { BusError } from '../../bus/error.ts';
import { makeQuickClock } from '../support/quick-clocks.ts';
import { makeKernel } from '../unit/agent/reconcile/world.ts';
import type { Session } from '../unit/cli/session.ts';
import { House } from './house.ts';
import { startAgent } from './house-agent.ts';
import { until } from './rig.ts';

/** Ten seconds of controller and agent take two and a half. */
const QUICKER = 4;

/** Of a redirect of this number, as a file has it. */
function file(number: number, to: string): string {
  const match = `{ dst: 10.0.0.${number} }`;
  return `redirects:\n  - { name: r${number}, hosts: { role: edge }, match: ${match}, to: ${to} }\n`;
}

/** A controller and one host, whose kernel says whether packets from and to the bus get through. */
class Stage implements AsyncDisposable {
  readonly house: House;
  readonly #kernel = makeKernel({ slots: 64 });
  #isCut: (actions: ReadonlyMap<string, string>) => boolean = () => false;
  #end: (() => Promise<void>) | undefined;

  constructor(house: House) {
    this.house = house;
  }

  static async open(t: ExecutionContext): Promise<Stage> {
    const stage = new Stage(await House.open(makeQuickClock(QUICKER)));
    await stage.#start();
    await stage.does(t, 'apply', '-f', stage.house.write('first.yaml', file(1, 'pass')));
    await stage.stands(t, 'r1 pass');
    return stage;
  }

  /** From here on the host is cut off while this is so of what stands in its kernel, by redirect. */
  cutBy(isCut: (actions: ReadonlyMap<string, string>) => boolean): void {
    this.#isCut = isCut;
  }

  get standing(): string {
    return [...this.#actions()].map((one) => one.join(' ')).join();
  }

  async stands(t: ExecutionContext, wanted: string): Promise<void> {
    await until(t, `what stands is ${wanted}`, () => this.standing === wanted);
  }

  shunt(...words: readonly string[]): Promise<Session> {
    return this.house.shunt(words);
  }

  async does(t: ExecutionContext, ...words: readonly string[]): Promise<string> {
    const { exit, stdout, stderr } = await this.shunt(...words);
    t.is(exit, 0, stdout + stderr);
    return stdout;
  }

  #actions(): ReadonlyMap<string, string> {
    const entries = [...this.#kernel.peek().entries.values()];
    const named = entries.map(({ key, value }): [string, string] => {
      return [`r${key.match.dst.split('.').at(-1)?.replace('/32', '')}`, value.action];
    });
    return new Map(named.sort());
  }

  async #start(): Promise<void> {
    const tamper = (bus: NatsBus): void => this.#cut(bus);
    this.#end = await startAgent(this.house, { clock: makeQuickClock(QUICKER), kernel: this.#kernel, tamper });
  }

  #cut(bus: NatsBus): void {
    const [listen, publish, sync] = [bus.onLive.bind(bus), bus.publish.bind(bus), bus.sync.bind(bus)];
    const isCut = (): boolean => this.#isCut(this.#actions());
    bus.onLive = (handle) => listen((bytes) => void (isCut() || handle(bytes)));
    bus.publish = (telling, bytes) => void (isCut() || publish(telling, bytes));
    bus.sync = async (request, signal) => {
      const page = isCut() ? undefined : await sync(request, signal);
      if (page === undefined || isCut()) throw new BusError('DOWN', 'sync', 'cut off');
      return page;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end?.();
    await this.house[Symbol.asyncDispose]();
  }
}

test('confirm: what leaves the host in reach is confirmed and stays; a delete as well', async (t) => {
  await using stage = await Stage.open(t);
  const applied = await stage.does(
    t,
    'apply',
    '-f',
    stage.house.write('good.yaml', file(2, 'drop')),
    '--confirm',
    '10m',
  );
  t.regex(applied, /confirmed on 1 of 1 host, after/);
  t.is(stage.standing, 'r1 pass,r2 drop');
  t.regex(await stage.does(t, 'get', 'r2'), /installed/);
  t.regex(await stage.does(t, 'delete', 'r1', '--confirm', '10m'), /confirmed on 1 of 1 host, after/);
  t.is(stage.standing, 'r2 drop');
  t.notRegex(await stage.does(t, 'get'), /deleting/);
});

test('confirm: a change that cuts its host off goes back by itself, is tried again only as one that is to be confirmed, and stays when it is harmless', async (t) => {
  await using stage = await Stage.open(t);
  stage.cutBy((actions) => actions.get('r1') === 'drop');
  const bad = stage.house.write('bad.yaml', file(1, 'drop'));
  const reverted = await stage.shunt('apply', '-f', bad, '--confirm', '20s');
  t.is(reverted.exit, 1, reverted.stdout + reverted.stderr);
  t.regex(reverted.stdout, /denied REVERTED +r1 +edge-1/);
  await stage.stands(t, 'r1 pass');
  t.regex(await stage.does(t, 'get', 'r1'), /denied REVERTED on edge-1: r1/);
  t.regex(await stage.does(t, 'apply', '-f', bad), /unchanged 1; hosts 0/);
  t.is(stage.standing, 'r1 pass', 'a script that repeats it changes nothing');
  stage.cutBy(() => false);
  t.regex(await stage.does(t, 'apply', '-f', bad, '--confirm', '10m'), /confirmed on 1 of 1 host, after/);
  t.is(stage.standing, 'r1 drop');
});

test('confirm: a delete that cuts its host off comes back, and is told as one that was taken back', async (t) => {
  await using stage = await Stage.open(t);
  stage.cutBy((actions) => !actions.has('r1'));
  const deleted = await stage.shunt('delete', 'r1', '--confirm', '20s');
  t.is(deleted.exit, 1, deleted.stdout + deleted.stderr);
  t.regex(deleted.stdout, /denied REVERTED +r1 +edge-1/);
  await stage.stands(t, 'r1 pass');
  t.regex(await stage.does(t, 'get'), /deleting 0\/1, REVERTED 1/);
  stage.cutBy(() => false);
  t.regex(await stage.does(t, 'delete', 'r1', '--confirm', '10m'), /confirmed on 1 of 1 host, after/);
  t.is(stage.standing, '');
});
