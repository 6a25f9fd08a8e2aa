/** Maps that are to take the place of others, and do not: nobody fills them, or their loader dies. One JSON document. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type AttachOptions, attach } from '../../agent/attach/attach.ts';
import { Bypass } from '../../agent/attach/bypass.ts';
import { detach } from '../../agent/attach/detach.ts';
import { examinePins } from '../../agent/doctor/pins.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { pinPaths, STANDING } from '../../agent/kernel/pins.ts';
import type { EntryValue } from '../../agent/model/entry.ts';
import { loadNative } from '../../native/index.ts';
import { parseMatch } from '../../protocol/match.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';

const LEFT_MS = 10_000;
const NO_MAC = '00:00:00:00:00:00';
const DROP: EntryValue = {
  ...{ rev: 1, until: 0n, slot: 0, ifindex: 0, action: 'drop', keepTtl: false, mtu: 0, dmac: NO_MAC, smac: NO_MAC },
};
const native = loadNative();
const parent = mkdtempSync(join(tmpdir(), 'shunt-succession-'));
const pinRoot = join(parent, 'bpf');
const sh = (line: string): string => execFileSync('sh', ['-ec', line], { encoding: 'utf8' });
sh('ip link add v0 type veth peer v1; ip link set v0 up; ip link set v1 up');
const options: AttachOptions = {
  ...{ interfaces: ['v0'], mode: 'generic', pinRoot, maxRedirects: 4, acceptPrivatePins: true },
  owner: { uid: 65534, gid: 65534 },
};
const refusal = (act: () => unknown): string => {
  try {
    act();
    return 'accepted';
  } catch (error) {
    return (error as Error).message.replaceAll(parent, '…');
  }
};
const folders = (): readonly string[] =>
  readdirSync(pinRoot)
    .filter((name) => !name.endsWith('.debug'))
    .sort();
let aheadMs = 0;

const modes = (): readonly string[] =>
  ['', 'root', 'about', 'tags', 'zones', 'stats', 'root/link_v0', 'root/program'].map((name) => {
    const { uid, gid, mode } = statSync(join(pinRoot, STANDING, name));
    return `${name} ${uid}:${gid} ${(mode & 0o777).toString(8)}`;
  });

attach(native, options);
const before = modes();
const empty = attach(native, { ...options, maxRedirects: 8 }).replaced.map(({ from, to }) => [from.slots, to.slots]);
const tables = (['off', 'off', 'on', undefined] as const).map((table) => {
  const { replaced, table: is } = attach(native, { ...options, maxRedirects: 8, ...(table && { table }) });
  return [...replaced.map(({ from, to, counts }) => [from.table, to.table, counts]), is];
});
const asBefore = modes().filter((one, at) => one !== before[at]);
using agent = new NativeKernel(native, pinRoot, () => Date.now() + aheadMs);
for (let host = 0; host < 3; host += 1) {
  const key = { match: parseMatch({ dst: `192.0.2.${host}` }), zone: 0 };
  agent.entries.apply([{ op: 'write', id: `${host}`, key, value: { ...DROP, slot: host } }]);
}

const epochs: (readonly string[])[] = [];
const noteEpochs = (): void => {
  epochs.push([agent.counts.epoch, agent.counts.epoch]);
};
noteEpochs();

const told: string[] = [];
const tell = (line: string): void => {
  told.push(line.replaceAll(parent, '…'));
};
const tooSmall = refusal(() => attach(native, { ...options, maxRedirects: 2 }));
const nobody = refusal(() => attach(native, { ...options, maxRedirects: 16, waitMs: 200, tell }));
const claim = must('lock', native.lockFolder(pinPaths(pinRoot).claim)); // as an agent that does not look for new maps
agent.sign();
const unwilling = refusal(() => attach(native, { ...options, maxRedirects: 16, waitMs: 200, tell }));
native.close(claim);
const afterRefusals = { folders: folders(), followed: agent.follow(), slots: agent.entries.limits.slots };

// A loader dies while it waits.
const program = join(parent, 'attach.ts');
const imports = ['agent/attach/attach.ts', 'native/index.ts'].map((path) => join(import.meta.dirname, '../..', path));
writeFileSync(
  program,
  `import { attach } from '${imports[0]}';
import { loadNative } from '${imports[1]}';
attach(loadNative(), ${JSON.stringify({ ...options, maxRedirects: 16 })});
`,
);
const next = pinPaths(pinRoot, 'next');
const loader = spawn(process.execPath, [program], { stdio: 'inherit' });
while (!existsSync(next.layout)) await delay(20);
const begun = agent.follow();
agent.reopen();
noteEpochs();
const filling = { slots: agent.entries.limits.slots, coming: agent.net.network().coming, followed: agent.follow() };
const busy = refusal(() => detach(native, pinRoot, []));
const words = (): readonly boolean[] =>
  [pinPaths(pinRoot), next].map(({ map }) => {
    const control = native.mapOpen(map('control'), false) as never;
    const word = (native.mapLookupElem(control, new Uint8Array(4), 0) as Uint8Array)[8] !== 0;
    native.close(control);
    return word;
  });
const bypass = new Bypass(native, pinRoot);
const changed = bypass.set(true);
const put = words();
bypass.set(false);
bypass[Symbol.dispose]();
loader.kill('SIGKILL');
await once(loader, 'exit');
const doctor = examinePins(native, pinRoot).findings.flatMap(({ level, found }) =>
  found.startsWith('maps that') ? [level, found.replaceAll(parent, '…')] : [],
);
const left = { tended: agent.follow(), folders: folders() };
aheadMs = LEFT_MS + 1_000;
const untended = agent.follow();
agent.reopen();
noteEpochs();
const back = { slots: agent.entries.limits.slots, coming: agent.net.network().coming, followed: agent.follow() };
const entries = [...agent.entries.observe().entries].length;
const { maxRedirects: _, ...anySize } = options;
const ended = attach(native, anySize).replaced.length;
const afterwards = { folders: folders(), entries: [...agent.entries.observe().entries].length };
agent[Symbol.dispose]();
detach(native, pinRoot, []);
const gone = !existsSync(pinRoot);
rmSync(parent, { recursive: true });
printResult({
  ...{
    empty,
    tables,
    asBefore,
    tooSmall,
    nobody,
    unwilling,
    told,
    afterRefusals,
    begun,
    filling,
    busy,
    changed,
    put,
    left,
    untended,
    doctor,
  },
  ...{ back, entries, ended, afterwards, gone, epochs },
});
