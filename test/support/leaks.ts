/**
 * What a test run could leave behind on this machine, looked at before and after: named network namespaces, netdevs of
 * our own namespace, mounts and pins, what a Docker engine keeps, XDP programs and BPF links, and processes (by a mark in
 * their environment).
 */
import { execFile } from 'node:child_process';
import { glob, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const SETTLE_MS = 15_000;

async function names(folder: string, recursive = false): Promise<string[]> {
  return await readdir(folder, { recursive }).catch(() => []);
}

/** Where docker/engine makes its images, which it may be doing meanwhile. */
const ENGINE = join(import.meta.dirname, '../../.cache/engine');

async function mounts(scope: Scope): Promise<string[]> {
  const rows = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((row) => row.split(' '));
  const ours = rows.filter(([, path = '', type]) => type === 'bpf' || path.includes('shunt'));
  const isMeant = (path: string): boolean => scope === 'machine and engines' || !path.startsWith(`${ENGINE}/`);
  return ours.map(([, path = '']) => path).filter(isMeant);
}

/** Folders of a private engine (docker/engine): its cgroups, and where its sockets are. */
async function engines(): Promise<string[]> {
  return await Array.fromAsync(glob(['/sys/fs/cgroup/**/shunt-engine-*', '/run/shunt-engine-*']));
}

/** Lists ids of one kind of kernel object; nothing where bpftool is absent or may not look. */
async function bpfObjects(kind: 'prog' | 'link'): Promise<string[]> {
  const { stdout } = await execute('bpftool', ['-j', kind, 'show']).catch(() => ({ stdout: '[]' }));
  const objects = JSON.parse(stdout) as { id: number; type: string; name?: string }[];
  return objects.filter(({ type }) => type === 'xdp').map(({ id, name }) => `${id} ${name ?? ''}`);
}

async function observe(scope: Scope): Promise<Set<string>> {
  const found: [string, Promise<string[]>][] = [
    ['network namespace', names('/run/netns')],
    ['netdev', names('/sys/class/net')],
    ['mount at', mounts(scope)],
    ['of an engine', scope === 'machine and engines' ? engines() : Promise.resolve([])],
    ['pin /sys/fs/bpf/', names('/sys/fs/bpf', true)],
    ['in /run/shunt:', names('/run/shunt', true)],
    ['XDP program', bpfObjects('prog')],
    ['BPF link', bpfObjects('link')],
  ];
  const lists = await Promise.all(found.map(async ([what, list]) => (await list).map((item) => `${what} ${item}`)));
  return new Set(lists.flat());
}

/** Finds the processes that carry `mark` in their environment, however far they strayed from their parent. */
async function processesWith(mark: string): Promise<{ pid: number; command: string }[]> {
  const found = [];
  for (const pid of (await names('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
    if (!environment.split('\0').includes(mark)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    found.push({ pid: Number(pid), command: command.replaceAll('\0', ' ').trim() });
  }
  return found;
}

/** What is looked through: all of the machine, with or without what is made of an engine, or only what bears the run's own mark. */
export type Scope = 'machine' | 'machine and engines' | 'own';

/**
 * Runs `body` and answers what it left behind, as sentences. The kernel frees some objects late, so there is a grace of
 * SETTLE_MS; processes that are still there after it are killed, so that they cannot disturb what runs next.
 * @param mark `NAME=value` that is in the environment of every process that `body` starts, and in no other
 */
export async function leaksOf(mark: string, scope: Scope, body: () => Promise<void>): Promise<string[]> {
  const look = scope === 'own' ? async () => new Set<string>() : () => observe(scope);
  const before = await look();
  await body();
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    const [after, processes] = await Promise.all([look(), processesWith(mark)]);
    const left = [...after.difference(before), ...processes.map(({ pid, command }) => `process ${pid}: ${command}`)];
    if (left.length === 0) return [];
    if (performance.now() > deadline) {
      for (const { pid } of processes) kill(pid);
      return left;
    }
    await delay(50);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}
