import test, { type ExecutionContext } from 'ava';
import { connect } from 'nats';
import type { NatsBus } from '../../agent/bus/nats-bus.ts';
import { encodeDeleteRequest, parseDeleteReply } from '../../protocol/delete.ts';
import { parseStatus } from '../../protocol/status.ts';
import type { MemoryKernel } from '../fakes/memory-kernel.ts';
import { makeShortDelays } from '../support/quick-clocks.ts';
import { makeKernel } from '../unit/agent/reconcile/world.ts';
import type { Session } from '../unit/cli/session.ts';
import { House } from './house.ts';
import { HOST, startAgent, subjects } from './house-agent.ts';
import { until } from './rig.ts';

const COUNT = 10;

const names = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, at) => `r${from + at}`);

function file(all: readonly string[], to = 'drop', hosts = '{ role: edge }'): string {
  const lines = all.map((name) => {
    const dst = `10.0.0.${name.slice(1)}/32`;
    return `  - { name: ${name}, hosts: ${hosts}, match: { dst: ${dst} }, to: ${to} }`;
  });
  return ['redirects:', ...lines, ''].join('\n');
}

/** A controller, and one host of which the test says when it starts, with which labels, and whether updates come to it. */
class Stage implements AsyncDisposable {
  readonly house: House;
  readonly kernel: MemoryKernel = makeKernel({ slots: 64 });
  /** Updates do not arrive. */
  isDeaf = false;
  #end: (() => Promise<void>) | undefined;

  constructor(house: House) {
    this.house = house;
  }

  static async open(t: ExecutionContext): Promise<Stage> {
    const stage = new Stage(await House.open());
    await stage.start();
    await stage.does(t, 'apply', '-f', stage.house.write('all.yaml', file(names(1, COUNT))));
    await stage.stands(t, names(1, COUNT));
    return stage;
  }

  /** Starts the agent anew. */
  async start(role = 'edge'): Promise<void> {
    await this.#end?.();
    const tamper = (bus: NatsBus): void => this.#deafen(bus);
    this.#end = await startAgent(this.house, { clock: makeShortDelays(), kernel: this.kernel, role, tamper });
  }

  /** The host starts anew: its maps are empty. */
  async boot(): Promise<void> {
    await this.#end?.();
    this.#end = undefined;
    this.kernel.remake();
    this.kernel.openAnew();
  }

  #deafen(bus: NatsBus): void {
    const listen = bus.onLive.bind(bus);
    bus.onLive = (handle) => listen((bytes) => void (this.isDeaf || handle(bytes)));
  }

  shunt(...words: readonly string[]): Promise<Session> {
    return this.house.shunt(words);
  }

  async does(t: ExecutionContext, ...words: readonly string[]): Promise<string> {
    const { exit, stdout, stderr } = await this.shunt(...words);
    t.is(exit, 0, stderr);
    return stdout;
  }

  /** Deletes these as fast as a controller answers: no command takes part in it, which may take its time. Answers the change. */
  async deletes(t: ExecutionContext, deleted: readonly string[]): Promise<string> {
    const nats = await connect({ servers: this.house.server.url });
    const { data } = await nats.request(subjects.api('delete'), encodeDeleteRequest({ v: 1, names: deleted }));
    await nats.close();
    const reply = parseDeleteReply(data);
    t.like(reply, { deleted });
    return 'change' in reply ? (reply.change ?? '') : '';
  }

  /** Waits until these stand in the kernel, and nothing else. */
  async stands(t: ExecutionContext, wanted: readonly string[]): Promise<void> {
    const expected = wanted.map((name) => `10.0.0.${name.slice(1)}/32`).sort();
    const isSo = (): boolean => {
      const found = [...this.kernel.peek().entries.values()].map(({ key }) => key.match.dst).sort();
      return JSON.stringify(found) === JSON.stringify(expected);
    };
    await until(t, `${wanted.join()} stand`, isSo);
  }

  /** Waits until the host says that so many changes are withheld. */
  async withholds(t: ExecutionContext, count: number): Promise<void> {
    await until(t, `${count} withheld`, async () => {
      const { stdout, exit } = await this.shunt('status', '--host', HOST, '-o', 'json');
      return exit === 0 && (parseStatus(JSON.parse(stdout)).brake?.withheld ?? 0) === count;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end?.();
    await this.house[Symbol.asyncDispose]();
  }
}

test('brake: the size gate refuses most of a host; labels that went past it are held, and every command says so', async (t) => {
  await using stage = await Stage.open(t);
  const refused = await stage.shunt('delete', ...names(1, 6));
  t.is(refused.exit, 1);
  t.regex(refused.stderr, /SHRINKS_TOO_MUCH|of 10 redirects on edge-1, 6 would go/);
  await stage.start('spare');
  await stage.withholds(t, COUNT);
  await stage.stands(t, names(1, COUNT));
  await until(t, 'hosts says it', async () => / denied BRAKE /.test((await stage.shunt('hosts')).stdout));
  t.regex(await stage.does(t, 'status', '--host', HOST), /BRAKE: withholds 10 changes/);
  t.regex(
    await stage.does(t, 'explain', '--host', HOST, 'r3'),
    /denied since.*BRAKE.*withheld +revision \d+, which deletes it/s,
  );
  t.regex(await stage.does(t, 'events', '--host', HOST), /denied +.*BRAKE/);
  await stage.start('spare');
  await stage.withholds(t, COUNT);
  await stage.stands(t, names(1, COUNT));
  await stage.boot();
  await stage.stands(t, []);
  await stage.start('spare');
  await stage.stands(t, names(1, COUNT));
  await stage.withholds(t, COUNT);
  t.is(await stage.does(t, 'release', '--host', HOST), 'edge-1: let go 10 changes\n');
  await stage.stands(t, []);
  await stage.withholds(t, 0);
  t.is(await stage.does(t, 'release', '--host', HOST), 'edge-1: withheld nothing\n');
});

test('brake: a label that comes back makes it moot', async (t) => {
  await using stage = await Stage.open(t);
  await stage.start('spare');
  await stage.withholds(t, COUNT);
  await stage.start('edge');
  await stage.withholds(t, 0);
  await stage.stands(t, names(1, COUNT));
});

test('brake: what is allowed is permitted, also where the update that said so is lost', async (t) => {
  await using stage = await Stage.open(t);
  const why = ['--allow-shrink', '--reason', 'they are replaced'];
  await stage.does(t, 'delete', ...names(1, 6), ...why, '--wait');
  await stage.stands(t, names(7, COUNT));
  await stage.does(t, 'apply', '-f', stage.house.write('more.yaml', file(names(11, 18))), '--wait');
  stage.isDeaf = true;
  await stage.does(t, 'delete', ...names(7, 16), ...why);
  stage.isDeaf = false;
  await stage.does(t, 'apply', '-f', stage.house.write('one.yaml', file(['r19'])));
  await stage.stands(t, names(17, 19));
  await stage.withholds(t, 0);
});

test('brake: a permission for what is withheld comes with the next change that is allowed, and what is put again is moot', async (t) => {
  await using stage = await Stage.open(t);
  for (const at of [1, 3]) {
    await stage.deletes(t, names(at, at + 1));
    await stage.stands(t, names(at + 2, COUNT));
  }
  await stage.deletes(t, names(5, 6));
  await stage.withholds(t, 2);
  await stage.stands(t, names(5, COUNT));
  const change = await stage.deletes(t, ['r7']);
  await until(t, 'it is said of the change', async () => {
    const { stdout, stderr } = await stage.shunt('wait', change, '--timeout', '1s');
    return /failed +denied BRAKE +r7/.test(stdout + stderr);
  });
  await stage.does(t, 'apply', '-f', stage.house.write('again.yaml', file(['r7'])), '--wait');
  await stage.withholds(t, 2);
  await until(t, 'get says it', async () => /deleting 0\/1/.test(await stage.does(t, 'get')));
  stage.isDeaf = true; // it comes with the heartbeat
  await stage.does(t, 'delete', 'r8', '--allow-shrink', '--reason', 'meant');
  await stage.stands(t, ['r7', 'r9', 'r10']);
  await stage.withholds(t, 0);
});

test('brake: the same file with other targets is held, and stays held without a word', async (t) => {
  await using stage = await Stage.open(t);
  for (const part of [names(1, 3), names(4, 6)])
    await stage.does(t, 'apply', '-f', stage.house.write('moved.yaml', file(part, 'pass')));
  await stage.withholds(t, 3);
  await until(t, 'get says it', async () => /r4.*denied BRAKE/s.test(await stage.does(t, 'get')));
  const actions = [...stage.kernel.peek().entries.values()].map(({ value }) => value.action).sort();
  t.deepEqual(actions, [...Array(7).fill('drop'), ...Array(3).fill('pass')]);
});
