import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { STRUCTS } from '../../agent/kernel/abi.ts';
import { u32 } from '../../agent/kernel/bytes.ts';
import type { MapName } from '../../agent/kernel/pins.ts';
import { listAt } from '../../agent/kernel/shapes.ts';
import { loadNative, type MapHandle } from '../../native/index.ts';
import type { Event } from '../../protocol/event.ts';
import { sendFrames, tooBig } from '../support/forged.ts';
import { must } from '../support/must.ts';
import { CONVERGE_MS, type Operator, serviceRedirect, startProduct } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { A, C, HOST, NATS_URL, SERVICE, Testbed } from '../support/testbed.ts';
import { Asker, Echo, PORT } from '../support/traffic.ts';

const BPF_F_LOCK = 4;
const LARGE = 20;
const native = loadNative();

interface Link {
  readonly ifindex: number;
  readonly address: string;
}

async function linkOf(bed: Testbed, name: string): Promise<Link> {
  const [link] = JSON.parse(await bed.must('b', ['ip', '-j', 'link', 'show', name])) as Link[];
  if (link === undefined) throw new Error(`no ${name}`);
  return link;
}

/** What root does behind the agent's back to a pinned map. */
function meddle<T>(bed: Testbed, name: MapName, act: (map: MapHandle) => T): T {
  const map = must(name, native.mapOpen(join(bed.pins, name), false));
  try {
    return act(map);
  } finally {
    native.close(map);
  }
}

const leadPort = (bed: Testbed, key: number, to: number): number =>
  meddle(bed, 'ports', (map) => native.mapUpdateElem(map, u32(key), u32(to), 0));

const portLeadsTo = (bed: Testbed, key: number): number =>
  meddle(bed, 'ports', (map) => must('ports', native.mapLookupElem(map, u32(key), 0))[0] ?? 0);

/** Sends datagrams of so many bytes to the service. */
async function sendLarge(bed: Testbed, family: 'v4' | 'v6', bytes: number): Promise<void> {
  const program = `import socket
wire = socket.socket(socket.${family === 'v4' ? 'AF_INET' : 'AF_INET6'}, socket.SOCK_DGRAM)
for n in range(${LARGE}):
    wire.sendto(b'%d ' % n + bytes(${bytes}), ('${SERVICE[family]}', ${PORT}))`;
  await bed.must('a', ['python3', '-c', program]);
}

/** Waits until the agent has looked at the network after this call: a redirect sees an interface that was not there. */
async function lookedAtNetwork(bed: Testbed, operator: Operator): Promise<void> {
  const to = { interface: 'late0', mac: C.mac };
  await operator.apply({ name: 'late', hosts: [HOST], match: { dst: '198.18.0.1', proto: 'udp' }, to });
  const codeOfLate = async (): Promise<string> =>
    (await operator.dump()).find(({ name }) => name === 'late')?.code ?? 'none';
  await until('the redirect waits', CONVERGE_MS, async () => (await codeOfLate()) === 'NO_INTERFACE');
  await bed.must('b', ['ip', 'link', 'add', 'late0', 'type', 'veth', 'peer', 'late1']);
  for (const end of ['late0', 'late1']) await bed.must('b', ['ip', 'link', 'set', end, 'up']);
  await until('the network was looked at', CONVERGE_MS, async () => (await codeOfLate()) !== 'NO_INTERFACE');
}

/** Waits until the kernel of B would send no more than so many bytes at once to an address. */
async function believes(bed: Testbed, address: string, mtu: number): Promise<void> {
  await until(`the kernel believes in ${mtu} bytes to ${address}`, CONVERGE_MS, async () => {
    const said = await bed.must('b', ['ip', '-j', 'route', 'get', address]);
    const [route] = JSON.parse(said) as { readonly metrics?: readonly { readonly mtu?: number }[] }[];
    return route?.metrics?.some((metrics) => metrics.mtu === mtu);
  });
}

test.serial(
  'strangers: a forged message about the path to C keeps no large packet from it, in both families',
  async (t) => {
    await using bed = await Testbed.make();
    const { operator } = await startProduct(bed);
    const [onB, onC] = [await Echo.start(bed, 'b'), await Echo.start(bed, 'c')];
    const { rev } = await operator.apply(serviceRedirect('four', 'v4'), serviceRedirect('six', 'v6'));
    await until('both stand', CONVERGE_MS, async () => (await operator.applied(rev)).counts.installed === 2);
    const { address: mac } = await linkOf(bed, 'to-a');
    const frames = [
      tooBig({ from: A.v4, host: '198.51.100.1', about: C.v4, mac }, 576),
      tooBig({ from: A.v6, host: '2001:db8:a::1', about: C.v6, mac }, 1280),
    ];
    await bed.must('a', sendFrames('to-b', frames));
    await believes(bed, C.v4, 576);
    await believes(bed, C.v6, 1280);
    await lookedAtNetwork(bed, operator);

    await sendLarge(bed, 'v4', 1_200);
    await sendLarge(bed, 'v6', 1_400);
    const arrived = async (echo: Echo): Promise<number> => (await echo.counted()).datagrams;
    await until('each has arrived somewhere', CONVERGE_MS, async () => {
      return (await arrived(onB)) + (await arrived(onC)) >= 2 * LARGE;
    });
    t.deepEqual([await arrived(onB), await arrived(onC)], [0, 2 * LARGE]);
    const mtus = (await operator.dump()).filter(({ name }) => name !== 'late').map(({ entry }) => entry?.mtu);
    t.deepEqual(mtus, [1500, 1500]);
  },
);

async function driftsOf(bed: Testbed): Promise<readonly Event[]> {
  const { stdout } = await bed.shunt('bus', 'events', '--host', HOST, '--nats', NATS_URL, '-o', 'json');
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Event)
    .filter(({ kind }) => kind === 'drift');
}

/** A is answered by C alone. */
async function allByC(t: ExecutionContext, asker: Asker): Promise<void> {
  const before = await asker.report();
  const after = await asker.burst(200);
  t.deepEqual([(after.answers.c ?? 0) - (before.answers.c ?? 0), after.lost - before.lost], [200, 0]);
}

test.serial('strangers: what root changed in the maps while the agent runs is put right and told', async (t) => {
  await using bed = await Testbed.make();
  const { operator } = await startProduct(bed);
  await Echo.start(bed, 'c');
  const asker = await Asker.start(bed);
  const { rev } = await operator.apply(serviceRedirect('to-c', 'v4'));
  await operator.applied(rev);
  await allByC(t, asker);

  const [entry] = await bed.entries('redirect4');
  const key = Uint8Array.from(entry?.key ?? [], Number);
  t.is(
    meddle(bed, 'redirect4', (map) => native.mapDeleteElem(map, key)),
    0,
  );
  const explained = (await bed.ask('explain', '--host', HOST, 'to-c')) as { readonly entry: unknown };
  t.is(explained.entry, null);
  await until('the entry is back', CONVERGE_MS, async () => (await bed.entries('redirect4')).length === 1);
  await allByC(t, asker);

  const [own, other] = [(await linkOf(bed, 'to-c')).ifindex, (await linkOf(bed, 'to-bus')).ifindex];
  t.is(leadPort(bed, own, other), 0);
  await until('the port leads where it should', CONVERGE_MS, () => portLeadsTo(bed, own) === own);
  await allByC(t, asker);

  const drifts = await until('both were told', CONVERGE_MS, async () => {
    const told = await driftsOf(bed);
    return told.length >= 2 && told;
  });
  t.deepEqual(
    drifts.map(({ name, detail }) => detail ?? name),
    ['to-c', `ports: ${own} (to-c) led to ${other} (to-bus)`],
  );
  t.is((await operator.status())?.drifted, '2');
});

test.serial('strangers: what root changed in the maps while no agent ran is put right by the next one', async (t) => {
  await using bed = await Testbed.make();
  const { agent, operator } = await startProduct(bed, '--max-redirects', '64');
  await Echo.start(bed, 'c');
  const asker = await Asker.start(bed);
  const { rev } = await operator.apply(serviceRedirect('to-c', 'v4'));
  await operator.applied(rev);
  await allByC(t, asker);
  await agent.stop();

  const [own, other] = [(await linkOf(bed, 'to-c')).ifindex, (await linkOf(bed, 'to-bus')).ifindex];
  t.is(leadPort(bed, own, other), 0);
  const strays = meddle(bed, 'redirect4', fillWithStrays);
  t.is(strays, 4 * 64 - 1);
  meddle(bed, 'shapes', damageMasks);

  await bed.startAgent();
  const second = await operator.apply({
    ...serviceRedirect('second', 'v4'),
    match: { dst: '203.0.113.11', proto: 'udp' },
  });
  const status = await operator.applied(second.rev);
  t.is(status.exceptionsTotal, 0, JSON.stringify(status.exceptions));
  t.is(status.counts.installed, 2);
  t.is(portLeadsTo(bed, own), own);
  t.is((await bed.entries('redirect4')).length, 2);
  await allByC(t, asker);
});

/** Writes entries with keys that no redirect has until the map takes no more; answers how many. */
function fillWithStrays(map: MapHandle): number {
  const { src_len, dst, size } = STRUCTS.key4;
  for (let n = 1; ; n += 1) {
    const key = new Uint8Array(size);
    key.set(u32(n), dst);
    key[src_len] = 33;
    if (native.mapUpdateElem(map, key, new Uint8Array(STRUCTS.value.size), BPF_F_LOCK) < 0) return n - 1;
  }
}

/** No address matches the masks of these shapes of IPv4, in either list. */
function damageMasks(map: MapHandle): void {
  const bytes = must('shapes', native.mapLookupElem(map, u32(0), 0));
  const { shape } = STRUCTS.shapes4;
  for (const list of [0, 1] as const) {
    const first = listAt(4, list).offset + shape;
    bytes.fill(0, first, first + STRUCTS.key4.size);
  }
  native.mapUpdateElem(map, u32(0), bytes, 0);
}
