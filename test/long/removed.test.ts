import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { loadNative, type MapHandle } from '../../native/index.ts';
import { must } from '../support/must.ts';
import { CONVERGE_MS } from '../support/operator.ts';
import { Redirected } from '../support/redirected.ts';
import { Testbed } from '../support/testbed.ts';
import { type Asker, nowMs } from '../support/traffic.ts';

const BPF_F_LOCK = 4;
/** Datagrams a second. */
const RATE = 2_000;
const ROUNDS = 5;
/** Longer than 256 jiffies at 100 a second. */
const WINDOW_MS = 3_000;
/** Within which an agent that is told nothing reads everything back. */
const READ_BACK_MS = 90_000;
const native = loadNative();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The one entry of a map, which root takes away and puts there again as it was. */
class Removed implements Disposable {
  readonly #map: MapHandle;
  readonly #key: Uint8Array;
  readonly #value: Uint8Array;

  constructor(bed: Testbed) {
    this.#map = must('redirect4', native.mapOpen(join(bed.pins, 'redirect4'), false));
    const { keys, values } = native.mapDump(this.#map, BPF_F_LOCK);
    [this.#key, this.#value] = [keys, values];
  }

  take(): number {
    return native.mapDeleteElem(this.#map, this.#key);
  }

  putBack(): number {
    return native.mapUpdateElem(this.#map, this.#key, this.#value, BPF_F_LOCK);
  }

  [Symbol.dispose](): void {
    native.close(this.#map);
  }
}

/** Milliseconds from its removal to the last datagram that still met it, each time. An agent may put it back in between. */
async function underTraffic(t: ExecutionContext, { asker }: Redirected, entry: Removed): Promise<readonly number[]> {
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await sleep(Math.random() * WINDOW_MS);
    const [begun, beganMs] = [asker.changes.length, nowMs()];
    t.is(entry.take(), 0);
    await sleep(WINDOW_MS);
    const ended = asker.changes.slice(begun).findLast(({ to }) => to === 'b');
    if (ended !== undefined) took.push(Math.round(ended.sentAtMs - beganMs));
    t.is(entry.putBack(), 0);
    await asker.answeredBy('c', CONVERGE_MS);
  }
  return took.sort((a, b) => a - b);
}

/** The first datagram after a quiet while: who answered it, each time. */
async function quiet(t: ExecutionContext, { asker }: Redirected, entry: Removed): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    await sleep(WINDOW_MS);
    const { answers } = await asker.report();
    entry.take();
    const after = await asker.burst(1);
    t.is((after.answers.b ?? 0) - (answers.b ?? 0), 1, 'it is met no more');
    entry.putBack();
    const met = await asker.burst(1);
    t.is((met.answers.c ?? 0) - (after.answers.c ?? 0), 1, 'it is met');
  }
}

/** Milliseconds until an agent that is told nothing has put it back. */
async function untilBack(asker: Asker, entry: Removed): Promise<number> {
  const beganMs = nowMs();
  entry.take();
  await asker.answeredBy('b', CONVERGE_MS);
  const { sentAtMs } = await asker.answeredBy('c', READ_BACK_MS);
  return Math.round(sentAtMs - beganMs);
}

for (const lives of [true, false])
  test.serial(`removed: what root takes out of the map stops acting, agent ${lives ? 'alive' : 'dead'}`, async (t) => {
    t.timeout(1_200_000);
    await using bed = await Testbed.make();
    const redirected = await Redirected.start(bed, RATE, ['--table', 'on']);
    const { agent, asker } = redirected;
    using entry = new Removed(bed);
    if (!lives) await agent.stop();
    if (lives) t.log(`written again, and met, ${await untilBack(asker, entry)} ms later`);
    const tookMs = await underTraffic(t, redirected, entry);
    // An agent that lives may have put it back before it stopped acting.
    if (!lives) t.is(tookMs.length, ROUNDS, 'each time it stopped');
    t.true(tookMs.length > 0);
    t.log('it acted under traffic, in ms', tookMs);
    await asker.stop();
    await quiet(t, redirected, entry);
    t.log(`quiet: ${ROUNDS} times the next datagram did not meet it`);
  });
