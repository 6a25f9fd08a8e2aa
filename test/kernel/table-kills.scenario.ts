/**
 * Kills an agent's writer of a table while it writes, as often as the argument says, each time at another moment; then, with nobody
 * left who writes, runs packets of each key through the program: how many keys had more than one answer. Run by
 * table-race.test.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { VERDICTS, type Verdict } from '../../agent/kernel/abi.ts';
import { entryId } from '../../agent/model/entry-key.ts';
import { printResult } from '../support/netns.ts';
import { frame, ipv4, udp } from '../support/packets.ts';
import { OwnBpffs } from './facts/own-bpffs.ts';
import { LoadedProgram, SEND } from './loaded-program.ts';
import { openEntries, pinEntries } from './pinned-entries.ts';
import { keyOf } from './tabled-program.ts';

const DSTS = Array.from({ length: 50 }, (_, n) => `203.0.113.${n}`);
/** Of each key after each kill. */
const PACKETS = 2_500;
/** So many rounds are written before the writer says so. */
const BEGUN = 30;
const RIGHT: readonly Verdict[] = ['DROPPED', 'PASSED', 'NO_MATCH'];

/** Writes, changes, deletes and builds anew for ever. */
function write(bpffs: string): void {
  const entries = openEntries(bpffs);
  for (let round = 0; ; round += 1) {
    const some = DSTS.filter((_, n) => (n * 7 + round) % 3 === 0).map((dst) => ({
      id: entryId(keyOf(dst)),
      key: keyOf(dst),
    }));
    const action = round % 2 === 0 ? 'drop' : 'pass';
    entries.apply(
      some.map((at, n) => ({ op: 'write', ...at, value: { ...SEND, action, rev: round, slot: 1 + (n % 50) } })),
    );
    if (round % 3 === 0) entries.apply(some.map((at) => ({ op: 'delete', ...at })));
    if (round % 5 === 0) for (const _ of entries.observe());
    entries.tend();
    if (round === BEGUN) console.log('writes');
  }
}

/** Kills one that has begun to write, some part of a millisecond or more later than the last one. */
async function kill(bpffs: string, turn: number): Promise<void> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'write', bpffs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), ended]);
  const until = process.hrtime.bigint() + BigInt((turn * 137_000) % 20_000_000);
  while (process.hrtime.bigint() < until);
  child.kill('SIGKILL');
  const [, signal] = await ended;
  if (signal !== 'SIGKILL') throw new Error('the writer ended by itself');
}

/** The verdicts that packets of a key get, with no row believed at first, and then all. */
function answersOf(program: LoadedProgram, dst: string): readonly Verdict[] {
  const before = program.verdicts();
  program.repeat(frame(ipv4(udp(), { dst })), PACKETS);
  const after = program.verdicts();
  return VERDICTS.filter((_, i) => after[i] !== before[i]);
}

async function observe(kills: number): Promise<unknown> {
  using bpffs = new OwnBpffs();
  using program = new LoadedProgram({ rowBits: 7 });
  program.install({ match: { dst: '192.0.2.1' } });
  pinEntries(program, bpffs.root);
  const counts = { kills, packets: 0, hits: 0, misses: 0, twofold: 0, unexpected: 0 };
  for (let turn = 0; turn < kills; turn += 1) {
    await kill(bpffs.root, turn);
    for (const dst of DSTS) {
      const answers = answersOf(program, dst);
      counts.packets += PACKETS;
      counts.twofold += Number(answers.length !== 1);
      counts.unexpected += answers.filter((verdict) => !RIGHT.includes(verdict)).length;
      if (answers.includes('NO_MATCH')) counts.misses += 1;
      else counts.hits += 1;
    }
  }
  return counts;
}

const [, , first = '', bpffs = ''] = process.argv;
if (first === 'write') write(bpffs);
else printResult(await observe(Number(first)));
