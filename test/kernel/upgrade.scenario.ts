/** A program of another build takes the place of one that is in force: what stands then, as one JSON document. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AttachOptions, type AttachReport, attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import { examineProgram } from '../../agent/doctor/program.ts';
import { findBuild } from '../../agent/kernel/build.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { findAbout } from '../../agent/kernel/open-maps.ts';
import { pinPaths } from '../../agent/kernel/pins.ts';
import { TRACEPOINTS } from '../../agent/kernel/traffic.ts';
import { loadNative } from '../../native/index.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { otherBuild } from '../support/other-build.ts';

/** Of the system calls that may change something, one in so many. */
const EVERY = Number(process.argv[2] ?? '1');
const CALLS = 'bpf,rename,renameat2,unlink,unlinkat,chown,fchownat,chmod,fchmodat,mkdir,rmdir';
const INTERFACES = ['in0', 'out0'];

const native = loadNative();
const parent = mkdtempSync(join(tmpdir(), 'shunt-upgrade-'));
const pinRoot = join(parent, 'bpf');
const paths = pinPaths(pinRoot);
const sh = (line: string): string => execFileSync('sh', ['-ec', line], { cwd: parent, encoding: 'utf8' });
for (const name of ['in', 'out']) {
  sh(`ip link add ${name}0 type veth peer ${name}1; ip link set ${name}0 up; ip link set ${name}1 up`);
}
const options: AttachOptions = {
  ...{ interfaces: INTERFACES, mode: 'generic', pinRoot, maxRedirects: 64, acceptPrivatePins: true },
  owner: { uid: 65534, gid: 65534 },
};
const other = await otherBuild(join(parent, 'other'), '0.2.0');
const says = ({ program: { before, version, switched }, changed }: AttachReport) => ({
  ...{ from: before?.version, to: version, switched, changed },
});

/** What is in force, and what is left of what was begun. */
function standing() {
  const about = findAbout(native, paths);
  const program = typeof about === 'number' ? about : about.program;
  const runs = INTERFACES.map((name) => {
    const link = must(name, native.linkOpen(paths.link(name)));
    const { programId } = must(name, native.linkInfo(link));
    native.close(link);
    return programId === program;
  });
  const begun = [...readdirSync(paths.layout), ...readdirSync(paths.rootOnly)].filter((name) => name.endsWith('_next'));
  return { runs, begun, beside: findBuild(native, paths)?.beside };
}

/** The code that counts what dies after its verdict. */
function watching(): readonly string[] {
  return TRACEPOINTS.map((name) => {
    const link = must(name, native.linkOpen(paths.tracepoint(name)));
    const program = must(name, native.linkProgram(link));
    const { tag } = must(name, native.programInfo(program));
    for (const handle of [link, program]) native.close(handle);
    return tag;
  });
}

/** What `doctor` of this build says of the program. */
const judged = (): readonly string[] => {
  const { level, found } = examineProgram(native, paths);
  return [level, found.replace(/tag [0-9a-f]{16}/, 'tag …')];
};

const first = says(attach(native, options));
const doctor = [judged()];
using agent = new NativeKernel(native, pinRoot);
const seen = () => agent.net.network().netdevs.flatMap(({ name, attached }) => (name.endsWith('0') ? [attached] : []));
const tags = [findBuild(native, paths)?.tag];
const watched = [watching()];
const blinds = agent.words.blinds();
const forth = says(other.attach(native, options));
tags.push(findBuild(native, paths)?.tag);
watched.push(watching());
const after = { standing: standing(), seen: seen(), isBlind: agent.words.blinds() !== blinds };
doctor.push(judged());
const again = says(other.attach(native, options));
const back = says(attach(native, options));
tags.push(findBuild(native, paths)?.tag);
watched.push(watching());

// As a loader left it that was killed before it said what it put in force.
sh('rm bpf/v2/build');
doctor.push(judged());
const ofOld = says(other.attach(native, options));
const later = standing();
attach(native, options);

// What the kernel refuses changes nothing.
const object = join(parent, 'other/bpf/build/redirect.bpf.o');
const whole = readFileSync(object);
writeFileSync(object, whole.subarray(0, whole.length / 2));
let refused = 'accepted';
try {
  other.attach(native, options);
} catch (error) {
  refused = (error as Error).message.replaceAll(parent, '…');
}
writeFileSync(object, whole);
const afterRefusal = { standing: standing(), seen: seen(), tag: findBuild(native, paths)?.tag === tags[0] };

// Killed at any step.
const program = join(parent, 'other/attach.ts');
writeFileSync(
  program,
  `import { attach } from './agent/attach/attach.ts';
import { loadNative } from './native/index.ts';
attach(loadNative(), ${JSON.stringify(options)});
`,
);
const trace = (...how: readonly string[]) =>
  spawnSync('strace', ['-f', '-qq', '-o', join(parent, 'trace'), ...how, process.execPath, program], {
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
  });
trace('-e', `trace=${CALLS}`);
const calls = [...readFileSync(join(parent, 'trace'), 'utf8').matchAll(/^(\d+)\s+(\w+)\(/gm)];
const [main] = calls.find(([, , name]) => name === 'bpf')?.slice(1) ?? [];
const counts = new Map<string, number>();
const points = calls.flatMap(([, thread, name = '']) => {
  if (thread !== main) return [];
  counts.set(name, (counts.get(name) ?? 0) + 1);
  return [[name, counts.get(name) ?? 0] as const];
});
const killed = { points: points.length, tried: 0, died: 0, wrong: [] as unknown[] };
for (const [at, [name, nth]] of points.entries()) {
  if (at % EVERY !== 0) continue;
  attach(native, options);
  const { signal } = trace('-e', `trace=${name}`, '-e', `inject=${name}:signal=SIGKILL:when=${nth}`);
  killed.tried += 1;
  if (signal === 'SIGKILL') killed.died += 1;
  const meanwhile = seen();
  other.attach(native, options);
  const [now, looks] = [standing(), seen()];
  const isWatched = watching().every((tag, at) => tag === watched[1]?.[at]);
  const isWhole = isWatched && now.begun.length === 0 && now.beside?.length === 0 && now.runs.every(Boolean);
  if (!isWhole || [...meanwhile, ...looks].some((one) => one !== 'generic'))
    killed.wrong.push([name, nth, meanwhile, now]);
}
agent[Symbol.dispose]();
detach(native, pinRoot, []);
const left = readdirSync(parent).includes('bpf');
rmSync(parent, { recursive: true });
printResult({
  doctor,
  first,
  forth,
  tags,
  watched,
  after,
  again,
  back,
  ofOld,
  later,
  refused,
  afterRefusal,
  killed,
  left,
});
