/** What `shunt rollout` says and does, with a real controller on a real bus, of hosts whose packets are made up. */
import test, { type ExecutionContext } from 'ava';
import { connect } from 'nats';
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { encodeApiError } from '../../protocol/api.ts';
import { parseRolloutListReply } from '../../protocol/rollout-list.ts';
import { parseRolloutStatusReply } from '../../protocol/rollout-status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { type NatsServer, startNats } from '../support/nats.ts';
import { QUICK_PACE } from '../support/quick-pace.ts';
import { KeptTerminal, type Session, shunt } from '../unit/cli/session.ts';
import { Folder } from '../unit/controller/fleet.ts';
import { MadeUpHost, type Packets } from './made-up-host.ts';
import { until } from './rig.ts';

const subjects = makeSubjects();
const BUSY: Packets = { perSecond: 10_000 };
const QUIET: Packets = { perSecond: 0 };
const BAD: Packets = { ...BUSY, dead: { nexthop: '10.0.0.7', share: 0.2 } };

const FILE = `redirects:
  - name: web
    hosts: { role: edge }
    match: { dst: 203.0.113.10, proto: udp, dport: 443 }
    to: { nexthop: 10.0.0.7 }
`;
const HOW = ['--waves', '1,100%', '--soak', '1s', '--reason', 'web-2 is replaced'];

class Stage implements AsyncDisposable {
  readonly #server: NatsServer;
  readonly #held: AsyncDisposableStack;
  readonly hosts: MadeUpHost[] = [];

  private constructor(server: NatsServer, held: AsyncDisposableStack) {
    this.#server = server;
    this.#held = held;
  }

  static async open(t: ExecutionContext, packets: Packets, pace = QUICK_PACE): Promise<Stage> {
    await using held = new AsyncDisposableStack();
    const folder = held.use(new Folder());
    const server = held.use(await startNats());
    const config = { nats: [server.url], db: folder.file(), rootSubject: subjects.root };
    const log = pino({ level: 'silent' });
    const fail = (error: Error): void => t.fail(error.message);
    held.use(await startController(config, log, fail, makeSystemClock(), pace));
    const stage = new Stage(server, held.move());
    for (const host of ['edge-1', 'edge-2', 'edge-3']) await stage.#host(host, packets);
    await until(t, 'three hosts are heard', async () => {
      const { stdout } = await stage.shunt(['hosts', '-o', 'json']);
      return JSON.parse(stdout).items?.length === stage.hosts.length;
    });
    return stage;
  }

  async #host(host: string, packets: Packets): Promise<void> {
    const nats = await connect({ servers: this.#server.url, inboxPrefix: subjects.inbox(host) });
    this.#held.defer(() => nats.close());
    this.hosts.push(this.#held.use(new MadeUpHost(nats, host, packets)));
  }

  shunt(words: readonly string[], stdin = ''): Promise<Session> {
    return shunt(words, { env: { SHUNT_NATS: this.#server.url }, stdin, terminal: new KeptTerminal() });
  }

  /** Begins one, and waits for its end or until somebody has to decide. */
  start(...more: readonly string[]): Promise<Session> {
    return this.shunt(['rollout', 'start', '-f', '-', ...HOW, '--wait', ...more], FILE);
  }

  /** The newest rollout. */
  async newest() {
    const reply = parseRolloutListReply({
      v: 1,
      next: null,
      at: 1,
      ...JSON.parse((await this.shunt(['rollout', 'list', '-o', 'json'])).stdout),
    });
    if ('error' in reply || reply.items[0] === undefined) throw new TypeError('there is no rollout');
    return reply.items[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}

/** The hosts of each wave, as `start` shows them. */
function wavesOf(stdout: string): readonly (string | undefined)[] {
  return [...stdout.matchAll(/^ +[0-9]+ +[0-9]+%? +[0-9]+ {2}(edge\S+)$/gm)].map(([, hosts]) => hosts);
}

test('rollout: a good one goes from wave to wave as it was shown, is done, listed, told of, and undone', async (t) => {
  await using stage = await Stage.open(t, BUSY);
  const begun = await stage.start('--gate', 'losses<=1%');
  t.is(begun.exit, 0, begun.stderr);
  t.regex(begun.stdout, /^would create 1, change 0, delete 0; unchanged 0\n/);
  t.regex(begun.stdout, /\nrollout \w{8} begun: 3 hosts, 2 waves; shunt rollout watch \w{8} shows it\n/);
  t.regex(begun.stdout, /\nrollout \w{8}: DONE after [0-9ms]+; 3 of 3 hosts have it\n$/);
  const told = [...begun.stdout.matchAll(/wave [0-9]+: told (.*)$/gm)].map(([, hosts]) => hosts?.replaceAll(', ', ','));
  const ordered = (waves: readonly (string | undefined)[]) => waves.map((wave) => wave?.split(',').sort().join());
  t.deepEqual(ordered(wavesOf(begun.stdout)), ordered(told));

  const { id, ...head } = await stage.newest();
  t.like(head, { state: 'DONE', published: 3, hosts: 3, redirects: 1, reason: 'web-2 is replaced' });
  const short = id.slice(0, 8);
  t.regex(
    (await stage.shunt(['rollout', 'list'])).stdout,
    new RegExp(`\n${short} +DONE +- +2/2 +3/3 .* web-2 is replaced\n`),
  );
  t.regex((await stage.shunt(['history', 'web'])).stdout, new RegExp(`created +${short} +3 .* web-2 is replaced`));
  const status = await stage.shunt(['rollout', 'status', short.slice(0, 6), '-o', 'json']);
  t.is(status.exit, 0);
  t.like(parseRolloutStatusReply({ v: 1, ...JSON.parse(status.stdout) }), { rollout: { id }, holdUpsTotal: 0 });
  t.is((await stage.shunt(['__complete', 'rollouts', short.slice(0, 3), 'rollout', 'watch'])).stdout, `${short}\n`);
  t.is((await stage.shunt(['__complete', 'rollouts', 'p', 'rollout', 'verdict', short])).stdout, 'pass\n');
  t.is((await stage.shunt(['__complete', 'rollouts', 'edge-2', 'rollout', 'exclude', short])).stdout, 'edge-2\n');

  const late = await stage.shunt(['rollout', 'abort', short]);
  t.deepEqual([late.exit, /is done; undo it with shunt rollout rollback/.test(late.stderr)], [1, true], late.stderr);
  const undone = await stage.shunt(['rollout', 'rollback', short, '--reason', 'B has to have its packets back']);
  t.regex(undone.stdout, new RegExp(`^rollout \\w{8}: DONE, undoes ${short}\n$`));
  await until(t, 'nothing of it stands', () => stage.hosts.every(({ puts }) => puts.size === 0));
  t.regex((await stage.shunt(['rollout', 'rollback', short])).stdout, /: nothing to undo, /);
});

test('rollout: one whose packets die goes back by itself, and is not begun again by mistake', async (t) => {
  await using stage = await Stage.open(t, BAD);
  const begun = await stage.start('--gate', 'losses<=1%');
  t.is(begun.exit, 1);
  t.regex(
    begun.stdout,
    /\nrollout \w{8}: ROLLED_BACK after .*: GATE_FAILED losses<=1% on edge-[123]: [0-9]+ of [0-9]+ packets/,
  );
  await until(t, 'nothing of it stands', () => stage.hosts.every(({ puts }) => puts.size === 0));
  const again = await stage.start();
  t.is(again.exit, 1);
  t.regex(again.stderr, /the same was rolled back .*--again\n$/);
});

test('rollout: without packets it is paused, holds what it changes, and goes on or back as somebody says', async (t) => {
  await using stage = await Stage.open(t, QUIET, { ...QUICK_PACE, undecidedMs: 5000 });
  const begun = await stage.start('--gate', 'external');
  t.is(begun.exit, 3);
  t.regex(begun.stdout, /\nrollout \w{8}: PAUSED, wave 1 of 2: SOAK, 1 of 3 hosts have it: NO_TRAFFIC hits>=1: /);
  t.regex(begun.stderr, /it stays paused; shunt rollout resume \w{8} goes on, shunt rollout abort \w{8} takes it back/);
  const id = (await stage.newest()).id.slice(0, 8);

  t.regex((await stage.shunt(['get', 'web'])).stderr, /not ended: rollout \w{8} \(PAUSED, wave 1 of 2: SOAK\)/);
  const applied = await stage.shunt(['apply', '-f', '-'], FILE);
  t.deepEqual([applied.exit, applied.stderr.includes(id)], [1, true], applied.stderr);
  const unknown = await stage.shunt(['rollout', 'exclude', id, 'edge-9', '--reason', 'dead']);
  t.deepEqual([unknown.exit, /edge-9/.test(unknown.stderr)], [1, true], unknown.stderr);
  t.regex((await stage.shunt(['rollout', 'verdict', id, 'pass', '--reason', 'A is well'])).stdout, /; heard pass\n$/);
  const resumed = await stage.shunt(['rollout', 'resume', id, '--skip-gate', '--reason', 'no traffic at night']);
  t.is(resumed.exit, 0, resumed.stderr);
  t.regex(resumed.stderr, /was paused: NO_TRAFFIC hits>=1/);
  await until(t, 'it is in its second wave', async () => (await stage.newest()).wave === 2);

  const aborted = await stage.shunt(['rollout', 'abort', id, '--reason', 'the wrong file']);
  t.is(aborted.exit, 0, aborted.stderr);
  const watched = await stage.shunt(['rollout', 'watch', id]);
  t.is(watched.exit, 1);
  t.regex(watched.stdout, /: ROLLED_BACK after .*: \S+ asked for it: the wrong file/);
  t.regex((await stage.shunt(['rollout', 'pause', id])).stderr, /has ended: it is ROLLED_BACK/);
});

test('rollout: a dry run begins nothing, and an id that there is not is said to be none', async (t) => {
  await using stage = await Stage.open(t, QUIET);
  const { exit, stdout } = await stage.shunt(['rollout', 'start', '-f', '-', '--dry-run'], FILE);
  t.is(exit, 0);
  t.regex(stdout, /\nWAVE {2}UP TO {2}HOSTS {2}WHICH\n[\s\S]*\nnothing was begun, for this is a dry run\n$/);
  t.is((await stage.shunt(['rollout', 'list'])).stdout, 'no rollouts\n');
  const none = await stage.shunt(['rollout', 'watch', '99']);
  t.deepEqual([none.exit, /there is no rollout 99/.test(none.stderr)], [1, true], none.stderr);
});

test('rollout: a controller of an older release is said to know none', async (t) => {
  await using server = await startNats();
  const nats = await connect({ servers: server.url });
  t.teardown(() => nats.close());
  const error = { code: 'UNKNOWN_VERB', message: 'rollout-list is not a verb of this controller' };
  nats.subscribe(subjects.apiAll, { callback: (_, message) => message.respond(encodeApiError({ v: 1, error })) });
  const { exit, stderr } = await shunt(['rollout', 'list'], { env: { SHUNT_NATS: server.url } });
  t.is(exit, 1);
  t.is(stderr, 'shunt rollout list: the controller is of an older release, and knows no rollouts: upgrade it\n');
});
