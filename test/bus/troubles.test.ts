import test from 'ava';
import { connect, type Msg, type NatsConnection } from 'nats';
import { makeSystemClock } from '../../daemon/clock.ts';
import { encodeExplanation } from '../../protocol/explain.ts';
import { type Exception, encodeStatus, parseStatus, SILENT_MS } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { parseUpdate } from '../../protocol/update.ts';
import { matchesGoldens } from '../unit/cli/golden.ts';
import type { Session } from '../unit/cli/session.ts';
import { fixture, narrow } from './bench.ts';
import { House } from './house.ts';
import { until } from './rig.ts';

const NOW = 1_790_000_000_000;
const HOSTS = ['edge-1', 'edge-2', 'edge-3'];
const KEY = 'v4 udp 0.0.0.0/0:* > 203.0.113.10/32:443 in eth0';
const HOP = fixture('explain-reply').nexthop;
const subjects = makeSubjects();

/** What one host says while something is wrong: more than that all is well, in its status and when asked. */
interface Trouble {
  readonly status?: object;
  /** Absent: nobody answers there. */
  readonly explains?: object;
  /** How `get` names it. */
  readonly state: string;
  /** More of the redirect; another one beside it. */
  readonly spec?: string;
  readonly beside?: string;
  /** The host is heard no more. */
  readonly silent?: true;
}

function blocked(code: string, nexthop: object): Trouble {
  const exception = { key: KEY, name: 'web', rev: 1, state: 'blocked', code } as Exception;
  const status = { exceptions: [exception], exceptionsTotal: 1, counts: { ...COUNTS, installed: 0, blocked: 1 } };
  return { status, explains: { state: 'blocked', code, nexthop }, state: 'blocked' };
}

const COUNTS = { desired: 1, installed: 1, idle: 0, expired: 0, blocked: 0, denied: 0, failed: 0 };
const ETH0 = { name: 'eth0', zone: 1, ifindex: 2, mode: 'native', up: true, attached: true };
const DETACHED = [{ ...ETH0, mode: 'none', attached: false, reason: 'its program is gone' }];
const PROBLEMS = [{ code: 'NOT_ATTACHED', since: NOW, detail: 'eth0: its program is gone' }];
const WELL = {
  ...{
    counts: COUNTS,
    exceptions: [],
    exceptionsTotal: 0,
    interfaces: [ETH0],
    labels: { role: 'edge' },
    can: ['idle'],
  },
  ...{ problem: undefined, problems: undefined, undelivered: undefined, passed: undefined, passedTotal: undefined },
  ...{ idle: undefined, drifted: undefined, rates: undefined, verdicts: undefined },
  ...{ unconfirmed: undefined, unconfirmedTotal: undefined, unarmed: undefined, brake: undefined },
};

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'c-off': blocked('NO_NEIGHBOUR', { ...HOP, state: 'failed', mac: undefined }),
  'wrong-interface': blocked('NO_INTERFACE', { state: 'no-interface', interface: 'eth9' }),
  'no-route': blocked('NO_ROUTE', { state: 'no-route' }),
  expired: {
    spec: '    expires: 2026-09-21T13:46:30Z\n',
    explains: { state: 'expired', expires: NOW - 10_000 },
    state: 'expired',
  },
  bypass: { status: { bypass: true }, explains: { bypass: true }, state: 'bypass' },
  'agent-dead': { status: { ended: true }, state: 'ended' },
  'host-silent': { silent: true, state: 'silent' },
  shadowed: { beside: 'hosts: [edge-2]\n    priority: 9', explains: {}, state: 'shadowed' },
  'program-missing': {
    status: { interfaces: DETACHED, problem: 'NOT_ATTACHED', problems: PROBLEMS },
    explains: { problems: PROBLEMS },
    state: 'unattached',
  },
};

/** A real controller, and hosts that say what they would. */
class Stage implements AsyncDisposable {
  readonly house: House;
  readonly #nats: NatsConnection;
  readonly #told = new Map<string, { readonly epoch: string; readonly rev: number }>();
  readonly #move: (ms: number) => void;
  #seq = 0;

  private constructor(house: House, nats: NatsConnection, move: (ms: number) => void) {
    this.house = house;
    this.#nats = nats;
    this.#move = move;
    const callback = (_: unknown, { data }: Msg): void => {
      const { host, epoch, rev } = parseUpdate(data);
      this.#told.set(host, { epoch, rev });
    };
    nats.subscribe('shunt.v1.live.*', { callback });
  }

  static async open(): Promise<Stage> {
    let now = NOW;
    const house = await House.open({ ...makeSystemClock(), nowMs: () => now });
    const nats = await connect({ servers: house.server.url, reconnect: false });
    return new Stage(house, nats, (ms) => {
      now += ms;
    });
  }

  /** Each host says that it has what it was told. */
  say(host: string, more: object = {}): void {
    this.#seq += 1;
    const { epoch, rev } = this.#told.get(host) ?? { epoch: '', rev: 0 };
    const level = { epoch, stored: rev, applied: rev, verified: rev };
    const said = { ...fixture('status'), ...WELL, ...level, host, seq: this.#seq, ...more };
    this.#nats.publish(subjects.status(host), encodeStatus(parseStatus(said)));
  }

  answer(host: string, more: object | undefined): void {
    if (more === undefined) return;
    const { code: _, errno: __, retryAt: ___, idle: ____, expires: _____, ...reply } = fixture('explain-reply');
    const well = {
      state: 'installed',
      problems: undefined,
      silence: undefined,
      overlaps: [],
      overlapsTotal: 0,
      events: [],
    };
    const said = { ...reply, ...well, name: 'web', key: KEY, host, ...more };
    this.#nats.subscribe(subjects.ask(host, 'explain'), {
      callback: (_error: unknown, message: Msg) => message.respond(encodeExplanation(said)),
    });
  }

  pass(ms: number): void {
    this.#move(ms);
  }

  get told(): readonly string[] {
    return [...this.#told.keys()];
  }

  async states(): Promise<readonly string[]> {
    const { stdout } = await this.house.shunt(['get', 'web', '-o', 'json']);
    return JSON.parse(stdout).items[0]?.live.states.map(({ state }: { readonly state: string }) => state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nats.close();
    await this.house[Symbol.asyncDispose]();
  }
}

function redirects({ spec = '', beside }: Trouble): string {
  const of = (name: string, rest: string) => `  - name: ${name}
    match: { in: eth0, dst: 203.0.113.10, proto: udp, dport: 443 }
    to: { nexthop: 10.0.0.7 }
    ${rest}
`;
  return ['redirects:\n', of('web', 'hosts: all'), spec, beside === undefined ? '' : of('own', beside)].join('');
}

for (const [name, trouble] of Object.entries(TROUBLES)) {
  test(`troubles: ${name} of one host is named by get, hosts and explain, without --host`, async (t) => {
    await using stage = await Stage.open();
    const { house } = stage;
    for (const host of HOSTS) stage.say(host);
    const heard = async () => JSON.parse((await house.shunt(['hosts', '-o', 'json'])).stdout).items.length === 3;
    await until(t, 'three hosts', heard);
    const applied = await house.shunt(['apply', '-f', house.write('web.yaml', redirects(trouble))]);
    t.is(applied.exit, 0, applied.stderr);
    await until(t, 'all are told', () => stage.told.length === 3);
    if (trouble.silent) stage.say('edge-2');
    if (trouble.silent) await until(t, 'it has it', async () => (await stage.states()).includes('installed'));
    if (trouble.silent) stage.pass(SILENT_MS + 1_000);
    for (const host of HOSTS.filter((one) => one !== 'edge-2' || !trouble.silent))
      stage.say(host, host === 'edge-2' ? trouble.status : {});
    const whole = name === 'expired' ? ['expired'] : [trouble.state, 'installed'];
    await until(t, 'get has it', async () => (await stage.states()).join() === whole.join());
    await until(t, 'hosts has it', async () => {
      return JSON.parse((await house.shunt(['hosts', '-o', 'json'])).stdout).sum.behind === 0;
    });
    for (const host of HOSTS) {
      const expired = name === 'expired' ? trouble.explains : {};
      if (!(trouble.beside !== undefined && host === 'edge-2'))
        stage.answer(host, host === 'edge-2' ? trouble.explains : expired);
    }
    const sessions: [readonly string[], Session][] = [];
    for (const words of [['get'], ['hosts'], ['explain', 'web']])
      sessions.push([words, await house.shunt(words, narrow())]);
    const [got, hosts, explained] = sessions.map(([, { stdout }]) => stdout);
    t.regex(got ?? '', /edge-2/);
    t.regex(explained ?? '', /edge-2/);
    if (!['expired', 'shadowed'].includes(name)) t.notRegex(hosts ?? '', /3 ok/);
    await matchesGoldens(t, `trouble-${name}`, sessions);
  });
}

test('troubles: a controller that is dead is named by get, hosts and explain', async (t) => {
  await using house = await House.open();
  const words = ['--nats', house.server.url, '--root-subject', 'other.v1'];
  for (const command of [['get'], ['hosts'], ['explain', 'web'], ['status', '--all']]) {
    const { exit, stdout, stderr } = await house.shunt([...command, ...words], narrow());
    t.is(exit, 4);
    t.is(stdout, '');
    t.regex(stderr, /no controller on other\.v1\.api\./);
  }
});
