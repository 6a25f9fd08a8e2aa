/** How handles live and die: run by native-lifetime.test.ts, one scenario a process, in namespaces of its own. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadNative } from '../../native/index.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';

const native = loadNative();
const ARRAY = 2;
const BPF_F_MMAPABLE = 1024;
const openFds = () => readdirSync('/proc/self/fd').length;
const setLoopback = (state: 'up' | 'down') => execFileSync('ip', ['link', 'set', 'lo', state]);
const makeMap = () => must('mapCreate', native.mapCreate(ARRAY, 'snat', 4, 8, 1, BPF_F_MMAPABLE));

/** One of each kind that needs no file, left open. */
function openSome(): void {
  must('mapMmap', native.mapMmap(makeMap(), true));
  must(
    'netSubscribe',
    native.netSubscribe(() => {}),
  );
}

async function runWorker(scenario: string): Promise<unknown[]> {
  const worker = new Worker(new URL(import.meta.url), { workerData: scenario });
  const errors: unknown[] = [];
  worker.on('error', (error) => errors.push((error as Error).message));
  await new Promise((resolve) => worker.on('exit', resolve));
  return errors;
}

async function waitFor(condition: () => boolean): Promise<boolean> {
  const deadline = Date.now() + 2000;
  while (!condition() && Date.now() < deadline) await turn();
  return condition();
}

const scenarios: Record<string, () => unknown> = {
  async descriptors() {
    native.close(makeMap());
    const before = openFds();
    for (let i = 0; i < 10_000; i++) {
      const map = makeMap();
      const memory = must('mapMmap', native.mapMmap(map, true));
      native.close(map);
      native.close(memory);
    }
    const afterMaps = openFds() - before;
    for (let i = 0; i < 500; i++) {
      native.close(
        must(
          'netSubscribe',
          native.netSubscribe(() => {}),
        ),
      );
      if (i % 50 === 0) await turn();
    }
    await turn();
    await turn();
    for (let i = 0; i < 500; i++) native.netLinks();
    return { afterMaps, afterSubscriptions: openFds() - before };
  },

  async workers() {
    await runWorker('leave');
    const before = openFds();
    for (let i = 0; i < 20; i++) await runWorker('leave');
    const errors = (await Promise.all(Array.from({ length: 4 }, () => runWorker('leave')))).flat();
    const stopping = new Worker(new URL(import.meta.url), { workerData: 'stay' });
    await once(stopping, 'message');
    await stopping.terminate();
    return { leaked: openFds() - before, errors, mainStillWorks: native.netLinks().rc };
  },

  async workerCallbacks() {
    setLoopback('down');
    const thrown = await runWorker('throwing');
    return { thrown, exit: await runWorker('exiting') };
  },

  async lock() {
    const dir = mkdtempSync(join(tmpdir(), 'snat-lock-'));
    const path = join(dir, 'lock');
    must('lockFile', native.lockFile(path));
    for (let i = 0; i < 10; i++) {
      globalThis.gc?.();
      await turn();
    }
    const second = native.lockFile(path);
    const lock = must('lockFile', native.lockFile(`${path}2`));
    const held = native.lockFile(`${path}2`);
    native.close(lock);
    const freed = typeof native.lockFile(`${path}2`);
    execFileSync('ln', ['-s', path, `${path}3`]);
    const symlink = native.lockFile(`${path}3`);
    const folder = must('lockFolder', native.lockFolder(dir));
    const folders = [native.lockFolder(dir), native.lockFolder(path), native.lockFolder(`${path}3`)];
    native.close(folder);
    folders.push(typeof native.lockFolder(dir) === 'object' ? 0 : -1);
    rmSync(dir, { recursive: true });
    return { collected: second, held, freed, symlink, folders };
  },

  async throwing() {
    const uncaught: string[] = [];
    process.on('uncaughtException', (error) => uncaught.push(error.message));
    let calls = 0;
    must(
      'netSubscribe',
      native.netSubscribe(() => {
        calls++;
        if (calls === 1) throw new Error('from the callback');
      }),
    );
    setLoopback('up');
    const surfaced = await waitFor(() => uncaught.length > 0);
    setLoopback('down');
    const goesOn = await waitFor(() => calls > 1);
    return { surfaced, uncaught, goesOn };
  },

  async closing() {
    let calls = 0;
    const subscription = must(
      'netSubscribe',
      native.netSubscribe(() => {
        calls++;
        native.close(subscription);
      }),
    );
    setLoopback('up');
    await waitFor(() => calls > 0);
    setLoopback('down');
    for (let i = 0; i < 20; i++) await turn();
    return { calls };
  },
};

const workers: Record<string, () => void> = {
  leave: openSome,
  stay() {
    openSome();
    setInterval(() => {}, 1000);
    parentPort?.postMessage('ready');
  },
  throwing() {
    must(
      'netSubscribe',
      native.netSubscribe(() => {
        throw new Error('from the callback');
      }),
    );
    setInterval(() => {}, 1000);
    setLoopback('up');
  },
  exiting() {
    must(
      'netSubscribe',
      native.netSubscribe(() => process.exit()),
    );
    setInterval(() => {}, 1000);
    setLoopback('down');
  },
};

if (isMainThread) printResult(await scenarios[process.argv[2] ?? '']?.());
else workers[workerData as string]?.();
