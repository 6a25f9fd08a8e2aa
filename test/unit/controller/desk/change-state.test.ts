import test, { type ExecutionContext } from 'ava';
import type { ChangeReply, Level } from '../../../../protocol/change-state.ts';
import { type Exception, SILENT_MS, type Status } from '../../../../protocol/status.ts';
import { ALLOWED, AMPLE_BYTES, apply, Folder, holds, openStore, type Store, spec, status } from '../fleet.ts';

/** Hosts whose time stands still until it is told to go on, and that say what a test has them say. */
class Hosts implements AsyncDisposable {
  readonly #folder = new Folder();
  #store: Store | undefined;
  nowMs = 1_000_000;

  static async with(...labels: readonly (readonly [host: string, role: string])[]): Promise<Hosts> {
    const hosts = new Hosts();
    hosts.#store = await openStore(hosts.#folder.file(), () => hosts.nowMs);
    for (const [host, role] of labels) await hosts.say(host, { labels: { role }, epoch: '', stored: 0 });
    return hosts;
  }

  get store(): Store {
    if (this.#store === undefined) throw new TypeError('not open');
    return this.#store;
  }

  async say(host: string, more: Partial<Status> = {}): Promise<void> {
    const interfaces = [{ name: 'eth0', ifindex: 2, mode: 'native', zone: 1, up: true, attached: true } as const];
    const quiet = {
      exceptions: [],
      exceptionsTotal: 0,
      unconfirmed: [],
      applied: 0,
      verified: 0,
      labels: { role: 'edge' },
      interfaces,
    };
    const said = status(host, { ...quiet, ...more });
    const { bypass: _, problem: __, problems: ___, unarmed: ____, brake: _____, ...calm } = said;
    const told = {
      ...calm,
      ...(more.bypass && { bypass: more.bypass }),
      ...(more.unarmed && { unarmed: more.unarmed }),
      ...(more.brake && { brake: more.brake }),
      ...(more.problems && more),
    };
    await this.store.roster.report([{ status: told as Status, seenAtMs: this.nowMs }]);
  }

  /** Has a host say that it has read back all that it was told. */
  async follow(host: string, more: Partial<Status> = {}): Promise<void> {
    const { epoch, rev } = (await holds(this.store, host)).head;
    await this.say(host, { epoch, stored: rev, applied: rev, verified: rev, ...more });
  }

  async except(host: string, name: string, total = 1): Promise<void> {
    const put = [...(await holds(this.store, host)).intents.values()].find((intent) => intent.name === name);
    if (put === undefined) throw new TypeError(`${host} has no ${name}`);
    const { key, rev } = put;
    const exception: Exception = { key, name, rev, state: 'blocked', code: 'NO_NEIGHBOUR' };
    const counts = { desired: 2 * total, installed: total, idle: 0, expired: 0, blocked: total, denied: 0, failed: 0 };
    await this.follow(host, { counts, exceptions: [exception], exceptionsTotal: total });
  }

  state(id: string, level: Level = 'verified', limit = 100): Promise<ChangeReply> {
    return this.store.desk.change({ v: 1, id, level, limit }, AMPLE_BYTES);
  }

  /** In one line: counts, and each host that is not done with its state, code and redirect. */
  async line(id: string, level: Level = 'verified'): Promise<string> {
    const { done, total, failed, stale, unreachable, items } = await this.state(id, level);
    const left = items.map(({ host, is, state, code, name }) =>
      [host, is, state, code, name].filter(Boolean).join(' '),
    );
    return [`${done}/${total} ${failed} ${stale} ${unreachable}`, ...left].join('; ');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store?.[Symbol.asyncDispose]();
    this.#folder[Symbol.dispose]();
  }
}

const EDGE = { hosts: { role: 'edge' } };

function idOf(t: ExecutionContext, { change }: { readonly change?: string }): string {
  t.truthy(change);
  return change ?? '';
}

test('change: done where each host said its own revision, at the level that is asked for', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge'], ['x', 'core']);
  const id = idOf(t, await apply(hosts.store, spec('web', 1, EDGE)));
  t.is(await hosts.line(id), '0/2 0 2 0; e1 stale pending; e2 stale pending');
  await hosts.follow('e1');
  const { epoch, rev } = (await holds(hosts.store, 'e2')).head;
  await hosts.say('e2', { epoch, stored: rev });
  t.is(await hosts.line(id), '1/2 0 1 0; e2 stale pending');
  t.is(await hosts.line(id, 'stored'), '2/2 0 0 0');
  await hosts.say('e2', { epoch, stored: rev, applied: rev });
  t.is(await hosts.line(id, 'applied'), '2/2 0 0 0');
  t.is(await hosts.line(id), '1/2 0 1 0; e2 stale pending');
});

test('change: a host may hold less than another and be done, and more than the change asks', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge'], ['e3', 'edge']);
  const id = idOf(t, await apply(hosts.store, spec('web', 1, EDGE)));
  const asked = await Promise.all(['e1', 'e2', 'e3'].map(async (host) => (await holds(hosts.store, host)).head.rev));
  t.is(new Set(asked).size, 3);
  for (const host of ['e1', 'e2', 'e3']) await hosts.follow(host);
  t.is(await hosts.line(id), '3/3 0 0 0');
  await apply(hosts.store, spec('dns', 2, EDGE));
  await hosts.follow('e1');
  t.is(await hosts.line(id), '3/3 0 0 0');
});

test('change: silent, ended and unheard hosts are unreachable; what one said before it fell silent holds', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge'], ['e3', 'edge']);
  const id = idOf(t, await apply(hosts.store, spec('web', 1, { hosts: ['e1', 'e2', 'e3', 'never'] })));
  await hosts.follow('e1');
  await hosts.say('e3', { ended: true, epoch: '', stored: 0 });
  t.is(await hosts.line(id), '1/4 0 1 2; e2 stale pending; e3 unreachable ended; never unreachable unheard');
  hosts.nowMs += SILENT_MS;
  t.is(await hosts.line(id), '1/4 0 0 3; e2 unreachable silent; e3 unreachable ended; never unreachable unheard');
  await hosts.follow('e2');
  t.is(await hosts.line(id), '2/4 0 0 2; e3 unreachable ended; never unreachable unheard');
});

test('change: a redirect of it that a host does not carry out is a failure there, and of another change is none', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge']);
  const web = idOf(t, await hosts.store.desk.apply(part('web-up', spec('web', 1, EDGE))));
  const dns = idOf(t, await hosts.store.desk.apply(part('dns-up', spec('dns', 2, EDGE))));
  await hosts.follow('e1');
  await hosts.except('e2', 'web');
  t.is(await hosts.line(web), '1/2 1 0 0; e2 failed blocked NO_NEIGHBOUR web');
  t.is(await hosts.line(dns), '2/2 0 0 0');
  t.is(await hosts.line(web, 'stored'), '2/2 0 0 0');
  const again = idOf(
    t,
    await hosts.store.desk.apply(part('web-again', spec('web', 1, { ...EDGE, priority: 5, to: 'drop' }))),
  );
  await hosts.except('e2', 'web');
  t.is(await hosts.line(web), '2/2 0 0 0');
  t.is(await hosts.line(again), '0/2 1 1 0; e1 stale pending; e2 failed blocked NO_NEIGHBOUR web');
  await hosts.except('e2', 'dns', 70);
  t.is(await hosts.line(again), '0/2 1 1 0; e1 stale pending; e2 failed unknown');
});

test('change: bypass, a program that is attached nowhere and a held history are not done, except that a delete is', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge'], ['e3', 'edge']);
  const id = idOf(t, await apply(hosts.store, spec('web', 1, EDGE)));
  const since = hosts.nowMs;
  const off = { problems: [{ code: 'NOT_ATTACHED', since }], interfaces: [] };
  const trouble = async (): Promise<void> => {
    await hosts.follow('e1', { bypass: true });
    await hosts.follow('e2', off);
    await hosts.say('e3', { epoch: 'of.another', stored: 900, applied: 900, verified: 900 });
  };
  await trouble();
  t.is(
    await hosts.line(id),
    '0/3 3 0 0; e1 failed bypass; e2 failed unattached NOT_ATTACHED; e3 failed held FOREIGN_EPOCH',
  );
  t.is(await hosts.line(id, 'stored'), '2/3 1 0 0; e3 failed held FOREIGN_EPOCH');
  const gone = idOf(t, await hosts.store.desk.delete(['web']));
  await trouble();
  t.is(await hosts.line(gone), '2/3 1 0 0; e3 failed held FOREIGN_EPOCH');
});

test('change: where an interface does not run the program, what is for it or for all is not done there', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge']);
  const to = (name: string, n: number, from?: string) =>
    spec(name, n, { ...EDGE, match: { dst: `10.1.0.${n}`, proto: 'udp', dport: 443, ...(from && { in: from }) } });
  const all = idOf(t, await hosts.store.desk.apply(part('all', to('web', 1))));
  const one = idOf(t, await hosts.store.desk.apply(part('one', to('dns', 2, 'eth0'))));
  const lost = idOf(t, await hosts.store.desk.apply(part('lost', to('ntp', 3, 'eth1'))));
  const again = idOf(t, await hosts.store.desk.apply(part('again', to('ntp', 3, 'eth1'))));
  const attached = { name: 'eth0', ifindex: 2, mode: 'native', zone: 1, up: true, attached: true } as const;
  const interfaces = [attached, { ...attached, name: 'eth1', ifindex: 3, attached: false }];
  await hosts.follow('e1', { problems: [{ code: 'NOT_ATTACHED', since: 1 }], interfaces });
  t.is(await hosts.line(all), '0/1 1 0 0; e1 failed unattached NOT_ATTACHED');
  t.is(await hosts.line(one), '1/1 0 0 0');
  t.is(await hosts.line(lost), '0/1 1 0 0; e1 failed unattached NOT_ATTACHED');
  const state = (name: string) => hosts.store.desk.change({ v: 1, id: again, also: [name] }, AMPLE_BYTES);
  t.like(await state('ntp'), { total: 1, failed: 1 });
  t.like(await state('dns'), { total: 1, done: 1 });
});

test('change: hosts that join later are counted, each with its own revision', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['x', 'core']);
  const id = idOf(t, await apply(hosts.store, spec('web', 1, EDGE)));
  await hosts.follow('e1');
  t.like(await hosts.state(id), { total: 1, done: 1 });
  await hosts.say('e2', { epoch: '', stored: 0 });
  await hosts.say('x', { labels: { role: 'edge' }, epoch: '', stored: 0 });
  t.like(await hosts.state(id), { total: 3, done: 1, joined: 2 });
  t.is(await hosts.line(id), '1/3 0 2 0; e2 stale pending; x stale pending');
  await hosts.follow('e2');
  await hosts.except('x', 'web');
  t.is(await hosts.line(id), '2/3 1 0 0; x failed blocked NO_NEIGHBOUR web');
});

test('change: a host where another redirect has the match is not waited for', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge']);
  await hosts.store.desk.apply(part('first', spec('above', 1, { hosts: ['e2'], priority: 9 })));
  const id = idOf(t, await hosts.store.desk.apply(part('second', spec('web', 1, EDGE))));
  await hosts.follow('e1');
  hosts.nowMs += SILENT_MS;
  t.is(await hosts.line(id), '1/1 0 0 0');
});

test('change: for no host at all is not done; where its redirects are disabled or gone there is nothing to do', async (t) => {
  await using hosts = await Hosts.with(['x', 'core']);
  const id = idOf(t, await hosts.store.desk.apply(part('one', spec('web', 1, EDGE), spec('dns', 2, EDGE))));
  t.like(await hosts.state(id), { total: 0, done: 0, unmatched: 2 });
  const off = idOf(t, await hosts.store.desk.apply(part('two', spec('web', 1, { ...EDGE, enabled: false }))));
  t.like(await hosts.state(off), { total: 0, done: 0, unmatched: undefined });
  t.like(await hosts.state(id), { unmatched: 1 });
  await hosts.store.desk.delete(['dns']);
  t.like(await hosts.state(id), { unmatched: undefined });
});

test('change: an agent that is too old for a redirect of it is a failure', async (t) => {
  await using hosts = await Hosts.with();
  for (const [host, can] of [
    ['e1', ['idle']],
    ['e2', []],
  ] as const)
    await hosts.say(host, { epoch: '', stored: 0, can });
  const idle = { after: '10m' };
  const id = idOf(t, await apply(hosts.store, spec('web', 1, { ...EDGE, idle })));
  await hosts.follow('e1', { can: ['idle'] });
  await hosts.follow('e2', { can: [] });
  t.is(await hosts.line(id), '1/2 1 0 0; e2 failed unsent AGENT_TOO_OLD web');
});

test('change: a host that is forgotten is not counted, and comes back as one that joins', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge']);
  const id = idOf(t, await apply(hosts.store, spec('web', 1, EDGE)));
  await hosts.follow('e1');
  hosts.nowMs += SILENT_MS;
  await hosts.store.desk.forget({ v: 1, host: 'e2' });
  t.is(await hosts.line(id), '1/1 0 0 0');
  await hosts.say('e2', { epoch: '', stored: 0 });
  t.is(await hosts.line(id), '1/2 0 1 0; e2 stale pending');
  await hosts.follow('e2');
  t.like(await hosts.state(id), { total: 2, done: 2, joined: 1 });
});

test('change: after recover, what a host said of the history before is no evidence until it says it of the new one', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge']);
  const id = idOf(t, await apply(hosts.store, spec('web', 1, EDGE)));
  for (const host of ['e1', 'e2']) await hosts.follow(host);
  t.is(await hosts.line(id), '2/2 0 0 0');
  await hosts.store.desk.recover();
  t.is(await hosts.line(id), '0/2 0 2 0; e1 stale pending SUPERSEDED; e2 stale pending SUPERSEDED');
  await hosts.follow('e1');
  t.is(await hosts.line(id), '1/2 0 1 0; e2 stale pending SUPERSEDED');
});

test('change: is found by how its id begins, if no other begins so; pages have all hosts', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge'], ['e3', 'edge']);
  await hosts.store.desk.apply(part('ab-1', spec('web', 1, EDGE)));
  await hosts.store.desk.apply(part('ab-2', spec('dns', 2, EDGE)));
  t.like(await hosts.state('ab-2'), { change: 'ab-2', verb: 'apply' });
  await t.throwsAsync(hosts.state('ab'), { message: /several changes begin with ab: ab-1, ab-2/ });
  await t.throwsAsync(hosts.state('ac'), { message: /no change ac/ });
  const first = await hosts.state('ab-1', 'verified', 2);
  t.deepEqual([first.items.map(({ host }) => host), first.next], [['e1', 'e2'], 'e2']);
  const rest = await hosts.store.desk.change({ v: 1, id: 'ab-1', after: 'e2', limit: 2 }, AMPLE_BYTES);
  t.deepEqual([rest.items.map(({ host }) => host), rest.next, rest.stale], [['e3'], null, 3]);
});

test('change: redirects that it left as they were are asked for as they are now, if that is wanted', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge'], ['x', 'core']);
  await hosts.store.desk.apply(part('first', spec('web', 1, EDGE), spec('far', 2, { hosts: { role: 'far' } })));
  await hosts.store.desk.apply(part('other', spec('dns', 3, { hosts: ['x'] })));
  const id = idOf(t, await hosts.store.desk.apply(part('again', spec('web', 1, EDGE))));
  t.is(await hosts.line(id), '0/0 0 0 0');
  const state = (...also: readonly string[]) => hosts.store.desk.change({ v: 1, id, also }, AMPLE_BYTES);
  t.like(await state('web'), { total: 2, stale: 2, joined: undefined });
  await hosts.follow('e1');
  await hosts.except('e2', 'web');
  t.like(await state('web'), { total: 2, done: 1, items: [{ host: 'e2', state: 'blocked', name: 'web' }] });
  await hosts.follow('e2');
  t.like(await state('web', 'gone'), { total: 2, done: 2, unmatched: undefined });
  t.like(await state('far'), { total: 0, unmatched: 1 });
});

function part(upload: string, ...specs: readonly object[]) {
  return { v: 1 as const, upload, part: 0, parts: 1, specs };
}

const CONFIRM = { ...ALLOWED, confirm: { withinMs: 60_000 } };

test('change: one that is to be confirmed is done where it was, and failed where it was taken back', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge'], ['e2', 'edge']);
  for (const host of ['e1', 'e2']) await hosts.say(host, { can: ['confirm'], epoch: '', stored: 0 });
  const specs = [spec('web', 1, EDGE)];
  const { desk } = hosts.store;
  const change = await desk.apply({ v: 1, upload: 'up', part: 0, parts: 1, specs, ...CONFIRM });
  const id = idOf(t, change);
  t.like(await hosts.state(id), { confirm: { withinMs: 60_000 } });
  t.like((await desk.history({ v: 1 }, AMPLE_BYTES)).items[0], { change: id, confirm: { withinMs: 60_000 } });
  const [{ key = '', rev = 0 } = {}] = (await holds(hosts.store, 'e1')).intents.values();
  const mine = { name: 'web', key, rev, leftMs: 50_000 };
  await hosts.follow('e1', { can: ['confirm'], unconfirmed: [mine], unconfirmedTotal: 1 });
  await hosts.follow('e2', { can: ['confirm'], unarmed: rev + 1 });
  hosts.nowMs += 2000;
  t.is(await hosts.line(id), '0/2 0 2 0; e1 stale unconfirmed web; e2 stale pending');
  t.is((await hosts.state(id)).items[0]?.leftMs, 48_000);
  t.is(await hosts.line(id, 'stored'), '2/2 0 0 0');
  await hosts.follow('e1', { can: ['confirm'], confirmed: rev });
  const exception: Exception = { key, name: 'web', rev: rev + 1, state: 'denied', code: 'REVERTED' };
  await hosts.follow('e2', { can: ['confirm'], exceptions: [exception], exceptionsTotal: 1 });
  t.is(await hosts.line(id), '1/2 1 0 0; e2 failed denied REVERTED web');
});

test('change: a delete that a host took back is not done, and what it deleted goes on being deleted', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge']);
  await hosts.say('e1', { can: ['confirm'], epoch: '', stored: 0 });
  await apply(hosts.store, spec('web', 1, EDGE));
  const [{ key = '' } = {}] = (await holds(hosts.store, 'e1')).intents.values();
  const { desk } = hosts.store;
  const id = idOf(t, await desk.delete(['web'], undefined, CONFIRM));
  const mine = { name: 'web', key, rev: 2, leftMs: 50_000 };
  await hosts.follow('e1', { can: ['confirm'], unconfirmed: [mine], unconfirmedTotal: 1 });
  t.is(await hosts.line(id), '0/1 0 1 0; e1 stale unconfirmed web');
  const deleting = { deletingTotal: 1, deleting: [{ name: 'web', total: 1, confirmed: 0 }] };
  t.like(await desk.get({ v: 1 }, AMPLE_BYTES), deleting, 'it may come back');
  const exception: Exception = { key, name: 'web', rev: 2, state: 'denied', code: 'REVERTED' };
  await hosts.follow('e1', { can: ['confirm'], exceptions: [exception], exceptionsTotal: 1 });
  await hosts.store.roster.tidy();
  t.is(await hosts.line(id), '0/1 1 0 0; e1 failed denied REVERTED web');
  t.like(await desk.get({ v: 1 }, AMPLE_BYTES), { deletingTotal: 1, deleting: [{ name: 'web', reverted: 1 }] });
  await hosts.follow('e1', { can: ['confirm'] });
  t.is(await hosts.line(id), '1/1 0 0 0');
  t.is((await desk.get({ v: 1 }, AMPLE_BYTES)).deletingTotal, undefined);
});

test('change: a delete that a brake withholds is not done, and what it deleted goes on being deleted', async (t) => {
  await using hosts = await Hosts.with(['e1', 'edge']);
  const { desk } = hosts.store;
  await apply(hosts.store, spec('web', 1, EDGE), spec('dns', 2, EDGE), spec('ftp', 3, EDGE));
  const [{ key = '' } = {}] = [...(await holds(hosts.store, 'e1')).intents.values()].filter(
    ({ name }) => name === 'web',
  );
  const added = idOf(t, await apply(hosts.store, spec('new', 4, EDGE)));
  const id = idOf(t, await desk.delete(['web']));
  const exception: Exception = { key, name: 'web', rev: 5, state: 'denied', code: 'BRAKE' };
  const brake = { since: 1, withheld: 1, from: 5 };
  await hosts.follow('e1', { brake, exceptions: [exception], exceptionsTotal: 1 });
  t.is(await hosts.line(id), '0/1 1 0 0; e1 failed denied BRAKE web');
  t.is(await hosts.line(id, 'stored'), '1/1 0 0 0');
  t.is(await hosts.line(added), '1/1 0 0 0', 'another change is not to blame');
  const deleting = { deletingTotal: 1, deleting: [{ name: 'web', total: 1, confirmed: 0 }] };
  await hosts.store.roster.tidy();
  t.like(await desk.get({ v: 1 }, AMPLE_BYTES), deleting);
  const another = idOf(t, await desk.delete(['dns']));
  await hosts.follow('e1', { brake: { ...brake, withheld: 2 }, exceptions: [exception], exceptionsTotal: 1 });
  t.is(await hosts.line(another), '0/1 1 0 0; e1 failed denied BRAKE', 'what is not listed may be of it');
  await hosts.follow('e1');
  t.is(await hosts.line(id), '1/1 0 0 0');
  t.is((await desk.get({ v: 1 }, AMPLE_BYTES)).deletingTotal, undefined);
});
