/** Rollouts with real controllers in processes of their own, on a real bus, and hosts that are made up. */
import test, { type ExecutionContext } from 'ava';
import { connect, type NatsConnection } from 'nats';
import { type ApiError, type ApiVerb, isApiError } from '../../protocol/api.ts';
import { encodeHostsRequest, parseHostsReply } from '../../protocol/listings.ts';
import type { RolloutHead } from '../../protocol/rollout.ts';
import {
  encodeRolloutAbortRequest,
  encodeRolloutPauseRequest,
  encodeRolloutResumeRequest,
  parseRolloutReply,
} from '../../protocol/rollout-acts.ts';
import {
  encodeRolloutStartRequest,
  parseRolloutStartReply,
  type RolloutStartRequest,
} from '../../protocol/rollout-start.ts';
import { encodeRolloutStatusRequest, parseRolloutStatusReply } from '../../protocol/rollout-status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { KilledController } from '../support/killed-controller.ts';
import { startNats } from '../support/nats.ts';
import { QUICK_PACE } from '../support/quick-pace.ts';
import { Folder, spec } from '../unit/controller/fleet.ts';
import { MadeUpHost } from './made-up-host.ts';
import { until } from './rig.ts';

const subjects = makeSubjects();

/** A bus, hosts, and controllers that come and go on one database. */
class Town implements AsyncDisposable {
  readonly hosts: readonly MadeUpHost[];
  readonly nats: NatsConnection;
  readonly #url: string;
  readonly #folder: Folder;
  readonly #held: AsyncDisposableStack;

  private constructor(
    given: { nats: NatsConnection; url: string; folder: Folder; held: AsyncDisposableStack },
    hosts: readonly MadeUpHost[],
  ) {
    [this.nats, this.#url, this.#folder, this.#held, this.hosts] = [
      given.nats,
      given.url,
      given.folder,
      given.held,
      hosts,
    ];
  }

  static async open(hosts: number): Promise<Town> {
    await using held = new AsyncDisposableStack();
    const folder = held.use(new Folder());
    const server = held.use(await startNats());
    const nats = await connect({ servers: server.url });
    held.defer(() => nats.close());
    const names = Array.from({ length: hosts }, (_, at) => `edge-${at + 1}`);
    const given = { nats, url: server.url, folder };
    const made = await Promise.all(names.map((name) => begin(held, server.url, name)));
    return new Town({ ...given, held: held.move() }, made);
  }

  async controller(): Promise<KilledController> {
    return this.#held.use(await KilledController.start(this.#url, this.#folder.file(), QUICK_PACE));
  }

  async ask<T extends object>(verb: ApiVerb, data: Uint8Array, parse: (data: Uint8Array) => T | ApiError): Promise<T> {
    const reply = parse((await this.nats.request(subjects.api(verb), data, { timeout: 30_000 })).data);
    if (isApiError(reply)) throw Object.assign(new Error(reply.error.message), reply.error);
    return reply;
  }

  start(id: string, to: string, more: Partial<RolloutStartRequest> = {}) {
    const specs = [spec('web', 1, { hosts: 'all', to })] as never;
    const terms = { soakMs: 1500, reason: 'a test' } as const;
    const request = { v: 1, upload: id, part: 0, parts: 1, specs, ...terms, ...more } as const;
    return this.ask('rollout-start', encodeRolloutStartRequest(request), parseRolloutStartReply);
  }

  status(id: string) {
    return this.ask('rollout-status', encodeRolloutStatusRequest({ v: 1, id }), parseRolloutStatusReply);
  }

  async is(t: ExecutionContext, id: string, state: string): Promise<void> {
    await until(t, `${id} is ${state}`, async () => {
      const { rollout } = await this.status(id);
      if (rollout.state !== state && isStuck(rollout)) throw new Error(`not ${state}: ${JSON.stringify(rollout)}`);
      return rollout.state === state;
    });
  }

  /** How many hosts send packets of it there. */
  count(to: unknown): number {
    return this.hosts.filter((host) => wayOf(host) === to).length;
  }

  async heard(t: ExecutionContext): Promise<void> {
    await until(t, 'every host is heard', async () => {
      const { items } = await this.ask('hosts', encodeHostsRequest({ v: 1 }), parseHostsReply);
      return items.length === this.hosts.length;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}

/** A host on a connection of its own: answers come to its own inbox. */
async function begin(held: AsyncDisposableStack, server: string, host: string): Promise<MadeUpHost> {
  const nats = await connect({ servers: server, inboxPrefix: subjects.inbox(host) });
  held.defer(() => nats.close());
  return held.use(new MadeUpHost(nats, host, { perSecond: 10_000 }));
}

/** It does not go on by itself. */
function isStuck({ state, cause }: RolloutHead): boolean {
  return state === 'ROLLED_BACK' || (state === 'PAUSED' && cause?.code !== 'TELEMETRY');
}

/** Where packets of the redirect go there. */
function wayOf({ puts }: MadeUpHost): unknown {
  return [...puts.values()].find(({ name }) => name === 'web')?.to;
}

test('rollout: a controller on a bus takes one to its end, and another back', async (t) => {
  await using town = await Town.open(5);
  await town.controller();
  await town.heard(t);
  const reply = await town.start('one', 'drop');
  t.like(reply, { created: 1, hostsTotal: 5 });
  await until(t, 'the first host has it', () => town.count('drop') === 1);
  await town.is(t, 'one', 'DONE');
  await until(t, 'all have it', () => town.count('drop') === 5);
  await town.start('two', 'pass');
  await until(t, 'some have the next', () => town.count('pass') >= 2);
  const paused = encodeRolloutPauseRequest({ v: 1, id: 'two', reason: 'lunch' });
  const { rollout } = await town.ask('rollout-pause', paused, parseRolloutReply);
  t.is(rollout.state, 'PAUSED');
  await town.ask(
    'rollout-resume',
    encodeRolloutResumeRequest({ v: 1, id: 'two', version: rollout.version }),
    parseRolloutReply,
  );
  await town.is(t, 'two', 'RUNNING');
  await town.ask('rollout-abort', encodeRolloutAbortRequest({ v: 1, id: 'two' }), parseRolloutReply);
  await town.is(t, 'two', 'ROLLED_BACK');
  await until(t, 'all are back', () => town.count('drop') === 5);
});

test('rollout: what a host denies ends it in the first wave, and no other host ever had it', async (t) => {
  await using town = await Town.open(4);
  await town.controller();
  await town.heard(t);
  await town.start('bad', 'drop', { soakMs: 20_000 });
  await until(t, 'the first host has it', () => town.count('drop') === 1);
  const host = town.hosts.find((one) => wayOf(one) === 'drop');
  const [put] = [...(host?.puts.values() ?? [])];
  if (host === undefined || put === undefined) return t.fail();
  host.exceptions = [{ key: put.key, name: 'web', rev: put.rev, state: 'denied', code: 'PROTECTED' }];
  await town.is(t, 'bad', 'ROLLED_BACK');
  const { rollout } = await town.status('bad');
  t.like(rollout, { wave: 1, cause: { code: 'GATE_FAILED', gate: 'exceptions<=0', host: host.host } });
  await until(t, 'the first host is back', () => town.count('drop') === 0);
  const others = town.hosts.filter((one) => one !== host);
  t.deepEqual(
    others.map(({ rev }) => rev),
    [0, 0, 0],
  );
});

test('rollout: with controllers that are killed and come back, and two at a time, it ends as with one that lives', async (t) => {
  const revs: number[] = [];
  for (const kills of [0, 6]) {
    await using town = await Town.open(5);
    const one = await town.controller();
    if (kills > 0) await town.controller();
    await town.heard(t);
    await town.start('r', 'drop');
    for (let at = 0; at < kills; at += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300 + 170 * at));
      await one.kill();
    }
    await town.is(t, 'r', 'DONE');
    await until(t, 'all have it', () => town.count('drop') === 5);
    revs.push(Math.max(...town.hosts.map(({ rev }) => rev)));
  }
  t.is(revs[1], revs[0]);
});
