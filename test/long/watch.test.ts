import test, { type ExecutionContext } from 'ava';
import { runInNamespace } from '../support/netns.ts';
import { CONVERGE_MS, serviceRedirect, startHost } from '../support/operator.ts';
import { type Running, until } from '../support/process.ts';
import { A, C, HOST, SERVICE, shuntCommand, Testbed } from '../support/testbed.ts';
import { Asker, Echo, PORT } from '../support/traffic.ts';

const TEST_MS = 1_800_000;
const ROUNDS = 20;
/** Questions a second; also how finely a gap is known. */
const RATE = 1_000;
/** Between two rounds: nobody makes an interface anew each second. */
const REST_MS = 1_500;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Median and worst of times in milliseconds. */
function figures(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return `median ${median.toFixed(1)} ms, worst ${(sorted.at(-1) ?? 0).toFixed(1)} ms of ${sorted.length}`;
}

function show(t: ExecutionContext, what: string, times: readonly number[]): void {
  t.is(times.length, ROUNDS);
  t.true(times.every((ms) => ms >= 0));
  console.log(`${what}: ${figures(times)}`);
}

test.serial(
  'watch: from the first packet that could come in to the first that is redirected, 20 times each',
  async (t) => {
    t.timeout(TEST_MS);
    const scenario = new URL('../kernel/watch.scenario.ts', import.meta.url);
    const { times } = (await runInNamespace(scenario, `${ROUNDS}`)) as { times: Record<string, readonly number[]> };
    show(t, 'deleted and made anew', times.anew ?? []);
    show(t, 'renamed', times.renamed ?? []);
    show(t, 'moved to another namespace and back', times.moved ?? []);
  },
);

test.serial('watch: ten interfaces that come and go each second for two minutes', async (t) => {
  t.timeout(TEST_MS);
  const scenario = new URL('../kernel/watch-flaps.scenario.ts', import.meta.url);
  const flaps = (await runInNamespace(scenario, '130')) as Record<'seconds' | 'looks' | 'lines' | 'cpuMs', number>;
  console.log(JSON.stringify(flaps));
  t.true(flaps.looks <= 5 * flaps.seconds);
  t.true(flaps.lines <= 60 + 5);
  t.true(flaps.cpuMs <= 100 * flaps.seconds);
});

/** How B is joined to A, made in one go; A's end as `Testbed` makes it. */
function joinLines(bed: Testbed): readonly [inB: string, inA: string] {
  return [
    `link add to-a address 02:00:00:00:0b:01 type veth peer name to-b address 02:00:00:00:0a:01 netns ${bed.netns('a')}
address add 198.51.100.1/24 dev to-a
neighbour replace ${A.v4} lladdr 02:00:00:00:0a:01 nud permanent dev to-a
link set to-a up`,
    `address add ${A.v4}/24 dev to-b
link set to-b up
neighbour replace 198.51.100.1 lladdr 02:00:00:00:0b:01 nud permanent dev to-b
route add default via 198.51.100.1`,
  ];
}

/** The questions that B answered itself, in milliseconds at their rate; each change of the link loses some. */
async function answeredByB(asker: Asker, change: () => Promise<void>): Promise<number> {
  const before = await asker.report();
  await change();
  let last = before;
  await until('C answers alone', CONVERGE_MS, async () => {
    await sleep(500);
    const earlier = last;
    last = await asker.report();
    const more = (who: string): number => (last.answers[who] ?? 0) - (earlier.answers[who] ?? 0);
    return more('c') > 0 && more('b') === 0;
  });
  return (((last.answers.b ?? 0) - (before.answers.b ?? 0)) * 1_000) / RATE;
}

async function startWatch(bed: Testbed): Promise<Running> {
  const options = ['--pin-root', bed.pinRoot, '--owner', 'nobody', '--mode', 'generic', '-o', 'json'];
  const words = ['attach', '--watch', '--interface', 'to-a', '--interface', 'to-c', ...options];
  return await bed.start('b', 'watch', shuntCommand(words));
}

test.serial('watch: an asker is answered by C again, 20 times each, with the whole product', async (t) => {
  t.timeout(TEST_MS);
  await using bed = await Testbed.make();
  await bed.startNats();
  await bed.startController();
  const { operator } = await startHost(bed, ['--mode', 'generic']);
  const watch = await startWatch(bed);
  await watch.until('follows', CONVERGE_MS, () => watch.lines.filter((line) => line.includes('attached')).length >= 2);
  await Echo.start(bed, 'b');
  await Echo.start(bed, 'c');
  const inside = { name: 'in', hosts: [HOST], match: { dst: SERVICE.v4, proto: 'udp', dport: PORT, in: 'to-a' } };
  const { rev } = await operator.apply(serviceRedirect('v6', 'v6'), { ...inside, to: { nexthop: C.v4 } });
  await operator.applied(rev);
  const [inB, inA] = joinLines(bed);
  const batch = (place: 'a' | 'b' | 'bus', lines: string) =>
    bed.must(place, ['sh', '-ec', `ip -batch - <<'END'\n${lines}\nEND`]);
  const remake = async (): Promise<void> => {
    await batch('b', `link del to-a\n${inB}`);
    await batch('a', inA);
  };
  await remake();
  const asker = await Asker.start(bed);
  await asker.steady(RATE);
  await until('C answers', CONVERGE_MS, async () => (await asker.report()).last === 'c');

  const anew: number[] = [];
  const renamed: number[] = [];
  const moved: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    anew.push(await answeredByB(asker, remake));
    await sleep(REST_MS);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    await batch('b', 'link set to-a name to-x');
    await sleep(REST_MS);
    renamed.push(await answeredByB(asker, async () => void (await batch('b', 'link set to-x name to-a'))));
    await sleep(REST_MS);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    await batch('b', `link set to-a netns ${bed.netns('bus')}`);
    await sleep(REST_MS);
    moved.push(
      await answeredByB(asker, async () => {
        await batch('bus', `link set to-a netns ${bed.netns('b')}`);
        await batch('b', inB.split('\n').slice(1).join('\n'));
      }),
    );
    await sleep(REST_MS);
  }
  show(t, 'deleted and made anew, answered by B', anew);
  show(t, 'renamed back, answered by B', renamed);
  show(t, 'moved to another namespace and back, answered by B', moved);
  t.is(await watch.stop(), 0);
});
