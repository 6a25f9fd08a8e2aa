/**
 * A host's store and its controller's database are lost, set back or exchanged, with many redirects in the kernel and live
 * traffic. What is promised is in docs/operations.md, "Backup and restore".
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { SqliteStore } from '../../agent/store/sqlite-store.ts';
import { DATABASE_NAME } from '../../agent/store/tables.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { backUp, restore } from '../support/backup.ts';
import { CONVERGE_MS, type Operator, startProduct } from '../support/operator.ts';
import { type Running, until } from '../support/process.ts';
import { C, HOST, NATS_URL, Testbed } from '../support/testbed.ts';
import { Asker, Echo } from '../support/traffic.ts';
import { Witness } from '../support/witness.ts';

/** `REDIRECTS=4000` for a look. */
const REDIRECTS = Number(process.env.REDIRECTS ?? 100_000);
/** So many of them carry traffic. */
const BUSY = 16;
/** Of so many, each version changes one. */
const CHANGED = 100;
/** Of so many, each version has one less, which is another each time. */
const ABSENT = 1_000;
/** So often the agent is killed while it takes the set anew. */
const KILLS = 2;
const AT_ONCE = 25_000;
const RATE = 500;
const TEST_MS = 60 * 60_000;
const FIRST_ADDRESS = 0x64_40_00_00; // 100.64.0.0/10

function address(index: number): string {
  return [24, 16, 8, 0].map((shift) => ((FIRST_ADDRESS + index) >>> shift) & 255).join('.');
}

function isThere(index: number, version: number): boolean {
  return index % ABSENT !== 2 + version;
}

function spec(index: number, version: number) {
  const mac = index % CHANGED === 1 ? `02:00:00:00:01:${version.toString(16).padStart(2, '0')}` : C.mac;
  const match = { dst: address(index), proto: 'udp' };
  return { name: `many-${index}`, hosts: [HOST], match, to: { interface: 'to-c', mac } };
}

function indexes(fits: (index: number) => boolean): number[] {
  return Array.from({ length: REDIRECTS }, (_, index) => index).filter(fits);
}

/** B with as many redirects as are wanted, and the operator who wants them. */
class Crowd {
  readonly bed: Testbed;
  readonly witness: Witness;
  readonly operator: Operator;
  controller: Running;
  version = 0;

  private constructor(bed: Testbed, witness: Witness, operator: Operator, controller: Running) {
    this.bed = bed;
    this.witness = witness;
    this.operator = operator;
    this.controller = controller;
  }

  /** All of it redirected to C, and A asks some of it. */
  static async gather(t: ExecutionContext, bed: Testbed): Promise<Crowd> {
    const busy = Array.from({ length: BUSY }, (_, at) => address(at * Math.floor(REDIRECTS / BUSY)));
    for (const place of ['b', 'c'] as const) {
      for (const one of busy) await bed.must(place, ['ip', 'address', 'add', `${one}/32`, 'dev', 'lo']);
    }
    const { operator, agent, controller } = await startProduct(bed, '--max-redirects', `${REDIRECTS}`);
    const [first = '', ...more] = busy;
    const [b] = [await Echo.start(bed, 'b', ...busy), await Echo.start(bed, 'c', ...busy)];
    const asker = await Asker.start(bed, first, ...more);
    await asker.steady(RATE);
    await asker.answeredBy('b', CONVERGE_MS);
    for (let from = 0; from < REDIRECTS; from += AT_ONCE) {
      const some = indexes((index) => index >= from && index < from + AT_ONCE && isThere(index, 0));
      await operator.apply(...some.map((index) => spec(index, 0)));
    }
    const witness = await Witness.begin(t, bed, agent, { b, asker });
    const crowd = new Crowd(bed, witness, operator, controller);
    await agent.stop();
    await witness.startAgent();
    await crowd.converges('all of it');
    await witness.expect(crowd.size);
    return crowd;
  }

  get size(): number {
    return indexes((index) => isThere(index, this.version)).length;
  }

  /** What the next version changes is applied and deleted, whether it was before or not. */
  async turn(version: number): Promise<void> {
    const news = indexes((index) => isThere(index, version) && (index % CHANGED === 1 || !isThere(index, version - 1)));
    await this.operator.apply(...news.map((index) => spec(index, version)));
    const gone = indexes((index) => !isThere(index, version)).map((index) => spec(index, version).name);
    await this.operator.delete(...gone);
    this.version = version;
  }

  async converges(as: string): Promise<void> {
    await this.witness.converges(as, this.size);
  }

  /** It converges, and nothing was missing for an instant. */
  async stands(as: string): Promise<void> {
    await this.converges(as);
    await this.witness.holds(as);
  }

  /** Everything is as it was then, but the hosts. */
  async setBackController(copy: string): Promise<void> {
    await this.controller.stop();
    await restore(copy, this.bed.database);
    this.controller = await this.bed.startController();
  }

  file(name: string): string {
    return join(this.bed.folder, name);
  }
}

test.serial(`histories: ${REDIRECTS} redirects stand on whatever becomes of the agent's store`, async (t) => {
  t.timeout(TEST_MS);
  await using bed = await Testbed.make();
  const crowd = await Crowd.gather(t, bed);
  await storeIsGone(t, crowd);
  await storeIsOlder(t, crowd);
  await storeIsNewer(t, crowd);
  await storeIsAnothers(t, crowd);
  await hostIsForgotten(t, crowd);
  console.log(await crowd.witness.account());
  await aDeleteIsSeen(t, crowd);
});

/** Ends the agent so, does something to what it leaves, and starts it again: it knows that its set is not whole. */
async function adopts(
  t: ExecutionContext,
  { witness }: Crowd,
  signal: 'SIGTERM' | 'SIGKILL',
  meanwhile: () => Promise<void>,
): Promise<void> {
  await witness.agent.stop(signal);
  await meanwhile();
  t.is(await witness.startAgent(), 'unproven');
}

async function storeIsGone(t: ExecutionContext, crowd: Crowd): Promise<void> {
  const { witness } = crowd;
  let tookMs = 0;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await adopts(t, crowd, signal, () => witness.loseStore());
    const began = performance.now();
    await crowd.converges(`${signal}, and no store`);
    tookMs = performance.now() - began;
    await witness.holds(`${signal}, and no store`);
  }
  for (let kill = 0; kill < KILLS; kill += 1) {
    await adopts(t, crowd, 'SIGKILL', () => witness.loseStore());
    await delay(Math.random() * tookMs);
    await witness.agent.stop('SIGKILL');
    await witness.startAgent();
    await crowd.stands(`killed while it took the set anew, ${kill}`);
  }
}

async function storeIsOlder(t: ExecutionContext, crowd: Crowd): Promise<void> {
  const { witness } = crowd;
  const copy = crowd.file('older-store.db');
  await witness.keepStore(copy);
  await crowd.turn(crowd.version + 1);
  await crowd.converges('a newer version');
  await witness.expect(crowd.size);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await adopts(t, crowd, signal, () => witness.restoreStore(copy));
    await crowd.stands(`${signal}, and an older store`);
  }
}

/** The controller's database is older than the store, and then there is no store, too. */
async function storeIsNewer(t: ExecutionContext, crowd: Crowd): Promise<void> {
  const { bed, witness } = crowd;
  const copy = crowd.file('older-controller.db');
  await backUp(bed.database, copy);
  await crowd.turn(crowd.version + 1);
  await crowd.converges('a newer version');
  await witness.expect(crowd.size);

  await crowd.setBackController(copy);
  await isHeld(crowd, 'HISTORY_LOST');
  await witness.agent.stop('SIGKILL');
  await witness.startAgent();
  await isHeld(crowd, 'HISTORY_LOST');
  await crowd.turn(crowd.version);
  await isHeld(crowd, 'HISTORY_LOST');
  await bed.ask('controller', 'recover');
  await crowd.stands('recovered');

  await crowd.setBackController(copy);
  await adopts(t, crowd, 'SIGKILL', () => witness.loseStore());
  await crowd.turn(crowd.version);
  await isHeld(crowd, 'FOREIGN_EPOCH', 'ADOPTING');
  await bed.ask('resync', '--host', bed.host);
  await crowd.stands('taken anew');
}

/** Its agent and the controller say so, and nothing was touched. */
async function isHeld({ witness }: Crowd, ...codes: readonly string[]): Promise<void> {
  const as = `held: ${codes.join(' and ')}`;
  await witness.isHeld(as, ...codes);
  await witness.holds(as);
}

async function storeIsAnothers(t: ExecutionContext, crowd: Crowd): Promise<void> {
  const { witness } = crowd;
  const directory = crowd.file('other');
  await mkdir(directory, { mode: 0o700 });
  const other = { directory, host: 'other', migrations: agentMigrations, clock: makeSystemClock() };
  await (await SqliteStore.open(other)).close();
  await witness.agent.stop();
  await witness.restoreStore(join(directory, DATABASE_NAME));
  await witness.spawnAgent();
  t.is(await until('the agent ends', CONVERGE_MS, () => witness.agent.status), 1);
  t.regex(witness.agent.lines.join('\n'), /belongs to host other, and this is b/);
  await witness.holds("another host's store");
  await adopts(t, crowd, 'SIGKILL', () => witness.loseStore());
  await crowd.stands("without another host's store");
}

async function hostIsForgotten(t: ExecutionContext, crowd: Crowd): Promise<void> {
  const { bed, witness } = crowd;
  const forget = (...how: readonly string[]) =>
    bed.shunt('bus', 'hosts', 'forget', bed.host, ...how, '--nats', NATS_URL);
  const isForgotten = async (as: string, ...how: readonly string[]) => {
    t.like(await forget(...how), { status: 0, stdout: `${bed.host}: forgotten\n` }, as);
  };
  await witness.agent.stop();
  await isForgotten('its agent ended');
  t.like(await witness.item(), { seenAt: null, stored: 0, labels: {} }, 'a host of which only redirects know');
  t.is(await witness.startAgent(), 'follows');
  await crowd.stands('forgotten, and back');

  await witness.agent.stop('SIGKILL');
  t.like(await forget(), { status: 1 }, 'it was heard a moment ago');
  await isForgotten('by force', '--force');
  await adopts(t, crowd, 'SIGKILL', () => witness.loseStore());
  await crowd.stands('forgotten, and back without a store');

  await isForgotten('while it speaks', '--force');
  await crowd.stands('forgotten while it speaks');
}

/** What would be seen if something went. */
async function aDeleteIsSeen(t: ExecutionContext, { operator, witness }: Crowd): Promise<void> {
  await operator.delete(spec(0, 0).name);
  await until('the watcher misses it', CONVERGE_MS, async () => (await witness.watched()).missing > 0);
  t.is(await witness.deleted(), 1);
}
