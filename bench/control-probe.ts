/** Run by `control.ts` beside the agent: asks for changes, and notes when each of them is where. Prints JSON. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import { loadNative, type MapHandle } from '../native/index.ts';
import { encodeApplyRequest, parseApplyReply } from '../protocol/api.ts';
import { encodeDeleteRequest, parseDeleteReply } from '../protocol/delete.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { parseUpdate } from '../protocol/update.ts';
import { must } from '../test/support/must.ts';
import { C, HOST } from '../test/support/testbed.ts';
import { KINDS, type Kind, type Rounds, stagesOf, type Times } from './control-report.ts';
import { FullCommit, quantiles, RoundTrip } from './floors.ts';

/** Between two looks at the map: the machine is not to be taken by looking. */
const LOOK_MS = 0.1;
const PATIENCE_MS = 10_000;
/** Until what a change leaves behind is over. */
const PAUSE_MS = 20;
const PORT = 443;
const OTHER = 'drop';
/** So many changes and deletes within a minute are no accident. */
const MEANT = { allowShrink: true, reason: 'bench' } as const;

class Probe {
  readonly #asker: NatsConnection;
  readonly #native = loadNative();
  readonly #map: MapHandle;
  readonly #subjects = makeSubjects();
  readonly #messages = new Map<number, number>();

  constructor(asker: NatsConnection, hearer: NatsConnection, map: string) {
    this.#asker = asker;
    this.#map = must('redirect4', this.#native.mapOpen(map, true));
    const live = (_error: unknown, { data }: { readonly data: Uint8Array }): void => {
      const at = performance.now();
      this.#messages.set(parseUpdate(data).rev, at);
    };
    hearer.subscribe(this.#subjects.live(HOST), { callback: live });
  }

  async make(kind: Kind, index: number): Promise<Times> {
    const name = `control-${index}`;
    const key = keyOf(index);
    const before = this.#look(key);
    const start = performance.now();
    const asked = kind === 'delete' ? this.#delete(name) : this.#apply(name, index, kind);
    const replied = asked.then((rev) => ({ rev, reply: performance.now() - start }));
    const kernel = await this.#until(() => this.#look(key) !== before && performance.now());
    const { rev, reply } = await replied;
    const message = await this.#until(() => this.#messages.get(rev));
    return { reply, message: message - start, kernel: kernel - start };
  }

  /** What stands of a key. */
  #look(key: Uint8Array): string {
    const found = this.#native.mapLookupElem(this.#map, key, 0);
    return typeof found === 'number' ? '' : Buffer.from(found).toString('hex');
  }

  async #apply(name: string, index: number, kind: Kind): Promise<number> {
    const to = kind === 'new' ? { nexthop: C.v4 } : OTHER;
    const spec = { name, hosts: [HOST], match: { dst: addressOf(index), proto: 'udp', dport: PORT }, to };
    const request = {
      v: 1,
      upload: randomUUID(),
      part: 0,
      parts: 1,
      specs: [spec],
      ...(kind !== 'new' && MEANT),
    } as const;
    const reply = parseApplyReply(await this.#ask('apply', encodeApplyRequest(request)));
    if ('rev' in reply) return reply.rev;
    throw new Error(JSON.stringify(reply));
  }

  async #delete(name: string): Promise<number> {
    const reply = parseDeleteReply(await this.#ask('delete', encodeDeleteRequest({ v: 1, names: [name], ...MEANT })));
    if ('rev' in reply) return reply.rev;
    throw new Error(JSON.stringify(reply));
  }

  async #ask(verb: string, request: Uint8Array): Promise<Uint8Array> {
    return (await this.#asker.request(this.#subjects.api(verb), request, { timeout: PATIENCE_MS })).data;
  }

  async #until<T>(look: () => T | false | undefined): Promise<T> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = look();
      if (found !== false && found !== undefined) return found;
      if (performance.now() > end) throw new Error('nothing came of a change');
      await nap();
    }
  }
}

/** The timers of Node.js do not count in less than a millisecond; what came meanwhile has its turn first. */
const cell = new Int32Array(new SharedArrayBuffer(4));
async function nap(): Promise<void> {
  await turn();
  Atomics.wait(cell, 0, 0, LOOK_MS);
}

function addressOf(index: number): string {
  return `100.64.${index >> 8}.${index & 255}`;
}

/** The key of `struct key4` in bpf/abi.h; see bulk.ts. */
function keyOf(index: number): Uint8Array {
  const [src, dst] = ['00000000', `6440${index.toString(16).padStart(4, '0')}`];
  return Buffer.from(`${src}${dst}0000${PORT.toString(16).padStart(4, '0')}11002005`, 'hex');
}

const [url = '', map = '', folder = '', rounds = ''] = process.argv.slice(2);
await using trip = await RoundTrip.open(url);
using commit = new FullCommit(folder);
const [asker, hearer] = [await connect({ servers: url }), await connect({ servers: url })];
const probe = new Probe(asker, hearer, map);
await hearer.flush();
const first = await probe.make('new', 0);
const taken: Record<Kind, Times[]> = { new: [], change: [], delete: [] };
const floors: Record<'roundTrip' | 'commit', number[]> = { roundTrip: [], commit: [] };
const message = new Uint8Array(500);
for (let round = 1; round <= Number(rounds); round += 1) {
  floors.roundTrip.push(await trip.ms(message));
  floors.commit.push(await commit.ms());
  for (const kind of KINDS) {
    await delay(PAUSE_MS);
    taken[kind].push(await probe.make(kind, round));
  }
}
const stages = Object.fromEntries(KINDS.map((kind) => [kind, stagesOf(taken[kind], quantiles)])) as Rounds['stages'];
const report: Rounds = {
  rounds: Number(rounds),
  floors: { roundTrip: quantiles(floors.roundTrip), commit: quantiles(floors.commit) },
  first,
  stages,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
await Promise.all([asker.close(), hearer.close()]);
