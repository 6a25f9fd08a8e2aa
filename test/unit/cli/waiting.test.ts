import test from 'ava';
import type { Bus } from '../../../cli/client.ts';
import { awaitConfirmed, confirmTexts, exitOf } from '../../../cli/confirming.ts';
import { EXIT, Failure } from '../../../cli/line/failure.ts';
import { knowingTerms } from '../../../cli/line/terms.ts';
import { waitFor, waitForAll, waitOf, waitWith } from '../../../cli/waiting.ts';
import {
  type ChangeReply,
  type ChangeRequest,
  parseChangeRequest,
  type UndoneHost,
} from '../../../protocol/change-state.ts';
import { KeptTerminal, shunt } from './session.ts';

const ID = '7f3a01bc-1111-4222-8333-444455556666';
const PAGE = 2;
const CONFIRM = { confirm: { withinMs: 60_000 } };

/** A controller to which so many hosts are not done; with a failure, it does not answer. */
class FakeBus {
  readonly asked: ChangeRequest[] = [];
  readonly #left: (look: number) => readonly string[] | Failure;

  constructor(left: (look: number) => readonly string[] | Failure) {
    this.#left = left;
  }

  readonly api: Bus['api'] = async <T>(_verb: unknown, data: Uint8Array): Promise<T> => {
    const request = parseChangeRequest(data);
    this.asked.push(request);
    const left = this.#left(this.asked.length);
    if (left instanceof Failure) throw left;
    const items = left.filter((host) => host > (request.after ?? '')).map(undone);
    return { ...reply(left.length), items: items.slice(0, PAGE), next: items[PAGE - 1]?.host ?? null } as T;
  };
}

function undone(host: string): UndoneHost {
  return { host, is: 'unreachable', rev: 5, at: 0, seenAt: null, state: 'unheard' };
}

function reply(left: number): Omit<ChangeReply, 'items' | 'next'> {
  const counts = { total: 5, done: 5 - left, failed: 0, stale: 0, unreachable: left };
  return { v: 1, change: ID, verb: 'apply', made: 0, level: 'verified', ...counts };
}

const ABSENT = new Failure(EXIT.unreachable, 'NO_CONTROLLER', 'the bus answers, but no controller');
const SECOND = { level: 'verified', withinMs: 1000 } as const;

test('wait: it ends when all are done, shows on one line how far it is, and takes that away', async (t) => {
  const bus = new FakeBus((look) => (look < 3 ? ['edge-9'] : []));
  const terminal = new KeptTerminal(80);
  const { state, waitedMs } = await waitFor(ID, { level: 'verified', withinMs: 600_000 }, bus, terminal);
  t.like(state, { done: 5, total: 5 });
  t.true(waitedMs < 600_000);
  t.regex(terminal.shown[0] ?? '', /^change 7f3a01bc: verified on 4 of 5 hosts, 1 unreachable; [0-9ms]+ left$/);
  t.is(terminal.shown.at(-1), '');
  t.is(terminal.stdout + terminal.stderr, '');
  const narrow = new KeptTerminal(30);
  await waitFor(ID, SECOND, new FakeBus(() => ['edge-9']), narrow);
  t.true(
    narrow.shown.every((line) => line.length < 30),
    narrow.shown.join('|'),
  );
});

test('wait: at its end every host that is not done is named, from as many pages as it takes', async (t) => {
  const bus = new FakeBus(() => ['e1', 'e2', 'e3', 'e4', 'e5']);
  const { state } = await waitFor(ID, { ...SECOND, also: ['web'] }, bus, new KeptTerminal());
  t.deepEqual(
    state.items.map(({ host }) => host),
    ['e1', 'e2', 'e3', 'e4', 'e5'],
  );
  t.true(bus.asked.every(({ also }) => also?.join() === 'web'));
});

test('wait: a controller that is away meanwhile is asked again; one that never answers is no success', async (t) => {
  const again = new FakeBus((look) => (look === 1 ? ABSENT : []));
  t.like((await waitFor(ID, { ...SECOND, withinMs: 600_000 }, again, new KeptTerminal())).state, { done: 5 });
  const gone = new FakeBus((look) => (look === 1 ? ['edge-9'] : ABSENT));
  t.like((await waitFor(ID, SECOND, gone, new KeptTerminal())).state, { done: 4 });
  const failure = await t.throwsAsync(waitFor(ID, SECOND, new FakeBus(() => ABSENT), new KeptTerminal()));
  t.like(failure, { code: 'NO_CONTROLLER', exit: EXIT.unreachable });
  t.regex(failure?.message ?? '', /^nobody says how far the change 7f3a01bc is: the bus answers/);
});

test('wait: what a controller refuses is not asked twice', async (t) => {
  const refused = new Failure(EXIT.refused, 'UNKNOWN_CHANGE', 'there is no change beef');
  const bus = new FakeBus(() => refused);
  t.is(await t.throwsAsync(waitFor('beef', { ...SECOND, withinMs: 600_000 }, bus, new KeptTerminal())), refused);
  t.is(bus.asked.length, 1);
});

test('wait: of several changes all are waited for within the time of one; without an id there is nothing to wait for', async (t) => {
  const bus = new FakeBus(() => []);
  const waited = await waitForAll([ID, ID], SECOND, bus, new KeptTerminal());
  t.is(waited.length, 2);
  t.true(waited.every(({ withinMs }) => withinMs === 1000));
  const older = await t.throwsAsync(waitForAll([undefined], SECOND, bus, new KeptTerminal()));
  t.like(older, { exit: EXIT.unfinished });
  t.regex(older?.message ?? '', /done, but not waited for: the controller is of an older release/);
});

test('wait: --timeout counts where it was written', (t) => {
  const options = { wait: 'applied', timeout: 7000 } as const;
  t.deepEqual(waitOf(options, new Set(['wait', 'timeout'])), { level: 'applied', withinMs: 7000 });
  t.deepEqual(waitOf(options, new Set(['wait'])), { level: 'applied', withinMs: 60_000 });
  t.is(waitOf({ wait: undefined, timeout: 7000 }, new Set()), undefined);
});

test('wait: redirects that did not change are asked for, of very many some after the others', async (t) => {
  const names = Array.from({ length: 2500 }, (_, n) => `r-${n}`);
  const wait = { level: 'verified', withinMs: 600_000 } as const;
  const over = (bus: FakeBus) => ({ api: bus.api, maxPayloadBytes: 1_048_576 });
  const all = new FakeBus(() => []);
  t.like(await waitWith(ID, names, wait, over(all), new KeptTerminal()), { withinMs: 600_000, state: { done: 5 } });
  t.deepEqual(
    all.asked.flatMap(({ also = [] }) => also),
    names,
  );
  const none = new FakeBus(() => []);
  await waitWith(ID, [], wait, over(none), new KeptTerminal());
  t.deepEqual([none.asked.length, none.asked[0]?.also], [1, undefined]);
  const some = new FakeBus((look) => (look === 1 ? [] : ['edge-9']));
  t.like(await waitWith(ID, names, SECOND, over(some), new KeptTerminal()), { withinMs: 1000, state: { done: 4 } });
});

/** A controller to which a change that is to be confirmed stands so, look by look. */
function looks(...states: readonly (readonly Partial<UndoneHost>[])[]): Pick<Bus, 'api'> {
  let look = 0;
  return {
    api: async <T>(): Promise<T> => {
      const items = (states[Math.min(look, states.length - 1)] ?? []).map((one) => ({ ...undone('h1'), ...one }));
      look += 1;
      const of = (is: string): number => items.filter((one) => one.is === is).length;
      const counts = { total: 3, done: 3 - items.length, failed: of('failed'), stale: of('stale') };
      const confirm = { withinMs: 60_000 };
      return { ...reply(0), confirm, ...counts, unreachable: of('unreachable'), items, next: null } as T;
    },
  };
}

const COUNTS_DOWN = { is: 'stale', state: 'unconfirmed', name: 'web', leftMs: 41_300 } as const;
const TAKEN_BACK = { is: 'failed', state: 'denied', code: 'REVERTED', name: 'web' } as const;

test('confirm: it counts down, and ends when all are confirmed', async (t) => {
  const terminal = new KeptTerminal(80);
  const waited = await awaitConfirmed([ID], CONFIRM, looks([COUNTS_DOWN], []), terminal);
  t.is(terminal.shown[0], 'change 7f3a01bc: confirmed on 2 of 3 hosts, 1 not yet; else taken back in 41s');
  t.is(exitOf(waited), EXIT.done);
  t.regex(confirmTexts(waited, terminal).join('|'), /^change 7f3a01bc: confirmed on 3 of 3 hosts, after [0-9.ms]+$/);
});

test('confirm: it ends when each host that is not confirmed took the change back, and not before', async (t) => {
  const terminal = new KeptTerminal(80);
  const bus = looks([TAKEN_BACK, { ...COUNTS_DOWN, host: 'h2' }], [TAKEN_BACK, { ...TAKEN_BACK, host: 'h2' }]);
  const waited = await awaitConfirmed([ID], CONFIRM, bus, terminal);
  t.true((waited[0]?.waitedMs ?? 0) < 60_000);
  t.is(exitOf(waited), EXIT.refused);
  const text = confirmTexts(waited, terminal).join('|');
  t.regex(text, /confirmed on 1 of 3 hosts after [0-9.ms]+, 2 failed/);
  t.regex(text, /failed +denied REVERTED +web +h1,h2/);
  t.regex(text, /taken back on h1,h2: what was there before is there again; see shunt explain$/);
});

test('confirm: what is neither confirmed nor taken back in time is not done; one that changes nothing is', async (t) => {
  const soon = { confirm: { withinMs: -19_000 } };
  const waited = await awaitConfirmed([ID], soon, looks([{}]), new KeptTerminal());
  t.is(exitOf(waited), EXIT.unfinished);
  t.deepEqual(confirmTexts([], new KeptTerminal()), ['nothing is to be confirmed: no host had anything to change']);
  t.is(exitOf([]), EXIT.done);
});

test('confirm: too short a time, or another wait beside it, is refused before anything is sent', async (t) => {
  const nobody = ['--nats', 'nats://127.0.0.1:1'];
  const short = await shunt(['delete', 'a', '--confirm', '10s', ...nobody]);
  t.is(short.exit, EXIT.usage);
  t.regex(short.stderr, /a host is heard for ten seconds before a change is confirmed; 20s at least/);
  const twice = await shunt(['delete', 'a', '--confirm', '60s', '--wait', ...nobody]);
  t.is(twice.exit, EXIT.usage);
  t.regex(twice.stderr, /--confirm waits by itself.*: leave out --wait/);
  const long = await shunt(['apply', '-f', 'x.yaml', '--confirm', '2d', ...nobody]);
  t.regex(long.stderr, /expected 1s to 24h/);
});

test('confirm: a controller of an older release is told of in one sentence', async (t) => {
  const refused = Promise.reject(new Failure(EXIT.refused, 'UNKNOWN_FIELD', 'confirm: unknown field'));
  const failure = await t.throwsAsync(knowingTerms(refused, { ...CONFIRM, reason: 'x' }));
  t.is(
    failure?.message,
    'confirm: unknown field; the controller is of an older release, and can have no change confirmed: upgrade it, or leave out --confirm',
  );
});
