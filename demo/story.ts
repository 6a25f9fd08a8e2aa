import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApplyReply } from '../protocol/api.ts';
import type { Dump, DumpEntry } from '../protocol/ask.ts';
import type { DeleteReply } from '../protocol/delete.ts';
import type { Status } from '../protocol/status.ts';
import { type Ended, endText, must, type Running } from '../test/support/process.ts';
import { C, HOST, SERVICE, type Testbed } from '../test/support/testbed.ts';
import { Asker, BELIEVED_MS, Echo, HEADER_BYTES, PORT } from '../test/support/traffic.ts';
import { firstEntry, watchBus } from './moments.ts';
import { grouped, type Screen } from './screen.ts';

const RATE = 1000;
const STEP_MS = 60_000;
/** How long each state of affairs is left to be looked at. */
const LOOK_MS = 2500;
const NAME = 'drain-b';

const REDIRECT = `redirects:
  - name: ${NAME}
    hosts: [${HOST}]
    match: { dst: ${SERVICE.v4}, proto: udp, dport: ${PORT} }
    to: { nexthop: ${C.v4} }
`;

/** What one run of the demo holds in its hands. */
interface Cast {
  readonly bed: Testbed;
  readonly screen: Screen;
  readonly b: Echo;
  readonly c: Echo;
  readonly asker: Asker;
  nats: Running;
  agent: Running;
}

/** Tells the whole story on the bed; throws a sentence when a step does not come true in time. */
export async function tell(bed: Testbed, screen: Screen): Promise<void> {
  const cast = await start(bed, screen);
  await ask(cast);
  await apply(cast);
  await crash(cast);
  await restart(cast);
  await removeBehindTheBack(cast);
  const entry = await dumpEntry(cast);
  await deleteTwice(cast);
  await compare(cast, entry);
}

async function start(bed: Testbed, screen: Screen): Promise<Cast> {
  screen.begin('start');
  const nats = await bed.startNats();
  await bed.startController();
  requireDone('shunt attach', await bed.attach('--interface', 'to-a', '--interface', 'to-c'));
  const agent = await bed.startAgent();
  const mode = await agent.until('reports its status', STEP_MS, async () => (await status(bed))?.interfaces[0]?.mode);
  screen.done(
    'nats-server, the controller, the XDP program on b',
    `(${mode} mode), the agent on b as nobody, pid ${agent.pid}`,
  );
  return {
    bed,
    screen,
    nats,
    agent,
    b: await Echo.start(bed, 'b'),
    c: await Echo.start(bed, 'c'),
    asker: await Asker.start(bed),
  };
}

async function ask({ screen, asker }: Cast): Promise<void> {
  screen.begin('ask');
  let line = '';
  let busy = false;
  screen.live(() => {
    if (!busy) {
      busy = true;
      void asker.report().then(
        ({ last, answers, lost }) => {
          const by = ['b', 'c'].map((who) => `${who}${grouped(answers[who] ?? 0).padStart(8)}`).join('   ');
          line = `${last || 'nobody'} answers     ${by}   lost ${lost}`;
          busy = false;
        },
        () => {}, // The asker is gone; so will the line be.
      );
    }
    return line;
  });
  await asker.steady(RATE);
  await asker.answeredBy('b', STEP_MS);
  await delay(LOOK_MS);
  screen.done(`A asks ${SERVICE.v4} "who answers?" ${grouped(RATE)} times a second: b`);
}

async function apply({ bed, screen, asker }: Cast): Promise<void> {
  screen.begin('apply');
  const file = join(bed.folder, 'redirect.yaml');
  await writeFile(file, REDIRECT);
  const published = await watchBus(bed);
  const entry = firstEntry(bed, STEP_MS);
  const [kernelAt] = await Promise.all([entry, bed.ask('apply', '-f', file) as Promise<ApplyReply>]);
  const change = await asker.answeredBy('c', STEP_MS);
  const publishedAt = await published();
  await delay(LOOK_MS);
  const ms = (at: number) => `${Math.max(at - publishedAt, 0).toFixed(1)} ms`;
  screen.done(
    'b → c. From the moment at which the controller published it:',
    `publish → kernel ${ms(kernelAt)} → first answer ${ms(change.atMs)}`,
  );
}

async function crash({ screen, asker, agent, nats }: Cast): Promise<void> {
  screen.begin('kill -9');
  const before = await asker.report();
  await agent.stop('SIGKILL');
  await nats.stop('SIGKILL');
  await delay(LOOK_MS);
  const after = await asker.report();
  const byC = (after.answers.c ?? 0) - (before.answers.c ?? 0);
  if (after.last !== 'c') throw new Error(`c should go on answering without agent and bus; ${after.last} answers`);
  screen.done(
    'the agent and the bus are dead, and c goes on:',
    `${grouped(byC)} more answers from c, ${after.lost - before.lost} datagrams lost`,
  );
}

async function restart(cast: Cast): Promise<void> {
  const { bed, screen, asker } = cast;
  screen.begin('restart');
  const before = await asker.report();
  cast.nats = await bed.startNats();
  cast.agent = await bed.startAgent();
  const { applied } = await cast.agent.until('converges again', STEP_MS, async () => {
    const now = await status(bed);
    return now !== undefined && now.applied > 0 && now.applied === now.stored && now;
  });
  const after = await asker.report();
  screen.done(`both are back, applied at revision ${applied}; ${after.lost - before.lost} datagrams lost`);
}

async function removeBehindTheBack({ bed, screen, asker }: Cast): Promise<void> {
  screen.begin('bpftool');
  const [entry] = await bed.entries('redirect4');
  if (!entry) throw new Error('the entry should stand in the map redirect4; it is empty');
  await must(['bpftool', 'map', 'delete', 'pinned', join(bed.pins, 'redirect4'), 'key', 'hex', ...hex(entry.key)]);
  await asker.answeredBy('b', STEP_MS);
  await delay(BELIEVED_MS);
  screen.done("the entry is deleted behind the agent's back: c → b");
}

async function dumpEntry({ bed }: Cast): Promise<DumpEntry> {
  const { items } = (await bed.ask('dump', '--host', HOST)) as Dump;
  const entry = items.find(({ name }) => name === NAME);
  if (!entry) throw new Error(`shunt dump should list ${NAME}; it does not`);
  return entry;
}

async function deleteTwice({ bed, screen, asker, agent }: Cast): Promise<void> {
  screen.begin('delete');
  const first = (await bed.ask('delete', NAME)) as DeleteReply;
  const { deleteAbsent } = await agent.until('reports the delete', STEP_MS, async () => {
    const now = await status(bed);
    return now !== undefined && now.counts.desired === 0 && now;
  });
  const second = (await bed.ask('delete', NAME)) as DeleteReply;
  await asker.answeredBy('b', STEP_MS);
  await delay(LOOK_MS);
  const said = ({ deleted }: DeleteReply) => (deleted.includes(NAME) ? 'deleted' : 'already absent');
  screen.done(
    `shunt delete, twice: ${said(first)}; ${said(second)}. b answers.`,
    `The kernel had no entry any more: deleteAbsent is ${deleteAbsent}`,
  );
}

async function compare({ screen, asker, b, c }: Cast, entry: DumpEntry): Promise<void> {
  screen.begin('count');
  const asked = await asker.stop();
  const [atB, atC] = [await b.counted(), await c.counted()];
  const bytesAtC = atC.bytes + atC.datagrams * HEADER_BYTES.v4;
  screen.done(
    row('', 'packets', 'bytes'),
    row("the entry's counters", grouped(BigInt(entry.packets)), grouped(BigInt(entry.bytes))),
    row("c's socket, and headers", grouped(atC.datagrams), grouped(bytesAtC)),
    row("b's socket", grouped(atB.datagrams)),
    row('A sent', grouped(asked.sent)),
    row('A has no answer to', grouped(asked.lost)),
  );
  const exact = entry.packets === `${atC.datagrams}` && entry.bytes === `${bytesAtC}`;
  if (!exact) throw new Error("the entry's counters and what c's socket counted should be equal; they are not");
  if (asked.lost > 0) throw new Error(`no datagram should be lost; ${asked.lost} are`);
  if (atB.datagrams + atC.datagrams !== asked.sent)
    throw new Error('b and c should have counted what A sent; they did not');
}

function row(what: string, packets: string, bytes = ''): string {
  return `${what.padEnd(26)}${packets.padStart(9)}${bytes.padStart(13)}`.trimEnd();
}

async function status(bed: Testbed): Promise<Status | undefined> {
  return (await bed.ask('status', '--host', HOST).catch(() => undefined)) as Status | undefined;
}

function hex(bytes: readonly string[]): string[] {
  return bytes.map((byte) => byte.slice(2));
}

function requireDone(what: string, { status, stderr }: Ended): void {
  if (status !== 0) throw new Error(`${what} should succeed; it ${endText(status)}: ${stderr.trim()}`);
}
