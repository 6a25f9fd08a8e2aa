import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pinPaths } from '../../agent/kernel/pins.ts';
import { loadNative } from '../../native/index.ts';
import type { Event } from '../../protocol/event.ts';
import type { InterfaceStatus } from '../../protocol/packets.ts';
import type { Status } from '../../protocol/status.ts';
import { must } from '../support/must.ts';
import { CONVERGE_MS, type Operator, type Product, serviceRedirect, startProduct } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { C, HOST, NATS_URL, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';

const native = loadNative();
const INSIDE = { name: 'inside', hosts: [HOST], match: { dst: '203.0.113.77', in: 'to-a' }, to: { nexthop: C.v4 } };

/** What root may do with `bpftool link detach`. */
function detachLink(bed: Testbed, ifname: string): void {
  const link = must('link', native.linkOpen(pinPaths(bed.pinRoot).link(ifname)));
  native.linkDetach(link);
  native.close(link);
}

/** B has two redirects: one for whatever comes in by one of its two interfaces, one for what comes in from A. */
async function start(bed: Testbed): Promise<Product & { readonly asker: Asker }> {
  const product = await startProduct(bed);
  await Echo.start(bed, 'b');
  await Echo.start(bed, 'c');
  const asker = await Asker.start(bed);
  const { rev } = await product.operator.apply(serviceRedirect('any', 'v4'), INSIDE);
  await product.operator.applied(rev);
  await answeredBy(asker, 'c');
  return { ...product, asker };
}

async function answeredBy(asker: Asker, who: string): Promise<void> {
  await until(`${who} answers`, CONVERGE_MS, async () => {
    const before = await asker.report();
    const after = await asker.burst(50);
    return (after.answers[who] ?? 0) - (before.answers[who] ?? 0) === 50;
  });
}

async function statusWhere(operator: Operator, what: string, holds: (status: Status) => boolean): Promise<Status> {
  let last: Status | undefined;
  const look = async () => {
    last = await operator.status();
    return last !== undefined && holds(last) && last;
  };
  return await until(what, CONVERGE_MS, look).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; the last status was ${JSON.stringify(last)}`);
  });
}

const isLost = ({ problem }: Status): boolean => problem === 'NOT_ATTACHED';
const isWhole = ({ problem, counts }: Status): boolean => problem === undefined && counts.installed === counts.desired;
const said = ({ interfaces }: Status, name: string): InterfaceStatus | undefined =>
  interfaces.find((one) => one.name === name);

async function troubleOf(bed: Testbed): Promise<string | undefined> {
  const { items } = (await bed.ask('hosts')) as { readonly items: readonly { readonly problem?: string }[] };
  return items[0]?.problem;
}

async function told(bed: Testbed, detail: string): Promise<Event | undefined> {
  const { stdout } = await bed.shunt('bus', 'events', '--host', HOST, '--nats', NATS_URL, '-o', 'json');
  const events = stdout.split('\n').filter((line) => line !== '');
  return events.map((line) => JSON.parse(line) as Event).find((event) => event.detail === detail);
}

/** Each state by name, and how many entries there are. */
async function standing(bed: Testbed, operator: Operator): Promise<unknown> {
  const states = (await operator.dump()).map(({ name, state, code }) => [name, code ?? state]);
  return { ...Object.fromEntries(states), entries: (await bed.entries('redirect4')).length };
}

async function attachAgain(t: ExecutionContext, bed: Testbed, { operator, asker }: Product & { asker: Asker }) {
  const attached = await bed.attach('--interface', 'to-a', '--interface', 'to-c');
  t.is(attached.status, 0, attached.stderr);
  await statusWhere(operator, 'all stands again', isWhole);
  await answeredBy(asker, 'c');
  await until('hosts says so', CONVERGE_MS, async () => (await troubleOf(bed)) === undefined);
}

test.serial(
  'not attached: a link that root detached is told, and what is attached again finds its entries',
  async (t) => {
    await using bed = await Testbed.make();
    const product = await start(bed);
    detachLink(bed, 'to-a');
    const status = await statusWhere(product.operator, 'it is told', isLost);
    t.like(said(status, 'to-a'), { mode: 'none', attached: false, reason: 'its program is gone' });
    t.deepEqual(await standing(bed, product.operator), { any: 'installed', inside: 'NOT_ATTACHED', entries: 2 });
    await answeredBy(product.asker, 'b');
    await until('hosts says so', CONVERGE_MS, async () => (await troubleOf(bed)) === 'NOT_ATTACHED');
    t.like(await told(bed, 'to-a: its program is gone'), { kind: 'blocked', code: 'NOT_ATTACHED' });
    detachLink(bed, 'to-c');
    await statusWhere(product.operator, 'none is left', ({ counts }) => counts.blocked === 2);
    t.deepEqual(await standing(bed, product.operator), { any: 'NOT_ATTACHED', inside: 'NOT_ATTACHED', entries: 2 });
    t.true(product.agent.lines.some((line) => line.includes('packets pass the program by')));
    await attachAgain(t, bed, product);
    t.like(await told(bed, 'to-a: the program is attached again'), { kind: 'applied' });
    t.deepEqual(await standing(bed, product.operator), { any: 'installed', inside: 'installed', entries: 2 });
  },
);

test.serial(
  'not attached: an interface that is deleted, made again, and moved away is told, and comes back',
  async (t) => {
    await using bed = await Testbed.make();
    const { operator } = await start(bed);
    const make = ['ip', 'link', 'add', 'more0', 'type', 'veth', 'peer', 'more1'];
    await bed.must('b', make);
    t.is((await bed.attach('--interface', 'more0', '--mode', 'generic')).status, 0);
    const more = { ...INSIDE, name: 'more', match: { dst: '203.0.113.78', in: 'more0' } };
    await operator.applied((await operator.apply(serviceRedirect('any', 'v4'), INSIDE, more)).rev);
    await statusWhere(operator, 'all stands', isWhole);
    const blocked = { any: 'installed', inside: 'installed', more: 'NOT_ATTACHED', entries: 3 };

    await bed.must('b', ['ip', 'link', 'del', 'more0']);
    const gone = await statusWhere(operator, 'it is told', isLost);
    t.like(said(gone, 'more0'), { attached: false, reason: 'it is not in this network namespace' });
    t.true(said(gone, 'to-a')?.attached);
    t.deepEqual(await standing(bed, operator), blocked);
    await bed.must('b', make);
    await statusWhere(operator, 'it was made anew', (status) => said(status, 'more0')?.reason === 'it was made anew');
    t.deepEqual(await standing(bed, operator), blocked);
    t.is((await bed.attach('--interface', 'more0', '--mode', 'generic')).status, 0);
    await statusWhere(operator, 'all stands again', isWhole);

    await bed.must('b', ['ip', 'link', 'set', 'more0', 'netns', bed.netns('bus')]);
    await statusWhere(operator, 'it is told again', isLost);
    t.deepEqual(await standing(bed, operator), blocked);
  },
);

test.serial('not attached: pins that go under a running agent are waited for, however they went', async (t) => {
  await using bed = await Testbed.make();
  const product = await start(bed);
  const { operator, agent } = product;
  const lost = async (what: string): Promise<void> => {
    const status = await statusWhere(operator, what, isLost);
    t.like(said(status, 'to-a'), { attached: false, reason: 'the pins are gone, or others now' });
    t.is(status.counts.blocked, status.counts.desired);
  };

  t.is((await bed.shunt('b', 'detach', '--pin-root', bed.pinRoot)).status, 0);
  await lost('detach is told');
  await answeredBy(product.asker, 'b');
  const { rev } = await operator.apply(serviceRedirect('any', 'v4'), INSIDE, {
    ...INSIDE,
    name: 'third',
    match: { dst: '203.0.113.79' },
  });
  await statusWhere(operator, 'it is stored meanwhile', ({ stored, applied }) => stored === rev && applied < rev);
  await attachAgain(t, bed, product);
  t.is((await bed.entries('redirect4')).length, 3);

  const pin = join(bed.pins, 'verdicts');
  rmSync(pin);
  await lost('a pin that is missing is told');
  t.is((await bed.shunt('b', 'detach', '--pin-root', bed.pinRoot)).status, 0);
  await attachAgain(t, bed, product);
  t.is(agent.status, undefined);
});
