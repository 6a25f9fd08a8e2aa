/** Counters, the clock, and what a look-up may meet while an entry is rewritten. */
import { encodeKey, encodeValue } from '../../agent/kernel/layout.ts';
import { parseMatch } from '../../protocol/match.ts';
import { kernelTests } from '../support/kernel.ts';
import { frame, ipv4, udp } from '../support/packets.ts';
import { LoadedProgram, SEND, SLOTS } from './loaded-program.ts';

const kernel = kernelTests();
const bytes = frame(ipv4(udp()));
const match = { dst: '203.0.113.10' };
const RUNS = 10_000;

kernel('count: packets, bytes and the last hit are exact in the rows of the CPUs', (t) => {
  using program = new LoadedProgram();
  program.install({ match, slot: 5 });
  const before = program.now();
  program.repeat(bytes, RUNS);
  const { packets, bytes: counted, seen } = program.counter(5);
  t.is(packets, BigInt(RUNS));
  t.is(counted, BigInt(RUNS * bytes.length));
  t.true(seen >= before && seen <= program.now());
  t.is(program.stat(program.cpuRows * SLOTS + 5).packets, 0n, 'the shared row');
  t.is(
    program.verdicts().reduce((sum, each) => sum + each),
    BigInt(RUNS),
  );
});

kernel('count: a CPU beyond the rows counts in the shared row', (t) => {
  using program = new LoadedProgram({ cpuRows: 0 });
  program.install({ match, slot: SLOTS - 1 });
  program.repeat(bytes, RUNS);
  const { packets, bytes: counted, seen } = program.stat(SLOTS - 1);
  t.is(packets, BigInt(RUNS));
  t.is(counted, BigInt(RUNS * bytes.length));
  t.true(seen > 0n);
});

kernel('count: a hit that is passed is counted once more, by its slot and the reason, whatever the CPU', (t) => {
  for (const cpuRows of [1, 0]) {
    using program = new LoadedProgram({ cpuRows });
    program.install({ match, slot: SLOTS - 1, mtu: 20 });
    program.repeat(bytes, RUNS);
    program.install({ match, slot: 0, ifindex: 78 });
    program.repeat(bytes, RUNS);
    t.deepEqual(program.passed(), { TOO_BIG: { [SLOTS - 1]: RUNS }, NO_PORT: { 0: RUNS } });
    t.is(program.counter(SLOTS - 1).packets, BigInt(RUNS));
  }
});

kernel('count: an update of the entry loses no count and meets no stranger', (t) => {
  using program = new LoadedProgram();
  program.install({ match });
  const key = encodeKey(parseMatch(match), 0);
  for (let rev = 0; rev < 1000; rev++) {
    program.write(key, encodeValue(key, { ...SEND, rev }));
    program.repeat(bytes, 10);
  }
  t.is(program.counter(SEND.slot).packets, 10_000n);
});

kernel('count: the clock goes with the kernel, and never back', async (t) => {
  using program = new LoadedProgram();
  const startMs = performance.now();
  const first = program.now();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const later = program.now();
  const tookMs = performance.now() - startMs;
  t.true(later > first);
  t.true(Number(later - first) <= tookMs + 10, 'a jiffy is a millisecond at least');
  t.true(first > 0n);
});
